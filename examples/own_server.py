"""Echo every message: a server of one's own, on asyncio, h11 and fastws.Connection alone.

asyncio moves the bytes, h11 reads the request, fastws does the rest. To try it:
`python own_server.py --port 8765`, and own_client.py to talk to it.
"""

from __future__ import annotations

import argparse
import asyncio
from contextlib import suppress

import h11

from fastws import Binary, CodecError, Connection, State, Text
from fastws.deflate import PerMessageDeflate
from fastws.handshake import HandshakeError, check_request, response_headers


class Echo(asyncio.Protocol):
    """One connection, from its request to its end."""

    compression = PerMessageDeflate()
    heartbeat = 20.0  # seconds; who says nothing in that time is gone

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the request."""
        self.transport = transport
        self.http = h11.Connection(h11.SERVER)
        self.websocket: Connection | None = None
        self.heard = True
        self.beat()

    def beat(self) -> None:
        """Ping, and drop who did not even finish its request, or sent nothing, since last time."""
        if not self.heard:
            return self.transport.abort()
        self.heard = False
        if self.websocket is not None and self.websocket.state is State.OPEN:
            self.transport.write(self.websocket.ping())
        self.timer = asyncio.get_running_loop().call_later(self.heartbeat, self.beat)

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
        elif self.websocket.should_close:
            return  # what was under way when we said goodbye
        self.heard = True
        self.talk(self.websocket, data)

    def upgrade(self) -> Connection | None:
        """Answer the request if it is whole (RFC 6455 4.2)."""
        if not isinstance(event := self.http.next_event(), h11.Request):
            return None
        request = check_request(event.method, event.headers, http_version=event.http_version)
        extensions, deflate = self.compression.accept(request.extensions) or (None, None)
        headers = response_headers(request, extensions=extensions)
        answer = h11.InformationalResponse(status_code=101, headers=headers)
        self.transport.write(self.http.send(answer) or b"")
        return Connection("server", deflate=deflate)

    def refuse(self, status: int, reason: str, extra: tuple[tuple[str, str], ...] = ()) -> None:
        """Answer a request that opens no WebSocket."""
        headers = [*extra, ("Content-Length", str(len(body := reason.encode())))]
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
        except CodecError as error:
            print(f"the client broke the protocol: {error}")
        self.transport.write(websocket.data_to_send())
        if websocket.should_close:
            self.transport.write_eof()  # close() could lose our last words, while it still sends

    def pause_writing(self) -> None:  # take no more while the client takes no answers
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        self.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:  # with a close frame or without
        self.timer.cancel()
        if self.websocket is not None:
            self.websocket.feed_eof()


async def main(port: int) -> None:
    """Serve until the process is stopped."""
    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", port)
    print(f"listening on ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Echo every WebSocket message.")
    parser.add_argument("--port", default=8765, type=int, help="0 takes a free one")
    with suppress(KeyboardInterrupt):
        asyncio.run(main(parser.parse_args().port))
