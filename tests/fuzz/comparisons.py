"""The comparisons by name, and a fault that they have to find."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from . import (
    compare_connections,
    compare_encode,
    compare_frames,
    compare_messages,
    compare_peers,
    compare_text,
)
from .choices import Choices

COMPARISONS: dict[str, Callable[[Choices, ModuleType], None]] = {
    "frames": compare_frames.check,
    "messages": compare_messages.check,
    "connections": compare_connections.check,
    "peers": compare_peers.check,
    "text": compare_text.check,
    "encode": compare_encode.check,
}


def compare(name: str, data: bytes, core: ModuleType) -> None:
    """Run one comparison on what the bytes choose.

    Raises:
        walk.Difference: two that have to agree do not.
    """
    COMPARISONS[name](Choices(data), core)


PLANTED_LENGTH = 33


def planted(core: ModuleType) -> Any:
    """Give a core whose FrameDecoder loses the last byte of payloads of one length."""

    class FrameDecoder(core.FrameDecoder):  # type: ignore[name-defined, misc]
        def __next__(self) -> Any:
            frame = super().__next__()
            if len(frame.payload) != PLANTED_LENGTH:
                return frame
            fields = (frame.opcode, frame.payload[:-1], frame.fin, frame.rsv, frame.masked)
            return core.Frame(*fields)

    copy = ModuleType("planted")
    vars(copy).update(vars(core))
    copy.FrameDecoder = FrameDecoder
    return copy
