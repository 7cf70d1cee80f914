"""fastws in ws4py: received, sent, masked and validated as without it."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from adapters.small_hosts import FakeSocket, fast, frames_of, outcome, same, told
from adapters.violations import VIOLATIONS, framed, frames_for
from helpers import cuts
from hypothesis import given, settings
from hypothesis import strategies as st
from processes import python

import fastws
from fastws.adapters import HostWarning
from fastws.adapters import ws4py as adapter

pytest.importorskip("ws4py")
import ws4py.framing as framing
import ws4py.streaming as streaming
from ws4py.client import WebSocketBaseClient
from ws4py.framing import Frame
from ws4py.websocket import WebSocket

REPLACED = (
    "ws4py.framing.Frame.mask",
    "ws4py.framing.Frame.unmask",
    "ws4py.streaming.Utf8Validator",
)
HOST = "ws4py"


def seen_message(message: Any) -> tuple[Any, ...]:
    return type(message), type(message.data), message.data, message.completed


def receive(*pieces: bytes, masked: bool = True) -> list[Any]:
    """Have a host read from a peer up to the end; give all that it was told and has sent."""
    seen: list[Any] = []

    class User(WebSocket):  # type: ignore[misc]
        def received_message(self, message: Any) -> None:
            seen.append(seen_message(message))

        def ponged(self, pong: Any) -> None:
            seen.append(("pong", *seen_message(pong)))

        def closed(self, code: int, reason: Any = None) -> None:
            seen.append(("closed", code, type(reason), reason))

        def unhandled_error(self, error: BaseException) -> None:
            seen.append(told(error))

    peer = FakeSocket(*pieces)
    host = User(peer)
    host.stream.expect_masking = masked
    try:
        while host.once():
            pass
    except Exception as error:
        seen.append(told(error))
    outcome(host.terminate)
    return [seen, peer.sent, peer.closed, host.client_terminated, host.server_terminated]


# --- Receiving -----------------------------------------------------------------------------------


@pytest.mark.parametrize("masked", [True, False], ids=["server", "client"])
@pytest.mark.parametrize("name", VIOLATIONS)
def test_every_violation_ends_as_in_stock(name: str, masked: bool) -> None:
    data = VIOLATIONS[name](masked)
    streams = [[data], [*cuts(data, 1 if len(data) < 200 else 7)]]
    streams += [[data[:at], data[at:]] for at in range(1, min(len(data), 20))]
    same(HOST, lambda: [receive(*pieces, masked=masked) for pieces in streams])


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_random_streams(data: st.DataObject) -> None:
    masked = data.draw(st.booleans())
    stream = b"".join(data.draw(st.lists(frames_for(masked), max_size=8)))
    size = data.draw(st.integers(1, 50))
    same(HOST, lambda: receive(*cuts(stream, size), masked=masked))


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536, 300_000])
def test_messages_of_every_size(size: int) -> None:
    text = ("Grüße, 世界 🌍 " * size)[:size].encode()
    stream = framed(True, 1, text) + framed(True, 1, text[: size // 2], fin=False)
    stream += framed(True, 0, text[size // 2 :]) + framed(True, 2, bytes(size))
    before = adapter.counters()
    same(HOST, lambda: receive(*cuts(stream, 16_384)))
    after = adapter.counters()
    assert after["validated"] - before["validated"] >= (3 if size else 0)
    assert after["masked"] - before["masked"] >= (4 if size else 0)


# --- Sending and masking -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "payload", ["", "Grüße", b"\x00\xff" * 70, bytearray(b"ba"), b"z" * 70_000]
)
@pytest.mark.parametrize("binary", [True, False])
def test_what_a_client_sends(payload: Any, binary: bool) -> None:
    def run() -> list[Any]:
        client = WebSocketBaseClient("ws://127.0.0.1/")
        client.sock.close()
        client.sock = peer = FakeSocket()
        seen = [
            outcome(lambda: client.send(payload, binary)),
            outcome(lambda: client.send(iter([payload, payload]), binary)),
            outcome(lambda: client.ping("are you there")),
            outcome(lambda: client.close(1001, "bye")),
        ]
        return [seen, frames_of(peer.sent)]

    same(HOST, run)


@pytest.mark.parametrize("key", [b"abcd", b"abc", b"", None, "abcd", bytearray(b"abcd")])
@pytest.mark.parametrize("data", [b"", b"data" * 40, bytearray(b"x"), memoryview(b"xy"), "x", None])
def test_masks_are_stocks(key: Any, data: Any) -> None:
    def run() -> list[Any]:
        frame = Frame(opcode=2, body=b"", masking_key=key)
        return [outcome(lambda: frame.mask(data)), outcome(lambda: frame.unmask(data))]

    same(HOST, run)


# --- Install -------------------------------------------------------------------------------------


def standing() -> list[object]:
    return [vars(Frame)["mask"], vars(Frame)["unmask"], streaming.Utf8Validator]


def test_the_very_objects_are_restored() -> None:
    before = standing()
    adapter.install()
    fastws.install(HOST)
    found = fastws.status()[HOST]
    assert (found.state, found.supported, found.reason) == ("on", adapter.supported(), "")
    assert found.replaced == REPLACED
    assert not any(one is other for one, other in zip(standing(), before, strict=True))
    adapter.uninstall()
    assert all(one is other for one, other in zip(standing(), before, strict=True))


def of_other_names(self: Any, payload: Any) -> None:
    """Hold nothing of what the stock ones use."""


@pytest.mark.parametrize(
    ("name", "other", "told_of"),
    [
        ("STOCK_MASK", of_other_names, "Frame.mask"),
        ("STOCK_UNMASK", of_other_names, "Frame.unmask"),
        ("STOCK_RECEIVER", print, "Stream.receiver"),
        ("STOCK_VALIDATOR", type("V", (), {}), "Utf8Validator"),
        ("Frame", type("Frame", (), {}), "it was imported anew"),
    ],
)
def test_another_structure_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, other: Any, told_of: str
) -> None:
    from fastws.adapters import _ws4py_frames as ours

    before = standing()
    monkeypatch.setattr(ours, name, other)
    with pytest.warns(HostWarning, match=f"{told_of}.*supported: {adapter.supported()}"):
        fastws.install(HOST)
    assert standing() == before
    fastws.uninstall(HOST)


@pytest.mark.parametrize("version", ["0.4.1", "0.7.0", "1.0"])
def test_another_version_is_refused(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setattr(sys.modules["ws4py"], "__version__", version)
    with pytest.warns(HostWarning, match=f"version {version} is not one that the adapter was"):
        fastws.install(HOST)
    assert framing.Frame.mask.__module__ == "ws4py.framing"
    fastws.uninstall(HOST)


def test_installed_before_the_import() -> None:
    done = python(
        "-c",
        "import sys, fastws\n"
        "fastws.install('ws4py')\n"
        "print(fastws.status()['ws4py'].state, 'ws4py' in sys.modules)\n"
        "import ws4py.websocket\n"
        "print(*fastws.status()['ws4py'].replaced)\n"
        "fastws.uninstall()\n"
        "print(ws4py.streaming.Utf8Validator.__module__)\n",
    )
    assert done.stdout.splitlines() == [
        "waiting False",
        " ".join(REPLACED),
        "ws4py.utf8validator",
    ], done.stderr


def test_fastws_is_what_masks() -> None:
    with fast(HOST):
        before = adapter.counters()["masked"]
        Frame(opcode=2, body=b"", masking_key=b"abcd").mask(b"data")
        assert adapter.counters()["masked"] == before + 1
