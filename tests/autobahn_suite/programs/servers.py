"""Echo servers of the hosts: python servers.py HOST PORT

Each is what one writes for that host, with compression on, which some have off, and with room for
messages of 16 MiB, which the suite sends.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[3] / "bench" / "hosts"))

HOST = "127.0.0.1"
LARGEST = 1 << 25


async def websockets(port: int) -> None:
    from websockets.asyncio.server import ServerConnection, serve
    from websockets.exceptions import ConnectionClosed

    async def echo(connection: ServerConnection) -> None:
        try:
            async for message in connection:
                await connection.send(message)
        except ConnectionClosed:
            pass  # in the middle of an answer

    async with serve(echo, HOST, port, max_size=LARGEST, ping_interval=None) as server:
        await server.serve_forever()


async def aiohttp(port: int) -> None:
    from aiohttp import WSMsgType, web

    async def echo(request: web.Request) -> web.WebSocketResponse:
        response = web.WebSocketResponse(max_msg_size=LARGEST)
        await response.prepare(request)
        async for message in response:
            if message.type is WSMsgType.TEXT:
                await response.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                await response.send_bytes(message.data)
        return response

    app = web.Application()
    app.router.add_get("/", echo)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, HOST, port).start()
    await asyncio.Event().wait()


async def tornado(port: int) -> None:
    from tornado.web import Application
    from tornado.websocket import WebSocketHandler

    class Echo(WebSocketHandler):
        def get_compression_options(self) -> dict[str, int]:
            return {}  # the defaults; None would be no compression

        async def on_message(self, message: str | bytes) -> None:
            await self.write_message(message, binary=isinstance(message, bytes))

    app = Application([("/", Echo)], websocket_max_message_size=LARGEST)
    app.listen(port, HOST, max_buffer_size=2 * LARGEST)
    await asyncio.Event().wait()


async def autobahn(port: int) -> None:
    from autobahn.asyncio.websocket import WebSocketServerFactory, WebSocketServerProtocol
    from autobahn.websocket.compress import PerMessageDeflateOffer, PerMessageDeflateOfferAccept

    class Echo(WebSocketServerProtocol):
        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            self.sendMessage(payload, isBinary)

    def accept(offers: list[object]) -> PerMessageDeflateOfferAccept | None:
        found = (offer for offer in offers if isinstance(offer, PerMessageDeflateOffer))
        return next((PerMessageDeflateOfferAccept(offer) for offer in found), None)

    factory = WebSocketServerFactory()
    factory.protocol = Echo
    # As autobahn itself is set up to be tried: an error is answered by a close frame.
    factory.setProtocolOptions(failByDrop=False, perMessageCompressionAccept=accept)
    server = await asyncio.get_running_loop().create_server(factory, HOST, port)
    await server.serve_forever()


async def uvicorn(port: int, ws: object) -> None:
    from asgi_app import app
    from uvicorn import Config, Server

    config = Config(
        app,
        host=HOST,
        port=port,
        ws=ws,
        lifespan="off",
        ws_max_size=LARGEST,
        ws_ping_interval=None,
        log_level="critical",
    )
    await Server(config).serve()


async def uvicorn_wsproto(port: int) -> None:
    await uvicorn(port, "wsproto")


async def uvicorn_sansio(port: int) -> None:
    await uvicorn(port, "websockets-sansio")


async def uvicorn_class(port: int) -> None:
    """Serve by our class, and count connections: it is no patch that counts on its own."""
    import fastws.adapters.uvicorn as ours

    class Counted(ours.WebSocketProtocol):
        connections = 0

        def connection_made(self, transport: asyncio.Transport) -> None:
            Counted.connections += 1
            super().connection_made(transport)

    ours.counters = lambda: {"connections": Counted.connections}
    await uvicorn(port, Counted)


if __name__ == "__main__":
    asyncio.run(globals()[sys.argv[1]](int(sys.argv[2])))
