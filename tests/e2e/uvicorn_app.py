"""An ASGI application that echoes text, and on "who?" tells which process serves and with what."""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable
from typing import Any


async def app(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """Serve one WebSocket connection."""
    if scope["type"] != "websocket":
        return
    await receive()
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] == "websocket.receive":
        text = who() if event["text"] == "who?" else event["text"]
        await send({"type": "websocket.send", "text": text})


def who() -> str:
    """Tell the process and its counters."""
    from fastws.adapters import websockets

    return json.dumps({"pid": os.getpid(), **websockets.counters()})
