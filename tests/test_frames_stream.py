"""FrameDecoder as a stream: cut anywhere, of any kind of chunk, paused, resumed, broken.

`naive_frames` is an independent parser, written from RFC 6455 5.2 alone.
"""

from __future__ import annotations

import functools
import itertools
from array import array
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from helpers import cuts, make_frame, naive_header, naive_mask
from hypothesis import given
from hypothesis import strategies as st

from fastws import RSV1, CodecError, PayloadTooBigError, ProtocolError

KEY = bytes.fromhex("37fa213d")


def run_dry(decoder: Any) -> tuple[list[Any], CodecError | None]:
    """Give the frames that are whole, and the error that broke the stream, or None."""
    frames = []
    try:
        for frame in decoder:
            frames.append(frame)
    except CodecError as error:
        return frames, error
    return frames, None


def fields(frames: list[Any]) -> list[tuple[Any, ...]]:
    """Give frames as plain tuples, as naive_frames does."""
    return [(f.opcode, f.payload, f.fin, f.rsv, f.masked) for f in frames]


# --- The independent parser ----------------------------------------------------------------------


class Broken(Exception):
    """The stream breaks here; carries the close code."""


def naive_check(first: int, second: int, role: str | None, rsv: int) -> None:
    """Hold the first two bytes against RFC 6455 5.1, 5.2, 5.5 and RFC 7692 6."""
    opcode, masked = first % 16, second >= 0x80
    if (
        opcode not in (0, 1, 2, 8, 9, 10)
        or any(first & bit and not rsv & bit for bit in (0x10, 0x20, 0x40))
        or (first & 0x40 and opcode not in (1, 2))
        or (opcode >= 8 and (first < 0x80 or second % 128 > 125))
        or (role == "server" and not masked)
        or (role == "client" and masked)
    ):
        raise Broken(1002)


def naive_frame(
    data: bytes, role: str | None, rsv: int, limit: int, strict: bool
) -> tuple[tuple[Any, ...], int] | None:
    """Give the frame that opens the data, and its size; None where bytes are missing."""
    if len(data) < 2:
        return None
    if strict:
        naive_check(data[0], data[1], role, rsv)
    masked, length, at = data[1] >= 0x80, data[1] % 128, 2
    if length >= 126:
        at = 4 if length == 126 else 10
        if len(data) < at:
            return None
        length = int.from_bytes(data[2:at], "big")
        if strict and (length < (126 if at == 4 else 65536) or length >= 1 << 63):
            raise Broken(1002)
    if length > limit:
        raise Broken(1009)
    key = bytes(4)
    if masked:
        key = data[at : at + 4]
        at += 4
    if len(data) < at + length:
        return None
    payload = naive_mask(data[at : at + length], key)
    return (data[0] % 16, payload, data[0] >= 0x80, data[0] & 0x70, masked), at + length


@functools.lru_cache(maxsize=64)
def naive_frames(
    data: bytes, role: str | None, *, rsv: int = 0, limit: int = 1 << 20, strict: bool = True
) -> tuple[list[tuple[Any, ...]], int | None, int]:
    """Give the whole frames of a stream, the close code of its fault or None, and what is left."""
    frames: list[tuple[Any, ...]] = []
    while True:
        try:
            found = naive_frame(data, role, rsv, limit, strict)
        except Broken as fault:
            return frames, fault.args[0], 0
        if found is None:
            return frames, None, len(data)
        frames.append(found[0])
        data = data[found[1] :]


# --- Cuts ----------------------------------------------------------------------------------------


@functools.cache
def wire_of(*sizes: int, mask: bytes | None = KEY) -> bytes:
    """Give a stream of BINARY frames with payloads of these sizes."""
    pattern = bytes(range(251)) * 300
    return b"".join(make_frame(2, pattern[size % 7 :][:size], mask=mask) for size in sizes)


STREAMS = [
    wire_of(0, 1, 5, 0),
    wire_of(0, 1, 5, 0, mask=None),
    wire_of(125, 126, 127),
    wire_of(3, 126, 3, mask=None),
    make_frame(1, b"He", fin=False, mask=KEY) + make_frame(9, b"?", mask=KEY) + wire_of(0),
]


