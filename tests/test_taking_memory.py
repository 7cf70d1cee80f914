"""Memory for what comes in parts: it is asked for seldom, and is little more than has come."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable
from types import ModuleType

import pytest
from helpers import make_frame, naive_header
from memory import KIB, on_cpython

from fastws import RSV1, _pure

pytestmark = on_cpython
COUNT = 4000  # reads


class Plain:
    """An inflater that changes nothing."""

    def decompress(self, payload: bytes, *, limit: int, fin: bool) -> bytes:
        return payload


def peak_of(work: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        work()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


# --- How often -----------------------------------------------------------------------------------

# What begins a message, and what comes then again and again.
PARTS: dict[str, tuple[bytes, bytes]] = {
    "binary": (naive_header(2, 1 << 20), b"x"),
    "ascii": (naive_header(1, 1 << 20), b"x"),
    "wide": (naive_header(1, 1 << 20), "é".encode()),
    "wide, mostly there": (naive_header(1, 4 * COUNT + 8), "éé".encode()),
    "binary fragments": (make_frame(2, fin=False), make_frame(0, b"x", fin=False)),
    "wide fragments": (make_frame(1, fin=False), make_frame(0, "é".encode(), fin=False)),
    "compressed fragments": (make_frame(2, fin=False, rsv=RSV1), make_frame(0, b"x", fin=False)),
}


@pytest.mark.parametrize("name", PARTS)
def test_s12_what_comes_bit_by_bit_asks_for_memory_seldom(back_end: ModuleType, name: str) -> None:
    """The room grows by a part of what is there, or a copy at each byte would take square time."""
    start, part = PARTS[name]
    decoder = back_end.MessageDecoder("client", max_fragments=None, deflate=Plain())
    decoder.feed(start + part)
    assert next(decoder, None) is None
    changes = held = 0
    tracemalloc.start()
    try:
        for _ in range(COUNT):
            decoder.feed(part)
            assert next(decoder, None) is None
            now = tracemalloc.get_traced_memory()[0]
            changes += now != held
            held = now
    finally:
        tracemalloc.stop()
    assert changes < COUNT // 10


@pytest.mark.parametrize("kind", ["FrameDecoder", "MessageDecoder"])
@pytest.mark.parametrize("opcode", [1, 2])
def test_room_for_the_rest_is_taken_at_once(back_end: ModuleType, opcode: int, kind: str) -> None:
    """Behind the first part of many, what comes is never moved again."""
    if back_end is _pure:
        pytest.skip("a bytearray grows as its interpreter has it grow")
    part, parts = b"x" * 10_000, 17
    decoder = getattr(back_end, kind)("client")

    def take() -> int:
        decoder.feed(part)
        assert next(decoder, None) is None
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        decoder.feed(naive_header(opcode, parts * len(part)))
        take()
        before = take()
        assert before > parts * len(part)
        for _ in range(parts - 3):
            assert take() - before < KIB
    finally:
        tracemalloc.stop()


# --- How much ------------------------------------------------------------------------------------

TEXTS = {
    "one width": "€" * 140_000,
    "wider at its end": "é" * 100_000 + "€",
    "wide at its end": "x" * 100_000 + "é",
}


@pytest.mark.parametrize("name", TEXTS)
def test_text_takes_its_size(back_end: ModuleType, name: str) -> None:
    text = TEXTS[name]
    payload, size = text.encode(), sys.getsizeof(text)
    peak = peak_of(lambda: back_end.decode_text(payload))
    # Where a wider character comes, the text is written anew beside itself.
    narrow = 0 if name == "one width" else len(text)
    # CPython's own decoder has room for more.
    assert peak <= 1.1 * (size + narrow) * (6 if back_end is _pure else 1) + KIB


@pytest.mark.parametrize("character", ["é", "€", "\U0001f30d"], ids=ascii)
def test_text_in_one_frame_takes_its_size(back_end: ModuleType, character: str) -> None:
    text = character * 140_000
    wire = make_frame(1, text.encode())
    pieces = [wire[at : at + 16 * KIB] for at in range(0, len(wire), 16 * KIB)]
    decoder = back_end.MessageDecoder("client")

    def work() -> None:
        for piece in pieces:
            decoder.feed(piece)
            for event in decoder:
                assert event.data == text

    most = 1.1 * sys.getsizeof(text) + 8 * KIB
    assert peak_of(work) <= most * (8 if back_end is _pure else 1)


def test_mostly_ascii_takes_no_room_for_more_than_can_come(back_end: ModuleType) -> None:
    """What is left of a text has no more characters than bytes."""
    text = "\U0001f30d" + "x" * 50_000
    payload, size = text.encode(), sys.getsizeof(text)
    peak = peak_of(lambda: back_end.decode_text(payload))
    assert peak <= 1.01 * size * (3 if back_end is _pure else 1)


def test_wide_text_in_fragments_grows_where_it_stands(back_end: ModuleType) -> None:
    """Its room was doubled for the last characters, which is all that it takes."""
    text, parts = "é" * 10_000, 14
    first, more = (make_frame(opcode, text.encode(), fin=False) for opcode in (1, 0))
    decoder = back_end.MessageDecoder("client")

    def work() -> None:
        for part in range(parts):
            decoder.feed(more if part else first)
            assert next(decoder, None) is None

    room = 1 << 18  # characters
    assert room // 2 < parts * len(text) < room
    assert peak_of(work) <= 1.1 * room * (2 if back_end is _pure else 1)


@pytest.mark.parametrize("mask", [None, b"abcd"])
@pytest.mark.parametrize("text", ["é", "€", "\U0001f30d"], ids=ascii)
def test_text_to_send_is_encoded_into_its_frame(
    back_end: ModuleType, text: str, mask: bytes | None
) -> None:
    text *= 20_000
    frame = back_end.encode_frame(1, text, mask=mask)
    peak = peak_of(lambda: back_end.encode_frame(1, text, mask=mask))
    assert peak <= 1.1 * len(frame) * (7 if back_end is _pure else 1)


@pytest.mark.parametrize("fin", [True, False])
@pytest.mark.parametrize("opcode", [1, 2])
def test_a_view_takes_no_room_behind_its_frame(
    back_end: ModuleType, opcode: int, fin: bool
) -> None:
    size = 20_000
    start = naive_header(opcode, size, fin=fin)

    def work() -> None:
        for decoder in decoders:
            decoder.feed(start)
            assert next(decoder, None) is None
            assert len(decoder.get_buffer()) == size

    decoders = [back_end.MessageDecoder("client") for _ in range(10)]
    assert peak_of(work) <= (size + KIB) * (len(decoders) + 1)


@pytest.mark.parametrize("kind", ["FrameDecoder", "MessageDecoder"])
def test_small_frames_in_progress_take_little(back_end: ModuleType, kind: str) -> None:
    start = make_frame(2, bytes(100))[:7]

    def work() -> None:
        for decoder in decoders:
            decoder.feed(start)
            assert next(decoder, None) is None

    decoders = [getattr(back_end, kind)("client") for _ in range(100)]
    assert peak_of(work) <= 400 * len(decoders)
