"""What autobahn sends, stock and with fastws in it: the two have to agree."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("autobahn")

from adapters.autobahn_transcript import (
    KEY,
    SIDES,
    TWISTED,
    deflate,
    fast,
    framed,
    module,
    protocol_of,
    seen,
    txaio,
)

from fastws.adapters import autobahn as adapter

sides = pytest.mark.parametrize("side", SIDES)

OPTIONS: dict[str, dict[str, Any]] = {
    "default": {},
    "loud": {"loud": True},
    "frames and octets logged": {"loud": True, "logFrames": True, "logOctets": True},
    "times tracked": {"trackTimings": True},
    "server masks": {"maskServerFrames": True},
    "client does not mask": {"maskClientFrames": False},
    "masks not applied": {"applyMask": False},
    "limited": {"maxMessagePayloadSize": 64},
    "fragments": {"autoFragmentSize": 50},
    "compressed": {"_perMessageCompress": deflate},
    "closing": {"state": 2},
    "closed": {"state": 0, "loud": True},
    "connecting": {"state": 1, "loud": True},
    "connecting silently": {"state": 1},
}


def talk(protocol: Any) -> list[Callable[[], Any]]:
    """Give all that a program may send."""
    frame = protocol.sendFrame
    calls: list[Callable[[], Any]] = [
        lambda payload=payload, binary=binary: protocol.sendMessage(payload, binary)
        for payload in (b"", b"a", b"x" * 125, b"y" * 126, b"z" * 65535, b"z" * 65536)
        for binary in (False, True)
    ]
    calls += [
        lambda: protocol.sendMessage("text"),
        lambda: protocol.sendMessage(b"fragments", True, 4),
        lambda: protocol.sendMessage(b"at once", sync=True),
        lambda: protocol.sendMessage(b"after that"),
        lambda: protocol._send() or protocol._send() or protocol._send(),
        lambda: protocol.sendMessage(b"plain", doNotCompress=True),
        lambda: protocol.sendPreparedMessage(module.PreparedMessage(b"ready", True, False, False)),
        lambda: protocol.sendPreparedMessage(module.PreparedMessage(b"ready", False, True, True)),
        lambda: protocol.beginMessage(),
        lambda: protocol.beginMessageFrame(5),
        lambda: protocol.sendMessageFrameData(b"hel"),
        lambda: protocol.sendMessageFrameData(b"lo!"),
        lambda: protocol.sendMessageFrame(b"part"),
        lambda: protocol.endMessage(),
        lambda: protocol.sendPing(b"?"),
        lambda: protocol.sendPing(),
        lambda: protocol.sendPong(b"!"),
        lambda: protocol.sendPong(b"!" * 126),
        lambda: frame(9, b"p" * 126),
        lambda: frame(9, b"p", fin=False),
        lambda: frame(3, b"reserved"),
        lambda: frame(8, b"\x00"),
        lambda: frame(129, b"odd"),
        lambda: frame(-1, b"odd"),
        lambda: frame(2, b"rsv", rsv=7),
        lambda: frame(2, b"rsv", rsv=12),
        lambda: frame(1, b"keyed", mask=b"\x01\x02\x03\x04"),
        lambda: frame(1, b"badly keyed", mask=b"\x01"),
        lambda: frame(1, b"again", payload_len=12),
        lambda: frame(1, b"", payload_len=12),
        lambda: frame(0, b"chopped", chopsize=3),
        lambda: frame(2, b"behind it"),
        lambda: [protocol._send() for _ in range(8)],
        lambda: frame(0, b"unchopped", fin=0, chopsize=-3),
        lambda: frame(opcode=2, payload=bytearray(b"array"), fin=None),
        lambda: frame(2, memoryview(b"view")),
        lambda: frame(2, "text"),
        lambda: protocol.sendData(b"raw"),
        lambda: protocol.sendData(data=b"raw", sync=True),
        lambda: [protocol._send() for _ in range(8)],
        lambda: protocol.sendClose(1000, "bye"),
        lambda: protocol.sendMessage(b"late"),
    ]
    return calls


def spoken(side: str, **options: Any) -> list[Any]:
    """Write down what comes of it."""
    with patch("random.getrandbits", return_value=int.from_bytes(KEY, "big")):
        protocol = protocol_of(side, **options)
        lines: list[Any] = protocol.log.lines
        with patch.object(txaio, "call_later", protocol.log.call_later):
            for call in talk(protocol):
                try:
                    call()
                except Exception as error:
                    lines.append((type(error), str(error)))
                lines.append(seen(protocol))
    return lines


@pytest.mark.parametrize("option", OPTIONS)
@sides
def test_all_that_may_be_sent(side: str, option: str) -> None:
    expected = spoken(side, **OPTIONS[option])
    with fast():
        found = spoken(side, **OPTIONS[option])
    for one, other in zip(expected, found, strict=True):
        assert other == one


@sides
def test_what_is_lost_in_writing_is_not_counted(side: str) -> None:
    def run() -> list[Any]:
        protocol = protocol_of(side)

        def lose(data: bytes) -> None:
            protocol.state = protocol.STATE_CLOSED

        protocol.transport.write = lose
        protocol.sendMessage(b"lost")
        return [protocol.trafficStats.outgoingOctetsWireLevel, seen(protocol)]

    expected = run()
    with fast():
        assert run() == expected
    assert expected[0] == 0


@pytest.mark.skipif(not TWISTED, reason="see the run on Twisted")
@pytest.mark.parametrize("loud", [False, True], ids=["silent", "loud"])
def test_what_comes_is_told_to_a_log_alone_that_listens(loud: bool) -> None:
    def run() -> list[Any]:
        protocol = protocol_of("server", loud=loud)
        protocol.dataReceived(framed("server", 1, b"text"))
        lines: list[Any] = protocol.log.lines
        return lines

    with patch.object(txaio, "call_later"):
        expected = run()
        with fast():
            assert run() == expected
    assert any(line[0] == "debug" for line in expected) is loud


def test_our_code_writes() -> None:
    before = adapter.counters()["encoded"]
    spoken("server")
    assert adapter.counters()["encoded"] == before
    with fast():
        spoken("client")
    assert adapter.counters()["encoded"] >= before + 25


class Changing:
    """A user's protocol that has a say in what is sent."""

    def sendFrame(self: Any, *args: Any, **kwargs: Any) -> None:
        self.log.lines.append(("sendFrame", args, sorted(kwargs.items())))
        super().sendFrame(*args, **kwargs)  # type: ignore[misc]

    def sendData(self: Any, *args: Any, **kwargs: Any) -> None:
        self.log.lines.append(("sendData", args, sorted(kwargs.items())))
        super().sendData(*args, **kwargs)  # type: ignore[misc]


@sides
def test_overridden_methods_are_called_as_before(side: str) -> None:
    expected = spoken(side, user=Changing)
    with fast():
        assert spoken(side, user=Changing) == expected


@given(st.integers(), st.lists(st.binary(max_size=200), min_size=2, max_size=4))
def test_keys_are_those_of_a_seeded_program(seed: int, payloads: list[bytes]) -> None:
    def sent() -> list[Any]:
        protocol = protocol_of("client")
        random.seed(seed)  # after the factory, which seeds anew
        for payload in payloads:
            protocol.sendMessage(payload, True)
        return [*protocol.log.lines, random.random()]

    state = random.getstate()
    expected = sent()
    with fast():
        assert sent() == expected
    random.setstate(state)
