"""Publish and subscribe: an ASGI application, which knows nothing of its server and of fastws.

uvicorn asgi_pubsub:app --port 8765                 the server as it is
fastws run uvicorn asgi_pubsub:app --port 8765      the same, with fastws under it

README.md has hypercorn and daphne. Channels are those of one process: behind several workers, or
on several machines, they have to go through Redis or the like, as in the live example.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from channels import NOT_FOR_US, WRONG_KIND, BadMessage, Channels, Outbox

Event = dict[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]

channels: Channels[Outbox] = Channels()


async def app(scope: Event, receive: Receive, send: Send) -> None:
    """Serve one client, until it leaves."""
    if scope["type"] != "websocket":
        return
    await receive()  # websocket.connect
    await send({"type": "websocket.accept"})
    outbox = Outbox()
    writer = asyncio.create_task(write(send, outbox))
    try:
        while (event := await receive())["type"] == "websocket.receive":
            if event.get("text") is None:
                return await close(send, WRONG_KIND, "text only")
            text, receivers = channels.take(outbox, event["text"])
            for receiver in receivers:
                receiver.put_latest(text)
    except BadMessage as error:
        await close(send, NOT_FOR_US, str(error))
    finally:
        channels.leave(outbox)
        writer.cancel()


async def write(send: Send, outbox: Outbox) -> None:
    """Send what waits, as fast as the client takes it."""
    try:
        while True:
            await send({"type": "websocket.send", "text": await outbox.get()})
    except OSError:
        pass  # it went away, as ASGI lets servers say: app() hears of that too


async def close(send: Send, code: int, reason: str) -> None:
    """Close the connection, and say why."""
    await send({"type": "websocket.close", "code": code, "reason": reason})
