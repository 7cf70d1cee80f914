"""MessageDecoder: its limits, its errors, and what it shows of a message in progress."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from helpers import make_frame, naive_header
from message_streams import KEY
from twins import plain, run_dry

from fastws import RSV1, CodecError, FrameHeader, PayloadTooBigError


def client(codec: ModuleType, data: bytes = b"", **options: Any) -> Any:
    """Give a client's decoder that was fed with data."""
    decoder = codec.MessageDecoder("client", **options)
    decoder.feed(data)
    return decoder


def verdict(codec: ModuleType, data: bytes, **options: Any) -> Any:
    """Give the error that these bytes bring, or None, from a fresh decoder of a client."""
    return run_dry(client(codec, data, **options))[1]


def fragments(opcode: int, *payloads: bytes, fin: bool = True) -> bytes:
    """Give the frames of a message in as many fragments."""
    last = len(payloads) - 1
    return b"".join(
        make_frame(0 if i else opcode, payload, fin=fin and i == last)
        for i, payload in enumerate(payloads)
    )


# --- Limits --------------------------------------------------------------------------------------


@pytest.mark.parametrize("opcode", [1, 2])
@pytest.mark.parametrize("limit", [0, 1, 5, 125, 126, 200, 65536])
def test_limit_on_a_message_in_one_frame(codec: ModuleType, limit: int, opcode: int) -> None:
    decoder = client(codec, make_frame(opcode, bytes(limit)), max_message_size=limit)
    assert len(next(decoder).data) == limit
    text = f"message of {limit + 1} bytes exceeds the limit of {limit} bytes"
    for wire in (naive_header(opcode, limit + 1), make_frame(opcode, bytes(limit + 1))):
        decoder = client(codec, wire, max_message_size=limit)
        events, error = run_dry(decoder)
        assert (events, type(error)) == ([], PayloadTooBigError)
        assert (error.reason, error.close_code) == (text, 1009)


def test_limit_on_a_message_in_fragments(codec: ModuleType) -> None:
    opening = fragments(2, b"123", b"", b"4567", fin=False) + make_frame(9, bytes(125))
    for fin in (True, False):
        decoder = client(codec, opening + make_frame(0, b"890", fin=fin), max_message_size=10)
        assert len(run_dry(decoder)[0]) == 1 + fin
        decoder = client(codec, opening, max_message_size=10)
        list(decoder)
        decoder.feed(naive_header(0, 4, fin=fin))
        error = run_dry(decoder)[1]
        assert str(error) == "message of 11 bytes exceeds the limit of 10 bytes"
    decoder = client(codec, fragments(2, b"12345", b"67890") * 3, max_message_size=10)
    assert len(list(decoder)) == 3  # each message anew


@pytest.mark.parametrize("size", [65, 126, 65536, 1 << 40])
def test_limit_is_judged_as_soon_as_the_length_is_known(codec: ModuleType, size: int) -> None:
    header = naive_header(0, size, mask=KEY)
    opening = make_frame(1, b"text", fin=False, mask=KEY)
    known = len(header) - 4
    for cut, judged in ((known - 1, False), (known, True)):
        decoder = codec.MessageDecoder("server", max_message_size=64)
        decoder.feed(opening + header[:cut])
        error = run_dry(decoder)[1]
        assert (type(error) is PayloadTooBigError) is judged
        assert not judged or f"message of {size + 4} bytes" in str(error)


def test_control_frames_have_a_limit_of_their_own(codec: ModuleType) -> None:
    wire = make_frame(9, bytes(125)) + make_frame(8, b"\x03\xe8" + b"x" * 123)
    assert len(list(client(codec, wire, max_message_size=0))) == 2
    opening = fragments(2, b"", fin=False)
    assert len(list(client(codec, opening + wire, max_message_size=0))) == 2


def test_limit_may_change_between_frames(codec: ModuleType) -> None:
    decoder = client(codec, fragments(2, b"12345", fin=False), max_message_size=5)
    assert list(decoder) == []
    decoder.max_message_size = 8
    decoder.feed(make_frame(0, b"678"))
    assert list(decoder) == [codec.Binary(b"12345678")]
    decoder.feed(make_frame(2, bytes(8))[:6])
    assert list(decoder) == []
    decoder.max_message_size = 2  # not for the frame in progress
    decoder.feed(bytes(4))
    assert list(decoder) == [codec.Binary(bytes(8))]
    decoder.feed(naive_header(2, 3))
    assert "message of 3 bytes exceeds the limit of 2 bytes" in str(run_dry(decoder)[1])


