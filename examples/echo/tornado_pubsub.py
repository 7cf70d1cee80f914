"""Publish and subscribe: a server on tornado alone, which knows nothing of fastws.

python tornado_pubsub.py --port 8765                the library as it is
fastws run tornado_pubsub.py --port 8765            the same, with fastws under it
"""

from __future__ import annotations

import argparse
import asyncio
from contextlib import suppress

from channels import NOT_FOR_US, WRONG_KIND, BadMessage, Channels, Outbox
from tornado.web import Application
from tornado.websocket import WebSocketClosedError, WebSocketHandler

channels: Channels[Outbox] = Channels()


class Client(WebSocketHandler):
    """One connection."""

    def open(self) -> None:
        """Take messages for this client from now on."""
        self.outbox = Outbox()
        self.writer = asyncio.create_task(self.write_waiting())

    def on_message(self, message: str | bytes) -> None:
        """Do what the client asks for."""
        if isinstance(message, bytes):
            return self.close(WRONG_KIND, "text only")
        try:
            text, receivers = channels.take(self.outbox, message)
        except BadMessage as error:
            return self.close(NOT_FOR_US, str(error))
        for receiver in receivers:
            receiver.put_latest(text)

    def on_close(self) -> None:
        """Forget the client."""
        channels.leave(self.outbox)
        self.writer.cancel()

    async def write_waiting(self) -> None:
        """Send what waits, as fast as the client takes it."""
        with suppress(WebSocketClosedError):  # on_close() comes then
            while True:
                await self.write_message(await self.outbox.get())


async def main(host: str, port: int) -> None:
    """Serve until the process is stopped."""
    app = Application([("/", Client)], websocket_ping_interval=30, websocket_ping_timeout=10)
    app.listen(port, host)
    print(f"listening on ws://{host}:{port}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Publish and subscribe over WebSockets.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", default=8765, type=int)
    arguments = parser.parse_args()
    with suppress(KeyboardInterrupt):
        asyncio.run(main(arguments.host, arguments.port))
