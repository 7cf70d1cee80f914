"""fastws in gevent-websocket: received, masked and validated as without it."""

from __future__ import annotations

import logging
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from adapters.small_hosts import FakeSocket, outcome, same, told
from adapters.violations import VIOLATIONS, framed, frames_for
from helpers import cuts
from hypothesis import given, settings
from hypothesis import strategies as st
from processes import python

import fastws
from fastws.adapters import HostWarning
from fastws.adapters import gevent_websocket as adapter

pytest.importorskip("geventwebsocket")
from geventwebsocket import websocket as host
from geventwebsocket.websocket import Header, WebSocket

REPLACED = (
    "geventwebsocket.websocket.Header.mask_payload",
    "geventwebsocket.websocket.Header.unmask_payload",
    "geventwebsocket.websocket.Utf8Validator",
)
HOST = "gevent_websocket"


def receive(*pieces: bytes) -> list[Any]:
    """Have a host read from a peer up to the end; give all that it gave and has sent."""
    peer = FakeSocket(*pieces)
    handler = SimpleNamespace(
        logger=logging.getLogger("unheard"), server=SimpleNamespace(application=None), socket=peer
    )
    connection = WebSocket({}, peer, handler)
    seen: list[Any] = []
    for _ in range(40):
        try:
            message = connection.receive()
        except Exception as error:
            seen.append(told(error))
            break
        seen.append((type(message), message, connection.closed))
        if message is None:
            break
    connection.closed = True  # or its end would close it
    return [seen, peer.sent]


# --- Receiving -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", VIOLATIONS)
def test_every_violation_ends_as_in_stock(name: str) -> None:
    for masked in (True, False):  # it takes either
        data = VIOLATIONS[name](masked)
        streams = [[data], [*cuts(data, 1 if len(data) < 200 else 7)]]
        same(HOST, lambda streams=streams: [receive(*pieces) for pieces in streams])  # type: ignore[misc]


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_random_streams(data: st.DataObject) -> None:
    stream = b"".join(data.draw(st.lists(frames_for(data.draw(st.booleans())), max_size=8)))
    same(HOST, lambda: receive(stream))


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536, 300_000])
def test_messages_of_every_size(size: int) -> None:
    text = ("Grüße, 世界 🌍 " * size)[:size].encode()
    stream = framed(True, 1, text) + framed(True, 1, text[: size // 2], fin=False)
    stream += framed(True, 0, text[size // 2 :]) + framed(True, 2, bytes(size))
    before = adapter.counters()
    seen, _ = same(HOST, lambda: receive(stream))
    assert [kind for kind, *_ in seen[:3]] == [str, str, bytearray]
    after = adapter.counters()
    assert after["validated"] - before["validated"] >= 3
    assert after["masked"] - before["masked"] >= (4 if size else 0)


@pytest.mark.parametrize("mask", [b"abcd", b"abc", b"", "", "abcd", None, bytearray(b"abcd")])
@pytest.mark.parametrize("data", [b"", b"data" * 40, bytearray(b"x"), memoryview(b"xy"), "x", None])
@pytest.mark.parametrize("more", [0, -1, 1])
def test_masks_are_stocks(mask: Any, data: Any, more: int) -> None:
    """Also where the header says another length than the payload has."""

    def run() -> list[Any]:
        header = Header(length=max(0, len(data or b"") + more))
        header.mask = mask
        calls = (header.mask_payload, header.unmask_payload)
        return [outcome(lambda call=call: call(data)) for call in calls]

    same(HOST, run)


# --- Install -------------------------------------------------------------------------------------


def standing() -> list[object]:
    return [vars(Header)["mask_payload"], vars(Header)["unmask_payload"], host.Utf8Validator]


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
        ("STOCK_MASK", of_other_names, "Header.mask_payload"),
        ("STOCK_UNMASK", of_other_names, "Header.unmask_payload"),
        ("STOCK_VALIDATOR", type("V", (), {}), "Utf8Validator"),
        ("WebSocket", type("WebSocket", (), {}), "WebSocket.validate_utf8"),
        ("Header", type("Header", (), {}), "it was imported anew"),
    ],
)
def test_another_structure_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, other: Any, told_of: str
) -> None:
    from fastws.adapters import _gevent_websocket_frames as ours

    before = standing()
    monkeypatch.setattr(ours, name, other)
    with pytest.warns(HostWarning, match=f"{told_of}.*supported: {adapter.supported()}"):
        fastws.install(HOST)
    assert standing() == before
    fastws.uninstall(HOST)


@pytest.mark.parametrize("version", ["0.10", "0.11.0", "1.0"])
def test_another_version_is_refused(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setattr(sys.modules["geventwebsocket"], "__version__", version, raising=False)
    with pytest.warns(HostWarning, match=f"version {version} is not one that the adapter was"):
        fastws.install(HOST)
    assert Header.mask_payload.__module__ == "geventwebsocket.websocket"
    fastws.uninstall(HOST)


def test_installed_before_the_import() -> None:
    done = python(
        "-c",
        "import sys, fastws\n"
        "fastws.install('gevent_websocket')\n"
        "print(fastws.status()['gevent_websocket'].state, 'geventwebsocket' in sys.modules)\n"
        "import geventwebsocket.handler\n"
        "print(*fastws.status()['gevent_websocket'].replaced)\n"
        "fastws.uninstall()\n"
        "print(geventwebsocket.websocket.Utf8Validator.__module__)\n",
    )
    assert done.stdout.splitlines() == [
        "waiting False",
        " ".join(REPLACED),
        "geventwebsocket.utf8validator",
    ], done.stderr