def test_limit_that_changes_counts_what_has_come(codec: ModuleType) -> None:
    for more, passes in ((50, True), (51, False)):
        decoder = client(codec, fragments(2, bytes(100), fin=False))
        assert list(decoder) == []
        decoder.max_message_size = 150
        decoder.feed(naive_header(0, more))
        error = run_dry(decoder)[1]
        assert error is None if passes else "message of 151 bytes" in str(error)


@pytest.mark.parametrize("when", ["inside the frame", "behind the frame"])
def test_limit_below_what_is_held_lets_nothing_through(codec: ModuleType, when: str) -> None:
    decoder = client(codec)
    wire = make_frame(2, bytes(100), fin=False)
    decoder.feed(wire[:50] if when == "inside the frame" else wire)
    assert list(decoder) == []
    decoder.max_message_size = 10
    decoder.feed(wire[50:] if when == "inside the frame" else b"")
    assert list(decoder) == []
    decoder.feed(make_frame(0, b"", fin=False))
    assert list(decoder) == []
    decoder.feed(naive_header(0, 1))
    assert "message of 101 bytes exceeds the limit of 10 bytes" in str(run_dry(decoder)[1])


@pytest.mark.parametrize("most", [1, 2, 3, 100])
def test_limit_on_fragments(codec: ModuleType, most: int) -> None:
    parts = [b"x", b""] * most
    wire = fragments(1, *parts[:most])
    decoder = client(codec, wire + make_frame(9) + wire, max_fragments=most)
    assert len(list(decoder)) == 3
    decoder.feed(fragments(2, *parts[:most], fin=False) + make_frame(9) + b"\x80\x7e\x00")
    assert list(decoder) == [codec.Ping(b"")]  # its header is not whole yet
    decoder.feed(b"\x7e")
    error = run_dry(decoder)[1]
    assert type(error) is PayloadTooBigError
    assert (error.reason, error.close_code) == (f"message of more than {most} fragments", 1009)
    assert decoder.header == FrameHeader(True, 0, 0, False, None, 126, 4)


def test_size_is_judged_before_the_count(codec: ModuleType) -> None:
    wire = fragments(2, b"12345", fin=False) + make_frame(0, b"6", mask=KEY)
    for size in (len(wire) - 5, len(wire)):
        decoder = codec.MessageDecoder(None, max_message_size=5, max_fragments=1)
        decoder.feed(wire[:size])
        assert "message of 6 bytes" in str(run_dry(decoder)[1])
    decoder = codec.MessageDecoder(None, max_message_size=6, max_fragments=1)
    for at in range(len(wire) - 1):  # the count waits for the key
        decoder.feed(wire[at : at + 1])
        assert (run_dry(decoder)[1] is None) is (at < len(wire) - 2)


# --- Errors --------------------------------------------------------------------------------------

