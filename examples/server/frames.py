"""Send every frame back as it came, fragments as fragments: FrameDecoder under asyncio.Protocol.

This is the level for proxies, and for libraries that join messages themselves.

python frames.py --port 8765
"""

from __future__ import annotations

from upgrade import Upgraded, serve

from fastws import CodecError, FrameDecoder, Opcode, encode_close, encode_frame


class Relay(Upgraded):
    """One connection."""

    def __init__(self) -> None:
        super().__init__()
        self.decoder = FrameDecoder("server", max_payload_size=1 << 20)

    def receive(self, data: bytes) -> None:
        self.decoder.feed(data)
        try:
            for frame in self.decoder:  # those that are whole, unmasked
                opcode = Opcode.PONG if frame.opcode == Opcode.PING else frame.opcode
                self.transport.write(encode_frame(opcode, frame.payload, fin=frame.fin))
                if opcode == Opcode.CLOSE:
                    self.transport.close()
                    return
        except CodecError as error:  # nothing of what comes behind it is read
            self.transport.write(encode_close(error.close_code, error.reason))
            self.transport.close()


if __name__ == "__main__":
    serve(Relay)
