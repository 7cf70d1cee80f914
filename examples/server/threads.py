"""Send every message back, one thread a connection: Connection and socket.recv_into.

python threads.py --port 8765
"""

from __future__ import annotations

import socketserver
from contextlib import suppress

from upgrade import Upgrade, port, tell

from fastws import Binary, CodecError, Connection, Text


class Echo(socketserver.BaseRequestHandler):
    """One connection."""

    def handle(self) -> None:
        websocket = self.open()
        while websocket is not None and not websocket.should_close:
            with suppress(CodecError):  # the close frame for it is in data_to_send()
                for event in websocket:
                    if isinstance(event, Text):
                        self.request.sendall(websocket.send_text(event.data))
                    elif isinstance(event, Binary):
                        self.request.sendall(websocket.send_bytes(event.data))
            self.request.sendall(websocket.data_to_send())
            if not websocket.should_close:
                size = self.request.recv_into(websocket.get_buffer())
                websocket.buffer_updated(size)
                if not size:  # it went without a close frame
                    return

    def open(self) -> Connection | None:
        """Answer the request; give the connection, fed with what came behind it."""
        upgrade = Upgrade()
        while not upgrade.answer:
            data = self.request.recv(4096)
            if not data:
                return None
            rest = upgrade.feed(data)
        self.request.sendall(upgrade.answer)
        if not upgrade.opened:
            return None
        websocket = Connection("server")
        websocket.feed(rest)
        return websocket


class Server(socketserver.ThreadingTCPServer):
    """One thread a connection; they end with the process."""

    allow_reuse_address = True
    daemon_threads = True


if __name__ == "__main__":
    with Server(("127.0.0.1", port()), Echo) as server, suppress(KeyboardInterrupt):
        tell(server.server_address)
        server.serve_forever()
