"""What websockets writes, stock and with fastws in it: the two have to agree to the byte."""

from __future__ import annotations

import array
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from adapters.transcript import KEY, deflate, fast, seen_error
from helpers import naive_mask, outcome
from hypothesis import given
from hypothesis import strategies as st
from websockets import frames
from websockets.frames import Close, Frame, Opcode
from websockets.protocol import CLIENT, SERVER, Protocol

from fastws.adapters import websockets as adapter


class Bytes(bytes):
    """A payload of a class of its own."""


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
    "str": "text",
    "None": None,
    "int": 3,
}


def written(frame: Callable[[], Frame], mask: bool, extensions: Any = None) -> tuple[Any, ...]:
    """Serialize a frame, with a known masking key."""
    with patch("secrets.token_bytes", return_value=KEY):
        try:
            data = frame().serialize(mask=mask, extensions=extensions and extensions())
        except Exception as error:
            return "raises", seen_error(error)
    return type(data), data


def same(frame: Callable[[], Frame], extensions: Any = None) -> None:
    for mask in (False, True):
        expected = written(frame, mask, extensions)
        with fast():
            assert written(frame, mask, extensions) == expected


@pytest.mark.parametrize("extensions", [None, list, deflate], ids=["none", "empty", "deflate"])
@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("opcode", Opcode)
def test_every_payload(opcode: Opcode, payload: str, extensions: Any) -> None:
    same(lambda: Frame(opcode, PAYLOADS[payload]), extensions)
    same(lambda: Frame(opcode, PAYLOADS[payload], fin=False), extensions)


@pytest.mark.parametrize("opcode", [*Opcode, *range(16), 255, None, "1"])
@pytest.mark.parametrize("rsv", [(), (True,), (False, True), (False, False, True)])
def test_every_opcode_and_reserved_bit(opcode: Any, rsv: tuple[bool, ...]) -> None:
    same(lambda: Frame(opcode, b"ab", True, *rsv))
    same(lambda: Frame(opcode, b"ab", False, *rsv), deflate)


@pytest.mark.parametrize(
    "data", [b"", b"\x03", b"\x03\xe8", b"\x03\xe7", b"\x03\xed", b"\x03\xe8\xff", bytes(126)]
)
def test_close_frames_are_sent_as_they_are(data: bytes) -> None:
    same(lambda: Frame(Opcode.CLOSE, data))
    same(lambda: Frame(Opcode.CLOSE, data), deflate)


class Marking:
    """An extension that sets what it may: reserved bits, the opcode, the end, the type."""

    def encode(self, frame: Frame) -> Frame:
        return Frame(Opcode.TEXT, memoryview(bytes(frame.data) * 3), False, True, True, True)


def test_extensions_have_the_last_word() -> None:
    same(lambda: Frame(Opcode.BINARY, b"ab"), lambda: [Marking()])
    same(lambda: Frame(Opcode.PING, b"ab"), lambda: [Marking()])
    same(lambda: Frame(Opcode.CLOSE, b"ab"), lambda: [Marking()])


@given(st.binary(max_size=300), st.booleans(), st.booleans())
def test_masking_keys_are_fresh(payload: bytes, fin: bool, text: bool) -> None:
    frame = Frame(Opcode.TEXT if text else Opcode.BINARY, payload, fin)
    with fast():
        encoded = adapter.counters()["encoded"]
        first, second = frame.serialize(mask=True), frame.serialize(mask=True)
        assert adapter.counters()["encoded"] == encoded + 2
    start = len(first) - len(payload)
    assert first[: start - 4] == second[: start - 4]
    assert first[start - 4 : start] != second[start - 4 : start]
    assert naive_mask(first[start:], first[start - 4 : start]) == payload


@pytest.mark.parametrize("side", [SERVER, CLIENT])
def test_what_a_protocol_sends(side: Any) -> None:
    def sent() -> list[bytes]:
        protocol = Protocol(side)
        protocol.send_text("häl".encode(), fin=False)
        protocol.send_ping(b"?")
        protocol.send_continuation(bytearray(b"lo"), fin=True)
        protocol.send_binary(memoryview(b"x" * 70000))
        protocol.send_pong(b"!")
        protocol.send_close(1001, "bye")
        return protocol.data_to_send()

    with patch("secrets.token_bytes", return_value=KEY):
        expected = sent()
        with fast():
            encoded = adapter.counters()["encoded"]
            assert sent() == expected
            assert adapter.counters()["encoded"] == encoded + 5
    assert Close.parse(naive_mask(expected[-1][6:], KEY) if side is CLIENT else expected[-1][2:])


MASK_ARGUMENTS: list[tuple[Any, Any]] = [
    (data, mask)
    for data in [b"", b"abc", b"x" * 1000, bytearray(b"abcdefg"), memoryview(b"abcdefgh")[::2]]
    for mask in [KEY, bytearray(KEY), memoryview(KEY), b"", b"abc", b"abcde", "abcd", None]
]
MASK_ARGUMENTS += [("text", KEY), (None, KEY), (array.array("B", [1]), KEY), (3, KEY)]


@pytest.mark.parametrize("arguments", MASK_ARGUMENTS, ids=repr)
def test_apply_mask_takes_and_refuses_the_same(arguments: tuple[Any, Any]) -> None:
    def both() -> list[Any]:
        apply_mask = frames.apply_mask  # type: ignore[attr-defined]
        data, mask = arguments
        return [outcome(apply_mask, data, mask), outcome(apply_mask, data=data, mask=mask)]

    expected = both()
    with fast():
        assert both() == expected
