"""examples/own_server.py as a counterpart: python our_connection.py MODE

It does what README.md asks of a server, and tells of its address as its example does.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))

import own_server
from peers.plan import COMPRESSION, sized_binary, sized_text

from fastws import Binary, CodecError, Connection, Pong, Text

ended: list[str] = []  # of each connection, by its number


class Peer(own_server.Echo):
    """One connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.number = len(ended)
        ended.append("open")
        super().connection_made(transport)

    def talk(self, websocket: Connection, data: bytes) -> None:
        """Answer, as the example does; then obey commands too."""
        websocket.feed(data)
        try:
            for event in websocket:
                match event:
                    case Text(text):
                        answer = self.obey(websocket, *text.split(" ", 2)) or websocket.send_text(
                            text
                        )
                        self.transport.write(answer)
                    case Binary(payload):
                        self.transport.write(websocket.send_bytes(payload))
                    case Pong(payload):
                        self.transport.write(websocket.send_text(f"pong {payload.decode()}"))
        except CodecError:
            pass  # the client is told by what follows
        self.transport.write(websocket.data_to_send())
        if websocket.should_close:
            self.transport.write_eof()

    def obey(self, websocket: Connection, command: str, *words: str) -> bytes | None:
        """Do what a message asks for; give what is to be sent, or None where it is no command."""
        match command, *words:
            case ["who"]:
                return websocket.send_text(str(self.number))
            case ["ended", number]:
                return websocket.send_text(ended[int(number)])
            case ["close", code, *reason]:
                return websocket.close(int(code), *reason)
            case ["fragments", size]:
                data = sized_text(int(size)).encode()
                first = websocket.send_text(data[:6], fin=False)
                return first + websocket.send_text(b"", fin=False) + websocket.send_text(data[6:])
            case ["binary", size]:
                return websocket.send_bytes(sized_binary(int(size)))
            case ["ping", payload]:
                return websocket.ping(payload)
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self.websocket is not None:
            code, reason = self.websocket.close_code, self.websocket.close_reason
            ended[self.number] = f"{code} {reason}"


if __name__ == "__main__":
    own_server.Echo = Peer  # type: ignore[misc]  # the one that main() serves
    if compression := COMPRESSION[sys.argv[1]]:  # else what nobody will ask for
        Peer.compression = compression
    with suppress(KeyboardInterrupt):
        asyncio.run(own_server.main(0))
