"""Echo every message: a server on aiohttp alone, which knows nothing of fastws.

python aiohttp_echo.py --port 8765                  the library as it is
fastws run aiohttp_echo.py --port 8765              the same, with fastws under it
"""

from __future__ import annotations

import argparse

from aiohttp import WSMsgType, web


async def echo(request: web.Request) -> web.WebSocketResponse:
    """Send back what comes in, text as text and bytes as bytes."""
    socket = web.WebSocketResponse(heartbeat=30, max_msg_size=16 * 1024 * 1024)
    await socket.prepare(request)
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            await socket.send_str(message.data)
        elif message.type is WSMsgType.BINARY:
            await socket.send_bytes(message.data)
    return socket


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Echo every WebSocket message.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", default=8765, type=int)
    arguments = parser.parse_args()
    app = web.Application()
    app.add_routes([web.get("/", echo)])
    web.run_app(app, host=arguments.host, port=arguments.port)
