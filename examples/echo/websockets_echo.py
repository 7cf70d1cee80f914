"""Echo every message: a server on the websockets library alone, which knows nothing of fastws.

python websockets_echo.py --port 8765               the library as it is
fastws run websockets_echo.py --port 8765           the same, with fastws under it
"""

from __future__ import annotations

import argparse
import asyncio
from contextlib import suppress

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosedError


async def echo(connection: ServerConnection) -> None:
    """Send back what comes in, text as text and bytes as bytes."""
    try:
        async for message in connection:
            await connection.send(message)
    except ConnectionClosedError:
        pass  # the peer broke the protocol, or went away without a goodbye


async def main(host: str, port: int) -> None:
    """Serve until the process is stopped."""
    async with serve(echo, host, port, max_size=16 * 1024 * 1024) as server:
        address, port = server.sockets[0].getsockname()[:2]
        print(f"listening on ws://{address}:{port}", flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Echo every WebSocket message.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", default=8765, type=int, help="0 takes a free one")
    arguments = parser.parse_args()
    with suppress(KeyboardInterrupt):
        asyncio.run(main(arguments.host, arguments.port))
