"""Starlette's and FastAPI's WebSockets, and Socket.IO, on `WebSocketProtocol`."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from adapters.uvicorn_served import served
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

pytest.importorskip("starlette")

from starlette.applications import Starlette
from starlette.endpoints import WebSocketEndpoint
from starlette.responses import JSONResponse
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

seen: list[Any] = []


async def json_route(websocket: WebSocket) -> None:
    await websocket.accept(subprotocol=websocket.scope["subprotocols"][0])
    async for value in websocket.iter_json():
        await websocket.send_json({"got": value})


async def denied(websocket: WebSocket) -> None:
    await websocket.send_denial_response(JSONResponse({"no": "entry"}, status_code=401))


async def closing_always(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            await websocket.send_text(await websocket.receive_text())
    except WebSocketDisconnect as error:
        seen.append((error.code, error.reason))
    finally:
        seen.append("closed")


class Endpoint(WebSocketEndpoint):
    encoding = "bytes"

    async def on_receive(self, websocket: WebSocket, data: Any) -> None:
        await websocket.send_bytes(data[::-1])

    async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
        seen.append(close_code)


APP = Starlette(
    routes=[
        WebSocketRoute("/json", json_route),
        WebSocketRoute("/denied", denied),
        WebSocketRoute("/closing", closing_always),
        WebSocketRoute("/endpoint", Endpoint),
    ]
)


def test_starlette() -> None:
    async def run() -> None:
        async with served(APP) as (_, at):
            async with connect(f"ws://{at}/json", subprotocols=["one"]) as client:  # type: ignore[list-item]
                assert client.subprotocol == "one"
                await client.send('{"a": [1, "é"]}')
                assert await client.recv() == '{"got":{"a":[1,"é"]}}'
            with pytest.raises(InvalidStatus) as caught:
                await connect(f"ws://{at}/denied")
            response = caught.value.response
            assert (response.status_code, response.body) == (401, b'{"no":"entry"}')
            async with connect(f"ws://{at}/closing") as client:
                await client.send("x")
                assert await client.recv() == "x"
                await client.close(4000, "done")
            async with connect(f"ws://{at}/endpoint") as client:
                await client.send(b"abc")
                assert await client.recv() == b"cba"
                await client.send("text")
                with pytest.raises(ConnectionClosed):
                    await client.recv()
                assert client.close_code == 1003

    seen.clear()
    asyncio.run(run())
    assert seen == [(4000, "done"), "closed", 1011]


def test_fastapi() -> None:
    fastapi = pytest.importorskip("fastapi")
    app = fastapi.FastAPI()

    async def route(websocket: fastapi.WebSocket, name: str) -> None:  # type: ignore[name-defined]
        await websocket.accept()
        async for text in websocket.iter_text():
            await websocket.send_text(f"{name}: {text}")

    route.__annotations__["websocket"] = fastapi.WebSocket
    app.websocket("/{name}")(route)

    async def run() -> None:
        async with served(app) as (_, at), connect(f"ws://{at}/ann") as client:
            await client.send("hi")
            assert await client.recv() == "ann: hi"

    asyncio.run(run())


def test_socketio() -> None:
    socketio = pytest.importorskip("socketio")
    pytest.importorskip("aiohttp")  # its client needs it
    server = socketio.AsyncServer(async_mode="asgi")
    got: list[Any] = []

    async def on_message(sid: str, data: Any) -> Any:
        await server.emit("pushed", data, to=sid)
        return {"seen": data}

    server.on("message", on_message)

    async def run() -> None:
        async with served(socketio.ASGIApp(server)) as (_, at):
            pushed: asyncio.Queue[Any] = asyncio.Queue()
            client = socketio.AsyncClient()
            client.on("pushed", pushed.put)
            await client.connect(f"http://{at}", transports=["websocket"])
            for data in ("é" * 1000, b"\x00\xff" * 5000, {"a": [1, b"x"]}):
                got.append(await client.call("message", data, timeout=5))
                assert await asyncio.wait_for(pushed.get(), 5) == data
            await client.disconnect()

    asyncio.run(run())
    assert got[2] == {"seen": {"a": [1, b"x"]}}
