"""The floor: asyncio's reads and writes alone. For each message as many bytes go back as came."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import sys

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Echo(asyncio.Protocol):
    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        self.data_received = self.handshake
        self.came = 0

    def handshake(self, request: bytes) -> None:
        key = re.search(rb"Sec-WebSocket-Key: (\S+)", request)[1]
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
        self.transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        self.data_received = self.first

    def first(self, data: bytes) -> None:
        """Take the sizes of all messages from the first one's header (RFC 6455 5.2)."""
        extended = {126: 2, 127: 8}.get(data[1] & 0x7F, 0)
        length = int.from_bytes(data[2 : 2 + extended]) if extended else data[1] & 0x7F
        self.answer = bytes(2 + extended + length)
        self.size = len(self.answer) + 4
        self.data_received = self.count
        self.count(data)

    def count(self, data: bytes) -> None:
        self.came += len(data)
        while self.came >= self.size:
            self.came -= self.size
            self.transport.write(self.answer)


async def main() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Echo, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()


asyncio.run(main())
