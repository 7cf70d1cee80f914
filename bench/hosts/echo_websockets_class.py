"""Echo with websockets' asyncio server, whose connections are of a class of fastws: no patch."""

from __future__ import annotations

import asyncio
import sys

from websockets.asyncio.server import ServerConnection, serve

from fastws.adapters.websockets import AsyncioServerConnection


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


async def main() -> None:
    port = int(sys.argv[1])
    connection = AsyncioServerConnection
    async with serve(echo, "127.0.0.1", port, create_connection=connection) as server:
        await server.serve_forever()


asyncio.run(main())
