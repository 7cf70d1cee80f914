"""What wsproto writes, stock and with fastws in it: the two have to agree to the byte."""

from __future__ import annotations

import array
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from adapters.wsproto_transcript import (
    CLIENT,
    KEY,
    SERVER,
    SIDES,
    deflate,
    each,
    fast,
    framed,
    seen,
)
from helpers import naive_mask
from hypothesis import given
from hypothesis import strategies as st
from wsproto import frame_protocol
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Message, Ping, Pong, TextMessage
from wsproto.frame_protocol import FrameProtocol, Opcode

from fastws.adapters import wsproto as adapter

sides = pytest.mark.parametrize("side", SIDES, ids=["server", "client"])
compressions = pytest.mark.parametrize("compressed", [False, True], ids=["plain", "deflate"])


class Bytes(bytes):
    """A payload of a class of its own."""


class Text(str):
    """A text of a class of its own."""


class Derived(TextMessage):
    """An event of a class of its own."""


PAYLOADS: dict[str, Any] = {
    "empty": b"",
    "small": b"hello",
    "125": bytes(125),
    "126": b"x" * 126,
    "65535": b"x" * 65535,
    "65536": b"x" * 65536,
    "bytearray": bytearray(b"hello"),
    "memoryview": memoryview(b"hello world")[2:7],
    "strided memoryview": memoryview(b"hello world")[::2],
    "memoryview of ints": memoryview(array.array("I", [1, 2, 3])),
    "array": array.array("B", [1, 2, 3]),
    "subclass of bytes": Bytes(b"hello"),
    "empty str": "",
    "str": "häl\N{EURO SIGN}\0",
    "subclass of str": Text("text"),
    "long str": "ß" * 40_000,
    "surrogate": "a\ud800",
    "None": None,
    "int": 3,
}


def outcomes(calls: list[Callable[[], Any]]) -> list[Any]:
    """Make calls, with known masking keys, and tell what each gives or raises."""
    found = []
    with patch("os.urandom", return_value=KEY):
        for call in calls:
            try:
                found.append(seen(call()))
            except Exception as error:
                found.append(seen(error))
    return found


def same(calls: Callable[[], list[Callable[[], Any]]], encoded: int = 0) -> list[Any]:
    """Compare the outcomes of calls on something new, of which we write so many frames."""
    expected = outcomes(calls())
    with fast():
        before = adapter.counters()["encoded"]
        assert outcomes(calls()) == expected
        assert adapter.counters()["encoded"] >= before + encoded
    return expected


# --- Frames --------------------------------------------------------------------------------------


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("opcode", [*Opcode, 1, 3, 9, None], ids=repr)
@sides
@compressions
def test_every_frame(side: ConnectionType, opcode: Any, payload: str, compressed: bool) -> None:
    def calls() -> list[Callable[[], Any]]:
        protocol = FrameProtocol(side is CLIENT, deflate(side) if compressed else [])
        data = PAYLOADS[payload]
        return [
            lambda: protocol._serialize_frame(opcode, data),
            lambda: protocol._serialize_frame(opcode, payload=data, fin=False),
            lambda: protocol._serialize_frame(opcode, data, 1),  # type: ignore[arg-type]
            lambda: protocol._serialize_frame(opcode, data, 3),  # type: ignore[arg-type]
            lambda: protocol._serialize_frame(opcode),
        ]

    same(calls)


@pytest.mark.parametrize("payload", PAYLOADS)
@sides
def test_data_in_fragments(side: ConnectionType, payload: str) -> None:
    def calls() -> list[Callable[[], Any]]:
        protocol = FrameProtocol(side is CLIENT, [])
        data = PAYLOADS[payload]
        return [
            lambda: protocol.send_data(data, fin=False),
            lambda: protocol.ping(b"?"),
            lambda: protocol.send_data(data),
            lambda: protocol.send_data(data),
            lambda: protocol.send_data("other kind", False),
            lambda: protocol.send_data(b"other kind", False),
            lambda: protocol.pong(bytearray(125)),  # type: ignore[arg-type]
            lambda: protocol.pong(bytes(126)),
            lambda: protocol.close(1000, "bye" * 60),
            lambda: protocol.close(1005),
            lambda: protocol.close(1006, "x"),
            lambda: protocol.close(4999, "€" * 42),
            lambda: protocol.close(7),
            lambda: protocol.close(None, "x"),
        ]

    same(calls, encoded=2)


