"""An echo under uvicorn with one of its WebSocket classes, talked to by websockets' client."""

from __future__ import annotations

import asyncio
from typing import Any

import uvicorn
import websockets.asyncio.client

MESSAGES: list[str | bytes] = [
    "",
    "hällo",
    b"",
    b"\x00\xff",
    "x" * 200,
    b"y" * 70_000,
    "ß" * 100_000,
    b"z" * 1_500_000,
]


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Echo messages."""
    await receive()
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] == "websocket.receive":
        await send({**event, "type": "websocket.send"})


async def uvicorn_echo(ws: str, compression: str | None = None) -> list[Any]:
    """Send every message, and give what comes back."""
    config = uvicorn.Config(app, port=0, ws=ws, lifespan="off", log_config=None, ws_max_size=2**21)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    connect = websockets.asyncio.client.connect
    address = f"ws://127.0.0.1:{port}"
    async with connect(address, max_size=2**21, compression=compression) as connection:
        found = []
        for message in MESSAGES:
            await connection.send(message)
            found.append(await connection.recv())
    server.should_exit = True
    await serving
    return found
