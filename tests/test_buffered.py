"""What a decoder shows of an unfinished frame, and the pair get_buffer() and buffer_updated().

The pair is how asyncio's BufferedProtocol has the kernel write bytes to their final place.
"""

from __future__ import annotations

import asyncio
import socket
from types import ModuleType
from typing import Any

import pytest
from helpers import cuts, make_frame, naive_header
from hypothesis import given
from hypothesis import strategies as st

from fastws import RSV1, CodecError, FrameHeader, Opcode, ProtocolError

KEY = bytes.fromhex("37fa213d")
SCRATCH = 65536
MIB = 1 << 20


def run_dry(decoder: Any) -> tuple[list[Any], CodecError | None]:
    """Give the frames that are whole, and the error that broke the stream, or None."""
    frames = []
    try:
        for frame in decoder:
            frames.append(frame)
    except CodecError as error:
        return frames, error
    return frames, None


def put(decoder: Any, data: bytes, sizehint: int = -1) -> int:
    """Read data as asyncio does, as much as the buffer takes; give how much that was."""
    view = decoder.get_buffer(sizehint)
    size = min(len(view), len(data))
    view[:size] = data[:size]
    decoder.buffer_updated(size)
    return size


def pour(decoder: Any, data: bytes) -> list[Any]:
    """Read all of data, asking for frames after each read."""
    frames = []
    while data:
        data = data[put(decoder, data) :]
        frames += decoder
    return frames


# --- What there is to see of a frame in progress -------------------------------------------------


@pytest.mark.parametrize("size", [3, 126, 65536])
@pytest.mark.parametrize("mask", [None, KEY], ids=["plain", "masked"])
def test_header_shows_the_frame_in_progress(
    codec: ModuleType, mask: bytes | None, size: int
) -> None:
    wire = make_frame(1, bytes(size), fin=False, rsv=RSV1, mask=mask)
    header_size = len(wire) - size
    decoder = codec.FrameDecoder(None, rsv=RSV1)
    decoder.feed(wire[:-1])
    assert decoder.header is None  # parsing happens as frames are asked for
    assert list(decoder) == []
    header = decoder.header
    assert header == FrameHeader(False, RSV1, 1, mask is not None, mask, size, header_size)
    assert type(header) is FrameHeader
    assert type(header.opcode) is Opcode
    assert type(header.fin) is type(header.masked) is bool
    decoder.feed(wire[-1:] + wire[:1])
    assert len(next(decoder).payload) == size
    assert decoder.header is None
    assert list(decoder) == []
    assert decoder.header is None


def test_header_shows_reserved_opcodes_as_numbers(codec: ModuleType) -> None:
    decoder = codec.FrameDecoder(None, strict=False)
    decoder.feed(make_frame(5, b"", length=9))
    assert list(decoder) == []
    assert decoder.header == FrameHeader(True, 0, 5, False, None, 9, 2)
    assert type(decoder.header.opcode) is int


def test_partial_header_and_buffered_at_each_byte(codec: ModuleType) -> None:
    wire = make_frame(2, bytes(65536), mask=KEY)
    for size in range(20):
        decoder = codec.FrameDecoder("server")
        decoder.feed(wire[:size])
        assert decoder.buffered == size
        assert list(decoder) == []
        assert decoder.partial_header == (wire[:size] if size < 14 else b"")
        assert (decoder.header is None) is (size < 14)
        assert decoder.buffered == size