# --- Events --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Message, TextMessage, BytesMessage, Derived])
@pytest.mark.parametrize("payload", PAYLOADS)
@sides
@compressions
def test_every_message(side: ConnectionType, payload: str, kind: Any, compressed: bool) -> None:
    def calls() -> list[Callable[[], Any]]:
        connection = Connection(side, deflate(side) if compressed else [])
        data = PAYLOADS[payload]
        return [
            lambda: connection.send(kind(data)),
            lambda: connection.send(kind(data, message_finished=False)),
            lambda: connection.send(kind(data)),
            lambda: connection.send(kind(data, frame_finished=False)),
            lambda: connection.send(kind(data, message_finished=1)),
            lambda: connection.send(kind(data, message_finished=0)),
            lambda: connection.send(TextMessage("other kind")),
        ]

    same(calls)


def states(side: ConnectionType) -> list[Connection]:
    """Make a connection in each of its states."""
    close = framed(side, 8, b"\x03\xe8")
    fresh, closing, told, closed, lost = (Connection(side) for _ in range(5))
    closing.send(CloseConnection(1000))
    told.receive_data(close)
    closed.send(CloseConnection(1000))
    closed.receive_data(close)
    lost.receive_data(None)
    for connection in (told, closed, lost):
        assert len(list(connection.events())) == 1
    return [fresh, closing, told, closed, lost]


@pytest.mark.parametrize(
    "event",
    [
        TextMessage("a"),
        BytesMessage(b"a"),
        Message(b"a"),  # type: ignore[type-var]
        Ping(b"?"),
        Ping(bytes(126)),
        Pong(b"!"),
        CloseConnection(1000, "bye"),
        CloseConnection(1005),
        None,
        "text",
    ],
    ids=repr,
)
@sides
def test_every_event_in_every_state(side: ConnectionType, event: Any) -> None:
    def calls() -> list[Callable[[], Any]]:
        found: list[Callable[[], Any]] = []
        for connection in states(side):
            found += [
                lambda connection=connection: connection.send(event),
                lambda connection=connection: connection.state,
                lambda connection=connection: connection.receive_data(framed(side, 1, b"x")),
                lambda connection=connection: list(each(connection.events())),
                lambda connection=connection: connection.receive_data(framed(side, 8)),
                lambda connection=connection: list(each(connection.events())),
                lambda connection=connection: connection.send(event),
                lambda connection=connection: connection.state,
            ]
        return found

    same(calls)


def test_a_protocol_of_others_is_asked() -> None:
    class Shouting(FrameProtocol):
        def send_data(self, payload: Any = b"", fin: bool = True) -> bytearray:
            return super().send_data(payload.upper(), fin)

    def calls() -> list[Callable[[], Any]]:
        connection = Connection(SERVER)
        connection._proto = Shouting(False, [])
        return [lambda: connection.send(TextMessage("abc"))]

    assert same(calls) == [(bytes, b"\x81\x03ABC")]


# --- Masks ---------------------------------------------------------------------------------------


@given(st.binary(max_size=300), st.booleans())
def test_masking_keys_are_fresh(payload: bytes, whole: bool) -> None:
    with fast():
        encoded = adapter.counters()["encoded"]
        if whole:
            connection = Connection(CLIENT)
            first, second = (connection.send(BytesMessage(payload)) for _ in "12")
        else:
            protocol = FrameProtocol(True, [])
            first, second = (bytes(protocol.send_data(payload)) for _ in "12")
        assert adapter.counters()["encoded"] == encoded + 2
    start = len(first) - len(payload)
    assert first[: start - 4] == second[: start - 4]
    assert first[start - 4 : start] != second[start - 4 : start]
    assert naive_mask(first[start:], first[start - 4 : start]) == payload


MASKED: list[Any] = [
    b"",
    b"abc",
    b"x" * 1001,
    bytearray(),
    bytearray(b"abcdefg"),
    memoryview(b"abcdefgh")[::2],
    Bytes(b"abc"),
    array.array("B", [1, 2]),
    [1, 2, 3],
    3,
    "text",
    None,
]


@pytest.mark.parametrize("data", MASKED, ids=lambda data: repr(data)[:20])
@pytest.mark.parametrize(
    "key", [KEY, bytearray(KEY), memoryview(KEY), b"", b"abc", b"abcde", "abcd", None], ids=repr
)
def test_the_masker_goes_on_where_it_stopped(key: Any, data: Any) -> None:
    def calls() -> list[Callable[[], Any]]:
        try:
            masker: Any = frame_protocol.XorMaskerSimple(key)
        except Exception as error:
            text = seen(error)
            return [lambda: text]
        return [
            lambda: masker.process(data),
            lambda: masker.process(bytearray(b"abcde")),
            lambda: masker.process(data),
            lambda: masker._masking_key,
        ]

    same(calls)


def test_the_masker_leaves_what_it_is_given() -> None:
    with fast():
        data = bytearray(b"abcd")
        assert frame_protocol.XorMaskerSimple(KEY).process(data) == naive_mask(b"abcd", KEY)
        assert data == b"abcd"
