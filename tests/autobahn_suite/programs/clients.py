"""Echo clients of the hosts: python clients.py HOST PORT AGENT

Each opens one connection after the other, as one writes it for that host, with compression where
there is any, and with room for messages of 16 MiB.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from drive import Drive

HOST = "127.0.0.1"
LARGEST = 1 << 25

# A conversation: to a target, and whether to echo or to come back with the first message.
Talk = Callable[[int, str, bool], Coroutine[Any, Any, "str | None"]]


async def websockets(port: int, target: str, echo: bool) -> str | None:
    from websockets.asyncio.client import connect
    from websockets.exceptions import ConnectionClosed

    address = f"ws://{HOST}:{port}{target}"
    async with connect(address, max_size=LARGEST, ping_interval=None, proxy=None) as connection:
        try:
            async for message in connection:
                if not echo:
                    return str(message)
                await connection.send(message)
        except ConnectionClosed:
            pass
    return None


async def aiohttp(port: int, target: str, echo: bool) -> str | None:
    from aiohttp import ClientSession, WSMsgType

    address = f"http://{HOST}:{port}{target}"
    async with (
        ClientSession() as session,
        session.ws_connect(address, max_msg_size=LARGEST, compress=15) as connection,
    ):
        async for message in connection:
            if not echo:
                return str(message.data)
            if message.type is WSMsgType.TEXT:
                await connection.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                await connection.send_bytes(message.data)
    return None


async def tornado(port: int, target: str, echo: bool) -> str | None:
    from tornado.websocket import websocket_connect

    address = f"ws://{HOST}:{port}{target}"
    connection = await websocket_connect(address, compression_options={}, max_message_size=LARGEST)
    while (message := await connection.read_message()) is not None:
        if not echo:
            connection.close()
            return str(message)
        await connection.write_message(message, binary=isinstance(message, bytes))
    return None


async def autobahn(port: int, target: str, echo: bool) -> str | None:
    from autobahn.asyncio.websocket import WebSocketClientFactory, WebSocketClientProtocol
    from autobahn.websocket.compress import (
        PerMessageDeflateOffer,
        PerMessageDeflateResponse,
        PerMessageDeflateResponseAccept,
    )

    loop = asyncio.get_running_loop()
    ended: asyncio.Future[str | None] = loop.create_future()
    found: list[str] = []

    class Client(WebSocketClientProtocol):
        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            if echo:
                self.sendMessage(payload, isBinary)
            else:
                found.append(payload.decode())
                self.sendClose()

        def onClose(self, wasClean: bool, code: int, reason: str) -> None:
            ended.set_result(found[0] if found else None)

    def accept(response: object) -> PerMessageDeflateResponseAccept | None:
        known = isinstance(response, PerMessageDeflateResponse)
        return PerMessageDeflateResponseAccept(response) if known else None

    factory = WebSocketClientFactory(f"ws://{HOST}:{port}{target}")
    factory.protocol = Client
    # As autobahn itself is set up to be tried: an error is answered by a close frame.
    factory.setProtocolOptions(
        failByDrop=False,
        perMessageCompressionOffers=[PerMessageDeflateOffer()],
        perMessageCompressionAccept=accept,
    )
    await loop.create_connection(factory, HOST, port)
    return await ended


async def websocket_client(port: int, target: str, echo: bool) -> str | None:
    import websocket

    connection = websocket.create_connection(f"ws://{HOST}:{port}{target}")
    try:
        while True:
            opcode, data = connection.recv_data()
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                return None
            if not echo:
                return data.decode()
            connection.send(data, opcode)
    finally:
        connection.close()


def main(host: str, port: int, agent: str) -> None:
    talk: Talk = globals()[host]
    with asyncio.Runner() as runner:
        Drive(
            port,
            agent,
            lambda port, target: runner.run(talk(port, target, True)),
            lambda port, target: runner.run(talk(port, target, False)),
        ).run()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
