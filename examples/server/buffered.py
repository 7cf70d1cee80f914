"""Send every message back, read into place: Connection under asyncio.BufferedProtocol.

The event loop asks where to put the next bytes. Inside a large binary message that is the message's
own memory: nothing is copied between the kernel and the `bytes` that the program gets.

python buffered.py --port 8765
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from upgrade import Upgrade, serve

from fastws import Binary, CodecError, Connection, Text


class Echo(asyncio.BufferedProtocol):
    """One connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        self.upgrade = Upgrade()
        self.request = bytearray(4096)
        self.websocket = Connection("server", max_message_size=16 << 20)

    def get_buffer(self, sizehint: int) -> memoryview | bytearray:
        """Say where the next bytes go."""
        return self.websocket.get_buffer(sizehint) if self.upgrade.opened else self.request

    def buffer_updated(self, nbytes: int) -> None:
        """Take the bytes that are there now."""
        if self.upgrade.opened:
            self.websocket.buffer_updated(nbytes)
        else:
            self.websocket.feed(self.upgrade.feed(bytes(self.request[:nbytes])))
            self.transport.write(self.upgrade.answer)
            if not self.upgrade.opened:
                if self.upgrade.answer:
                    self.transport.close()
                return
        with suppress(CodecError):  # the close frame for it is in data_to_send()
            for event in self.websocket:
                if isinstance(event, Text):
                    self.transport.write(self.websocket.send_text(event.data))
                elif isinstance(event, Binary):
                    self.transport.write(self.websocket.send_bytes(event.data))
        self.transport.write(self.websocket.data_to_send())
        if self.websocket.should_close:
            self.transport.close()


if __name__ == "__main__":
    serve(Echo)
