"""Inputs that broke other WebSocket parsers, as permanent regression tests of MessageDecoder.

Numbers S1 to S28 are those of the project's catalogue of bad inputs. Those about memory stand in
test_messages_memory.py, negotiation (S18) in test_deflate.py, and what is the same for frames in
test_security.py.
"""

from __future__ import annotations

import itertools
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from helpers import cuts, make_frame, naive_header, naive_utf8_fault
from message_streams import KEY, MIB
from twins import plain, run_dry

from fastws import InvalidUtf8Error, PayloadTooBigError, ProtocolError, _pure
from fastws.deflate import PerMessageDeflate

KIB = 1024
SETTINGS = PerMessageDeflate()


def ask(decoder: Any, data: bytes) -> Any:
    """Feed data; give the events and the error that come of it."""
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


# --- Header and length ---------------------------------------------------------------------------


@pytest.mark.parametrize("opcode", [1, 2])
@pytest.mark.parametrize("size", [(1 << 31) - 1, 1 << 32, 1 << 40, 1 << 62])
def test_s2_declared_size_takes_no_memory(codec: ModuleType, size: int, opcode: int) -> None:
    starts, contents = (b"", make_frame(opcode, b"x", fin=False)), ("0123456789", "é€\U0001f30d")
    for limit, start, content in itertools.product((None, MIB), starts, contents):
        header = naive_header(0 if start else opcode, size)
        decoder = codec.MessageDecoder("client", max_message_size=limit)
        _, peak, (events, error) = memory_of(ask, decoder, start + header + content.encode())
        assert events == []
        assert peak < 64 * KIB
        refused = limit is not None or size > sys.maxsize
        assert type(error) is (PayloadTooBigError if refused else type(None))
        if not refused:
            view = decoder.get_buffer(-1)
            assert memory_of(decoder.get_buffer, -1)[1] < 512 * KIB
            del view


def test_s3_lengths_are_added_without_overflow(codec: ModuleType) -> None:
    for length, limit in itertools.product((64, 65, 1000), (None, sys.maxsize, 2000)):
        size = (1 << 63) - length
        decoder = codec.MessageDecoder("client", max_message_size=limit)
        data = make_frame(2, bytes(2000), fin=False) + naive_header(0, size) + b"x"
        _, peak, (events, error) = memory_of(ask, decoder, data)
        assert (events, type(error)) == ([], PayloadTooBigError)
        assert f"message of {2000 + size} bytes exceeds" in str(error)
        assert peak < 64 * KIB


# --- Fragments and state -------------------------------------------------------------------------


@pytest.mark.parametrize("fin", [True, False])
def test_s9_frames_of_a_message_keep_their_order(codec: ModuleType, fin: bool) -> None:
    whole = make_frame(1, b"whole")
    opened = make_frame(2, b"open", fin=False)
    orphan, fresh = make_frame(0, b"x", fin=fin), make_frame(1, b"x", fin=fin)
    cases = [
        (orphan, 0),
        (whole + orphan, 1),
        (opened + make_frame(0, b"end") + orphan, 1),
        (opened + fresh, 0),
        (opened + make_frame(0, b"", fin=False) + fresh, 0),
        (opened + make_frame(9) + make_frame(2, b"x", fin=fin), 1),
        (whole + make_frame(9) + orphan, 2),
    ]
    for (data, count), size in itertools.product(cases, (1, 3, 1000)):
        decoder = codec.MessageDecoder("client")
        found, error = [], None
        for piece in cuts(data + whole, size):
            events, error = ask(decoder, piece)
            found += events
        assert len(found) == count
        assert (type(error), error.close_code) == (ProtocolError, 1002)
        assert ask(decoder, whole * 2)[0] == []


def test_s10_the_rest_of_a_cut_frame_is_no_message(codec: ModuleType) -> None:
    inner = make_frame(1, b"smuggled")
    key = b"\x00\x01\x81\x00"  # behind 81, a header of its own
    for wire, event in [
        (make_frame(9, inner), ("Ping", inner)),
        (make_frame(2, inner), ("Binary", inner)),
        (make_frame(2, b"x", mask=key), ("Binary", b"x")),
        (make_frame(9, b"x", mask=key), ("Ping", b"x")),
    ]:
        for cut in range(len(wire)):
            decoder = codec.MessageDecoder(None)
            assert ask(decoder, wire[:cut]) == ([], None)
            assert ask(decoder, wire[cut:]) == ([event], None)


