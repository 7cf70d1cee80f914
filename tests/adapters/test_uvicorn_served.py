"""`WebSocketProtocol` in a uvicorn that listens, and clients of websockets."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import socket
import struct
import sys
from pathlib import Path
from typing import Any

import pytest
from adapters.uvicorn_driven import ACCEPT, KEY, REQUEST, echo
from adapters.uvicorn_served import served
from helpers import make_frame
from websockets.asyncio.client import connect, unix_connect
from websockets.exceptions import ConnectionClosed, InvalidStatus


@pytest.mark.parametrize("compression", [None, "deflate"])
def test_messages_of_every_size_come_back(compression: Any) -> None:
    async def run() -> None:
        async with (
            served(echo) as (_, at),
            connect(f"ws://{at}", compression=compression, max_size=None) as client,
        ):
            for size in (0, 1, 125, 126, 65535, 65536, 300_000, 5_000_000):
                text = "é" * (size // 2) + "x" * (size % 2)
                await client.send(text)
                assert await client.recv() == text
                data = os.urandom(size)
                await client.send(data)
                assert await client.recv() == data
            await client.send([b"in ", b"fragments"])
            assert await client.recv() == b"in fragments"
            assert await (await client.ping()) >= 0

    asyncio.run(run())


def test_many_at_once_come_back_in_order() -> None:
    async def one(at: str, number: int) -> None:
        async with connect(f"ws://{at}") as client:
            sending = asyncio.ensure_future(send_all(client, number))
            for i in range(300):
                assert await client.recv() == f"{number}-{i}"
            await sending

    async def send_all(client: Any, number: int) -> None:
        for i in range(300):
            await client.send(f"{number}-{i}")

    async def run() -> None:
        async with served(echo, ws_max_queue=4) as (_, at):
            await asyncio.gather(*[one(at, number) for number in range(10)])

    asyncio.run(run())


@pytest.mark.skipif(sys.platform == "win32", reason="there are none")
def test_a_unix_socket(tmp_path: Path) -> None:
    path = str(tmp_path / "uvicorn.sock")

    async def run() -> None:
        async with served(echo, uds=path), unix_connect(path, uri="ws://localhost/") as client:
            await client.send("x")
            assert await client.recv() == "x"

    asyncio.run(run())


def test_tls(tmp_path: Path) -> None:
    trustme = pytest.importorskip("trustme")
    import ssl

    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    (tmp_path / "key").write_bytes(certificate.private_key_pem.bytes())
    (tmp_path / "chain").write_bytes(b"".join(p.bytes() for p in certificate.cert_chain_pems))
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    schemes = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        schemes.append(scope["scheme"])
        await echo(scope, receive, send)

    async def run() -> None:
        files = {"ssl_keyfile": str(tmp_path / "key"), "ssl_certfile": str(tmp_path / "chain")}
        async with (
            served(app, **files) as (_, at),
            connect(f"wss://{at}", ssl=trusting, max_size=None) as client,
        ):
            for size in (10, 100_000, 3_000_000):
                data = os.urandom(size)
                await client.send(data)
                assert await client.recv() == data

    asyncio.run(run())
    assert schemes == ["wss"]


def test_closes_and_refusals_are_what_the_client_sees() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        if scope["path"] == "/denied":
            await send({"type": "websocket.close"})
            return
        await send({**ACCEPT, "subprotocol": "b", "headers": [(b"x-a", b"b")]})
        await send({"type": "websocket.close", "code": 4001, "reason": "enough"})

    async def run() -> None:
        async with served(app) as (_, at):
            async with connect(f"ws://{at}", subprotocols=["a", "b"]) as client:  # type: ignore[list-item]
                assert client.subprotocol == "b"
                assert client.response
                assert client.response.headers["x-a"] == "b"
                with pytest.raises(ConnectionClosed):
                    await client.recv()
                assert (client.close_code, client.close_reason) == (4001, "enough")
            with pytest.raises(InvalidStatus) as caught:
                await connect(f"ws://{at}/denied")
            assert caught.value.response.status_code == 403

    asyncio.run(run())


def test_a_message_over_the_limit_ends_its_connection() -> None:
    async def run() -> None:
        async with served(echo, ws_max_size=1000) as (_, at), connect(f"ws://{at}") as client:
            await client.send("x" * 1000)
            assert len(await client.recv()) == 1000
            await client.send("x" * 1001)
            with pytest.raises(ConnectionClosed):
                await client.recv()
            assert client.close_code == 1009

    asyncio.run(run())


def test_a_server_that_ends_says_so() -> None:
    async def run() -> None:
        async with served(echo) as (server, at):
            client = await connect(f"ws://{at}")
            server.should_exit = True
            with pytest.raises(ConnectionClosed):
                await client.recv()
            assert client.close_code == 1012

    asyncio.run(run())


def test_a_slow_client_makes_the_application_wait_and_memory_stays_flat() -> None:
    sent = 0
    ended = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal sent
        await receive()
        await send(ACCEPT)
        try:
            while True:
                await send({"type": "websocket.send", "bytes": bytes(50_000)})
                sent += 1
        except OSError:
            ended.set()

    async def run() -> None:
        async with served(app) as (server, at):
            host, port = at.split(":")
            loop = asyncio.get_running_loop()
            with socket.socket() as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 10_000)
                sock.setblocking(False)
                await loop.sock_connect(sock, (host, int(port)))
                await loop.sock_sendall(sock, REQUEST + b"\r\n")
                await asyncio.sleep(0.2)
                before = sent
                await asyncio.sleep(0.2)
                assert sent == before < 500
                (connection,) = server.server_state.connections
                assert connection.transport.get_write_buffer_size() < 300_000  # type: ignore[union-attr]
                while sent == before:
                    await asyncio.wait_for(loop.sock_recv(sock, 100_000), 5)
            await asyncio.wait_for(ended.wait(), 5)

    asyncio.run(run())


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="it counts file descriptors")
def test_ten_thousand_clients_that_vanish_leave_nothing() -> None:
    half = make_frame(2, b"x" * 70_000, mask=KEY)[:40_000]
    ways = (b"", half, make_frame(1, b"x", mask=KEY) * 50, make_frame(9, b"p", mask=KEY))

    async def vanish(at: str, number: int) -> None:
        host, port = at.split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(REQUEST + b"\r\n" + (b"" if number % 3 else ways[number // 3 % 4]))
        if number % 5:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(ways[number % 4])
        sock = writer.get_extra_info("socket")
        if number % 2:  # with a reset
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async def burst(server: Any, at: str, start: int, count: int) -> None:
        for number in range(start, start + count, 50):
            await asyncio.gather(*[vanish(at, number + i) for i in range(50)])
        for _ in range(200):
            if not server.server_state.connections and not server.server_state.tasks:
                break
            await asyncio.sleep(0.02)
        assert not server.server_state.connections
        assert not server.server_state.tasks

    async def run() -> None:
        async with served(echo, access_log=False) as (server, at):
            await burst(server, at, 0, 500)
            gc.collect()
            objects, memory = len(gc.get_objects()), resident()
            tasks, files = len(asyncio.all_tasks()), len(os.listdir("/proc/self/fd"))
            await burst(server, at, 500, 10_000)
            gc.collect()
            assert len(asyncio.all_tasks()) <= tasks
            assert len(os.listdir("/proc/self/fd")) <= files
            assert len(gc.get_objects()) < objects + 500
            assert resident() < memory + (8 << 20)
            scheduled = getattr(asyncio.get_running_loop(), "_scheduled", ())  # of asyncio's own
            live = [timer for timer in scheduled if not timer.cancelled()]
            assert len(live) < 10

    asyncio.run(run())


def resident() -> int:
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * resource.getpagesize()