@pytest.mark.parametrize(
    ("data", "header"),
    [
        (make_frame(3, b"abc"), FrameHeader(True, 0, 3, False, None, 3, 2)),
        (make_frame(1, b"abc", rsv=RSV1), FrameHeader(True, RSV1, 1, False, None, 3, 2)),
        (make_frame(9, bytes(200)), None),  # broken before its length was read
        (naive_header(2, 5, form=16), FrameHeader(True, 0, 2, False, None, 5, 4)),
        (naive_header(2, 1 << 63), FrameHeader(True, 0, 2, False, None, 1 << 63, 10)),
        (naive_header(2, 99), FrameHeader(True, 0, 2, False, None, 99, 2)),
    ],
)
def test_header_that_broke_the_stream_stays_to_see(
    codec: ModuleType, data: bytes, header: FrameHeader | None
) -> None:
    decoder = codec.FrameDecoder(None, max_payload_size=64)
    decoder.feed(make_frame(1, b"before") + data)
    frames, error = run_dry(decoder)
    assert frames == [codec.Frame(1, b"before")]
    assert error is not None
    for _ in range(2):
        assert decoder.header == header
        assert (decoder.buffered, decoder.partial_header) == (0, b"")
        decoder.feed(make_frame(1, b"after"))
        assert run_dry(decoder)[0] == []


# --- The pair, alone and mixed with feed() -------------------------------------------------------


def test_buffer_is_writable_and_never_empty(codec: ModuleType) -> None:
    decoder = codec.FrameDecoder("server")
    for sizehint in (-1, 0):
        view = decoder.get_buffer(sizehint)
        assert type(view) is memoryview
        assert (len(view), view.itemsize, view.readonly) == (SCRATCH, 1, False)
        assert view.c_contiguous
    for sizehint in (1, 7, 100_000):
        assert len(decoder.get_buffer(sizehint)) >= 1
    assert len(decoder.get_buffer()) == SCRATCH
    assert decoder.buffered == 0


@pytest.mark.parametrize("piece", [1, 2, 5, 13, 1000, 10**6])
@pytest.mark.parametrize("mask", [None, KEY], ids=["plain", "masked"])
def test_frames_come_through_the_pair(codec: ModuleType, mask: bytes | None, piece: int) -> None:
    sizes = [0, 1, 125, 126, 5, 2000] + ([70_000, 200_000, 0, 3] if piece > 100 else [])
    stream = b"".join(make_frame(2, bytes([7]) * size, mask=mask) for size in sizes)
    decoder = codec.FrameDecoder(None)
    frames = []
    for part in cuts(stream, piece):
        while part:
            part = part[put(decoder, part) :]
        frames += decoder
    assert [frame.payload for frame in frames] == [bytes([7]) * size for size in sizes]
    assert decoder.buffered == 0


def test_buffered_counts_what_was_read_in_place(codec: ModuleType) -> None:
    wire = make_frame(2, bytes(200_000), mask=KEY)
    decoder = codec.FrameDecoder("server")
    for done in range(0, len(wire) - 1000, 1000):
        assert decoder.buffered == done
        assert put(decoder, wire[done : done + 1000]) == 1000
        assert decoder.buffered == done + 1000
        assert list(decoder) == []
    assert decoder.header.payload_length == 200_000


def test_large_payload_is_read_into_its_own_memory(codec: ModuleType) -> None:
    payload = bytes(range(256)) * 40960  # 10 MiB
    wire = make_frame(2, payload)
    decoder = codec.FrameDecoder("client", max_payload_size=None)
    decoder.feed(wire[:100])
    assert list(decoder) == []
    done, sizes = 100, []
    while done < len(wire):
        view = decoder.get_buffer(-1)
        sizes.append(len(view))
        assert SCRATCH <= len(view) <= len(wire) - done or len(wire) - done < SCRATCH
        size = min(len(view), len(wire) - done)
        view[:size] = wire[done : done + size]
        decoder.buffer_updated(size)
        done += size
        del view
    (frame,) = decoder
    assert frame.payload == payload
    # Through scratch it would take 160 reads; memory that doubles takes a dozen.
    assert len(sizes) <= 20
    assert max(sizes) >= 4 * MIB


def test_more_than_the_payload_may_be_written(codec: ModuleType) -> None:
    # Where the buffer is scratch, it may take the end of one frame and whole ones after it.
    stream = make_frame(2, bytes(20_000)) + make_frame(1, b"next") + make_frame(9, b"!")[:2]
    decoder = codec.FrameDecoder("client")
    decoder.feed(stream[:19_000])
    assert list(decoder) == []
    assert [len(frame.payload) for frame in pour(decoder, stream[19_000:])] == [20_000, 4]
    assert decoder.buffered == 2


