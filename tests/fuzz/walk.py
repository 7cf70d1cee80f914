"""Two decoders driven together over one stream, in the steps that a fuzzer chooses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from twins import ask, read_into

from .choices import Choices

SIZES = [1, 2, 3, 4, 5, 6, 7, 10, 14, 33, 50, 126, 300, 4096, 100_000, 100_000]
LIMITS = [None, 1 << 20, 65535, 300, 126, 125, 20, 1, 0]
MOST_STEPS = 24
EVERYTHING = 1000  # more than a stream has


class Difference(AssertionError):
    """Two that have to agree do not."""


def same(what: str, one: Any, other: Any) -> None:
    """Hold one result against the other.

    Raises:
        Difference: they are not equal.
    """
    if one != other:
        raise Difference(f"{what}:\n  {one!r:.2000}\n  {other!r:.2000}")


def plan(choices: Choices) -> bytes:
    """Choose up to eight steps, which are taken by turns."""
    return choices.take(1 + choices.byte() % 8) or b"\xff"


def pieces(stream: bytes, steps: bytes) -> Iterator[tuple[bytes, int]]:
    """Cut a stream; give each piece with its step, of which the low four bits were its size."""
    least, at, turn = len(stream) // MOST_STEPS + 1, 0, 0
    while at < len(stream):
        step = steps[turn % len(steps)]
        piece = stream[at : at + max(least, SIZES[step & 15])]
        yield piece, step
        at += len(piece)
        turn += 1


def put(pair: list[Any], piece: bytes, how: int) -> None:
    """Give both the same bytes, in one of four ways."""
    if how == 3:
        while piece:
            piece = piece[read_into(pair, piece, len(piece)) :]
        return
    for decoder in pair:
        if how == 2:
            decoder.get_buffer(len(piece))  # and leave it
        decoder.feed(memoryview(bytearray(piece)) if how == 1 else piece)


def walk_together(
    pair: list[Any],
    stream: bytes,
    steps: bytes,
    fields: Callable[[Any], Any],
    state: Callable[[Any], Any],
    set_limit: Callable[[Any, int | None], None],
) -> None:
    """Drive two decoders over a stream, and hold them against each other after each step."""

    def seen(most: int) -> None:
        same("what comes", *[ask(decoder, most, fields) for decoder in pair])
        same("the state behind it", *map(state, pair))

    for piece, step in pieces(stream, steps):
        if step >> 4 == 2:
            for decoder in pair:
                set_limit(decoder, LIMITS[step & 15 if step & 15 < len(LIMITS) else 0])
        put(pair, piece, step >> 4 & 3)
        if step >> 6:
            seen(1 if step >> 6 == 1 else EVERYTHING)
        else:
            same("the state after input", *map(state, pair))
    seen(EVERYTHING)
    seen(1)
