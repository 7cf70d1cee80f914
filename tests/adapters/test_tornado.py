"""fastws in tornado: what is replaced, the classes for who wants no patch, and real echoes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import tornado.iostream
import tornado.util
import tornado.web
import tornado.websocket
from adapters.tornado_transcript import fast
from processes import lines_of
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.websocket import WebSocketHandler, WebSocketProtocol13

import fastws
from fastws.adapters import HostWarning
from fastws.adapters import _tornado_frames as receiving
from fastws.adapters import _tornado_sending as sending
from fastws.adapters import tornado as adapter

REPLACED = (
    "tornado.util._websocket_mask",
    "tornado.websocket._websocket_mask",
    "tornado.web._websocket_mask",
    "tornado.websocket.WebSocketProtocol13._receive_frame_loop",
    "tornado.websocket.WebSocketProtocol13._write_frame",
    "tornado.websocket.WebSocketProtocol13.write_message",
)
MESSAGES: list[Any] = ["", "hällo", b"", b"\x00\xff", "x" * 200, b"y" * 70_000, "ß" * 500_000]


# --- Install -------------------------------------------------------------------------------------


def standing() -> list[object]:
    return [
        tornado.util._websocket_mask,
        tornado.websocket._websocket_mask,
        tornado.web._websocket_mask,
        *(vars(WebSocketProtocol13)[name.rpartition(".")[2]] for name in REPLACED[3:]),
    ]


def test_the_very_objects_are_restored() -> None:
    before = standing()
    adapter.install()
    fastws.install("tornado")
    assert standing() == [
        *[sending.websocket_mask] * 3,
        receiving.receive_frame_loop,
        sending.write_frame,
        sending.write_message,
    ]
    found = fastws.status()["tornado"]
    assert (found.state, found.supported, found.reason) == ("on", adapter.supported(), "")
    assert found.replaced == REPLACED
    adapter.uninstall()
    assert all(one is other for one, other in zip(standing(), before, strict=True))
    assert fastws.status()["tornado"].state == "off"


def of_other_names(self: Any, payload: Any) -> None:
    """Hold nothing of what the stock ones use."""


@pytest.mark.parametrize(
    ("module", "name", "told"),
    [
        (receiving, "STOCK_LOOP", "WebSocketProtocol13._receive_frame_loop"),
        (receiving, "STOCK_RECEIVE_FRAME", "WebSocketProtocol13._receive_frame"),
        (sending, "STOCK_WRITE_FRAME", "WebSocketProtocol13._write_frame"),
        (sending, "STOCK_WRITE_MESSAGE", "WebSocketProtocol13.write_message"),
    ],
)
@pytest.mark.parametrize("other", [print, None, of_other_names], ids=["built-in", "none", "names"])
def test_another_structure_is_refused(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, told: str, other: object
) -> None:
    before = standing()
    monkeypatch.setattr(module, name, other)
    with pytest.warns(HostWarning, match=f"{told} is not.*supported: {adapter.supported()}"):
        fastws.install("tornado")
    assert standing() == before
    assert fastws.status()["tornado"].state == "refused"
    fastws.uninstall("tornado")


@pytest.mark.parametrize(
    ("owner", "name", "other", "told"),
    [
        (tornado.websocket, "WebSocketProtocol13", type("P", (), {}), "it was imported anew"),
        (tornado.iostream.BaseIOStream, "read_from_fd", None, "BaseIOStream is not built"),
        (tornado, "version", "6.7.0", "version 6.7.0 is not one"),
        (tornado, "version", "6.1.9", "version 6.1.9 is not one"),
    ],
)
def test_another_host_is_refused(
    monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, other: Any, told: str
) -> None:
    if name == "version":
        monkeypatch.setattr("importlib.metadata.version", lambda distribution: other)
        monkeypatch.setattr(tornado, "__version__", other, raising=False)
    if other is None:
        monkeypatch.delattr(owner, name)
    else:
        monkeypatch.setattr(owner, name, other)
    with pytest.warns(HostWarning, match=rf"{told}.*supported: {adapter.supported()}"):
        fastws.install("tornado")
    monkeypatch.undo()
    assert fastws.status()["tornado"].replaced == ()
    fastws.uninstall("tornado")


def test_installed_before_the_import() -> None:
    assert lines_of(
        "fastws.install('tornado')\n"
        "print(fastws.status()['tornado'].state, 'tornado' in sys.modules)\n"
        "from tornado.websocket import _websocket_mask, WebSocketProtocol13 as P\n"
        "print(fastws.status()['tornado'].state, P._receive_frame_loop.__module__)\n"
        "import tornado.web\n"
        "print(_websocket_mask.__module__, tornado.web._websocket_mask is _websocket_mask)\n"
        "print(*fastws.status()['tornado'].replaced)\n"
        "fastws.uninstall()\n"
        "print(fastws.status()['tornado'].state, P._receive_frame_loop.__module__)\n"
        "print(tornado.web._websocket_mask is tornado.util._websocket_mask)\n"
    ) == [
        "waiting False",
        "on fastws.adapters._tornado_frames",
        "fastws.adapters._tornado_sending True",
        " ".join(REPLACED),
        "off tornado.websocket",
        "True",
    ]


def test_asking_the_adapter_imports_no_host() -> None:
    assert lines_of(
        "import fastws.adapters.tornado as adapter\n"
        "print(adapter.supported(), adapter.counters())\n"
        "print('tornado' in sys.modules, 'asyncio' in sys.modules)\n"
    ) == [f"{adapter.supported()} {{'decoded': 0, 'encoded': 0}}", "False False"]


# --- Real connections ----------------------------------------------------------------------------


def echo_class(*bases: type) -> type:
    class Echo(*bases, WebSocketHandler):  # type: ignore[misc]
        def get_compression_options(self) -> dict[str, Any] | None:
            return {} if self.request.path == "/deflate" else None

        async def on_message(self, message: str | bytes) -> None:
            await self.write_message(message, binary=isinstance(message, bytes))

        def on_ping(self, data: bytes) -> None:
            self.write_message(b"pinged " + data, binary=True)

    return Echo


@contextmanager
def serving(handler: type) -> Iterator[str]:
    """Serve a handler in the running loop; give its address."""
    [socket] = bind_sockets(0, "127.0.0.1")
    application = tornado.web.Application([("/.*", handler)])
    server = HTTPServer(application)
    server.add_sockets([socket])
    try:
        yield "ws://127.0.0.1:%d" % socket.getsockname()[1]  # noqa: UP031
    finally:
        server.stop()


async def talk(connect: Any, handler: type, path: str) -> list[Any]:
    """Exchange messages with an echo; tell what came back and how it ended."""
    with serving(handler) as address:
        options = {"compression_options": {}} if path == "/deflate" else {}
        connection = await connect(address + path, **options)
        found = []
        for message in MESSAGES:
            await connection.write_message(message, binary=isinstance(message, bytes))
            found.append(await connection.read_message())
        connection.ping(b"?")
        found.append(await connection.read_message())
        connection.close(4000, "bye")
        found.append(await connection.read_message())
        return [*found, connection.close_code, connection.close_reason]


@pytest.mark.parametrize("path", ["/plain", "/deflate"])
def test_echoes_are_those_of_stock(path: str) -> None:
    connect = tornado.websocket.websocket_connect
    before = adapter.counters()
    expected = asyncio.run(talk(connect, echo_class(), path))
    assert expected == [*MESSAGES, b"pinged ?", None, 4000, None]
    assert adapter.counters() == before
    with fast():
        assert asyncio.run(talk(connect, echo_class(), path)) == expected
    after = adapter.counters()
    assert after["decoded"] - before["decoded"] >= 2 * len(MESSAGES)
    assert after["encoded"] - before["encoded"] >= 2 * len(MESSAGES)


@pytest.mark.parametrize("path", ["/plain", "/deflate"])
def test_classes_for_who_wants_no_patch(path: str) -> None:
    """A handler and a client are given ours; all others stay stock."""
    before = standing()
    counted = adapter.counters()["decoded"]
    handler = echo_class(adapter.FastHandlerMixin)
    found = asyncio.run(talk(adapter.websocket_connect, handler, path))
    assert found == [*MESSAGES, b"pinged ?", None, 4000, None]
    assert adapter.counters()["decoded"] - counted >= 2 * len(MESSAGES)
    assert standing() == before
    counted = adapter.counters()["decoded"]
    asyncio.run(talk(tornado.websocket.websocket_connect, echo_class(), path))
    assert adapter.counters()["decoded"] == counted


def test_open_connections_keep_what_they_have() -> None:
    """fastws comes and goes while a connection is open; messages go on."""

    async def scene() -> list[Any]:
        with serving(echo_class()) as address:
            connection = await tornado.websocket.websocket_connect(address)
            found = []
            for step in range(4):
                if step % 2:
                    fastws.install("tornado")
                else:
                    fastws.uninstall("tornado")
                await connection.write_message(f"message {step}")
                found.append(await connection.read_message())
            connection.close()
            return found

    assert asyncio.run(scene()) == [f"message {step}" for step in range(4)]
    fastws.uninstall("tornado")