@pytest.mark.parametrize("stream", STREAMS)
def test_stream_cut_once_anywhere(codec: ModuleType, stream: bytes) -> None:
    whole, _, _ = naive_frames(stream, None)
    for cut in range(len(stream) + 1):
        decoder = codec.FrameDecoder(None)
        found = []
        for part, end in ((stream[:cut], cut), (stream[cut:], len(stream))):
            decoder.feed(part)
            found += fields(run_dry(decoder)[0])
            expected, _, left = naive_frames(stream[:end], None)
            assert found == expected
            assert decoder.buffered == left
        assert found == whole


@pytest.mark.parametrize("size", [125, 126, 65535, 65536, 70000])
@pytest.mark.parametrize("mask", [None, KEY], ids=["plain", "masked"])
def test_long_frame_cut_twice(codec: ModuleType, mask: bytes | None, size: int) -> None:
    stream = wire_of(size, 2, mask=mask)
    whole = naive_frames(stream, None)[0]
    head = range(1, 16)  # in and around the header
    tail = range(len(stream) - 12, len(stream) + 1)  # around the end, and in the next header
    middle = [17, 64, 4096 + 3, 16384 + 1, 65536 + 5]
    for ends in itertools.product(head, [*head, *middle, *tail]):
        first, second = sorted(ends)
        decoder = codec.FrameDecoder(None)
        found = []
        for part in (stream[:first], stream[first:second], stream[second:]):
            decoder.feed(part)
            found += fields(run_dry(decoder)[0])
        assert found == whole


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 13])
@pytest.mark.parametrize("asked", [True, False], ids=["loop-after-each", "loop-at-the-end"])
def test_stream_in_small_pieces(codec: ModuleType, asked: bool, size: int) -> None:
    stream = wire_of(0, 1, 125, 126, 2000, 3) + wire_of(200, 0, mask=None)
    decoder = codec.FrameDecoder(None)
    found = []
    for piece in cuts(stream, size):
        decoder.feed(b"")
        decoder.feed(piece)
        if asked:
            found += run_dry(decoder)[0]
    found += run_dry(decoder)[0]
    assert fields(found) == naive_frames(stream, None)[0]
    assert decoder.buffered == 0


def test_many_frames_in_one_chunk(codec: ModuleType) -> None:
    decoder = codec.FrameDecoder("server")
    decoder.feed(wire_of(*range(200), *range(200)))
    assert [len(frame.payload) for frame in decoder] == [*range(200), *range(200)]


# --- Chunks of every kind ------------------------------------------------------------------------


class Sly(bytes):
    """Bytes that lie about themselves."""

    def __len__(self) -> int:
        return 1

    def __getitem__(self, place: Any) -> Any:
        return b"\xff"[place]


KINDS: dict[str, Callable[[bytes], Any]] = {
    "bytes": bytes,
    "subclass": Sly,
    "bytearray": bytearray,
    "memoryview": memoryview,
    "inner-view": lambda data: memoryview(b"\xff" + data + b"\xff")[1:-1],
    "array": lambda data: array("B", data),
    "wide-items": lambda data: array("H", data) if len(data) % 2 == 0 else data,
    "floats": lambda data: array("f", data) if len(data) % 4 == 0 else data,
    "two-dimensions": lambda data: memoryview(data).cast("B", (len(data), 1)) if data else data,
    "every-second": lambda data: memoryview(bytes(b for c in data for b in (c, 0xFF)))[::2],
    "backwards": lambda data: memoryview(data[::-1])[::-1],
    "read-only": lambda data: memoryview(bytearray(data)).toreadonly(),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [1, 4, 100, 100_000])
def test_chunks_of_every_kind(codec: ModuleType, kind: str, size: int) -> None:
    stream = wire_of(0, 10, 300, 70_000, 1)[: 2000 * size]
    decoder = codec.FrameDecoder("server")
    found = []
    for piece in cuts(stream, size):
        decoder.feed(KINDS[kind](piece))
        found += run_dry(decoder)[0]
    expected, _, left = naive_frames(stream, "server")
    assert fields(found) == expected
    assert all(type(frame.payload) is bytes for frame in found)
    assert decoder.buffered == left


