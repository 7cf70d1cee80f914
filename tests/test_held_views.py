"""Views of `get_buffer()` that somebody still holds: what was handed out is nobody else's memory.

The holder of a view may keep it behind `buffer_updated()`, and export it, so that it cannot be
released. What it writes then goes nowhere.
"""

from __future__ import annotations

import ctypes
import sys
from pickle import PickleBuffer
from types import ModuleType
from typing import Any

import pytest
from helpers import make_frame
from twins import payload_of

from fastws import InvalidUtf8Error

KEY = bytes.fromhex("37fa213d")
SIZE = 200_000  # several windows
HEADER = 14  # bytes of one that is masked


def decoder_of(codec: ModuleType, kind: str) -> Any:
    if kind == "frames":
        return codec.FrameDecoder("server")
    return codec.MessageDecoder("server", text=kind)


def read(decoder: Any, data: bytes, holds: list[PickleBuffer], most: int = 1 << 30) -> None:
    """Read data through the decoder's own buffers, and keep each of them."""
    while data:
        view = decoder.get_buffer()
        count = min(len(view), len(data), most)
        holds.append(PickleBuffer(view))
        view[:count] = data[:count]
        decoder.buffer_updated(count)
        data = data[count:]


def scribble(holds: list[PickleBuffer], byte: bytes = b"!") -> None:
    for held in holds:
        memory = held.raw()
        memory[:] = byte * len(memory)


