"""Echo messages between a server and a client of autobahn, over loopback.

Run as `python autobahn_echo.py asyncio|twisted install|mixin|stock [deflate]`, each time in a
process of its own: autobahn knows one framework per process. It prints how the connection ended,
how many messages came back, and what fastws has done.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

import fastws
from fastws.adapters import autobahn as adapter

FACE, WAY, *MORE = sys.argv[1:]
TEXTS = ["hällo", "x" * 200, "ß" * 100_000, ""]
MESSAGES = [(text.encode(), False) for text in TEXTS]
MESSAGES += [(data, True) for data in (b"\x00\xff", b"y" * 70_000, b"", b"z" * 1_500_000)]


class Server:
    def onMessage(self: Any, payload: bytes, isBinary: bool) -> None:
        self.sendMessage(payload, isBinary)


class Client:
    heard = 0

    def onOpen(self: Any) -> None:
        self.sendMessage(*MESSAGES[0])

    def onMessage(self: Any, payload: bytes, isBinary: bool) -> None:
        assert (payload, isBinary) == MESSAGES[self.heard]
        self.heard += 1
        if self.heard < len(MESSAGES):
            self.sendMessage(*MESSAGES[self.heard])
        else:
            self.sendClose(1000, "bye")

    def onClose(self: Any, wasClean: bool, code: int | None, reason: str | None) -> None:
        print(wasClean, code, self.heard)
        self.factory.stop()


def factory(face: Any, side: type) -> Any:
    """Make the factory of one side, which may use compression."""
    name = side.__name__
    made = getattr(face, f"WebSocket{name}Factory")()
    mixin = (adapter.FastFrames,) if WAY == "mixin" else ()
    base = getattr(face, f"WebSocket{name}Protocol")
    made.protocol = type(name, (side, *mixin, base), {})
    if "deflate" in MORE:
        deflate: Any = import_module("autobahn.websocket.compress")
        if side is Client:
            made.setProtocolOptions(
                perMessageCompressionOffers=[deflate.PerMessageDeflateOffer()],
                perMessageCompressionAccept=deflate.PerMessageDeflateResponseAccept,
            )
        else:
            made.setProtocolOptions(
                perMessageCompressionAccept=lambda offers: deflate.PerMessageDeflateOfferAccept(
                    offers[0]
                )
            )
    return made


def on_asyncio(make: Callable[[type], Any]) -> None:
    import asyncio

    async def run() -> None:
        loop = asyncio.get_running_loop()
        done = asyncio.Event()
        serving = await loop.create_server(make(Server), "127.0.0.1", 0)
        client = make(Client)
        client.stop = done.set
        await loop.create_connection(client, *serving.sockets[0].getsockname())
        await done.wait()
        serving.close()

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.run_until_complete(run())


def on_twisted(make: Callable[[type], Any]) -> None:
    reactor: Any = import_module("twisted.internet.reactor")
    serving = reactor.listenTCP(0, make(Server), interface="127.0.0.1")
    client = make(Client)
    client.stop = reactor.stop
    reactor.connectTCP("127.0.0.1", serving.getHost().port, client)
    reactor.run()


def main() -> None:
    if WAY == "install":
        fastws.install("autobahn")
    face = import_module(f"autobahn.{FACE}.websocket")
    run = on_asyncio if FACE == "asyncio" else on_twisted
    run(lambda side: factory(face, side))
    print(adapter.counters())


if __name__ == "__main__":
    main()