@pytest.mark.parametrize("asked", [True, False], ids=["loop-before", "loop-after"])
def test_bytearray_may_change_after_it_was_fed(codec: ModuleType, asked: bool) -> None:
    stream = wire_of(3, 200, 20_000, 5)
    decoder = codec.FrameDecoder("server")
    found = []
    for piece in cuts(stream, 150):
        chunk = bytearray(piece)
        decoder.feed(chunk)
        if asked:
            found += run_dry(decoder)[0]
        chunk[:] = b"\xff" * len(chunk)
        chunk.clear()  # a BufferError if the decoder still held it
    found += run_dry(decoder)[0]
    assert fields(found) == naive_frames(stream, "server")[0]


@pytest.mark.parametrize("wrong", ["text", 5, None, [1, 2], object()])
def test_what_is_no_buffer_is_refused(codec: ModuleType, wrong: Any) -> None:
    decoder = codec.FrameDecoder("client")
    decoder.feed(b"\x81")
    with pytest.raises(TypeError, match="^a bytes-like object is required, not '\\w+'$"):
        decoder.feed(wrong)
    decoder.feed(b"\x01a")  # the stream is none the worse
    assert list(decoder) == [codec.Frame(1, b"a")]


# --- Stop and go on ------------------------------------------------------------------------------


def test_loop_may_stop_and_go_on_later(codec: ModuleType) -> None:
    stream = wire_of(1, 2, 3, 4, 5, 6)
    decoder = codec.FrameDecoder("server")
    decoder.feed(stream[:30])  # three frames and a piece
    sizes = []
    for frame in decoder:
        sizes.append(len(frame.payload))
        break
    assert decoder.buffered == 30 - 7
    decoder.feed(stream[30:])
    sizes.append(len(next(decoder).payload))
    sizes += [len(frame.payload) for frame in decoder]
    assert sizes == [1, 2, 3, 4, 5, 6]


def test_exhausted_loop_goes_on_with_more_bytes(codec: ModuleType) -> None:
    decoder = codec.FrameDecoder("client")
    for number in range(5):
        with pytest.raises(StopIteration):
            next(decoder)
        decoder.feed(make_frame(2, bytes([number])))
        assert next(decoder).payload == bytes([number])


def test_frames_are_parsed_as_the_loop_asks_for_them(codec: ModuleType) -> None:
    decoder = codec.FrameDecoder("client")
    decoder.feed(make_frame(1, b"ab") * 3)
    assert [decoder.buffered, *(decoder.buffered for _ in decoder)] == [12, 8, 4, 0]


def test_limit_may_change_between_frames(codec: ModuleType) -> None:
    decoder = codec.FrameDecoder("client", max_payload_size=3)
    decoder.feed(b"".join(make_frame(2, bytes(size)) for size in (3, 5, 200, 1, 2)))
    sizes = []
    with pytest.raises(PayloadTooBigError, match="^frame of 2 bytes exceeds the limit of 1 bytes$"):
        for frame in decoder:
            sizes.append(len(frame.payload))
            decoder.max_payload_size = {3: 5, 5: 200, 200: 1, 1: 1}[sizes[-1]]
    assert sizes == [3, 5, 200, 1]


def test_limit_does_not_touch_the_frame_in_progress(codec: ModuleType) -> None:
    wire = make_frame(2, bytes(100), mask=KEY)
    decoder = codec.FrameDecoder("server")
    decoder.feed(wire[:50])
    assert list(decoder) == []
    decoder.max_payload_size = 10
    decoder.feed(wire[50:] + wire)
    assert len(next(decoder).payload) == 100
    with pytest.raises(PayloadTooBigError):
        next(decoder)


# --- Errors --------------------------------------------------------------------------------------

BROKEN_TAILS = {
    "opcode": make_frame(3, b"xyz", mask=KEY),
    "rsv": make_frame(1, b"xyz", rsv=0x40, mask=KEY),
    "control": make_frame(9, bytes(126), mask=KEY),
    "role": make_frame(1, b"not masked"),
    "form": make_frame(1, b"xyz", form=16, mask=KEY),
    "wide-form": make_frame(1, b"xyz", form=64, mask=KEY),
    "top-bit": naive_header(1, 1 << 63, mask=KEY) + b"xyz",
    "limit": naive_header(1, 5000, mask=KEY) + b"xyz",
}


