"""fastws in websocket-client: what is received, sent, masked and validated is what stock does."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
import websocket
from adapters.violations import KEY, VIOLATIONS, frames_for
from helpers import cuts, kind, naive_mask, outcome
from hypothesis import given
from hypothesis import strategies as st
from websocket import ABNF, WebSocket, WebSocketConnectionClosedException
from websocket._utils import validate_utf8

import fastws
from fastws.adapters import websocket_client as adapter


@contextmanager
def fast() -> Iterator[dict[str, int]]:
    """Have fastws in websocket-client for a while; gives what the counters were before."""
    fastws.install("websocket_client")
    try:
        yield adapter.counters()
    finally:
        fastws.uninstall("websocket_client")


class Wire:
    """Stands for a socket: gives chunks as they come, and notes what is sent."""

    def __init__(self, chunks: Sequence[bytes]) -> None:
        self.chunks = list(chunks)
        self.asked: list[int] = []
        self.sent = b""

    def gettimeout(self) -> None:
        return None

    def settimeout(self, timeout: float | None) -> None:
        pass

    def recv(self, size: int) -> bytes:
        self.asked.append(size)
        if not self.chunks:
            return b""
        chunk = self.chunks[0]
        self.chunks[:1] = [chunk[size:]] if len(chunk) > size else []
        return chunk[:size]

    def send(self, data: bytes) -> int:
        self.sent += data
        return len(data)

    def shutdown(self, how: int) -> None:
        pass

    def close(self) -> None:
        pass


def connected(chunks: Sequence[bytes], **options: Any) -> tuple[Any, Wire]:
    """Give a WebSocket whose handshake is done and whose masking keys are known."""
    connection = WebSocket(get_mask_key=lambda size: KEY, **options)
    wire = connection.sock = Wire(chunks)
    connection.connected = True
    return connection, wire


def transcript(
    chunks: Sequence[bytes], receive: str = "recv_data", **options: Any
) -> list[tuple[Any, ...]]:
    """Receive until the end, over errors; tell what came, what was asked for and what was sent."""
    connection, wire = connected(chunks, **options)
    steps = []
    for _ in range(40):
        if receive == "recv":
            found = outcome(connection.recv)
        else:
            found = outcome(connection.recv_data, control_frame=True)
        steps.append((*found, wire.sent, connection.connected, list(wire.asked)))
        if found[1] is WebSocketConnectionClosedException:
            break
    return steps


def splits(data: bytes) -> list[list[bytes]]:
    """Give a stream whole, byte by byte, and cut once at each place near its start."""
    places = range(1, min(len(data), 24))
    pieces = list(cuts(data, max(1, len(data) // 150))) if data else []
    return [[data], pieces, *([data[:cut], data[cut:]] for cut in places)]


def same(streams: Sequence[Sequence[bytes]], **options: Any) -> None:
    """Compare the transcripts of streams, stock and fast."""
    expected = [transcript(chunks, **options) for chunks in streams]
    with fast():
        found = [transcript(chunks, **options) for chunks in streams]
    for one, other in zip(expected, found, strict=True):
        assert other == one


# --- Receiving -----------------------------------------------------------------------------------


@pytest.mark.parametrize("receive", ["recv", "recv_data"])
@pytest.mark.parametrize("masked", [False, True], ids=["unmasked", "masked"])
@pytest.mark.parametrize("name", VIOLATIONS)
def test_violations_are_judged_as_by_stock(name: str, masked: bool, receive: str) -> None:
    same(splits(VIOLATIONS[name](masked)), receive=receive)


@pytest.mark.parametrize("options", [{"fire_cont_frame": True}, {"skip_utf8_validation": True}])
@pytest.mark.parametrize("name", VIOLATIONS)
def test_violations_with_options(name: str, options: dict[str, bool]) -> None:
    data = VIOLATIONS[name](False)
    same([[data], list(cuts(data, 1)) if data else []], **options)


@given(st.lists(frames_for(False), max_size=6), st.integers(1, 40))
def test_random_streams(frames: list[bytes], size: int) -> None:
    data = b"".join(frames)
    same([[data], list(cuts(data, size)) if data else []])


def test_large_messages() -> None:
    text = ("Grüße, 世界 " * 9000).encode()
    frame = fastws.encode_frame(fastws.Opcode.TEXT, text)
    masked = fastws.encode_frame(fastws.Opcode.TEXT, text, mask=KEY)
    with fast() as before:
        for data in (frame, masked):
            assert transcript([data])[0][2] == (1, text)
    assert adapter.counters()["validated"] > before["validated"]
    assert adapter.counters()["masked"] > before["masked"]
    same([[frame], [masked], list(cuts(masked, 10_000))])


# --- Validating ----------------------------------------------------------------------------------

TEXTS = [
    b"",
    b"plain",
    "ß€😀".encode(),
    b"ab\xff",
    b"\xc0\x80",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xe2\x82",
    b"\xf0\x9f\x98",
    b"\x80",
    b"x" * 100 + b"\xe2",
    b"x" * 100 + b"\xed\xa0",
]
FORMS: list[Callable[[bytes], Any]] = [
    bytes,
    bytearray,
    memoryview,
    list,
    lambda text: text.decode("latin-1"),
    lambda text: text.decode("utf-8", "surrogateescape"),
]


@pytest.mark.parametrize("form", range(len(FORMS)))
@pytest.mark.parametrize("text", TEXTS)
def test_validation_is_that_of_stock(text: bytes, form: int) -> None:
    argument = FORMS[form](text)
    expected = outcome(validate_utf8, argument)
    with fast() as before:
        assert outcome(validate_utf8, argument) == expected
        if form == 0:
            assert adapter.counters()["validated"] == before["validated"] + 1


@given(st.binary(max_size=12) | st.text(max_size=6).map(str.encode))
def test_random_texts(text: bytes) -> None:
    for end in range(len(text) + 1):
        expected = validate_utf8(text[:end])
        with fast():
            assert validate_utf8(text[:end]) is expected


# --- Masking and sending -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    [KEY, bytearray(KEY), "\x11\x22\xe3\x44", memoryview(KEY), b"12", b"", b"12345", None, 5],
    ids=kind,
)
@pytest.mark.parametrize(
    "data",
    [b"", b"x", b"hello" * 30, bytearray(b"hello"), memoryview(b"hello"), "h\xe4", "€", None, 7],
    ids=kind,
)
def test_masking_is_that_of_stock(key: Any, data: Any) -> None:
    expected = outcome(ABNF.mask, key, data)
    with fast():
        assert outcome(ABNF.mask, key, data) == expected


FRAMES: list[dict[str, Any]] = [
    {"data": b"hello"},
    {"data": b""},
    {"data": b"x" * 125},
    {"data": b"x" * 126},
    {"data": b"x" * 65_535},
    {"data": b"x" * 65_536},
    {"data": b"hello", "opcode": 2, "fin": 0},
    {"data": b"hello", "opcode": 0, "rsv1": 1, "rsv3": 1},
    {"data": b"hello", "rsv2": 1, "fin": True},
    {"data": b"hello", "mask_value": 0},
    {"data": "text", "mask_value": 0},
    {"data": "text"},
    {"data": "€"},
    {"data": bytearray(b"hello")},
    {"data": None},
    {"data": 5},
    {"data": b"hello", "mask_value": 2},
    {"data": b"hello", "mask_value": -1},
    {"data": b"hello", "opcode": 3},
    {"data": b"hello", "opcode": "1"},
    {"data": b"hello", "opcode": 9},
    {"data": b"x" * 200, "opcode": 9},
    {"data": b"\x03\xe8", "opcode": 8},
    {"data": b"hello", "fin": 2},
    {"data": b"hello", "rsv1": None},
]


def plain(found: tuple[Any, ...]) -> tuple[Any, ...]:
    """Take the mask off what `format()` gave, for the key is another each time."""
    if len(found) < 1 or not isinstance(found[-1], bytes) or not found[-1][1] & 0x80:
        return found
    data = found[-1]
    start = 2 + {126: 2, 127: 8}.get(data[1] & 0x7F, 0)
    payload = naive_mask(data[start + 4 :], data[start : start + 4])
    return (*found[:-1], data[:start], payload)


@pytest.mark.parametrize("known_key", [False, True], ids=["os.urandom", "get_mask_key"])
@pytest.mark.parametrize("fields", FRAMES, ids=lambda fields: repr(fields)[:60])
def test_frames_are_written_as_by_stock(fields: dict[str, Any], known_key: bool) -> None:
    def written() -> tuple[Any, ...]:
        frame = ABNF(**{"fin": 1, **fields})
        if known_key:
            frame.get_mask_key = lambda size: KEY
        found = outcome(frame.format)
        return (*(found if known_key else plain(found)), frame.data)

    expected = written()
    with fast():
        assert written() == expected


def test_our_code_writes_what_is_ordinary() -> None:
    with fast() as before:
        keys = {ABNF.create_frame(b"hello", 2).format()[2:6] for _ in range(50)}
        assert len(keys) > 45
        assert adapter.counters()["encoded"] == before["encoded"] + 50


def test_a_urandom_of_a_test_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "urandom", lambda size: b"abcd"[:size])
    with fast():
        assert ABNF.create_frame(b"hello", 2).format()[2:6] == b"abcd"


@pytest.mark.parametrize("message", ["", "hällo", b"\x00\xff", b"x" * 70_000, bytearray(b"spam")])
def test_messages_are_sent_as_by_stock(message: Any) -> None:
    def sent() -> tuple[Any, ...]:
        connection, wire = connected([])
        calls = (connection.send, connection.send_binary, connection.send_bytes, connection.ping)
        return (*(outcome(call, message) for call in calls), wire.sent)

    expected = sent()
    with fast():
        assert sent() == expected
    assert websocket.ABNF is ABNF
