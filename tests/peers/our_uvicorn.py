"""uvicorn with fastws's class as a counterpart: python our_uvicorn.py MODE

It does what README.md asks of a server, as far as an ASGI application can.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn
from peers.plan import sized_binary, sized_text

PINGS_EVERY = 0.1  # seconds
PATIENCE = 2.0  # for the pong to one of them; machines may be busy
Event = dict[str, Any]
Send = Callable[[Event], Awaitable[None]]

ended: list[str] = []  # of each connection, by its number


async def app(scope: Event, receive: Callable[[], Awaitable[Event]], send: Send) -> None:
    """Serve one connection."""
    if scope["type"] != "websocket":
        return
    number = len(ended)
    ended.append("open")
    await receive()
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] == "websocket.receive":
        text = event.get("text")
        if not await obey(send, number, *(text or "").split(" ", 2)):
            key = "bytes" if text is None else "text"
            await send({"type": "websocket.send", key: event[key]})
    ended[number] = f"{event['code']} {event.get('reason') or ''}"


async def obey(send: Send, number: int, command: str, *words: str) -> bool:
    """Do what a message asks for, if it is a command."""
    answer: str | bytes
    match command, *words:
        case ["who"]:
            answer = str(number)
        case ["ended", other]:
            answer = ended[int(other)]
        case ["close", code, *reason]:
            await send({"type": "websocket.close", "code": int(code), "reason": "".join(reason)})
            return True
        case ["fragments", size]:
            answer = sized_text(int(size))  # uvicorn makes one frame of it
        case ["binary", size]:
            answer = sized_binary(int(size))
        case ["ping", payload]:
            # uvicorn pings by itself, and hangs up on who does not answer.
            await asyncio.sleep(PINGS_EVERY + PATIENCE + 0.5)
            answer = f"pong {payload}"
        case _:
            return False
    key = "text" if isinstance(answer, str) else "bytes"
    await send({"type": "websocket.send", key: answer})
    return True


if __name__ == "__main__":
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"listening on ws://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    config = uvicorn.Config(
        app,
        ws="fastws.adapters.uvicorn:WebSocketProtocol",
        ws_max_size=1 << 20,
        ws_per_message_deflate=sys.argv[1] != "off",
        ws_ping_interval=PINGS_EVERY,
        ws_ping_timeout=PATIENCE,
        log_level="warning",
    )
    uvicorn.Server(config).run(sockets=[listener])
