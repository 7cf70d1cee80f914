"""Publish and subscribe: a server on aiohttp alone, which knows nothing of fastws.

python aiohttp_pubsub.py --port 8765                the library as it is
fastws run aiohttp_pubsub.py --port 8765            the same, with fastws under it
"""

from __future__ import annotations

import argparse
import asyncio

from aiohttp import ClientConnectionError, WSMsgType, web
from channels import NOT_FOR_US, WRONG_KIND, BadMessage, Channels, Outbox

channels: Channels[Outbox] = Channels()


async def handle(request: web.Request) -> web.WebSocketResponse:
    """Serve one client, until it leaves."""
    socket = web.WebSocketResponse(heartbeat=30)
    await socket.prepare(request)
    outbox = Outbox()
    writer = asyncio.create_task(write(socket, outbox))
    try:
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                await socket.close(code=WRONG_KIND, message=b"text only")
                break
            text, receivers = channels.take(outbox, message.data)
            for receiver in receivers:
                receiver.put_latest(text)
    except BadMessage as error:
        await socket.close(code=NOT_FOR_US, message=str(error).encode())
    finally:
        channels.leave(outbox)
        writer.cancel()
    return socket


async def write(socket: web.WebSocketResponse, outbox: Outbox) -> None:
    """Send what waits, as fast as the client takes it."""
    try:
        while True:
            await socket.send_str(await outbox.get())
    except ClientConnectionError:
        pass  # it went away: handle() hears of that too


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Publish and subscribe over WebSockets.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", default=8765, type=int)
    arguments = parser.parse_args()
    app = web.Application()
    app.add_routes([web.get("/", handle)])
    web.run_app(app, host=arguments.host, port=arguments.port)
