"""Echo every message: an ASGI application, which knows nothing of its server and of fastws.

uvicorn asgi_echo:app --port 8765                   the server as it is
fastws run uvicorn asgi_echo:app --port 8765        the same, with fastws under it

README.md has hypercorn and daphne.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

Event = dict[str, Any]


async def app(
    scope: Event, receive: Callable[[], Awaitable[Event]], send: Callable[[Event], Awaitable[None]]
) -> None:
    """Send back what comes in, text as text and bytes as bytes."""
    if scope["type"] != "websocket":
        return
    await receive()  # websocket.connect
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] == "websocket.receive":
        if event.get("text") is not None:
            await send({"type": "websocket.send", "text": event["text"]})
        else:
            await send({"type": "websocket.send", "bytes": event["bytes"]})