def test_s10_control_frames_leave_a_message_alone(codec: ModuleType) -> None:
    ping = make_frame(9, b"\x80\xff ping", mask=KEY)
    text = "caf\xe9 \u20ac".encode()
    frames = [make_frame(1, text[:4], fin=False, mask=KEY)]
    frames += [make_frame(0, text[i : i + 1], fin=False, mask=KEY) for i in range(4, len(text))]
    frames += [make_frame(0, mask=KEY)]
    stream = ping + ping.join(frames) + ping
    for size in (1, 2, 3, 8, 1000):
        decoder = codec.MessageDecoder("server")
        found = []
        for piece in cuts(stream, size):
            decoder.feed(piece)
            found += decoder
        pings = [codec.Ping(b"\x80\xff ping")]
        assert found == [*pings * len(frames), codec.Text(text.decode()), *pings]


@pytest.mark.parametrize("wire", [b"\x81\x00", b"\x89\x00", b"\x01\x00\x80\x00"], ids=bytes.hex)
def test_s13_many_tiny_messages_in_one_feed_take_linear_time(
    codec: ModuleType, wire: bytes
) -> None:
    def work(count: int) -> None:
        decoder = codec.MessageDecoder("client")
        decoder.feed(wire * count)
        assert sum(1 for _ in decoder) == count

    assert_linear(work, scaled(codec, 400_000))


def test_s13_each_message_is_one_step(codec: ModuleType) -> None:
    data = b"\x81\x00" * (2 * MIB)
    decoder = codec.MessageDecoder("client")

    def work() -> None:
        decoder.feed(data)
        for _ in range(100):
            next(decoder)

    _, peak, _ = memory_of(work)
    assert peak < 64 * KIB  # held, not copied; nothing made ahead
    assert decoder.buffered == len(data) - 200


@pytest.mark.parametrize(
    "broken",
    [b"\x80\x80", b"\x83\x80", make_frame(1, b"\xff", mask=KEY), make_frame(8, b"x", mask=KEY)],
    ids=bytes.hex,
)
def test_s14_nothing_revives_a_broken_stream(codec: ModuleType, broken: bytes) -> None:
    good = make_frame(1, b"good", mask=KEY)
    decoder = codec.MessageDecoder("server")
    events, first = ask(decoder, good + broken + good)
    assert events == [("Text", "good")]
    header = decoder.header
    for data in (b"", good, b"\x00", KEY, make_frame(8, mask=KEY), good * 1000):
        decoder.feed(data)
        decoder.get_buffer(-1)[:1] = b"\x81"
        decoder.buffer_updated(1)
        decoder.max_message_size = None
        for _ in range(3):
            with pytest.raises(type(first)) as caught:
                next(decoder)
            assert (str(caught.value), caught.value.close_code) == (str(first), first.close_code)
        assert (decoder.buffered, decoder.partial_header, decoder.header) == (0, b"", header)


@pytest.mark.parametrize("close", [b"", b"\x03\xe8", b"\x0f\xa0reason"])
def test_s15_bytes_behind_a_close_are_ignored(codec: ModuleType, close: bytes) -> None:
    tails = [make_frame(1, b"text"), make_frame(8, b"\x03\xe9"), b"\xff" * 100, b"\x81", bytes(14)]
    for tail, open_before in itertools.product(tails, (b"", make_frame(1, b"\xe2", fin=False))):
        stream = open_before + make_frame(8, close) + tail
        for size in (1, 1000):
            decoder = codec.MessageDecoder("client")
            found = []
            for piece in cuts(stream, size):
                events, error = ask(decoder, piece)
                assert error is None
                found += events
            assert [event[0] for event in found] == ["Close"]
            held, _, _ = memory_of(ask, decoder, bytes(tail) * 1000)
            assert (decoder.buffered, held < KIB) == (0, True)


