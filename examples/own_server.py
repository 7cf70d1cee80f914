"""Echo every message: a server of one's own, on asyncio, h11 and fastws.Connection alone.

asyncio moves the bytes, h11 reads the HTTP request, fastws does the rest.

python own_server.py --port 8765
"""

from __future__ import annotations

import argparse
import asyncio
from contextlib import suppress
from typing import cast

import h11

from fastws import Binary, Close, CodecError, Connection, Text
from fastws.deflate import PerMessageDeflate
from fastws.handshake import HandshakeError, check_request, response_headers

COMPRESSION = PerMessageDeflate()


class Echo(asyncio.Protocol):
    """One connection, from its request to its end."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the request."""
        self.transport = cast(asyncio.Transport, transport)
        self.http = h11.Connection(h11.SERVER)
        self.websocket: Connection | None = None

    def data_received(self, data: bytes) -> None:
        """Take what came: the request first, frames from then on."""
        if self.websocket is None:
            self.http.receive_data(data)
            try:
                self.websocket = self.upgrade()
            except HandshakeError as error:
                self.refuse(error.status, error.reason, error.headers)
            except h11.RemoteProtocolError as error:
                self.refuse(error.error_status_hint, str(error))
            if self.websocket is None:
                return
            data = self.http.trailing_data[0]  # frames may have come with the request
        self.talk(self.websocket, data)

    def upgrade(self) -> Connection | None:
        """Answer the request if it is whole (RFC 6455 4.2)."""
        event = self.http.next_event()
        if not isinstance(event, h11.Request):
            return None
        request = check_request(event.method, event.headers, http_version=event.http_version)
        extensions, deflate = COMPRESSION.accept(request.extensions) or (None, None)
        headers = response_headers(request, extensions=extensions)
        answer = h11.InformationalResponse(status_code=101, headers=headers)
        self.transport.write(self.http.send(answer) or b"")
        return Connection("server", deflate=deflate)

    def refuse(self, status: int, reason: str, extra: tuple[tuple[str, str], ...] = ()) -> None:
        """Answer a request that opens no WebSocket."""
        body = reason.encode()
        headers = [*extra, ("Content-Length", str(len(body))), ("Content-Type", "text/plain")]
        response = h11.Response(status_code=status, headers=headers)
        for event in (response, h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.http.send(event) or b"")
        self.transport.close()

    def talk(self, websocket: Connection, data: bytes) -> None:
        """Send back each message; then what the protocol owes, also after an error."""
        websocket.feed(data)
        try:
            for event in websocket:
                match event:
                    case Text(text):
                        self.transport.write(websocket.send_text(text))
                    case Binary(payload):
                        self.transport.write(websocket.send_bytes(payload))
                    case Close(code, reason):
                        print(f"closed by the client: {code} {reason}".rstrip())
        except CodecError as error:
            print(f"the client broke the protocol: {error}")
        self.transport.write(websocket.data_to_send())
        if websocket.should_close:
            self.transport.close()

    def pause_writing(self) -> None:
        """Take no more while the client does not take its answers."""
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on."""
        self.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end, also where no close frame came."""
        if self.websocket is not None:
            self.websocket.feed_eof()


async def main(host: str, port: int) -> None:
    """Serve until the process is stopped."""
    server = await asyncio.get_running_loop().create_server(Echo, host, port)
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
