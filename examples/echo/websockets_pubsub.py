"""Publish and subscribe: a server on the websockets library alone, which knows nothing of fastws.

python websockets_pubsub.py --port 8765             the library as it is
fastws run websockets_pubsub.py --port 8765         the same, with fastws under it
"""

from __future__ import annotations

import argparse
import asyncio
from contextlib import suppress

from channels import NOT_FOR_US, WRONG_KIND, BadMessage, Channels
from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosedError

channels: Channels[ServerConnection] = Channels()


async def handle(connection: ServerConnection) -> None:
    """Serve one client, until it leaves."""
    try:
        async for message in connection:
            if isinstance(message, bytes):
                return await connection.close(WRONG_KIND, "text only")
            # To clients that do not read, broadcast() piles messages up in memory, until they
            # fail to answer a ping: at most for 40 s.
            text, receivers = channels.take(connection, message)
            broadcast(receivers, text)
    except BadMessage as error:
        await connection.close(NOT_FOR_US, str(error))
    except ConnectionClosedError:
        pass  # the peer broke the protocol, or went away without a goodbye
    finally:
        channels.leave(connection)


async def main(host: str, port: int) -> None:
    """Serve until the process is stopped."""
    async with serve(handle, host, port) as server:
        print(f"listening on ws://{host}:{port}", flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Publish and subscribe over WebSockets.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", default=8765, type=int)
    arguments = parser.parse_args()
    with suppress(KeyboardInterrupt):
        asyncio.run(main(arguments.host, arguments.port))
