"""Echo every message: a server on tornado alone, which knows nothing of fastws.

python tornado_echo.py --port 8765                  the library as it is
fastws run tornado_echo.py --port 8765              the same, with fastws under it
"""

from __future__ import annotations

import argparse
import asyncio
from contextlib import suppress

from tornado.web import Application
from tornado.websocket import WebSocketHandler


class Echo(WebSocketHandler):
    """One connection."""

    async def on_message(self, message: str | bytes) -> None:
        """Send back what comes in, text as text and bytes as bytes."""
        await self.write_message(message, binary=isinstance(message, bytes))


async def main(host: str, port: int) -> None:
    """Serve until the process is stopped."""
    app = Application([("/", Echo)], websocket_ping_interval=30, websocket_ping_timeout=10)
    app.listen(port, host)
    print(f"listening on ws://{host}:{port}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Echo every WebSocket message.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", default=8765, type=int)
    arguments = parser.parse_args()
    with suppress(KeyboardInterrupt):
        asyncio.run(main(arguments.host, arguments.port))
