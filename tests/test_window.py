"""The views that get_buffer() gives: how large they are, how much they take, and how they end."""

from __future__ import annotations

import ctypes
import pickle
import tracemalloc
from types import ModuleType
from typing import Any

import pytest
from helpers import make_frame, naive_header
from memory import on_cpython
from twins import carried

SCRATCH = 65536
LARGE = 16384  # what a payload must lack to be read into its own memory
DECODERS = ["FrameDecoder", "MessageDecoder"]


@pytest.fixture(params=DECODERS)
def decoder(codec: ModuleType, request: pytest.FixtureRequest) -> Any:
    return getattr(codec, request.param)("client")


def begin(decoder: Any, size: int, came: int = 0) -> None:
    """Have a payload of this size in progress."""
    decoder.feed(make_frame(2, bytes(size))[: len(naive_header(2, size)) + came])
    assert list(decoder) == []


def contents(decoder: Any) -> list[Any]:
    return [carried(item) for item in decoder]


@pytest.mark.parametrize("sizehint", [1, 7, 16383, 65537, 100_000])
def test_view_has_the_size_that_is_asked_for(decoder: Any, sizehint: int) -> None:
    assert len(decoder.get_buffer(sizehint)) == sizehint


@pytest.mark.parametrize("came", [0, 1, 300])
def test_view_ends_with_a_payload_that_is_large_enough(decoder: Any, came: int) -> None:
    begin(decoder, LARGE + came, came)
    assert len(decoder.get_buffer()) == LARGE
    decoder.feed(bytes(1))
    assert list(decoder) == []
    assert len(decoder.get_buffer()) == SCRATCH


def test_s2_views_that_are_left_unused_take_no_memory(codec: ModuleType) -> None:
    decoder = codec.FrameDecoder("client", max_payload_size=None)
    decoder.feed(naive_header(2, 1 << 30))
    assert list(decoder) == []
    tracemalloc.start()
    try:
        for _ in range(10):
            decoder.get_buffer()
        assert tracemalloc.get_traced_memory()[1] < 4 * SCRATCH
    finally:
        tracemalloc.stop()


@on_cpython
@pytest.mark.parametrize("opcode", [1, 2])
@pytest.mark.parametrize("kind", DECODERS)
def test_views_of_a_payload_stand_one_behind_the_other(
    back_end: ModuleType, kind: str, opcode: int
) -> None:
    """A view that was given back costs no copy of what was read into it."""
    decoder = getattr(back_end, kind)("client")
    decoder.feed(naive_header(opcode, SCRATCH))
    starts = []
    for _ in range(9):
        assert next(decoder, None) is None
        view = decoder.get_buffer()
        view[:5000] = b"x" * 5000
        starts.append(ctypes.addressof((ctypes.c_char * 1).from_buffer(view)))
        del view
        decoder.buffer_updated(5000)
    assert starts == list(range(starts[0], starts[0] + 9 * 5000, 5000))


def test_no_more_than_the_view_can_have_been_read(decoder: Any) -> None:
    begin(decoder, 20_000, 2000)
    view = decoder.get_buffer()
    assert len(view) == 18_000
    with pytest.raises(ValueError, match="^nbytes must be from 0 to 18000, not 18001$"):
        decoder.buffer_updated(18_001)
    view[:] = bytes([7]) * 18_000
    decoder.buffer_updated(18_000)
    assert contents(decoder) == [bytes(2000) + bytes([7]) * 18_000]


@pytest.mark.parametrize("opcode", [1, 2])
def test_no_more_is_read_in_place_than_the_fragment_has(codec: ModuleType, opcode: int) -> None:
    """There is room for the next one in the same memory, and a header comes first."""
    first, second = b"x" * 37_000, b"y" * 20_000
    stream = make_frame(opcode, first, fin=False) + make_frame(0, second)
    decoder = codec.MessageDecoder("client")
    decoder.feed(stream[:20_000])
    assert next(decoder, None) is None
    rest, found = stream[20_000:], []
    while rest:
        view = decoder.get_buffer()
        count = min(len(view), len(rest))
        view[:count] = rest[:count]
        decoder.buffer_updated(count)
        rest = rest[count:]
        found += contents(decoder)
    assert [bytes(item, "ascii") if opcode == 1 else item for item in found] == [first + second]


@pytest.mark.parametrize("opcode", [1, 2])
def test_view_outlives_the_payload_that_it_was_of(codec: ModuleType, opcode: int) -> None:
    decoder = codec.MessageDecoder("client")
    decoder.feed(make_frame(opcode, b"x" * 20_000)[:100])
    assert next(decoder, None) is None
    view = decoder.get_buffer()
    decoder.feed(b"x" * (20_000 - 96))
    assert len(contents(decoder)) == 1
    view[:6] = make_frame(2, b"next")
    decoder.buffer_updated(6)
    assert contents(decoder) == [b"next"]


@pytest.mark.parametrize("size", [3, 20_000], ids=["scratch", "in-place"])
def test_view_is_released_by_its_update(decoder: Any, size: int) -> None:
    begin(decoder, size)
    view = decoder.get_buffer()
    decoder.buffer_updated(1)
    with pytest.raises(ValueError, match="released"):
        view[0] = 1
    assert decoder.buffered == (3 if size == 3 else 5)


@pytest.mark.parametrize("size", [3, 20_000], ids=["scratch", "in-place"])
def test_s23_view_that_is_exported_does_no_harm(decoder: Any, size: int) -> None:
    begin(decoder, size)
    view = decoder.get_buffer()
    held = pickle.PickleBuffer(view)  # so it cannot be released
    view[:1] = b"x"
    decoder.buffer_updated(1)
    decoder.feed(bytes(size - 1))
    assert contents(decoder) == [b"x" + bytes(size - 1)]
    held.release()
