"""Nothing leaks: frames, errors, chunks and buffers are let go as soon as they are done with."""

from __future__ import annotations

import gc
import sys
import tracemalloc
import weakref
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from helpers import make_frame
from memory import KIB, MIB, assert_flat, on_cpython, scaled

from fastws import CodecError, ProtocolError, _pure

KEY = bytes.fromhex("37fa213d")


@on_cpython
def test_a_million_frames_decoded(back_end: ModuleType) -> None:
    chunk = make_frame(2, b"0123456789", mask=KEY) * 500 + make_frame(1, bytes(300), mask=KEY) * 500
    decoder = back_end.FrameDecoder("server")

    def work() -> None:
        decoder.feed(chunk[:9001])
        assert sum(1 for _ in decoder)
        decoder.feed(chunk[9001:])
        assert sum(1 for _ in decoder)

    assert_flat(work, scaled(back_end, 1_000_000) // 1000)


@on_cpython
def test_a_million_frames_encoded(back_end: ModuleType) -> None:
    def work() -> None:
        for _ in range(250):
            back_end.encode_frame(2, b"0123456789", mask=True)
            back_end.encode_frame(1, "text \u20ac", mask=KEY)
            back_end.encode_header(2, 70_000, mask=True)
            back_end.encode_close(1000, "bye")

    assert_flat(work, scaled(back_end, 1_000_000) // 1000)


@on_cpython
def test_large_frames_through_each_door(back_end: ModuleType) -> None:
    wire = make_frame(2, bytes(300_000), mask=KEY)

    def work() -> None:
        decoder = back_end.FrameDecoder("server")
        for _ in range(2):
            for at in range(0, len(wire), 40_000):
                decoder.feed(wire[at : at + 40_000])
                list(decoder)
            rest = wire
            while rest:
                view = decoder.get_buffer(-1)
                size = min(len(view), len(rest))
                view[:size] = rest[:size]
                decoder.buffer_updated(size)
                list(decoder)
                rest = rest[size:]
        decoder.get_buffer(-1)  # left unused, and a frame left unfinished
        decoder.feed(wire[:200_000])
        list(decoder)

    assert_flat(work, 50)


@on_cpython
def test_ten_thousand_errors(back_end: ModuleType) -> None:
    broken = back_end.FrameDecoder("server")
    broken.feed(b"\x83\x80")

    def raises(call: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        try:
            call(*args, **kwargs)
        except (CodecError, ValueError, TypeError, BufferError):
            return
        raise AssertionError("no error")

    def work() -> None:
        for _ in range(100):
            raises(next, broken)
            decoder = back_end.FrameDecoder("server", max_payload_size=10)
            decoder.feed(make_frame(2, b"fine", mask=KEY) + b"\x82\xfe\x01\x00")
            next(decoder)
            raises(next, decoder)
            raises(decoder.feed, "text")
            raises(back_end.FrameDecoder, "proxy")
            raises(back_end.parse_header, b"\x83\x00")
            raises(back_end.decode_text, b"\xff" * 10)
            raises(back_end.encode_frame, 3)
            raises(back_end.encode_frame, 9, bytes(126))
            raises(back_end.apply_mask, b"data", b"key")
            raises(back_end.mask_inplace, b"read-only", KEY)

    assert_flat(work, 100 if back_end is not _pure else 20)


@on_cpython
def test_pure_twin_leaks_nothing_that_tracemalloc_sees() -> None:
    chunk = make_frame(2, b"0123456789", mask=KEY) * 1000
    decoder = _pure.FrameDecoder("server")

    def work() -> None:
        decoder.feed(chunk)
        for frame in decoder:
            _pure.encode_frame(2, frame.payload, mask=KEY)

    work()
    tracemalloc.start()
    try:
        work()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(5):
            work()
        assert tracemalloc.get_traced_memory()[0] - before < 4 * KIB
    finally:
        tracemalloc.stop()


@on_cpython
def test_repeated_error_holds_no_traceback(back_end: ModuleType) -> None:
    decoder = back_end.FrameDecoder("server")
    decoder.feed(b"\x83\x80")
    depths, watched = [], []
    for _ in range(5):
        with pytest.raises(ProtocolError) as caught:
            next(decoder)
        depths.append(len(list(caught.traceback)))
        watched.append(weakref.ref(caught.value))
        del caught
    gc.collect()
    assert len(set(depths[1:])) == 1
    assert depths[1] <= depths[0]
    assert [ref() for ref in watched] == [None] * 5


@on_cpython
def test_chunks_are_let_go(back_end: ModuleType) -> None:
    decoder = back_end.FrameDecoder("server")
    good = bytes(make_frame(2, bytes(1000), mask=KEY))
    count = sys.getrefcount(good)
    for _ in range(3):
        decoder.feed(good)
    frames = list(decoder)
    assert sys.getrefcount(good) == count
    assert len(frames) == 3  # alive, and holding nothing of the chunk
    assert [sys.getrefcount(frame.payload) for frame in frames] == [2] * 3
    broken = b"\x83\x80" + good
    broken_count = sys.getrefcount(broken)
    decoder.feed(good)
    decoder.feed(broken)
    decoder.feed(good)
    next(decoder)
    for _ in range(2):
        with pytest.raises(CodecError):
            next(decoder)
        assert sys.getrefcount(good) == count
        assert sys.getrefcount(broken) == broken_count
    for size in (500, 1000, 1001):
        part = good[:size]
        count = sys.getrefcount(part)
        decoder = back_end.FrameDecoder("server")
        decoder.feed(part)
        del decoder
        assert sys.getrefcount(part) == count


def test_chunks_without_a_byte_are_not_held(back_end: ModuleType) -> None:
    decoder = back_end.FrameDecoder("client")
    decoder.feed(make_frame(1, b"a")[:1])
    decoder.feed(make_frame(1, b"a")[1:])
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(4096):
            decoder.feed(b"")
        assert tracemalloc.get_traced_memory()[0] - before < KIB
    finally:
        tracemalloc.stop()
    assert [frame.payload for frame in decoder] == [b"a"]


def test_large_frame_leaves_a_small_decoder(back_end: ModuleType) -> None:
    wire = make_frame(2, bytes(2 * MIB))
    decoder = back_end.FrameDecoder("client", max_payload_size=None)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for at in range(0, len(wire), 100_000):
            decoder.feed(wire[at : at + 100_000])
            for frame in decoder:
                assert len(frame.payload) == 2 * MIB
                del frame
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] - before < 256 * KIB
    finally:
        tracemalloc.stop()


@on_cpython
def test_decoders_are_freed_without_the_collector(back_end: ModuleType) -> None:
    gc.collect()
    gc.disable()
    try:
        before = sys.getallocatedblocks()
        for _ in range(1000):
            decoder = back_end.FrameDecoder("server")
            decoder.feed(make_frame(2, b"x" * 20, mask=KEY)[:15])
            list(decoder)
            decoder.get_buffer(10)
        del decoder
        assert sys.getallocatedblocks() - before < 100
    finally:
        gc.enable()