PIECES = st.sampled_from([1, 2, 14, 130, 5000, 30_000, 60_000, 100_000])


@given(data=st.data())
def test_any_mix_of_feed_and_pair_gives_the_stream(codec: ModuleType, data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.sampled_from([0, 1, 130, 20_000, 90_000]), max_size=4))
    mask = data.draw(st.sampled_from([None, bytes(4), b"\x01\x01\x01\x01"]))
    plain = [bytes([65 + i]) * size for i, size in enumerate(sizes)]
    flip = mask[0] if mask else 0
    wire = b"".join(
        naive_header(2, len(body), mask=mask) + bytes([65 + i ^ flip]) * len(body)
        for i, body in enumerate(plain)
    )
    actions = st.sampled_from(["feed", "pair", "unused", "crossed"])
    plan = data.draw(st.lists(st.tuples(actions, PIECES, st.booleans()), max_size=20))
    decoder = codec.FrameDecoder(None)
    found = []
    for action, size, asked in plan:
        piece = wire[:size]
        if action == "pair":
            piece = piece[: put(decoder, piece)]
        elif action == "crossed":  # a loop between the two calls
            view = decoder.get_buffer(-1)
            found += decoder
            piece = piece[: len(view)]
            view[: len(piece)] = piece
            decoder.buffer_updated(len(piece))
        else:
            if action == "unused":
                decoder.get_buffer(-1)[:1] = b"\xee"
            decoder.feed(piece)
        wire = wire[len(piece) :]
        if asked:
            found += decoder
    found += pour(decoder, wire) or decoder
    assert [frame.payload for frame in found] == plain
    assert decoder.buffered == 0


