"""Send every message back: MessageDecoder, and each error as the close code that it stands for.

python messages.py --port 8765
"""

from __future__ import annotations

from upgrade import Upgraded, serve

from fastws import (
    Binary,
    Close,
    CloseCode,
    CodecError,
    MessageDecoder,
    Opcode,
    Ping,
    Text,
    encode_close,
    encode_frame,
)


class Echo(Upgraded):
    """One connection."""

    def __init__(self) -> None:
        super().__init__()
        self.decoder = MessageDecoder("server", max_message_size=1 << 20)

    def receive(self, data: bytes) -> None:
        self.decoder.feed(data)
        try:
            for event in self.decoder:  # what came whole before an error comes before the error
                self.transport.write(answer_to(event))
                if isinstance(event, Close):
                    print(f"closed by the client: {event.code} {event.reason}".rstrip(), flush=True)
                    self.transport.close()
        except CodecError as error:  # close_code is 1002, 1007 or 1009
            print(f"the client broke the protocol: {error}", flush=True)
            self.transport.write(encode_close(error.close_code, error.reason))
            self.transport.close()


def answer_to(event: object) -> bytes:
    """Give the frame that answers an event."""
    match event:
        case Text(text):  # a str
            return encode_frame(Opcode.TEXT, text)
        case Binary(data):  # bytes
            return encode_frame(Opcode.BINARY, data)
        case Ping(data):
            return encode_frame(Opcode.PONG, data)
        case Close(code, reason):
            # 1005 says that the client gave no code; it may not be sent.
            return encode_close(None if code == CloseCode.NO_STATUS_RECEIVED else code, reason)
    return b""  # a pong that nobody asked for


if __name__ == "__main__":
    serve(Echo)
