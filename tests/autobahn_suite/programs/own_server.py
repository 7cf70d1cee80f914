"""An echo server of fastws.Connection alone, on asyncio: python own_server.py PORT"""

from __future__ import annotations

import asyncio
import sys

from own import COMPRESSION, HEAD_END, HOST, LARGEST, answers, join_head, say_back_end, split_head

from fastws import Connection
from fastws.handshake import check_request, response_headers


class Echo(asyncio.Protocol):
    """One connection. A request that opens no WebSocket is an error, which ends it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.head = b""
        self.websocket: Connection | None = None

    def data_received(self, data: bytes) -> None:
        if self.websocket is None:
            self.head += data
            head, end, data = self.head.partition(HEAD_END)
            if not end:
                return
            self.websocket = self.upgrade(head)
        self.websocket.feed(data)
        self.transport.write(b"".join(answers(self.websocket)))
        if self.websocket.should_close:
            self.transport.close()

    def upgrade(self, head: bytes) -> Connection:
        (method, _, version), fields = split_head(head)
        request = check_request(method, fields, http_version=version)
        extensions, deflate = COMPRESSION.accept(request.extensions) or (None, None)
        answer = response_headers(request, extensions=extensions)
        self.transport.write(join_head("HTTP/1.1 101 Switching Protocols", answer))
        return Connection("server", deflate=deflate, max_message_size=LARGEST)

    def pause_writing(self) -> None:
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        self.transport.resume_reading()


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Echo, HOST, int(sys.argv[1]))
    await server.serve_forever()


say_back_end()
asyncio.run(main())
