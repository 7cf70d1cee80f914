"""Choices made by a fuzzer: its bytes, taken one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class Choices:
    """Bytes that decide; behind their end every choice is the first one, and nothing is left."""

    __slots__ = ("at", "data")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    @property
    def left(self) -> bool:
        return self.at < len(self.data)

    def byte(self) -> int:
        at = self.at
        if at >= len(self.data):
            return 0
        self.at = at + 1
        return self.data[at]

    def pick(self, among: Sequence[Any]) -> Any:
        return among[self.byte() % len(among)]

    def take(self, most: int) -> bytes:
        """Take up to so many bytes as they are."""
        piece = self.data[self.at : self.at + most]
        self.at += len(piece)
        return piece