# --- UTF-8 and close -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "bad",
    [
        *(b"\xc0\x80", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf", b"\xc1\xbf"),  # overlong
        *(b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xed\xa0\xbd\xed\xb8\x80"),  # surrogates
        *(b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\xff"),  # above U+10FFFF
        *(b"\x80", b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98"),  # alone, or truncated
    ],
    ids=bytes.hex,
)
def test_s19_impossible_text_fails_fast(codec: ModuleType, bad: bytes) -> None:
    content = b"start" + bad
    fault = naive_utf8_fault(content)
    wire = make_frame(1, content, mask=KEY)
    for cut in range(len(wire) + 1):
        decoder = codec.MessageDecoder("server")
        _, early = ask(decoder, wire[:cut])
        assert (early is not None) is (cut > 6 + (fault or 0) or cut == len(wire))
        _, error = ask(decoder, wire[cut:])
        assert type(error) is InvalidUtf8Error
        assert str(fault) in str(error)


def test_s19_unusual_text_passes(codec: ModuleType) -> None:
    # A byte order mark and NULs are characters like others; so are those that are no characters.
    for text in ("\ufeffbom", "\x00\x00", "a\x00b", "\ufffe\uffff", "\U0010ffff", "\u202e"):
        for cut in range(len(text.encode()) + 1):
            wire = make_frame(1, text.encode())
            decoder = codec.MessageDecoder("client")
            decoder.feed(wire[: cut + 2])
            events = list(decoder)
            decoder.feed(wire[cut + 2 :])
            assert [*events, *decoder] == [codec.Text(text)]


@pytest.mark.parametrize("mask", [None, KEY])
def test_s1_a_length_is_read_whole(codec: ModuleType, mask: bytes | None) -> None:
    # Of these, two bytes alone would be a length for which enough has come.
    for length in (126 << 48, 200 << 48, 127 << 48 | 130, 126 << 8, 130 << 16):
        decoder = codec.MessageDecoder(None)
        events, error = ask(decoder, naive_header(2, length, form=64, mask=mask) + bytes(1000))
        assert (events, error is None) == ([], False)


@pytest.mark.parametrize("cut", [0, 1, 3])
def test_s20_close_payloads(codec: ModuleType, cut: int) -> None:
    wrong = [b"\x03"]
    codes = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535]
    wrong += [code.to_bytes(2, "big") + reason for code in codes for reason in (b"", b"x" * 123)]
    for payload, kind in [
        *((payload, ProtocolError) for payload in wrong),
        (b"\x03\xe8\xff", InvalidUtf8Error),
        (b"\x03\xe8" + b"x" * 122 + b"\xc3", InvalidUtf8Error),
    ]:
        decoder = codec.MessageDecoder("client")
        wire = make_frame(8, payload)
        assert ask(decoder, wire[:cut]) == ([], None) or len(wire) <= cut
        events, error = ask(decoder, wire[cut:])
        assert (events, type(error)) == ([], kind)
    decoder = codec.MessageDecoder("client")
    assert ask(decoder, make_frame(8, b"\x03\xe8" + b"x" * 123))[0] == [("Close", 1000, "x" * 123)]
    fragment = ask(codec.MessageDecoder("client"), make_frame(8, b"\x03\xe8", fin=False))
    assert str(fragment[1]) == "fragmented control frame"


# --- Threads and re-entrance ---------------------------------------------------------------------


def test_s26_two_threads_on_two_decoders(codec: ModuleType) -> None:
    texts = [chr(0x20 + 300 * n) * n for n in range(100)]
    stream = b"".join(make_frame(1, text.encode(), mask=KEY) for text in texts)
    results: dict[int, bool] = {}
    start = threading.Barrier(4)

    def work(number: int) -> None:
        decoder = codec.MessageDecoder("server")
        found = []
        start.wait()
        for at in range(0, len(stream), 300 + number):
            decoder.feed(stream[at : at + 300 + number])
            found += [event.data for event in decoder]
        results[number] = found == texts

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == dict.fromkeys(range(4), True)


def test_s26_feeding_and_asking_from_inside_the_loop(codec: ModuleType) -> None:
    decoder = codec.MessageDecoder("client")
    fresh = iter(range(100))
    seen = []
    decoder.feed(make_frame(2, bytes([next(fresh)])))
    for event in decoder:
        seen.append(event.data[0])
        if len(seen) < 50:
            decoder.feed(make_frame(2, b"", fin=False) + make_frame(0, bytes([next(fresh)])))
            decoder.feed(b"\x82")
            decoder.get_buffer(-1)[:1] = b"\x01"
            decoder.buffer_updated(1)
            decoder.feed(bytes([next(fresh)]))
            seen += [inner.data[0] for inner in itertools.islice(decoder, len(seen) % 3)]
    assert seen == list(range(len(seen)))
    assert len(seen) >= 50
    assert decoder.buffered == 0


@pytest.mark.skipif(sys.version_info < (3, 12), reason="__buffer__ in Python came with 3.12")
def test_s26_decoder_used_from_inside_its_own_feed(codec: ModuleType) -> None:
    decoder = codec.MessageDecoder("client")

    class Sly:
        def __buffer__(self, flags: int) -> memoryview:
            decoder.feed(make_frame(0, b"ner"))
            seen.extend(decoder)
            return memoryview(make_frame(1, b"outer"))

    seen: list[Any] = []
    decoder.feed(make_frame(1, b"in", fin=False))
    decoder.feed(Sly())
    seen.extend(decoder)
    assert [plain(event) for event in seen] == [("Text", "inner"), ("Text", "outer")]
