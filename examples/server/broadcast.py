"""Send every message to all clients: encoded once for those that agree on compression.

python broadcast.py --port 8765
"""

from __future__ import annotations

from contextlib import suppress

from upgrade import Upgraded, serve

from fastws import Binary, CodecError, Connection, State, Text
from fastws.deflate import PreparedMessage

CLIENTS: set[Member] = set()


class Member(Upgraded):
    """One connection."""

    def __init__(self) -> None:
        super().__init__()
        self.websocket = Connection("server")

    def receive(self, data: bytes) -> None:
        CLIENTS.add(self)
        self.websocket.feed(data)
        with suppress(CodecError):  # the close frame for it is in data_to_send()
            for event in self.websocket:
                if isinstance(event, (Text, Binary)):
                    send_to_all(PreparedMessage(event.data))
        self.transport.write(self.websocket.data_to_send())
        if self.websocket.should_close:
            self.transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        CLIENTS.discard(self)


def send_to_all(message: PreparedMessage) -> None:
    """Write one message to every client that still listens."""
    for client in CLIENTS:
        if client.websocket.state is State.OPEN:
            client.transport.write(client.websocket.send_prepared(message))


if __name__ == "__main__":
    serve(Member)