def test_s23_feed_between_the_two_calls_comes_first(codec: ModuleType) -> None:
    for size in (4, 100_000):  # scratch; the payload's own memory
        wire = make_frame(2, bytes(range(200)) * (size // 200) + bytes(size % 200))
        decoder = codec.FrameDecoder("client")
        decoder.feed(wire[:2] if size == 4 else wire[:1000])
        assert list(decoder) == []
        rest = wire[decoder.buffered :]
        view = decoder.get_buffer(-1)
        half = len(rest) // 2
        view[: len(rest) - half] = rest[half:]
        decoder.feed(rest[:half])
        decoder.buffer_updated(len(rest) - half)
        (frame,) = decoder
        assert frame.payload == wire[-size:]


# --- Views that are kept, and wrong use ----------------------------------------------------------


def test_s23_kept_views_do_no_harm(codec: ModuleType) -> None:
    payload = bytes(range(256)) * 2000
    wire = make_frame(2, payload, mask=KEY)
    decoder = codec.FrameDecoder("server")
    kept: list[Any] = []
    frames = []
    for _ in range(3):
        done = 0
        while done < len(wire):
            view = decoder.get_buffer(-1)
            size = min(len(view), len(wire) - done, 50_000)
            view[:size] = wire[done : done + size]
            kept += [view, memoryview(view), view[10:]]  # exports that cannot be released
            decoder.buffer_updated(size)
            frames += decoder
            decoder.feed(wire[done + size : done + size + 100])
            frames += decoder
            done += size + 100
    assert [frame.payload for frame in frames] == [payload] * 3
    assert decoder.buffered == 0
    for view in kept:
        try:
            view[:] = b"\xaa" * len(view)
        except ValueError:
            pass  # released: fine as well
    assert [frame.payload for frame in pour(decoder, wire)] == [payload]
    del decoder
    for view in kept:
        try:
            assert set(view) <= {0xAA}
        except ValueError:
            pass


def test_s23_kept_view_without_an_update_does_no_harm(codec: ModuleType) -> None:
    payload = bytes(range(256)) * 1000
    wire = make_frame(2, payload, mask=KEY)
    decoder = codec.FrameDecoder("server")
    decoder.feed(wire[:2000])
    assert list(decoder) == []
    view = decoder.get_buffer(-1)
    decoder.feed(wire[2000:])
    view[:] = b"\xaa" * len(view)  # handed out, never reported as filled
    assert [frame.payload for frame in decoder] == [payload]
    view[:] = b"\xbb" * len(view)
    decoder.feed(wire)
    assert [frame.payload for frame in decoder] == [payload]


def test_updates_need_a_buffer(codec: ModuleType) -> None:
    decoder = codec.FrameDecoder("server")
    with pytest.raises(RuntimeError, match=r"^get_buffer\(\) was not called$"):
        decoder.buffer_updated(1)
    decoder.get_buffer(-1)
    decoder.buffer_updated(0)
    with pytest.raises(RuntimeError):
        decoder.buffer_updated(0)
    assert decoder.buffered == 0


@pytest.mark.parametrize("nbytes", [-1, SCRATCH + 1, -(1 << 40), 1 << 40, -(1 << 80), 1 << 80])
def test_wrong_number_of_bytes_is_refused(codec: ModuleType, nbytes: int) -> None:
    decoder = codec.FrameDecoder("client")
    view = decoder.get_buffer(-1)
    with pytest.raises(ValueError, match=f"not {nbytes}$"):
        decoder.buffer_updated(nbytes)
    view[:3] = b"\x81\x01a"
    decoder.buffer_updated(3)  # the view is as good as before
    assert list(decoder) == [codec.Frame(1, b"a")]
    decoder.get_buffer(-1)
    with pytest.raises(TypeError):
        decoder.buffer_updated("1")


def test_broken_stream_still_hands_out_buffers(codec: ModuleType) -> None:
    # asyncio goes on reading until the transport is closed: it must get a buffer, and lose it.
    decoder = codec.FrameDecoder("server")
    decoder.feed(b"\x83\x80")
    assert isinstance(run_dry(decoder)[1], ProtocolError)
    for _ in range(3):
        assert put(decoder, make_frame(1, b"late", mask=KEY)) == 10
        assert decoder.buffered == 0
        assert isinstance(run_dry(decoder)[1], ProtocolError)


def test_stream_may_break_with_a_buffer_out(codec: ModuleType) -> None:
    decoder = codec.FrameDecoder("server")
    view = decoder.get_buffer(-1)
    decoder.feed(b"\x83\x80")
    view[:2] = b"\x81\x80"
    assert isinstance(run_dry(decoder)[1], ProtocolError)
    decoder.buffer_updated(2)
    assert decoder.buffered == 0


# --- A real protocol -----------------------------------------------------------------------------


class Receiver(asyncio.BufferedProtocol):
    """Hands a decoder's memory to asyncio and keeps the frames."""

    def __init__(self, decoder: Any) -> None:
        self.decoder = decoder
        self.frames: list[Any] = []
        self.closed = asyncio.get_running_loop().create_future()

    def get_buffer(self, sizehint: int) -> memoryview:
        view: memoryview = self.decoder.get_buffer(sizehint)
        return view

    def buffer_updated(self, nbytes: int) -> None:
        self.decoder.buffer_updated(nbytes)
        self.frames += self.decoder

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set_result(exc)


def test_asyncio_reads_into_the_decoder(codec: ModuleType) -> None:
    payload = bytes(range(250)) * 40_000  # 10 MB
    flipped = payload.translate(bytes(byte ^ 0x5A for byte in range(256)))
    small = make_frame(1, b"small", mask=KEY)
    wire = small + naive_header(2, len(payload), mask=b"\x5a" * 4) + flipped + small * 3

    async def transfer() -> Receiver:
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.setblocking(False)
        decoder = codec.FrameDecoder("server", max_payload_size=len(payload))
        _, receiver = await loop.create_connection(lambda: Receiver(decoder), sock=ours)
        await loop.sock_sendall(theirs, wire)
        theirs.close()
        await receiver.closed
        return receiver

    receiver = asyncio.run(transfer())
    texts = [codec.Frame(Opcode.TEXT, b"small")]
    assert receiver.frames == texts + [codec.Frame(Opcode.BINARY, payload)] + texts * 3
    assert receiver.closed.result() is None
    assert receiver.decoder.buffered == 0