BROKEN = {
    "orphan": (make_frame(0, b"xyz"), FrameHeader(True, 0, 0, False, None, 3, 2)),
    "rsv": (make_frame(1, b"xyz", rsv=RSV1), FrameHeader(True, RSV1, 1, False, None, 3, 2)),
    "size": (naive_header(1, 5000), FrameHeader(True, 0, 1, False, None, 5000, 4)),
    "not read": (naive_header(11, 5000), None),
    "utf-8": (make_frame(1, b"x\xffz"), FrameHeader(True, 0, 1, False, None, 3, 2)),
    "utf-8 in part": (make_frame(1, b"x\xffz")[:-1], FrameHeader(True, 0, 1, False, None, 3, 2)),
    "cut": (fragments(1, b"xy", b"\xe2"), FrameHeader(True, 0, 0, False, None, 1, 2)),
    "close": (make_frame(8, b"\x00\x00"), FrameHeader(True, 0, 8, False, None, 2, 2)),
    "closed": (
        fragments(2, b"x", fin=False) + make_frame(8, b"\x03"),
        FrameHeader(True, 0, 8, False, None, 1, 2),
    ),
    "count": (
        fragments(2, b"x", b"y", b"zz", b""),
        FrameHeader(False, 0, 0, False, None, 2, 2),
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_whole_events_come_before_the_error_and_it_stays(codec: ModuleType, kind: str) -> None:
    broken, header = BROKEN[kind]
    decoder = client(codec, max_message_size=4096, max_fragments=2)
    decoder.feed(make_frame(1, b"a") + make_frame(9, b"b") + broken + make_frame(2, b"lost"))
    if kind == "utf-8 in part":
        decoder = client(codec, make_frame(1, b"a") + make_frame(9, b"b") + broken)
    events, first = run_dry(decoder)
    assert events == [("Text", "a"), ("Ping", b"b")]
    assert isinstance(first, CodecError)
    for _ in range(3):
        assert (decoder.header, decoder.buffered, decoder.partial_header) == (header, 0, b"")
        decoder.feed(make_frame(1, b"more"))
        decoder.max_message_size = None
        events, again = run_dry(decoder)
        assert events == []
        assert (type(again), str(again)) == (type(first), str(first))
        assert (again.reason, again.close_code) == (first.reason, first.close_code)
        assert again is not first


def test_masked_frame_that_broke_the_stream_keeps_its_key(codec: ModuleType) -> None:
    decoder = codec.MessageDecoder("server")
    decoder.feed(make_frame(1, b"\xff", mask=KEY))
    assert run_dry(decoder)[1] is not None
    assert decoder.header == FrameHeader(True, 0, 1, True, None, 1, 6)


# --- What there is to see ------------------------------------------------------------------------


def test_buffered_counts_all_that_is_held(codec: ModuleType) -> None:
    wire = make_frame(1, b"12345", fin=False, mask=KEY) + make_frame(9, b"67", mask=KEY)
    wire += make_frame(0, b"8" * 300, mask=KEY)
    decoder = codec.MessageDecoder("server")
    past, held = 0, 0
    for fed in range(1, len(wire)):
        before = decoder.buffered
        decoder.feed(wire[fed - 1 : fed])
        assert decoder.buffered == before + 1
        list(decoder)
        if fed in (11, 19):  # here ends a frame: of the first, its payload is held
            past, held = fed, 5
        assert decoder.buffered == held + fed - past
    decoder.feed(wire[-1:])
    assert next(decoder).data == "12345" + "8" * 300
    assert decoder.buffered == 0


def test_header_shows_the_frame_in_progress(codec: ModuleType) -> None:
    wire = fragments(1, b"a", fin=False) + make_frame(0, b"bcd", fin=False)
    decoder = client(codec, wire[:-1])
    assert decoder.header is None  # parsing happens as events are asked for
    assert list(decoder) == []
    assert decoder.header == FrameHeader(False, 0, 0, False, None, 3, 2)
    decoder.feed(wire[-1:] + b"\x80")
    assert list(decoder) == []
    assert (decoder.header, decoder.partial_header) == (None, b"\x80")


def test_loop_may_stop_and_go_on_later(codec: ModuleType) -> None:
    decoder = client(codec, make_frame(1, b"a") + fragments(2, b"b", b"c") + make_frame(9))
    assert next(decoder) == codec.Text("a")
    decoder.feed(make_frame(1, b"d"))
    assert next(decoder) == codec.Binary(b"bc")
    assert decoder.buffered == 2 + 3
    assert [plain(event) for event in decoder] == [("Ping", b""), ("Text", "d")]
    with pytest.raises(StopIteration):
        next(decoder)
    decoder.feed(make_frame(10))
    assert next(decoder) == codec.Pong(b"")


@pytest.mark.parametrize("wrong", ["text", 5, None, [1, 2], object()])
def test_what_is_no_buffer_is_refused(codec: ModuleType, wrong: Any) -> None:
    decoder = client(codec, b"\x81")
    kind = type(wrong).__name__
    with pytest.raises(TypeError, match=f"^a bytes-like object is required, not '{kind}'$"):
        decoder.feed(wrong)
    decoder.feed(b"\x01a")  # the stream is none the worse
    assert list(decoder) == [codec.Text("a")]
