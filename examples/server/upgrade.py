"""What a server has before it has WebSockets: a port, and HTTP. For the examples beside this file.

The request is read by h11 (RFC 6455 4.2); a server has its own parser, and what it needs of fastws
is `check_request` and `response_headers`.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable
from contextlib import suppress

import h11

from fastws.handshake import HandshakeError, check_request, response_headers


class Upgrade:
    """Reads a connection's request, and knows what to answer.

    Attributes:
        opened: whether the connection is a WebSocket now.
        answer: bytes to write; none until the request is whole.
    """

    def __init__(self) -> None:
        self.http = h11.Connection(h11.SERVER)
        self.opened = False
        self.answer = b""

    def feed(self, data: bytes) -> bytes:
        """Take what was read; give what came behind the request: the first bytes of frames."""
        self.http.receive_data(data)
        try:
            event = self.http.next_event()
            if not isinstance(event, h11.Request):
                return b""
            request = check_request(event.method, event.headers, http_version=event.http_version)
        except HandshakeError as error:
            self.refuse(error.status, error.reason, error.headers)
        except h11.RemoteProtocolError as error:
            self.refuse(error.error_status_hint, str(error))
        else:
            answer = h11.InformationalResponse(status_code=101, headers=response_headers(request))
            self.answer = self.http.send(answer) or b""
            self.opened = True
            return self.http.trailing_data[0]
        return b""

    def refuse(self, status: int, reason: str, extra: tuple[tuple[str, str], ...] = ()) -> None:
        """Answer a request that opens no WebSocket."""
        headers = [*extra, ("Content-Length", str(len(reason))), ("Connection", "close")]
        response = h11.Response(status_code=status, headers=headers)
        for event in (response, h11.Data(data=reason.encode()), h11.EndOfMessage()):
            self.answer += self.http.send(event) or b""


class Upgraded(asyncio.Protocol):
    """A connection that becomes a WebSocket; `receive` is called with what comes then."""

    def __init__(self) -> None:
        self.upgrade = Upgrade()

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if not self.upgrade.opened:
            data = self.upgrade.feed(data)
            self.transport.write(self.upgrade.answer)
        if self.upgrade.opened:
            self.receive(data)
        elif self.upgrade.answer:
            self.transport.close()

    def receive(self, data: bytes) -> None:
        """Take bytes of frames."""
        raise NotImplementedError


def serve(protocol: Callable[[], asyncio.BaseProtocol]) -> None:
    """Serve on the port that the command line names, until the process is stopped."""
    with suppress(KeyboardInterrupt):
        asyncio.run(serve_on(port(), protocol))


def port() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", default=8765, type=int, help="0 takes a free one")
    return int(parser.parse_args().port)


async def serve_on(port: int, protocol: Callable[[], asyncio.BaseProtocol]) -> None:
    """Serve until the task is cancelled."""
    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", port)
    tell(server.sockets[0].getsockname())
    await server.serve_forever()


def tell(address: tuple[str, int]) -> None:
    """Say where the server is to be found."""
    print(f"listening on ws://{address[0]}:{address[1]}", flush=True)
