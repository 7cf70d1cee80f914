"""The client in examples/own_client.py talks to real servers: our own, and those of websockets."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import socket
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
from helpers import make_frame
from processes import python
from programs import EXAMPLES, serving

import fastws
from fastws.handshake import HandshakeError

server = pytest.importorskip("websockets.asyncio.server")
exceptions = pytest.importorskip("websockets.exceptions")
pytest.importorskip("h11")

PROGRAM = EXAMPLES / "own_client.py"
if not PROGRAM.exists():
    pytest.skip("an installed package has no examples beside it", allow_module_level=True)
SPEC = importlib.util.spec_from_file_location("own_client", PROGRAM)
assert SPEC and SPEC.loader
own_client = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(own_client)

MESSAGES = ["hello", "", "Grüße, 世界 🌍" * 50, b"", bytes(range(256)), os.urandom(1_000_000)]
UPGRADE = b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
ANSWER = UPGRADE + b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
Handler = Callable[[Any], Awaitable[None]]


async def echo(connection: Any) -> None:
    with suppress(exceptions.ConnectionClosedError):  # another code than 1000
        async for message in connection:
            await connection.send(message)


def with_server(
    talk: Callable[[str], Awaitable[None]], handler: Handler = echo, **options: Any
) -> None:
    """Serve with the websockets library while a talk lasts."""

    async def run() -> None:
        async with server.serve(handler, "127.0.0.1", 0, **options) as serving:
            port = serving.sockets[0].getsockname()[1]
            await asyncio.wait_for(talk(f"ws://127.0.0.1:{port}"), 30)

    asyncio.run(run())


def with_bytes(talk: Callable[[str], Awaitable[None]], answer: bytes) -> None:
    """Serve these bytes to whoever has sent a request, and read on to the end."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await reader.read()
        writer.close()

    async def run() -> None:
        async with await asyncio.start_server(handle, "127.0.0.1", 0) as serving:
            port = serving.sockets[0].getsockname()[1]
            await asyncio.wait_for(talk(f"ws://127.0.0.1:{port}"), 30)

    asyncio.run(run())


def test_the_two_examples_talk_to_each_other() -> None:
    with serving(EXAMPLES / "own_server.py") as address:
        done = python(PROGRAM, address, "hello", "Grüße", "", PYTHONIOENCODING="utf-8")
    assert done.stderr == ""
    assert done.stdout == "hello\nGrüße\n\nclosed: 1000\n"


@pytest.mark.parametrize("compression", ["deflate", None])
def test_messages_come_back(compression: str | None) -> None:
    closes = []

    async def handler(connection: Any) -> None:
        assert bool(connection.protocol.extensions) is bool(compression)
        await echo(connection)
        closes.append((connection.close_code, connection.close_reason))

    async def talk(url: str) -> None:
        client = await own_client.connect(f"{url}/path?query=1")
        received = []
        for message in MESSAGES:
            await client.send(message)
        async for message in client:
            received.append(message)
            if len(received) == len(MESSAGES):
                await client.close(3000, "enough")
                await client.close(3001, "said already")
        assert received == MESSAGES
        assert client.websocket.close_code == 3000
        with pytest.raises(fastws.ConnectionClosedError):
            await client.send("too late")

    with_server(talk, handler, compression=compression, max_size=None)
    assert closes == [(3000, "enough")]


def test_the_server_may_close_and_its_pings_are_answered() -> None:
    async def handler(connection: Any) -> None:
        await (await connection.ping(b"there?"))
        await connection.close(1012, "restart")

    async def talk(url: str) -> None:
        client = await own_client.connect(url)
        assert [message async for message in client] == []
        assert client.websocket.close_code == 1012
        assert client.websocket.close_reason == "restart"

    with_server(talk, handler)


def test_a_message_that_is_too_big_is_refused() -> None:
    codes = []

    async def handler(connection: Any) -> None:
        await connection.send(bytes((1 << 20) + 1))
        await connection.wait_closed()
        codes.append(connection.close_code)

    async def talk(url: str) -> None:
        client = await own_client.connect(url)
        with pytest.raises(fastws.PayloadTooBigError):
            async for _ in client:
                pass

    with_server(talk, handler, compression=None)
    assert codes == [1009]


def test_a_server_that_still_sends_hears_why_it_should_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """It reads nothing before it has sent all of a message of 10 MB."""
    monkeypatch.setattr(own_client, "new_key", lambda: "dGhlIHNhbXBsZSBub25jZQ==")
    heard = []

    def serve(listener: socket.socket) -> None:
        with listener, listener.accept()[0] as connection:
            connection.settimeout(20)
            connection.recv(65536)
            connection.sendall(ANSWER + make_frame(2, bytes(10_000_000)))
            heard.append(connection.recv(65536))

    async def talk(url: str) -> None:
        client = await own_client.connect(url)
        with pytest.raises(fastws.PayloadTooBigError):
            async for _ in client:
                pass

    listener = socket.create_server(("127.0.0.1", 0))
    url = f"ws://127.0.0.1:{listener.getsockname()[1]}"
    thread = threading.Thread(target=serve, args=(listener,))
    thread.start()
    asyncio.run(talk(url))
    thread.join()
    decoder = fastws.MessageDecoder("server")
    decoder.feed(heard[0])
    (close,) = decoder
    assert close.code == 1009


def test_a_server_that_says_no_is_an_error() -> None:
    async def talk(url: str) -> None:
        with pytest.raises(HandshakeError) as caught:
            await own_client.connect(url)
        assert caught.value.status == 403

    with_server(talk, process_request=lambda connection, _: connection.respond(403, "no"))


@pytest.mark.parametrize(
    "answer", [UPGRADE + b"\r\n", b"\x16\x03\r\n\r\n"], ids=["key", "nonsense"]
)
def test_what_is_no_answer_opens_nothing(answer: bytes) -> None:
    async def talk(url: str) -> None:
        with pytest.raises((HandshakeError, own_client.h11.RemoteProtocolError)):
            await own_client.connect(url)

    with_bytes(talk, answer)


def test_a_silent_server_is_pinged_and_then_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """It upgrades, sends a frame right behind that, and then neither speaks nor answers."""
    monkeypatch.setattr(own_client, "PATIENCE", 0.3)
    monkeypatch.setattr(own_client, "new_key", lambda: "dGhlIHNhbXBsZSBub25jZQ==")

    async def talk(url: str) -> None:
        client = await own_client.connect(url)
        pings = []
        ping = client.websocket.ping
        # A Connection has no room for names that are not its own.
        client.websocket = Watched(client.websocket, lambda: pings.append(1) or ping())
        assert [message async for message in client] == ["early"]
        assert client.websocket.close_code == 1006
        assert pings == [1]

    with_bytes(talk, ANSWER + make_frame(1, b"early"))


class Watched:
    """A Connection whose pings can be seen."""

    def __init__(self, connection: fastws.Connection, ping: Callable[[], bytes]) -> None:
        self.connection = connection
        self.ping = ping

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)

    def __iter__(self) -> Any:
        return iter(self.connection)
