"""What autobahn says to every stream, stock and with fastws in it: the two have to agree."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest
from adapters.violations import DEFLATE, VIOLATIONS, both, frame, frames_for
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("autobahn")

from adapters.autobahn_transcript import (
    SIDES,
    TWISTED,
    Closing,
    Dropping,
    Failing,
    deflate,
    face,
    fast,
    framed,
    note,
    overriding,
    protocol_of,
    same,
    splits,
    step,
    transcript,
    txaio,
)

from fastws.adapters import _autobahn_receiving as receiving
from fastws.adapters import autobahn as adapter
from fastws.adapters._autobahn_receiving import BETWEEN

sides = pytest.mark.parametrize("side", SIDES)
drops = pytest.mark.parametrize("drop", [True, False], ids=["drop", "close"])
LIMIT: dict[str, Any] = {"maxMessagePayloadSize": 64, "maxFramePayloadSize": 60}


@pytest.mark.parametrize("limited", [False, True], ids=["unlimited", "limited"])
@pytest.mark.parametrize("case", VIOLATIONS)
@drops
@sides
def test_every_violation_in_every_split(side: str, drop: bool, case: str, limited: bool) -> None:
    data = VIOLATIONS[case](side == "server")
    options = LIMIT if limited else {}
    make = partial(protocol_of, side, failByDrop=drop, **options)
    same(make, *(splits(data) if limited and len(data) < 400 else splits(data)[:4]))
    same(partial(make, loud=True), [data])
    # Whatever comes after it, and after that.
    more = framed(side, 1, b"more") * 2
    same(make, [data + more, more], [data, more, more])


@pytest.mark.parametrize("case", DEFLATE)
@drops
@sides
@pytest.mark.parametrize("limit", [0, 64])
def test_compression(side: str, drop: bool, case: str, limit: int) -> None:
    data = DEFLATE[case](side == "server")
    options: dict[str, Any] = {"_perMessageCompress": deflate, "maxMessagePayloadSize": limit}
    make = partial(protocol_of, side, failByDrop=drop, **options)
    same(make, *splits(data)[:4], [data, framed(side, 2, b"more")])


OPTIONS: dict[str, dict[str, Any]] = {
    "frames logged": {"logFrames": True, "loud": True},
    "octets logged": {"logOctets": True, "loud": True},
    "silent logs of frames": {"logFrames": True, "logOctets": True},
    "times tracked": {"trackTimings": True},
    "ping awaited": {"ping awaited": b"!"},
    "anything for the ping": {"ping awaited": b"!", "autoPingRestartOnAnyTraffic": True},
    "text unchecked": {"utf8validateIncoming": False},
    "masks not applied": {"applyMask": False},
    "any mask": {"requireMaskedClientFrames": False, "acceptMaskedServerFrames": True},
    "server masks": {"maskServerFrames": True},
    "client does not mask": {"maskClientFrames": False},
    "the old protocol": {"websocket_version": 0, "maxMessagePayloadSize": 64},
    "closing already": {"state": 2},
    "failed already": {"failedByMe": True},
    "closed already": {"state": 0, "loud": True},
    "close echoed": {"echoCloseCodeReason": True},
    "fragments sent": {"autoFragmentSize": 3},
    "listener": {"listener": lambda payload, is_binary: None},
    "failing listener": {"listener": lambda payload, is_binary: 1 / 0},
    "limits met": {"maxMessagePayloadSize": 4, "failByDrop": False},
    "frame limit met": {"maxFramePayloadSize": 4, "failByDrop": False},
    "user fails": {"user": Failing},
    "user closes": {"user": Closing},
    "user drops": {"user": Dropping},
    "one method for one object": {"own": {"onMessageBegin": lambda binary: None}},
    "bad header type": {"data": bytearray()},
}


def mixed(side: str) -> bytes:
    """Build a stream of all that is legal, and of wrong masks."""
    masked = side == "server"
    parts = [
        both(frame(1, "grün".encode()), frame(2, b"\0\xff" * 9), frame(1, b"a" * 3)),
        both(frame(9, b"?"), frame(1, "ü".encode()[:1], fin=False), frame(10, b"!")),
        both(frame(0, fin=False), frame(0, "ü".encode()[1:]), frame(1), frame(2)),
        both(frame(1, b"x" * 126), frame(2, b"y" * 9), frame(9), frame(1, b"\xff")),
    ]
    data = b"".join(part(masked) for part in parts)
    return data + frame(1, b"unmasked or masked")(not masked) + frame(8, b"\x03\xe8")(masked)


@pytest.mark.parametrize("option", OPTIONS)
@sides
def test_every_option(side: str, option: str) -> None:
    data = mixed(side)
    make = partial(protocol_of, side, **OPTIONS[option])
    same(make, *splits(data)[:4])
    same(make, *([data[:i], data[i:]] for i in range(0, len(data), 41)))


def test_a_large_message_in_any_chunks() -> None:
    data = framed("server", 1, "häl".encode() * 40_000) + framed("server", 2, bytes(70_000))
    size = 1 << 16
    make = partial(protocol_of, "server")
    same(make, [data], [data[i : i + size] for i in range(0, len(data), size)])


@sides
def test_a_binary_message_fails_its_user(side: str) -> None:
    data = [framed(side, 2, b"\xff"), framed(side, 1, b"more")]
    same(partial(protocol_of, side, Failing), data, [b"".join(data)])


def test_a_listener_that_fails_is_told_of() -> None:
    def run() -> list[Any]:
        protocol = protocol_of("server", listener=lambda payload, is_binary: 1 / 0)
        step(protocol, framed("server", 1, b"text"))
        if not TWISTED:  # where it is told of a turn of the loop later
            for _ in range(3):
                txaio.config.loop.run_until_complete(asyncio.sleep(0))
        lines: list[Any] = protocol.log.lines
        return [line[1] for line in lines if type(line) is tuple and line[0] == "error"]

    expected = run()
    with fast():
        assert run() == expected
    assert len(expected) == 1
    assert expected[0].startswith("Firing signal 'message' failed")


# --- Users' methods ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*BETWEEN, "_onMessage", "_onPing", "processData", "consumeData"])
@sides
def test_whoever_overrides_a_method_sees_every_call(side: str, name: str) -> None:
    if name == "fire":
        pytest.skip("takes keywords; see the listeners")
    data = mixed(side)
    make = partial(protocol_of, side, overriding(name))
    same(make, *splits(data)[:4])
    before = adapter.counters()["decoded"]
    with fast():
        assert any(line[0] == name for line in transcript(make, [data]) if type(line) is tuple)
    assert (adapter.counters()["decoded"] == before) is (name == "processData")


@sides
def test_whoever_overrides_all_sees_every_call(side: str) -> None:
    names = [name for name in BETWEEN if name != "fire"]
    data = mixed(side)
    same(partial(protocol_of, side, overriding(*names)), *splits(data)[:4])


def test_an_overridden_fire_is_called() -> None:
    class Firing(overriding()):  # type: ignore[misc]
        def fire(self, event: str, payload: bytes, *, is_binary: bool) -> Any:
            note(self, event, payload, is_binary)
            return super().fire(event, payload, is_binary=is_binary)

    same(partial(protocol_of, "server", Firing), [mixed("server")])


def test_a_listener_that_comes_with_the_message_hears_of_it() -> None:
    class Late(overriding()):  # type: ignore[misc]
        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            self.on("message", lambda payload, is_binary: note(self, "heard", payload, is_binary))

    same(partial(protocol_of, "server", Late), [mixed("server")])


def test_a_method_replaced_later_is_called_from_then_on() -> None:
    def run() -> list[Any]:
        protocol = protocol_of("server")
        step(protocol, framed("server", 1, b"one"))
        with pytest.MonkeyPatch.context() as monkeypatch:
            base = type(protocol).__mro__[2]
            stock = base.onMessageEnd
            monkeypatch.setattr(base, "onMessageEnd", lambda self: (note(self, "end"), stock(self)))
            step(protocol, framed("server", 1, b"two"))
        step(protocol, framed("server", 1, b"three"))
        lines: list[Any] = protocol.log.lines
        return lines

    expected = run()
    with fast():
        assert run() == expected
    assert sum(line[0] == "end" for line in expected if type(line) is tuple) == 1


@sides
def test_a_method_replaced_before_is_called(monkeypatch: pytest.MonkeyPatch, side: str) -> None:
    base = getattr(face, f"WebSocket{side.title()}Protocol")
    stock = base.onMessageEnd
    monkeypatch.setattr(receiving, "PLAIN", set())
    monkeypatch.setattr(base, "onMessageEnd", lambda self: (note(self, "end"), stock(self)))
    data = mixed(side)
    make = partial(protocol_of, side)
    same(make, *splits(data)[:4])
    with fast():
        assert any(line[0] == "end" for line in transcript(make, [data]) if type(line) is tuple)


# --- With fastws in it at some time --------------------------------------------------------------


@sides
@pytest.mark.parametrize("installed", [True, False], ids=["in", "out"])
def test_coming_and_going_inside_any_frame(side: str, installed: bool) -> None:
    data = framed(side, 1, "grün".encode(), fin=False) + framed(side, 0, b"x" * 130)
    data += framed(side, 9, b"?") + framed(side, 2, b"\0")
    make = partial(protocol_of, side)
    for cut in range(len(data)):
        expected = transcript(make, [data[:cut], data[cut:]])
        protocol = None
        with pytest.MonkeyPatch.context() as monkeypatch:
            monkeypatch.setattr("random.getrandbits", lambda bits: 0x11223344)
            if installed:
                with fast():
                    protocol = make()
                    step(protocol, data[:cut])
                step(protocol, data[cut:])
            else:
                protocol = make()
                step(protocol, data[:cut])
                with fast():
                    step(protocol, data[cut:])
        assert protocol.log.lines == expected


def test_our_code_reads_and_writes() -> None:
    data = framed("server", 1, b"abc") + framed("server", 9, b"?") + framed("server", 2, b"xyz")
    make = partial(protocol_of, "server")
    before = adapter.counters()
    transcript(make, [data])
    assert adapter.counters() == before
    with fast():
        transcript(make, [data])
    after = adapter.counters()
    assert after["decoded"] - before["decoded"] == 3
    assert after["encoded"] - before["encoded"] == 3


# --- Random streams ------------------------------------------------------------------------------


@st.composite
def streams(draw: st.DrawFn) -> tuple[str, list[bytes]]:
    """Draw a stream of frames, or of rubbish, cut anywhere."""
    side = draw(st.sampled_from(SIDES))
    data = b"".join(draw(st.lists(frames_for(side == "server"), max_size=6)))
    data += draw(st.just(b"") | st.binary(max_size=12))
    at = sorted(draw(st.lists(st.integers(0, len(data)), max_size=5)))
    return side, [data[a:b] for a, b in zip([0, *at], [*at, len(data)], strict=True)]


@given(streams(), st.booleans(), st.sampled_from([0, 64, 300]), st.booleans())
def test_random_streams(
    stream: tuple[str, list[bytes]], drop: bool, limit: int, compressed: bool
) -> None:
    side, chunks = stream
    options: dict[str, Any] = {"_perMessageCompress": deflate} if compressed else {}
    make = partial(
        protocol_of, side, failByDrop=drop, maxMessagePayloadSize=limit, loud=drop, **options
    )
    same(make, chunks)
