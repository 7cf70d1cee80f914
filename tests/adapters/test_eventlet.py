"""fastws in eventlet: masked as without it, and an echo that is the same."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from adapters.apart import only_apart
from adapters.small_hosts import fast, outcome, same
from processes import python

import fastws
from fastws.adapters import HostWarning
from fastws.adapters import eventlet as adapter

only_apart()
host: Any = pytest.importorskip("eventlet.websocket")

REPLACED = ("eventlet.websocket.RFC6455WebSocket._apply_mask",)
HOST = "eventlet"
STOCK = vars(host.RFC6455WebSocket)["_apply_mask"]

# A server in one green thread and a client of bare frames in another, both in one process.
ECHO = """
import eventlet
from eventlet import websocket, wsgi
from eventlet.green import socket
import fastws
from fastws.adapters import eventlet as adapter

def echo(connection):
    while (message := connection.wait()) is not None:
        connection.send(message)

def exactly(peer, size):
    data = b""
    while len(data) < size:
        data += peer.recv(size - len(data))
    return data

def talk():
    listener = eventlet.listen(("127.0.0.1", 0))
    server = eventlet.spawn(wsgi.server, listener, websocket.WebSocketWSGI(echo), log_output=False)
    peer = socket.create_connection(listener.getsockname())
    peer.sendall(
        b"GET / HTTP/1.1\\r\\nHost: a\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\nSec-WebSocket-Version: 13\\r\\n\\r\\n"
    )
    head = b""
    while not head.endswith(b"\\r\\n\\r\\n"):
        head += peer.recv(1)
    found = []
    for opcode, data in MESSAGES:
        expected = fastws.encode_frame(opcode, data)
        frame = fastws.encode_frame(opcode, data, mask=b"abcd")
        half = len(frame) // 2
        peer.sendall(frame[:half])
        eventlet.sleep(0)
        peer.sendall(frame[half:])
        found.append(exactly(peer, len(expected)) == expected)
    peer.sendall(fastws.encode_close(1000, mask=b"abcd"))
    found.append(exactly(peer, 4))
    server.kill()
    return found

MESSAGES = [(1, "Grüße " * 20_000), (2, bytes(range(256)) * 300), (1, ""), (2, b"x")]
stock = talk()
fastws.install("eventlet")
before = adapter.counters()["masked"]
print(talk() == stock == [True] * 4 + [bytes.fromhex("880203e8")])
print(adapter.counters()["masked"] > before)
"""


@pytest.mark.parametrize(
    "mask", [(1, 2, 3, 255), [9, 8, 7, 6], b"abcd", (1, 2, 3), (1, 2, 3, 256), None, "abcd"]
)
@pytest.mark.parametrize("data", [b"", b"data" * 50, bytearray(b"xyz"), memoryview(b"xy"), "x"])
@pytest.mark.parametrize("rest", [(), (None, 3), (2,), (2, 1), (50, 6), (-1, 0), (1, -2)])
def test_masks_are_stocks(mask: Any, data: Any, rest: tuple[Any, ...]) -> None:
    apply = host.RFC6455WebSocket
    same(HOST, lambda: outcome(lambda: apply._apply_mask(data, mask, *rest)))


def test_masks_are_ours() -> None:
    with fast(HOST):
        before = adapter.counters()["masked"]
        host.RFC6455WebSocket._apply_mask(b"data", (1, 2, 3, 4))
        assert adapter.counters()["masked"] == before + 1


def test_a_real_server_answers_the_same() -> None:
    done = python("-W", "ignore", "-c", ECHO)
    assert done.stdout.splitlines() == ["True", "True"], done.stderr


def test_the_very_object_is_restored() -> None:
    adapter.install()
    fastws.install(HOST)
    found = fastws.status()[HOST]
    assert (found.state, found.supported, found.reason) == ("on", adapter.supported(), "")
    assert found.replaced == REPLACED
    assert vars(host.RFC6455WebSocket)["_apply_mask"] is not STOCK
    adapter.uninstall()
    assert vars(host.RFC6455WebSocket)["_apply_mask"] is STOCK


@pytest.mark.parametrize("other", [print, lambda data, mask: data, staticmethod(lambda d, m: d)])
def test_another_structure_is_refused(monkeypatch: pytest.MonkeyPatch, other: Any) -> None:
    from fastws.adapters import _eventlet_masks as ours

    monkeypatch.setattr(host.RFC6455WebSocket, "_apply_mask", other)
    monkeypatch.setattr(ours, "STOCK_APPLY_MASK", getattr(other, "__func__", other))
    with pytest.warns(HostWarning, match=rf"_apply_mask is not.*supported: {adapter.supported()}"):
        fastws.install(HOST)
    assert vars(host.RFC6455WebSocket)["_apply_mask"] is other
    fastws.uninstall(HOST)


def test_a_module_imported_anew_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from fastws.adapters import _eventlet_masks as ours

    anew = type("RFC6455WebSocket", (ours.RFC6455WebSocket,), {})
    monkeypatch.setattr(host, "RFC6455WebSocket", anew)
    with pytest.warns(HostWarning, match="it was imported anew"):
        fastws.install(HOST)
    assert fastws.status()[HOST].replaced == ()
    fastws.uninstall(HOST)


@pytest.mark.parametrize("version", ["0.32.9", "0.42.0", "1.0"])
def test_another_version_is_refused(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setattr(sys.modules["eventlet"], "__version__", version)
    with pytest.warns(HostWarning, match=f"version {version} is not one that the adapter was"):
        fastws.install(HOST)
    assert vars(host.RFC6455WebSocket)["_apply_mask"] is STOCK
    fastws.uninstall(HOST)


def test_installed_before_the_import() -> None:
    done = python(
        "-W",
        "ignore",
        "-c",
        "import sys, fastws\n"
        "fastws.install('eventlet')\n"
        "print(fastws.status()['eventlet'].state, 'eventlet' in sys.modules)\n"
        "import eventlet.websocket\n"
        "print(*fastws.status()['eventlet'].replaced)\n"
        "fastws.uninstall()\n"
        "print(eventlet.websocket.RFC6455WebSocket._apply_mask.__module__)\n",
    )
    assert done.stdout.splitlines() == [
        "waiting False",
        *REPLACED,
        "eventlet.websocket",
    ], done.stderr
