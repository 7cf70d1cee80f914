"""MessageDecoder: options, messages, fragments, control frames, closing, and which frame may come.

Limits, errors and what it shows are the subject of test_messages_limits.py; text, that of
test_messages_text.py; streams cut anywhere, that of test_messages_stream.py; compressed messages,
that of test_messages_deflate.py.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest
from helpers import make_frame, naive_header
from message_streams import KEY, MIB
from twins import plain, run_dry

from fastws import (
    InvalidUtf8Error,
    ProtocolError,
)

NO_LIMIT = sys.maxsize - 64


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


# --- Options -------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["server", "client", None])
def test_decoder_shows_what_it_was_made_with(codec: ModuleType, role: str | None) -> None:
    decoder = codec.MessageDecoder(role)
    assert (decoder.role, decoder.text, decoder.validate_utf8) == (role, "str", True)
    assert (decoder.max_message_size, decoder.max_fragments) == (MIB, 1 << 17)
    assert decoder.deflate is None
    assert (decoder.buffered, decoder.header, decoder.partial_header) == (0, None, b"")
    assert iter(decoder) is decoder
    deflate = object()
    decoder = codec.MessageDecoder(
        role,
        max_message_size=7,
        max_fragments=3,
        text="bytes",
        validate_utf8=False,
        deflate=deflate,
    )
    assert (decoder.role, decoder.text, decoder.validate_utf8) == (role, "bytes", False)
    assert (decoder.max_message_size, decoder.max_fragments) == (7, 3)
    assert decoder.deflate is deflate


def test_options_are_keywords(codec: ModuleType) -> None:
    with pytest.raises(TypeError):
        codec.MessageDecoder()
    with pytest.raises(TypeError):
        codec.MessageDecoder("server", 1024)


@pytest.mark.parametrize("name", ["role", "max_fragments", "text", "validate_utf8", "deflate"])
def test_options_stay_as_they_are(codec: ModuleType, name: str) -> None:
    decoder = codec.MessageDecoder("server")
    with pytest.raises(AttributeError):
        setattr(decoder, name, getattr(decoder, name))


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"role": "proxy"}, ValueError, "role must be"),
        ({"role": 1}, ValueError, "role must be"),
        ({"max_message_size": -1}, ValueError, "a size limit cannot be negative: -1"),
        ({"max_message_size": "1"}, TypeError, "integer"),
        ({"max_message_size": 1.5}, TypeError, "integer"),
        ({"max_fragments": 0}, ValueError, "max_fragments must be at least 1, not 0"),
        ({"max_fragments": -5}, ValueError, "max_fragments must be at least 1, not -5"),
        ({"max_fragments": "1"}, TypeError, "integer"),
        ({"text": "utf-8"}, ValueError, 'text must be "str" or "bytes", not \'utf-8\''),
        ({"text": None}, ValueError, 'text must be "str" or "bytes", not None'),
        ({"text": str}, ValueError, 'text must be "str" or "bytes", not <class \'str\'>'),
    ],
    ids=str,
)
def test_wrong_options_are_refused(
    codec: ModuleType, options: Any, error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        codec.MessageDecoder(**{"role": "server", **options})


@pytest.mark.parametrize("limit", [None, sys.maxsize, 1 << 63, 1 << 80])
def test_no_limit_is_what_one_object_holds(codec: ModuleType, limit: Any) -> None:
    decoder = codec.MessageDecoder("server", max_message_size=limit, max_fragments=limit)
    assert (decoder.max_message_size, decoder.max_fragments) == (NO_LIMIT, NO_LIMIT)
    for value, effective in ((0, 0), (limit, NO_LIMIT)):
        decoder.max_message_size = value
        assert decoder.max_message_size == effective
    for wrong, error in (("1", TypeError), (1.5, TypeError), (-1, ValueError)):
        with pytest.raises(error):
            decoder.max_message_size = wrong
    assert decoder.max_message_size == NO_LIMIT


# --- Messages ------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 2, 125, 126, 127, 65535, 65536])
@pytest.mark.parametrize("mask", [None, KEY, bytes(4)], ids=["plain", "masked", "zero-key"])
def test_message_in_one_frame(codec: ModuleType, mask: bytes | None, size: int) -> None:
    payload = (bytes(range(128)) * (size // 128 + 1))[:size]
    for text in ("str", "bytes"):
        decoder = codec.MessageDecoder(None, text=text)
        decoder.feed(make_frame(1, payload, mask=mask) + make_frame(2, payload[::-1], mask=mask))
        events = list(decoder)
        content = payload.decode() if text == "str" else payload
        assert events == [codec.Text(content), codec.Binary(payload[::-1])]
        assert [type(event.data) for event in events] == [type(content), bytes]
        assert decoder.buffered == 0


@pytest.mark.parametrize("mask", [None, KEY], ids=["plain", "masked"])
def test_control_frames_come_with_their_payload(codec: ModuleType, mask: bytes | None) -> None:
    decoder = codec.MessageDecoder(None)
    for opcode, kind in ((9, codec.Ping), (10, codec.Pong)):
        for payload in (b"", b"\x00", bytes(range(125))):
            decoder.feed(make_frame(opcode, payload, mask=mask))
            assert list(decoder) == [kind(payload)]


@pytest.mark.parametrize("role", ["server", "client"])
def test_role_wants_its_masking(codec: ModuleType, role: str) -> None:
    for mask in (None, KEY):
        decoder = codec.MessageDecoder(role)
        decoder.feed(make_frame(1, b"x", mask=mask)[:2])
        assert (run_dry(decoder)[1] is None) is ((mask is None) is (role == "client"))


@pytest.mark.parametrize("opcode", [1, 2])
@pytest.mark.parametrize("count", [2, 3, 10])
def test_fragments_are_joined(codec: ModuleType, count: int, opcode: int) -> None:
    parts = [b"%d," % n * (n % 4) for n in range(count)]
    whole = b"".join(parts)
    decoder = client(codec, fragments(opcode, *parts) * 2 + make_frame(2, b"next"))
    event = codec.Text(whole.decode()) if opcode == 1 else codec.Binary(whole)
    assert list(decoder) == [event, event, codec.Binary(b"next")]
    assert decoder.buffered == 0


def test_fragments_come_with_keys_of_their_own(codec: ModuleType) -> None:
    decoder = codec.MessageDecoder("server")
    keys = [KEY, bytes(4), b"\xff\x00\x80\x7f"]
    parts = [b"a" * 7, b"b" * 9, b"c" * 70]
    for opcode in (1, 2):
        for i, (key, part) in enumerate(zip(keys, parts, strict=True)):
            wire = make_frame(0 if i else opcode, part, fin=i == 2, mask=key)
            decoder.feed(wire[:8])
            assert list(decoder) == []
            decoder.feed(wire[8:])
        content = b"".join(parts)
        event = codec.Text(content.decode()) if opcode == 1 else codec.Binary(content)
        assert list(decoder) == [event]


def test_empty_messages(codec: ModuleType) -> None:
    for opcode, empty in ((1, codec.Text("")), (2, codec.Binary(b""))):
        for parts in ([b""], [b"", b""], [b"", b"", b""]):
            assert list(client(codec, fragments(opcode, *parts))) == [empty]
    assert list(client(codec, fragments(1, b"", b""), text="bytes")) == [codec.Text(b"")]


def test_control_frames_come_through_between_fragments(codec: ModuleType) -> None:
    wire = [
        make_frame(9, b"before"),
        make_frame(1, b"a\xe2", fin=False),
        make_frame(9, b"1"),
        make_frame(0, b"\x82", fin=False),
        make_frame(10, b"\xff" * 125),
        make_frame(9, b""),
        make_frame(0, b"\xacz"),
        make_frame(10, b"behind"),
    ]
    expected = [
        ("Ping", b"before"),
        ("Ping", b"1"),
        ("Pong", b"\xff" * 125),
        ("Ping", b""),
        ("Text", "a\u20acz"),
        ("Pong", b"behind"),
    ]
    assert run_dry(client(codec, b"".join(wire)))[0] == expected
    for size in (1, 2, 7):  # each as soon as it is whole
        decoder, found = client(codec), []
        for frame in wire:
            for at in range(0, len(frame), size):
                decoder.feed(frame[at : at + size])
                if at + size >= len(frame):
                    break
                assert run_dry(decoder) == ([], None)
            found.append([plain(event) for event in decoder])
        assert [event for events in found for event in events] == expected
        assert [len(events) for events in found] == [1, 0, 1, 0, 1, 1, 1, 1]


# --- Closing -------------------------------------------------------------------------------------


def test_every_close_code(codec: ModuleType) -> None:
    legal = {1000, 1001, 1002, 1003, *range(1007, 1015), *range(3000, 5000)}
    for code in [*range(5010), 9999, 32768, 65535]:
        decoder = client(codec, make_frame(8, code.to_bytes(2, "big") + b"why"))
        events, error = run_dry(decoder)
        if code in legal:
            assert (events, error) == ([("Close", code, "why")], None)
        else:
            assert events == []
            assert (type(error), str(error)) == (ProtocolError, f"invalid close code {code}")


def test_close_without_a_code(codec: ModuleType) -> None:
    (close,) = client(codec, make_frame(8))
    assert close == codec.Close(1005, "")
    assert type(close.code) is int
    error = verdict(codec, make_frame(8, b"\x03"))
    assert (type(error), error.close_code, error.reason) == (
        ProtocolError,
        1002,
        "close payload of 1 byte",
    )


def test_close_reason_is_text(codec: ModuleType) -> None:
    for reason in ("", "bye", "\u20ac" * 41, "x" * 123, "\x00", "\U0001f600"):
        (close,) = client(codec, make_frame(8, b"\x03\xe8" + reason.encode()))
        assert (close.code, close.reason) == (1000, reason)
    for wrong in (b"\xff", b"fine\xc3", b"\xed\xa0\x80", b"\xc0\x80" + b"x" * 121):
        for options in ({}, {"text": "bytes", "validate_utf8": False}):
            error = verdict(codec, make_frame(8, b"\x03\xe8" + wrong), **options)
            assert type(error) is InvalidUtf8Error
            assert (error.close_code, error.reason) == (1007, "close reason is not UTF-8")
    error = verdict(codec, make_frame(8, b"\x03\xe7\xff"))
    assert error.reason == "invalid close code 999"  # the code comes first


@pytest.mark.parametrize("before", [b"", fragments(1, b"unfinished", fin=False)])
def test_nothing_counts_behind_a_close(codec: ModuleType, before: bytes) -> None:
    tail = make_frame(1, b"text") + b"\x83\xff" + make_frame(8)
    decoder = client(codec, before + make_frame(8, b"\x03\xe8") + tail)
    decoder.feed(tail)
    assert next(decoder) == codec.Close(1000)
    for _ in range(3):
        assert list(decoder) == []
        assert (decoder.buffered, decoder.header, decoder.partial_header) == (0, None, b"")
        decoder.feed(tail)
        view = decoder.get_buffer(-1)
        view[: len(tail)] = tail
        decoder.buffer_updated(len(tail))
        decoder.max_message_size = 10
    with pytest.raises(TypeError, match="^a bytes-like object is required, not 'str'$"):
        decoder.feed("text")
    with pytest.raises(RuntimeError):
        decoder.buffer_updated(1)


def test_close_frame_that_comes_in_parts(codec: ModuleType) -> None:
    wire = make_frame(8, b"\x03\xe9going", mask=KEY)
    decoder = codec.MessageDecoder("server")
    for at in range(len(wire) - 1):
        decoder.feed(wire[at : at + 1])
        assert list(decoder) == []
        assert decoder.buffered == at + 1
    decoder.feed(wire[-1:] + b"ignored")
    assert list(decoder) == [codec.Close(1001, "going")]
    assert decoder.buffered == 0


# --- Judging headers -----------------------------------------------------------------------------

ORPHAN = "continuation frame without a message to continue"
EARLY = "new message before the last fragment of the one before"
NO_RSV = "RSV1 set without an extension that uses it"
# Two bytes that break a rule outside of a message, inside of one, or in both.
STARTS = [
    (b"\x80\x00", ORPHAN, None),
    (b"\x00\x7f", ORPHAN, None),
    (b"\xc0\x00", ORPHAN, NO_RSV),
    (b"\x81\x00", None, EARLY),
    (b"\x02\x7e", None, EARLY),
    (b"\xc1\x80", NO_RSV, EARLY),
    (b"\x83\x00", "reserved opcode 0x3", "reserved opcode 0x3"),
    (b"\x90\x00", ORPHAN, "RSV3 set without an extension that uses it"),
    (b"\x09\x00", "fragmented control frame", "fragmented control frame"),
    (b"\x88\x7e", *["control frame payload longer than 125 bytes"] * 2),
    (b"\x89\x80", *["frame from the server is masked"] * 2),
    (b"\x89\xfd", *["frame from the server is masked"] * 2),
]


@pytest.mark.parametrize(("start", "outside", "inside"), STARTS)
def test_two_bytes_are_enough_for_a_verdict(
    codec: ModuleType, start: bytes, outside: str | None, inside: str | None
) -> None:
    openings = [(b"", outside), (fragments(1, b"done"), outside), (fragments(1, b"", b""), outside)]
    openings += [(fragments(2, *parts, fin=False), inside) for parts in ([b""], [b"x", b"y"])]
    for opening, reason in openings:
        for tail in (b"", b"\xff" * 9):
            decoder = client(codec, opening + start[:1], max_message_size=len(opening))
            assert run_dry(decoder)[1] is None  # one byte is not
            decoder.feed(start[1:] + tail)
            error = run_dry(decoder)[1]
            if reason is not None:
                assert (type(error), str(error)) == (ProtocolError, reason)
                assert error.close_code == 1002


@pytest.mark.parametrize(("form", "size"), [(16, 0), (16, 1), (16, 125), (64, 1), (64, 65535)])
@pytest.mark.parametrize("mask", [None, KEY], ids=["plain", "masked"])
def test_length_that_is_not_in_its_shortest_form(
    codec: ModuleType, mask: bytes | None, form: int, size: int
) -> None:
    for opcode in (1, 2):
        decoder = codec.MessageDecoder(None)
        decoder.feed(make_frame(opcode, bytes(size), mask=mask, form=form))
        events, error = run_dry(decoder)
        assert (events, type(error)) == ([], ProtocolError)
        assert str(error) == "payload length is not in its shortest form"


def test_wrong_length_is_judged_before_the_limit(codec: ModuleType) -> None:
    opening = fragments(2, b"abc", fin=False)
    for header in (naive_header(0, 5, form=16), naive_header(0, 1 << 63, form=64)):
        error = verdict(codec, opening + header, max_message_size=4)
        assert type(error) is ProtocolError
        assert "payload length" in error.reason
