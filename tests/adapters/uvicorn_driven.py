"""A WebSocket class of uvicorn's, driven without a network: what goes in, what comes out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import pytest
import uvicorn
from helpers import make_frame
from uvicorn.server import ServerState

from fastws import FrameDecoder
from fastws.adapters import Range
from fastws.adapters.uvicorn import WebSocketProtocol

ACCEPT = {"type": "websocket.accept"}
KEY = b"\x01\x02\x03\x04"
REQUEST = (
    b"GET /chat?a=1 HTTP/1.1\r\nhost: example.org\r\nupgrade: websocket\r\n"
    b"connection: Upgrade\r\nsec-websocket-version: 13\r\n"
    b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
DEFLATE = b"sec-websocket-extensions: permessage-deflate; client_no_context_takeover\r\n"

App = Callable[[Any, Any, Any], Awaitable[Any]]
Frame = tuple[int, bytes]


def stock() -> Any:
    """Give the class that uvicorn takes by itself; those of older releases do other things."""
    if uvicorn.__version__ not in Range("0.54", "1"):
        pytest.skip("there is nothing to compare with in this uvicorn")
    from uvicorn.protocols.websockets import websockets_sansio_impl

    return websockets_sansio_impl.WebSocketsSansIOProtocol


class Transport:
    """A transport that keeps what is written, and goes when it is closed."""

    def __init__(self) -> None:
        self.protocol: Any = None
        self.written = bytearray()
        self.writes = 0
        self.reading = True
        self.closing = False
        self.unsent = 0

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"sockname": ("127.0.0.1", 80), "peername": ("127.0.0.2", 4000)}.get(name, default)

    def write(self, data: bytes) -> None:
        if not self.closing:
            self.written += data
            self.writes += 1

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        if not self.closing:
            self.closing = True
            if not self.unsent:
                asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)

    def abort(self) -> None:
        self.closing = True
        self.unsent = 0
        asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)

    def pause_reading(self) -> None:
        assert self.reading
        self.reading = False

    def resume_reading(self) -> None:
        assert not self.reading
        self.reading = True

    def get_write_buffer_size(self) -> int:
        return self.unsent


class Driven:
    """One connection of a WebSocket class."""

    def __init__(self, app: App, cls: Any = WebSocketProtocol, **config: Any) -> None:
        config = {"ws_ping_interval": None, "ws_per_message_deflate": False} | config
        settings = uvicorn.Config(
            app, ws=cls, http="h11", log_config=None, lifespan="off", proxy_headers=False
        )
        for name, value in config.items():
            setattr(settings, name, value)
        settings.load()
        self.state = ServerState()
        self.transport = Transport()
        self.protocol = cls(settings, self.state, {"of": "lifespan"})
        self.transport.protocol = self.protocol
        self.protocol.connection_made(self.transport)
        self._taken = 0

    async def open(self, extra: bytes = b"", behind: bytes = b"") -> bytes:
        """Send the request; give the answer's head."""
        self.feed(REQUEST + extra + b"\r\n" + behind)
        await turns()
        return self.take().partition(b"\r\n\r\n")[0]

    def feed(self, data: bytes) -> None:
        if not self.transport.closing:
            self.protocol.data_received(data)

    def frame(self, opcode: int, payload: bytes = b"", **options: Any) -> None:
        self.feed(make_frame(opcode, payload, mask=KEY, **options))

    def take(self) -> bytes:
        """Give what was written since the last time."""
        data = bytes(self.transport.written[self._taken :])
        self._taken += len(data)
        return data

    def frames(self) -> list[Frame]:
        return frames(self.take())

    async def end(self) -> None:
        """Let the client vanish, and wait for the application."""
        if not self.transport.closing:
            self.transport.close()
        await asyncio.wait_for(asyncio.gather(*self.state.tasks), 5)
        await turns()
        assert not self.state.tasks
        assert not self.state.connections


def frames(data: bytes) -> list[Frame]:
    decoder = FrameDecoder("client", rsv=0x40, max_payload_size=None)
    decoder.feed(data)
    found = [(int(frame.opcode), bytes(frame.payload)) for frame in decoder]
    assert decoder.buffered == 0
    return found


def text(data: str) -> dict[str, str]:
    """Give what an application sends for a text message."""
    return {"type": "websocket.send", "text": data}


async def turns(count: int = 8) -> None:
    """Let the loop go round."""
    for _ in range(count):
        await asyncio.sleep(0)


def recorder(
    seen: list[Any], *, send: Iterable[Any] = (), after: asyncio.Event | None = None
) -> App:
    """Give an application that accepts, waits, and notes all that it receives from then on."""

    async def app(scope: Any, receive: Any, send_: Any) -> None:
        assert await receive() == {"type": "websocket.connect"}
        await send_(ACCEPT)
        for message in send:
            await send_(message)
        if after:
            await after.wait()
        while True:
            seen.append(await receive())
            if seen[-1]["type"] == "websocket.disconnect":
                return

    return app


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Send back what comes."""
    await receive()
    await send(ACCEPT)
    while (message := await receive())["type"] == "websocket.receive":
        await send(message | {"type": "websocket.send"})


def scripted(*messages: Any) -> App:
    """Give an application that sends these messages and returns."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        for message in messages:
            await send(message)

    return app
