"""Inputs that broke other WebSocket parsers, as permanent regression tests of FrameDecoder.

Numbers S1 to S28 are those of the project's catalogue of bad inputs; those of other subjects
(masking, text, messages, compression) stand with their subjects.
"""

from __future__ import annotations

import itertools
import os
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from helpers import make_frame, naive_header

from fastws import RSV1, CodecError, FrameHeader, PayloadTooBigError, ProtocolError, _pure

KEY = bytes.fromhex("37fa213d")
KIB = 1024
MIB = 1 << 20
NO_LIMIT = sys.maxsize - 64


def run_dry(decoder: Any) -> tuple[list[Any], CodecError | None]:
    """Give the frames that are whole, and the error that broke the stream, or None."""
    frames = []
    try:
        for frame in decoder:
            frames.append(frame)
    except CodecError as error:
        return frames, error
    return frames, None


def ask(decoder: Any, data: bytes) -> tuple[list[Any], CodecError | None]:
    """Feed data; give the frames and the error that come of it."""
    decoder.feed(data)
    return run_dry(decoder)


def memory_of(work: Callable[..., Any], *args: Any) -> tuple[int, int, Any]:
    """Give the bytes that work leaves allocated, its peak, and its result."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        result = work(*args)
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return after - before, peak - before, result


def address_space() -> int:
    """Give the bytes of address space in use, which a bare malloc() shows in; 0 if unknown."""
    try:
        pages = Path("/proc/self/statm").read_text().split()[0]
    except OSError:
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def assert_linear(work: Callable[[int], Any], count: int) -> None:
    """Hold that work on 16 times as much takes nowhere near 256 times as long."""
    times = []
    for size in (count // 16, count // 16, count // 16, count):
        start = time.process_time()
        work(size)
        times.append(time.process_time() - start)
    # What is shorter than some milliseconds cannot be measured on every system.
    assert times[-1] < 16 * 4 * max(min(times[:-1]), 0.01)


# --- Header and length ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        b"\x82\xff" + b"\xff" * 20,
        b"\x82\xff\x80" + bytes(20),
        b"\x82\x7f" + b"\xff" * 20,
        b"\x82\x7f\x80" + bytes(20),
        b"\x0a\xff" + b"\xff" * 8 + b"\xeb\x0e\x8f",
        b"\x8a\x7f" + b"\xff" * 8 + b"\xeb\x0e\x8f",
    ],
)
@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("limit", [None, 0, MIB])
def test_s1_length_with_its_top_bit_set(
    codec: ModuleType, limit: int | None, strict: bool, data: bytes
) -> None:
    decoder = codec.FrameDecoder(None, max_payload_size=limit, strict=strict)
    _, peak, (frames, error) = memory_of(ask, decoder, data)
    assert frames == []
    assert error.close_code == (1002 if strict else 1009)
    assert peak < 64 * KIB
    for _ in range(3):
        frames, again = ask(decoder, make_frame(2, b"later", mask=KEY))
        assert (frames, type(again), str(again)) == ([], type(error), str(error))
        assert decoder.buffered == 0


@pytest.mark.parametrize("mask", [None, KEY])
def test_s1_a_length_is_read_whole(codec: ModuleType, mask: bytes | None) -> None:
    # Of these, two bytes alone would be a length for which enough has come.
    for length in (126 << 48, 200 << 48, 127 << 48 | 130, 126 << 8, 130 << 16):
        decoder = codec.FrameDecoder(None, max_payload_size=MIB)
        frames, error = ask(decoder, naive_header(2, length, form=64, mask=mask) + bytes(1000))
        assert (frames, error is None) == ([], False)


@pytest.mark.parametrize("size", [(1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 32, 1 << 40, 1 << 62])
@pytest.mark.parametrize("follow", [0, 1, 10])
@pytest.mark.parametrize("limit", [None, MIB, 0], ids=["no-limit", "1MiB", "nothing"])
def test_s2_declared_size_takes_no_memory(
    codec: ModuleType, limit: int | None, follow: int, size: int
) -> None:
    for mask in (None, KEY):
        data = naive_header(2, size, mask=mask) + b"x" * follow
        decoder = codec.FrameDecoder(None, max_payload_size=limit)
        mapped = address_space()
        _, peak, (frames, error) = memory_of(ask, decoder, data)
        assert frames == []
        assert peak < 64 * KIB
        assert address_space() - mapped < 16 * MIB
        if limit is None and size <= NO_LIMIT:
            assert error is None
            assert decoder.header.payload_length == size
            assert decoder.buffered == len(data)
        else:
            assert type(error) is PayloadTooBigError


@pytest.mark.parametrize("size", [1 << 30, (1 << 31) - 100, 1 << 40, 1 << 62])
def test_s2_declared_size_takes_no_memory_with_get_buffer(codec: ModuleType, size: int) -> None:
    decoder = codec.FrameDecoder(None, max_payload_size=None)
    decoder.feed(naive_header(2, min(size, NO_LIMIT), mask=KEY) + b"0123456789")

    def work() -> None:
        assert list(decoder) == []
        for _ in range(3):
            view = decoder.get_buffer(-1)
            view[:10] = b"0123456789"
            decoder.buffer_updated(10)
            assert list(decoder) == []

    _, peak, _ = memory_of(work)
    assert peak < 512 * KIB
    assert decoder.buffered == 14 + 40


def test_s3_lengths_are_compared_without_overflow(codec: ModuleType) -> None:
    # A frame alone is measured here; what was buffered before it may not be added to its length.
    for size in ((1 << 63) - 1, (1 << 63) - 10, (1 << 63) - 64):
        decoder = codec.FrameDecoder("client", max_payload_size=None)
        frames, error = ask(
            decoder, make_frame(2, b"x", fin=False) + naive_header(0, size) + bytes(100)
        )
        assert [frame.payload for frame in frames] == [b"x"]
        assert type(error) is PayloadTooBigError
        assert f"frame of {size} bytes" in error.reason


@pytest.mark.parametrize(
    ("form", "size"), [(16, 0), (16, 125), (64, 0), (64, 125), (64, 126), (64, 65535)]
)
def test_s4_lengths_have_their_shortest_form(codec: ModuleType, form: int, size: int) -> None:
    data = make_frame(2, bytes(size), form=form)
    decoder = codec.FrameDecoder("client")
    frames, error = ask(decoder, data)
    assert (frames, type(error), error.close_code) == ([], ProtocolError, 1002)
    loose = codec.FrameDecoder("client", strict=False)
    loose.feed(data)
    assert [frame.payload for frame in loose] == [bytes(size)]


@pytest.mark.parametrize("size", [0, 126, 65536])
@pytest.mark.parametrize("mask", [None, KEY], ids=["plain", "masked"])
def test_s5_header_cut_at_each_byte_and_empty_feeds(
    codec: ModuleType, mask: bytes | None, size: int
) -> None:
    wire = make_frame(2, bytes(size), mask=mask)
    header = len(wire) - size
    for cut in range(1, header + 1):
        decoder = codec.FrameDecoder(None)
        for part in (b"", wire[:cut], b"", b""):
            decoder.feed(part)
            assert run_dry(decoder) == ([], None) or (cut == header and size == 0)
        decoder.feed(wire[cut:] + wire)
        assert {frame.payload for frame in decoder} <= {bytes(size)}
        assert decoder.buffered == 0


def test_s5_feed_after_an_error_and_after_a_close(codec: ModuleType) -> None:
    decoder = codec.FrameDecoder("client")
    decoder.feed(make_frame(8, b"\x03\xe8"))
    assert [frame.opcode for frame in decoder] == [8]
    decoder.feed(make_frame(1, b"framed, whatever it means"))
    assert [frame.opcode for frame in decoder] == [1]
    decoder.feed(b"\x83\x00")
    assert run_dry(decoder)[1] is not None
    decoder.feed(make_frame(1, b"dropped"))
    assert run_dry(decoder)[0] == []


@pytest.mark.parametrize("opcode", [8, 9, 10])
def test_s6_control_frames_are_short_and_whole(codec: ModuleType, opcode: int) -> None:
    fragment = make_frame(opcode, b"x", fin=False)
    for data in (fragment, *(make_frame(opcode, bytes(n)) for n in (126, 127, 65536))):
        decoder = codec.FrameDecoder("client")
        decoder.feed(data[:2])  # no more is needed to see it
        frames, error = run_dry(decoder)
        assert (frames, type(error)) == ([], ProtocolError)
    decoder = codec.FrameDecoder("client")
    decoder.feed(make_frame(opcode, bytes(125)))
    assert len(next(decoder).payload) == 125


def test_s7_reserved_opcodes_and_bits(codec: ModuleType) -> None:
    legal = {0, 1, 2, 8, 9, 10}
    for opcode, bits, size in itertools.product(range(16), range(0, 0x80, 0x10), (1, 126)):
        for allowed in (0, RSV1):
            decoder = codec.FrameDecoder("client", rsv=allowed)
            frames, error = ask(decoder, make_frame(opcode, b"x" * size, rsv=bits))
            passes = opcode in legal and (bits == 0 or (bits == allowed and opcode in (1, 2)))
            passes = passes and (opcode < 8 or size < 126)
            assert len(frames) == passes
            assert passes or type(error) is ProtocolError


@pytest.mark.parametrize(("role", "mask"), [("server", None), ("client", KEY)])
def test_s8_wrong_masking_delivers_nothing(
    codec: ModuleType, role: str, mask: bytes | None
) -> None:
    data = make_frame(1, b"payload", mask=mask)
    for size in (2, len(data)):
        decoder = codec.FrameDecoder(role)
        frames, error = ask(decoder, data[:size])
        assert (frames, type(error), error.close_code) == ([], ProtocolError, 1002)
    for lenient in (codec.FrameDecoder(None), codec.FrameDecoder(role, strict=False)):
        lenient.feed(data)
        assert [frame.payload for frame in lenient] == [b"payload"]


# --- Work and memory -----------------------------------------------------------------------------


def dribble(codec: ModuleType, size: int) -> Any:
    """Send a masked frame of zeros in reads of one byte; give the decoder before the last."""
    decoder = codec.FrameDecoder("server")
    for byte in naive_header(2, size, mask=bytes(4)):
        decoder.feed(bytes([byte]))
        next(decoder, None)
    one = b"\x00"
    for _ in range(size - 1):
        decoder.feed(one)
        next(decoder, None)
    return decoder


def test_s12_frame_in_reads_of_one_byte_takes_its_size(codec: ModuleType) -> None:
    size = MIB if codec is not _pure else MIB // 16
    held, peak, decoder = memory_of(dribble, codec, size)
    assert held <= 2 * size + 64 * KIB  # the room doubles: what is not filled yet counts as well
    assert peak <= 3 * size + 64 * KIB
    assert decoder.buffered == size - 1 + 14
    decoder.feed(b"\x00")
    assert next(decoder).payload == bytes(size)


def test_s12_frame_in_reads_of_one_byte_takes_linear_time(codec: ModuleType) -> None:
    assert_linear(lambda size: dribble(codec, size), MIB if codec is not _pure else MIB // 2)


def exhaust(decoder: Any) -> int:
    """Take all frames; give their number."""
    return sum(1 for _ in decoder)


def test_s13_many_tiny_frames_in_one_feed_take_linear_time(codec: ModuleType) -> None:
    count = 2_000_000 if codec is not _pure else 160_000

    def work(frames: int) -> None:
        decoder = codec.FrameDecoder("client")
        decoder.feed(b"\x82\x00" * frames)
        assert exhaust(decoder) == frames

    assert_linear(work, count)


def test_s13_each_frame_is_one_step(codec: ModuleType) -> None:
    data = b"\x82\x00" * (2 * MIB)
    decoder = codec.FrameDecoder("client")

    def work() -> None:
        decoder.feed(data)
        for _ in range(100):
            next(decoder)

    _, peak, _ = memory_of(work)
    assert peak < 64 * KIB  # held, not copied; nothing made ahead
    assert decoder.buffered == len(data) - 200


def test_s14_nothing_revives_a_broken_stream(codec: ModuleType) -> None:
    good = make_frame(1, b"good", mask=KEY)
    decoder = codec.FrameDecoder("server")
    frames, first = ask(decoder, good + b"\x83\x80" + good)
    assert len(frames) == 1
    for data in (b"", good, b"\x00", KEY, good * 1000):
        decoder.feed(data)
        decoder.get_buffer(-1)[:1] = b"\x81"
        decoder.buffer_updated(1)
        decoder.max_payload_size = None
        for _ in range(3):
            with pytest.raises(ProtocolError) as caught:
                next(decoder)
            assert (str(caught.value), caught.value.close_code) == (str(first), 1002)
        assert (decoder.buffered, decoder.partial_header) == (0, b"")
        assert decoder.header == FrameHeader(True, 0, 3, True, None, 0, 6)


# --- Threads and re-entrance ---------------------------------------------------------------------


def test_s26_two_threads_on_two_decoders(codec: ModuleType) -> None:
    stream = b"".join(make_frame(2, bytes([n]) * n * 10, mask=KEY) for n in range(100)) * 5
    expected = [bytes([n]) * n * 10 for n in range(100)] * 5
    results: dict[int, bool] = {}
    start = threading.Barrier(4)

    def work(number: int) -> None:
        decoder = codec.FrameDecoder("server")
        found = []
        start.wait()
        for at in range(0, len(stream), 1000 + number):
            decoder.feed(stream[at : at + 1000 + number])
            found += [frame.payload for frame in decoder]
        results[number] = found == expected

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == dict.fromkeys(range(4), True)


def test_s26_feeding_and_asking_from_inside_the_loop(codec: ModuleType) -> None:
    decoder = codec.FrameDecoder("client")
    fresh = iter(range(100))
    seen = []
    decoder.feed(make_frame(2, bytes([next(fresh)])))
    for frame in decoder:
        seen.append(frame.payload[0])
        if len(seen) < 50:
            decoder.feed(make_frame(2, bytes([next(fresh)])) + b"\x82")
            decoder.get_buffer(-1)[:1] = b"\x01"
            decoder.buffer_updated(1)
            decoder.feed(bytes([next(fresh)]))
            seen += [inner.payload[0] for inner in itertools.islice(decoder, len(seen) % 3)]
    assert seen == list(range(len(seen)))
    assert len(seen) >= 50
    assert decoder.buffered == 0


@pytest.mark.skipif(sys.version_info < (3, 12), reason="__buffer__ in Python came with 3.12")
def test_s26_decoder_used_from_inside_its_own_feed(codec: ModuleType) -> None:
    decoder = codec.FrameDecoder("client")

    class Sly:
        def __buffer__(self, flags: int) -> memoryview:
            decoder.feed(make_frame(2, b"inner"))
            seen.extend(decoder)
            return memoryview(make_frame(2, b"outer"))

    seen: list[Any] = []
    decoder.feed(Sly())
    seen.extend(decoder)
    assert [frame.payload for frame in seen] == [b"inner", b"outer"]


# --- Parity --------------------------------------------------------------------------------------


def test_s28_both_back_ends_refuse_alike(codec: ModuleType) -> None:
    starts = itertools.product((0, 1, 3, 8, 9, 15), (True, False), (0, 0x40, 0x10), (None, KEY))
    broken = [
        naive_header(opcode, length, fin=fin, rsv=rsv, mask=mask, form=form) + b"tail"
        for opcode, fin, rsv, mask in starts
        for form, length in [(7, 5), (16, 5), (16, 300), (64, 5), (64, 1 << 32), (64, 1 << 63)]
    ]
    for data, role, rsv in itertools.product(broken, ("server", "client", None), (0, RSV1)):
        shown = []
        for back_end in (codec, _pure):
            decoder = back_end.FrameDecoder(role, rsv=rsv, max_payload_size=200)
            frames, error = ask(decoder, data)
            consumed = len(data) - decoder.buffered
            judged = error and (type(error), str(error), error.close_code)
            shown.append((len(frames), judged, consumed, decoder.header, decoder.partial_header))
        assert shown[0] == shown[1]