@pytest.mark.parametrize("most", [1 << 30, 20_000])
@pytest.mark.parametrize("opcode", [1, 2])
@pytest.mark.parametrize("kind", ["frames", "str", "bytes"])
def test_s23_a_view_that_is_held_reaches_nothing(
    codec: ModuleType, kind: str, opcode: int, most: int
) -> None:
    payload = bytes(range(97, 123)) * (SIZE // 26)
    wire = make_frame(opcode, payload, mask=KEY)
    decoder = decoder_of(codec, kind)
    decoder.feed(wire[:100])
    assert next(decoder, None) is None
    holds: list[PickleBuffer] = []
    for at in range(100, len(wire), 70_000):
        read(decoder, wire[at : at + 70_000], holds, most)
        if at + 70_000 < len(wire):
            assert next(decoder, None) is None
    (found,) = decoder
    before = hash(found)
    scribble(holds)
    assert payload_of(found) == payload
    assert hash(found) == before


@pytest.mark.parametrize("opcode", [1, 2])
@pytest.mark.parametrize("kind", ["frames", "str", "bytes"])
def test_s23_a_view_of_the_first_bytes_that_is_held(
    codec: ModuleType, kind: str, opcode: int
) -> None:
    """It begins where the payload's own object does, and the rest comes without a view."""
    payload = bytes(range(97, 123)) * (SIZE // 26)
    wire = make_frame(opcode, payload, mask=KEY)
    decoder = decoder_of(codec, kind)
    decoder.feed(wire[:HEADER])
    assert next(decoder, None) is None
    holds: list[PickleBuffer] = []
    read(decoder, wire[HEADER:50_000], holds)
    assert next(decoder, None) is None
    decoder.feed(wire[50_000:])
    (found,) = decoder
    scribble(holds)
    assert payload_of(found) == payload


@pytest.mark.parametrize("opcode", [1, 2])
@pytest.mark.parametrize("kind", ["FrameDecoder", "MessageDecoder"])
def test_s23_a_view_that_another_took_the_place_of(
    codec: ModuleType, kind: str, opcode: int
) -> None:
    payload = b"x" * SIZE
    wire = make_frame(opcode, payload, mask=KEY)
    decoder = getattr(codec, kind)("server")
    decoder.feed(wire[:100])
    assert next(decoder, None) is None
    first = decoder.get_buffer()
    for at in range(100, len(wire), 30_000):
        piece = wire[at : at + 30_000]
        view = decoder.get_buffer()
        first[:10] = b"!" * 10
        view[: len(piece)] = piece
        decoder.buffer_updated(len(piece))
    (found,) = decoder
    first[:] = b"!" * len(first)
    assert payload_of(found) == payload


@pytest.mark.parametrize("text", ["str", "bytes"])
def test_s23_what_is_written_too_late_breaks_no_text(codec: ModuleType, text: str) -> None:
    """It was ASCII when it was looked at, and CPython is told that it is."""
    wire = make_frame(1, b"x" * SIZE, mask=bytes(4))
    decoder = codec.MessageDecoder("server", text=text)
    decoder.feed(wire[:100])
    holds: list[PickleBuffer] = []
    for at in range(100, len(wire), 70_000):
        assert next(decoder, None) is None
        scribble(holds, b"\xff")
        read(decoder, wire[at : at + 70_000], holds)
    try:
        found = next(decoder)
    except InvalidUtf8Error:
        return
    content = payload_of(found)
    scribble(holds, b"\xff")
    assert payload_of(found) == content
    assert text == "bytes" or content.decode() == found.data


@pytest.mark.parametrize("last", [1, 50_000])
@pytest.mark.parametrize("opcode", [1, 2])
@pytest.mark.parametrize("text", ["str", "bytes"])
def test_s23_a_view_that_is_held_in_another_fragment(
    codec: ModuleType, text: str, opcode: int, last: int
) -> None:
    """There is room for more behind what has come, which nobody gives back."""
    first, second = b"x" * 70_000, b"y" * last
    decoder = codec.MessageDecoder("server", text=text)
    decoder.feed(make_frame(opcode, first, fin=False, mask=KEY)[:8])
    assert next(decoder, None) is None
    holds: list[PickleBuffer] = []
    read(decoder, make_frame(opcode, first, fin=False, mask=KEY)[8:], holds)
    assert next(decoder, None) is None
    decoder.feed(make_frame(0, second, mask=KEY))
    (found,) = decoder
    scribble(holds)
    assert payload_of(found) == first + second


@pytest.mark.parametrize(("text", "first"), [("é", 1), ("€", 1), ("\U0001f30d", 3)])
@pytest.mark.parametrize("again", [False, True])
def test_s23_text_whose_first_character_is_read_in_part(
    codec: ModuleType, text: str, first: int, again: bool
) -> None:
    """It leaves its memory, into which a view was given, while there is nothing to be copied."""
    text *= 20_000
    payload = text.encode()
    wire = make_frame(1, payload)
    head = len(wire) - len(payload)
    decoder = codec.MessageDecoder("client")
    decoder.feed(wire[:head])
    assert next(decoder, None) is None
    decoder.get_buffer()[:first] = payload[:first]
    decoder.buffer_updated(first)
    views = [decoder.get_buffer()]
    assert next(decoder, None) is None
    if again:
        views.append(decoder.get_buffer())
    decoder.feed(payload[first:])
    (found,) = decoder
    assert found.data == text
    # What is written to no room at all goes here; its last byte is a zero.
    if sys.implementation.name == "cpython":
        nothing = id(b"") + bytes.__basicsize__ - 1
        assert ctypes.string_at(nothing, 1) == b"\0"


def test_text_that_turns_out_wide_behind_a_view(codec: ModuleType) -> None:
    """The character that a view's bytes end is one that began in the view before."""
    text = "x" * 30_000 + "é€" * 20_000
    payload = text.encode()
    wire = make_frame(1, payload, mask=KEY)
    decoder = codec.MessageDecoder("server")
    head = len(wire) - len(payload)
    decoder.feed(wire[: head + 4])
    assert next(decoder, None) is None
    first = decoder.get_buffer()
    first[: 30_001 - 4] = wire[head + 4 : head + 30_001]
    decoder.buffer_updated(30_001 - 4)
    second = decoder.get_buffer()
    assert next(decoder, None) is None
    second[:20_000] = wire[head + 30_001 : head + 50_001]
    decoder.buffer_updated(20_000)
    decoder.feed(wire[head + 50_001 :])
    (found,) = decoder
    assert found.data == text