@pytest.mark.parametrize("kind", BROKEN_TAILS)
def test_whole_frames_come_before_the_error_and_it_stays(codec: ModuleType, kind: str) -> None:
    decoder = codec.FrameDecoder("server", max_payload_size=4096)
    decoder.feed(wire_of(1, 2) + BROKEN_TAILS[kind] + wire_of(3))
    frames, first = run_dry(decoder)
    assert [len(frame.payload) for frame in frames] == [1, 2]
    assert first is not None
    assert type(first) is (PayloadTooBigError if kind == "limit" else ProtocolError)
    for _ in range(3):
        decoder.feed(wire_of(4))
        assert decoder.buffered == 0
        frames, again = run_dry(decoder)
        assert frames == []
        assert (type(again), str(again)) == (type(first), str(first))
        assert (again.reason, again.close_code) == (first.reason, first.close_code)


def verdict_of(codec: ModuleType, pieces: Iterator[bytes]) -> Any:
    """Give all that a broken stream shows when it comes in these pieces."""
    decoder = codec.FrameDecoder("server", max_payload_size=4096)
    found, error = [], None
    for piece in pieces:
        decoder.feed(piece)
        frames, error = run_dry(decoder)
        found += fields(frames)
    assert error is not None
    return found, type(error), error.reason, decoder.header, decoder.buffered


@pytest.mark.parametrize("kind", BROKEN_TAILS)
def test_verdict_does_not_depend_on_the_cut(codec: ModuleType, kind: str) -> None:
    stream = wire_of(0, 2) + BROKEN_TAILS[kind] + wire_of(3)
    whole = verdict_of(codec, iter([stream]))
    for size in range(1, len(stream)):
        assert verdict_of(codec, cuts(stream, size)) == whole
        assert verdict_of(codec, iter([stream[:size], stream[size:]])) == whole


# --- Random streams ------------------------------------------------------------------------------

SIZES = st.sampled_from([0, 1, 2, 3, 7, 31, 32, 64, 124, 125, 126, 127, 200, 1000])


@st.composite
def random_stream(draw: st.DrawFn) -> bytes:
    """Draw a stream, mostly of legal frames."""
    parts = []
    for _ in range(draw(st.integers(0, 6))):
        opcode = draw(st.sampled_from([0, 1, 2, 8, 9, 10, 1, 2, 1, 2, 3, 15]))
        legal = 125 if opcode >= 8 else 1000
        payload = draw(st.binary(max_size=8)) + bytes(min(draw(SIZES), legal))
        mask = draw(st.sampled_from([KEY, KEY, b"\x00\xff\x80\x01", None]))
        rsv = draw(st.sampled_from([0, 0, 0, 0, RSV1, 0x10]))
        fin = opcode >= 8 or draw(st.booleans())
        parts.append(make_frame(opcode, payload, fin=fin, rsv=rsv, mask=mask))
    return b"".join(parts) + draw(st.binary(max_size=12))


@given(data=st.data())
def test_random_stream_with_random_cuts(codec: ModuleType, data: st.DataObject) -> None:
    stream = data.draw(random_stream())
    role = data.draw(st.sampled_from(["server", None, None, "client"]))
    rsv = data.draw(st.sampled_from([0, RSV1, RSV1 | 0x10]))
    limit = data.draw(st.sampled_from([1 << 20, 1 << 20, 126, 10]))
    strict = data.draw(st.booleans())
    decoder = codec.FrameDecoder(role, rsv=rsv, max_payload_size=limit, strict=strict)
    ends = sorted(data.draw(st.sets(st.integers(0, len(stream)), max_size=8)) | {len(stream)})
    found: list[tuple[Any, ...]] = []
    start = 0
    for end in ends:
        decoder.feed(KINDS[data.draw(st.sampled_from(list(KINDS)))](stream[start:end]))
        start = end
        if end != len(stream) and data.draw(st.booleans()):
            continue  # the next chunk comes first
        frames, error = run_dry(decoder)
        found += fields(frames)
        expected, code, left = naive_frames(stream[:end], role, rsv=rsv, limit=limit, strict=strict)
        assert found == expected
        assert (error and error.close_code) == code
        assert decoder.buffered == left
