"""Messages that are read into place, by get_buffer(): of each kind, and with views kept."""

from __future__ import annotations

import ctypes
import random
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from helpers import make_frame
from message_streams import KEY

from fastws import RSV1
from fastws.deflate import Deflate, PerMessageDeflate

SIZE = 120_000
SETTINGS = PerMessageDeflate()
NOISE = random.Random(1).randbytes(SIZE)  # also once it is compressed it is large
ASCII = bytes([97 + byte % 26 for byte in NOISE])
WIDE = ASCII[:60_000].decode() + "\u20ac" * 20_000

# What is sent: opcode, content, options of the decoder, and what comes. All is in one frame.
KINDS: dict[str, tuple[int, bytes, dict[str, Any], str | bytes]] = {
    "binary": (2, NOISE, {}, NOISE),
    "ascii": (1, ASCII, {}, ASCII.decode()),
    "wide": (1, WIDE.encode(), {}, WIDE),
    "bytes": (1, ASCII, {"text": "bytes"}, ASCII),
    "unchecked": (1, NOISE, {"text": "bytes", "validate_utf8": False}, NOISE),
}
Keep = Callable[[memoryview], Any]


def taken(decoder: Any, wire: bytes, most: int, keep: Keep) -> Iterator[Any]:
    """Give wire to the decoder by way of its buffers; what `keep` makes of each lives on."""
    kept = []
    while wire:
        view = decoder.get_buffer(-1)
        kept.append(keep(view))
        size = min(len(view), len(wire), most)
        view[:size] = wire[:size]
        decoder.buffer_updated(size)
        wire = wire[size:]
        yield from decoder


KEEP: dict[str, Keep] = {
    "nothing": lambda view: None,
    "the view": lambda view: view,
    "a view of it": lambda view: memoryview(view),
    # This one keeps the view from being released.
    "an export": lambda view: (ctypes.c_char * 1).from_buffer(view),
}


@pytest.mark.parametrize("keep", KEEP)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mask", [None, KEY])
def test_messages_of_each_kind_are_read_into_place(
    codec: ModuleType, mask: bytes | None, kind: str, keep: str
) -> None:
    opcode, content, options, expected = KINDS[kind]
    decoder = codec.MessageDecoder(None, **options)
    wire = make_frame(opcode, content, mask=mask)
    for most in (20_000, SIZE):
        found = list(taken(decoder, wire * 2, most, KEEP[keep]))
        assert [event.data for event in found] == [expected] * 2
    assert decoder.buffered == 0


@pytest.mark.parametrize("opcode", [1, 2])
def test_compressed_messages_are_read_into_place(codec: ModuleType, opcode: int) -> None:
    content = "".join(map(chr, NOISE)).encode() if opcode == 1 else NOISE
    packed = Deflate(SETTINGS).compress(content)
    decoder = codec.MessageDecoder("server", deflate=Deflate(SETTINGS))
    wire = make_frame(opcode, packed, rsv=RSV1, mask=KEY)
    (event,) = taken(decoder, wire, SIZE, KEEP["nothing"])
    assert event.data == (content.decode() if opcode == 1 else content)


@pytest.mark.parametrize("kind", KINDS)
def test_feed_leaves_the_buffer_that_is_out_alone(codec: ModuleType, kind: str) -> None:
    opcode, content, options, expected = KINDS[kind]
    decoder = codec.MessageDecoder(None, **options)
    wire = make_frame(opcode, content, mask=KEY)
    decoder.feed(wire[:30_000])
    assert list(decoder) == []
    view = decoder.get_buffer(-1)
    decoder.feed(wire[30_000:50_000])  # comes first, and may move what has come
    view[:10_000] = wire[50_000:60_000]
    decoder.buffer_updated(10_000)
    assert list(decoder) == []
    assert decoder.buffered == 60_000
    decoder.feed(wire[60_000:])
    assert [event.data for event in decoder] == [expected]
