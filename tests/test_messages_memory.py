"""What messages take: memory about their size, time in line with it, next to nothing when idle.

Numbers S1 to S28 are those of the project's catalogue of bad inputs.
"""

from __future__ import annotations

import gc
import itertools
import sys
import time
import tracemalloc
import zlib
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from helpers import cuts, make_frame, naive_header
from message_streams import KEY, MIB
from twins import run_dry

from fastws import RSV1, PayloadTooBigError, _pure
from fastws.deflate import Deflate, PerMessageDeflate

KIB = 1024
SETTINGS = PerMessageDeflate()
on_cpython = pytest.mark.skipif(
    sys.implementation.name != "cpython", reason="counts memory as CPython allocates it"
)


def ask(decoder: Any, data: bytes) -> Any:
    """Feed data; give the events and the error that come of it."""
    decoder.feed(data)
    return run_dry(decoder)


def memory_of(work: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[int, int, Any]:
    """Give the bytes that work leaves allocated, its peak, and its result."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        result = work(*args, **kwargs)
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return after - before, peak - before, result


def assert_linear(work: Callable[[int], Any], count: int) -> None:
    """Hold that work on 16 times as much takes nowhere near 256 times as long."""
    times = []
    for size in (count // 16, count // 16, count // 16, count):
        start = time.process_time()
        work(size)
        times.append(time.process_time() - start)
    # What is shorter than some milliseconds cannot be measured on every system.
    assert times[-1] < 16 * 4 * max(min(times[:-1]), 0.01)


def scaled(codec: ModuleType, count: int) -> int:
    """Give a count that the pure twin gets through in about the same time."""
    return count // 8 if codec is _pure else count


# --- Floods (S11, S12) ----------------------------------------------------------------------------

KINDS = {
    "text": (1, b"x"),
    "empty text": (1, b""),
    "wide text": (1, "\u20ac".encode()),
    "binary": (2, b"\xff"),
    "empty binary": (2, b""),
}


def flood(codec: ModuleType, kind: str, count: int) -> Any:
    """Send a message in so many fragments, without an end."""
    opcode, payload = KINDS[kind]
    decoder = codec.MessageDecoder("server", max_fragments=None)
    decoder.feed(make_frame(opcode, payload, fin=False, mask=KEY))
    frame = make_frame(0, payload, fin=False, mask=KEY)
    for _ in range(count - 1):
        decoder.feed(frame)
        assert next(decoder, None) is None
    return decoder


@pytest.mark.parametrize("kind", KINDS)
def test_s11_flood_of_fragments_takes_what_they_carry(codec: ModuleType, kind: str) -> None:
    count = scaled(codec, 60_000)
    held, peak, decoder = memory_of(flood, codec, kind, count)
    opcode, payload = KINDS[kind]
    size = count * len(payload)
    assert held <= 2 * size + 64 * KIB  # the room doubles: what is not filled yet counts as well
    assert peak <= 3 * size + 64 * KIB
    assert decoder.buffered == size
    decoder.feed(make_frame(0, mask=KEY))
    content = payload * count
    expected = codec.Text(content.decode()) if opcode == 1 else codec.Binary(content)
    assert next(decoder) == expected


@pytest.mark.parametrize("kind", ["text", "empty binary"])
def test_s11_flood_of_fragments_takes_linear_time(codec: ModuleType, kind: str) -> None:
    assert_linear(lambda count: flood(codec, kind, count), scaled(codec, 160_000))


def test_s11_flood_of_compressed_fragments_takes_what_they_carry(codec: ModuleType) -> None:
    count = scaled(codec, 40_000)
    deflate = Deflate(SETTINGS, send_bits=9)
    frames = [make_frame(2, deflate.compress(b"ab", fin=False), fin=False, rsv=RSV1)]
    # Stored: 5 bytes before the two.
    frames += [make_frame(0, b"\x00\x02\x00\xfd\xffcd", fin=False)] * (count - 1)
    decoder = codec.MessageDecoder("client", deflate=Deflate(SETTINGS), max_fragments=None)

    def work() -> None:
        for frame in frames:
            decoder.feed(frame)
            assert next(decoder, None) is None

    held, peak, _ = memory_of(work)
    assert decoder.buffered == 2 * count
    assert held <= 2 * 2 * count + 128 * KIB  # the inflater's window stands beside it
    assert peak <= 3 * 2 * count + 160 * KIB


@pytest.mark.parametrize("size", [0, 1])
def test_s11_fragments_are_counted(codec: ModuleType, size: int) -> None:
    decoder = codec.MessageDecoder("client", max_fragments=1000)
    opening = make_frame(1, bytes(size), fin=False)
    more = make_frame(0, bytes(size), fin=False)
    assert ask(decoder, opening + more * 999) == ([], None)
    events, error = ask(decoder, more * 10_000)
    assert (events, type(error), error.close_code) == ([], PayloadTooBigError, 1009)
    assert codec.MessageDecoder("client").max_fragments < 1 << 20  # and by default as well


def dribble(codec: ModuleType, size: int, opcode: int = 2) -> Any:
    """Send a masked frame in reads of one byte; give the decoder before the last."""
    decoder = codec.MessageDecoder("server")
    for byte in naive_header(opcode, size, mask=bytes(4)):
        decoder.feed(bytes([byte]))
        next(decoder, None)
    one = b"\x00"
    for _ in range(size - 1):
        decoder.feed(one)
        next(decoder, None)
    return decoder


@pytest.mark.parametrize("opcode", [1, 2])
def test_s12_message_in_reads_of_one_byte_takes_its_size(codec: ModuleType, opcode: int) -> None:
    size = scaled(codec, MIB // 4)
    held, peak, decoder = memory_of(dribble, codec, size, opcode)
    assert held <= 2 * size + 64 * KIB
    assert peak <= 3 * size + 64 * KIB
    assert decoder.buffered == size - 1 + (14 if size > 65535 else 8)
    decoder.feed(b"\x00")
    assert len(next(decoder).data) == size


@pytest.mark.parametrize("opcode", [1, 2])
def test_s12_message_in_reads_of_one_byte_takes_linear_time(codec: ModuleType, opcode: int) -> None:
    assert_linear(lambda size: dribble(codec, size, opcode), scaled(codec, MIB // 2))


# --- Compression ---------------------------------------------------------------------------------


def zeros(mebibytes: int) -> bytes:
    """Compress so many mebibytes of zeros, a kilobyte for each."""
    stream = zlib.compressobj(9, wbits=-15)
    block = stream.compress(bytes(MIB)) + stream.flush(zlib.Z_FULL_FLUSH)
    return block * mebibytes


@pytest.mark.parametrize("limit", [0, 1000, 64 * KIB, MIB])
@pytest.mark.parametrize("parts", [1, 5], ids=["whole", "fragments"])
@pytest.mark.parametrize("opcode", [1, 2])
def test_s16_bomb_takes_no_more_than_the_limit(
    codec: ModuleType, opcode: int, parts: int, limit: int
) -> None:
    kilobyte = zeros(1)
    assert len(kilobyte) < 1100
    bomb = kilobyte if limit < MIB else zeros(1000)  # comes to a gigabyte
    size = -(-len(bomb) // parts)
    decoder = codec.MessageDecoder("client", deflate=Deflate(SETTINGS), max_message_size=limit)
    pieces = list(cuts(bomb, size))
    wire = b"".join(
        make_frame(0 if i else opcode, piece, fin=i == parts - 1, rsv=0 if i else RSV1)
        for i, piece in enumerate(pieces)
    )
    _, peak, (events, error) = memory_of(ask, decoder, wire + make_frame(1, b"lost"))
    assert (events, type(error), error.close_code) == ([], PayloadTooBigError, 1009)
    assert peak <= 3 * limit + 3 * len(bomb) + 128 * KIB


def test_s16_limit_is_the_same_compressed_or_not(codec: ModuleType) -> None:
    for size, passes in ((MIB, True), (MIB + 1, False)):
        content = bytes(size)
        for deflate in (None, Deflate(SETTINGS)):
            payload = content if deflate is None else Deflate(SETTINGS).compress(content)
            wire = make_frame(2, payload, rsv=RSV1 if deflate else 0)
            decoder = codec.MessageDecoder("client", deflate=deflate)
            events, error = ask(decoder, wire)
            assert len(events) == passes
            assert passes or type(error) is PayloadTooBigError


@pytest.mark.parametrize(("sizes", "passes"), [((600, 400), True), ((600, 401), False)])
def test_s16_fragments_share_the_limit(
    codec: ModuleType, sizes: tuple[int, ...], passes: bool
) -> None:
    sender = Deflate(SETTINGS)
    first, last = (
        sender.compress(bytes(size), fin=fin)
        for size, fin in zip(sizes, (False, True), strict=True)
    )
    decoder = codec.MessageDecoder("client", deflate=Deflate(SETTINGS), max_message_size=1000)
    wire = make_frame(2, first, fin=False, rsv=RSV1) + make_frame(0, last)
    events, error = ask(decoder, wire)
    assert len(events) == passes
    assert passes or type(error) is PayloadTooBigError


# --- Large messages ------------------------------------------------------------------------------


def in_reads(codec: ModuleType, wire: bytes, size: int, **options: Any) -> Any:
    """Receive a message in reads of one size; give its content."""
    decoder = codec.MessageDecoder("server", max_message_size=None, **options)
    for at in range(0, len(wire), size):
        decoder.feed(wire[at : at + size])
        for event in decoder:
            return event.data
    return None


@on_cpython
@pytest.mark.parametrize("read", [1, KIB, 64 * KIB])
@pytest.mark.parametrize("kind", ["binary", "text", "bytes"])
def test_message_takes_its_size(back_end: ModuleType, kind: str, read: int) -> None:
    size = 10 * MIB
    if read == 1:  # as large as time allows
        size = MIB // 16 if back_end is _pure else MIB // 2 if kind == "bytes" else MIB
    payload = bytes(size)
    wire = back_end.encode_frame(2 if kind == "binary" else 1, payload, mask=KEY)
    text = "bytes" if kind == "bytes" else "str"
    held, peak, content = memory_of(in_reads, back_end, wire, read, text=text)
    assert len(content) == size
    assert held <= size + 8 * KIB
    if back_end is _pure:
        # Bytes in the making have an eighth of spare room, and are copied to what is given.
        assert peak <= 2.2 * size + 256 * KIB
    else:
        assert peak <= size + 256 * KIB


@on_cpython
@pytest.mark.parametrize("character", ["\xe9", "\u20ac", "\U0001f600"], ids=ascii)
def test_wide_text_takes_its_bytes_and_its_str(back_end: ModuleType, character: str) -> None:
    payload = (character + "x" * 100).encode() * 20_000
    wire = back_end.encode_frame(1, payload, mask=KEY)
    held, peak, content = memory_of(in_reads, back_end, wire, 64 * KIB)
    assert content == payload.decode()
    size = sys.getsizeof(content)
    assert held <= size + 8 * KIB
    # The interpreter's decoder begins anew where it meets a wider character.
    spare = len(payload) // 8 + size if back_end is _pure else 0
    assert peak <= len(payload) + size + spare + 256 * KIB


@on_cpython
@pytest.mark.parametrize("read", [64 * KIB, 1 << 30])
@pytest.mark.parametrize("kind", ["binary", "text"])
def test_message_in_fragments_takes_little_more(back_end: ModuleType, kind: str, read: int) -> None:
    size = 4 * MIB
    frame = back_end.encode_frame(0, bytes(64 * KIB), fin=False, mask=KEY)
    first = back_end.encode_frame(2 if kind == "binary" else 1, b"", fin=False, mask=KEY)
    wire = first + frame * (size // (64 * KIB)) + back_end.encode_frame(0, b"", mask=KEY)
    held, peak, content = memory_of(in_reads, back_end, wire, read)
    assert len(content) == size
    assert held <= size + 8 * KIB
    # How long the message is shows at its end only, so the room doubles, or is copied once.
    assert peak <= 2.2 * size + 256 * KIB + (len(wire) if read > len(wire) else 0)


@pytest.mark.parametrize("read", [KIB, 64 * KIB])
@pytest.mark.parametrize("opcode", [1, 2])
def test_large_message_takes_linear_time(back_end: ModuleType, opcode: int, read: int) -> None:
    def work(size: int) -> None:
        wire = back_end.encode_frame(opcode, bytes(size), mask=KEY)
        assert len(in_reads(back_end, wire, read)) == size

    assert_linear(work, 16 * MIB)


@on_cpython
def test_large_message_leaves_a_small_decoder(back_end: ModuleType) -> None:
    decoder = back_end.MessageDecoder("server", max_message_size=None)
    wire = back_end.encode_frame(1, bytes(2 * MIB), fin=False, mask=KEY)
    wire += back_end.encode_frame(0, "\u20ac" * 1000, mask=KEY)

    def work() -> None:
        for piece in cuts(wire, 100_000):
            decoder.feed(piece)
            for event in decoder:
                assert len(event.data) == 2 * MIB + 1000

    held, _, _ = memory_of(work)
    assert held < 256 * KIB


@on_cpython
@pytest.mark.parametrize("end", [make_frame(8, mask=KEY), b"\x83\x80", b"\x80\x05"], ids=bytes.hex)
@pytest.mark.parametrize("opcode", [1, 2])
def test_end_of_the_stream_lets_go_of_everything(
    back_end: ModuleType, opcode: int, end: bytes
) -> None:
    wire = back_end.encode_frame(opcode, bytes(MIB // 2), fin=False, mask=KEY)
    packed = Deflate(SETTINGS).compress(bytes(MIB // 2), fin=False)
    squeezed = back_end.encode_frame(opcode, packed, fin=False, rsv=RSV1, mask=KEY)

    def work() -> None:
        for frame in (wire, squeezed):
            decoder = back_end.MessageDecoder("server", deflate=Deflate(SETTINGS))
            decoder.feed(frame)
            assert list(decoder) == []
            decoders.append(decoder)
            decoder.feed(end + bytes(100_000))
            run_dry(decoder)

    decoders: list[Any] = []
    held, _, _ = memory_of(work)
    assert held < 160 * KIB  # the inflater has a window of its own
    assert [decoder.buffered for decoder in decoders] == [0, 0]


@on_cpython
def test_idle_decoders_take_next_to_nothing(back_end: ModuleType) -> None:
    count = 100_000 if back_end is not _pure else 10_000
    most = 400 if back_end is not _pure else 1024

    def work() -> list[Any]:
        decoders = [back_end.MessageDecoder("server") for _ in range(count)]
        for decoder in decoders[::10]:  # some have worked, and are idle again
            decoder.feed(once)
            assert len(list(decoder)) == 3
        return decoders

    once = make_frame(1, b"text", mask=KEY) + make_frame(9, mask=KEY)
    once += make_frame(2, b"a", fin=False, mask=KEY) + make_frame(0, b"b", mask=KEY)
    held, _, decoders = memory_of(work)
    assert held <= most * len(decoders) + 8 * count  # and the list


# --- Nothing leaks -------------------------------------------------------------------------------


def test_work_of_every_kind_leaks_nothing(back_end: ModuleType) -> None:
    streams = [
        make_frame(1, "\u20ac".encode() * 50) + make_frame(1, b"a", fin=False) + make_frame(0),
        make_frame(1, b"a\xff"),
        make_frame(1, b"open", fin=False) + make_frame(9, b"ping") + make_frame(2),
        make_frame(2, bytes(5000), fin=False) + make_frame(8, b"\x03\xe8bye") + b"tail",
        make_frame(8, b"\x03"),
        make_frame(1, Deflate(SETTINGS).compress(b"deflated" * 10), rsv=RSV1),
        make_frame(2, b"\x07", rsv=RSV1) + make_frame(0),
    ]

    def work() -> None:
        for stream, size in itertools.product(streams, (1, 7, 10_000)):
            decoder = back_end.MessageDecoder("client", deflate=Deflate(SETTINGS))
            for piece in cuts(stream, size):
                decoder.feed(piece)
                run_dry(decoder)
            decoder.get_buffer(100)
            run_dry(decoder)
        for wrong in (None, 5, "text"):
            with pytest.raises(TypeError):
                back_end.Binary(wrong)

    for _ in range(3):
        work()
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(20):
        work()
    gc.collect()
    assert sys.getallocatedblocks() - before < 100
