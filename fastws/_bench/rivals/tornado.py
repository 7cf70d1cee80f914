"""tornado: its protocol over a stream that has everything already, and its mask in C."""

from __future__ import annotations

from typing import Any

from .. import data
from ..measure import Side, statement


def mask(payload: bytes, key: bytes) -> Side:
    """Mask with its C extension, or what stands in for it."""
    from tornado.util import _websocket_mask

    names = {"mask": _websocket_mask, "payload": payload, "key": key}
    return statement("tornado", "mask(key, payload)", names)


def encode(text: str, key: bytes) -> Side:
    """Encode text and mask it."""
    from tornado.util import _websocket_mask

    names = {"mask": _websocket_mask, "text": text, "key": key}
    return statement("tornado", "mask(key, text.encode())", names, text.encode)


class ReadStream:
    """What its protocol wants of an IOStream, without waiting: the bytes are there."""

    def __init__(self, reads: list[bytes]) -> None:
        self.wire = b"".join(reads)
        self.at = 0

    async def read_bytes(self, count: int) -> bytes:
        start = self.at
        self.at = start + count
        return self.wire[start : self.at]


class Handler:
    """The part of a handler that takes messages, and drops them."""

    def on_message(self, message: str | bytes) -> None:
        pass


class KeepingHandler(Handler):
    """A handler that keeps what it takes."""

    def __init__(self) -> None:
        self.kept: list[str | bytes] = []

    def on_message(self, message: str | bytes) -> None:
        self.kept.append(message)


def serve(stream: ReadStream, handler: Handler) -> Any:
    """Give the protocol's coroutine function for one frame, behind the handshake."""
    from tornado.websocket import WebSocketProtocol13, _WebSocketParams

    params = _WebSocketParams(max_message_size=1 << 40)
    protocol = WebSocketProtocol13(handler, False, params)  # type: ignore[arg-type]
    protocol.stream = stream  # type: ignore[assignment]
    return protocol._receive_frame


async def receive_all(receive_frame: Any, stream: ReadStream) -> None:
    """Receive what the stream has; as nothing has to be waited for, one step does it all."""
    stream.at = 0
    end = len(stream.wire)
    while stream.at < end:
        await receive_frame()


def finish(coroutine: Any) -> None:
    """Run a coroutine that never waits."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    raise RuntimeError("tornado waits for something")


def messages(stream: data.Stream) -> Side:
    """Run its protocol frame by frame, with a handler's method for each message."""
    source = ReadStream(stream.reads)
    names = {
        "finish": finish,
        "receive_all": receive_all,
        "receive_frame": serve(source, Handler()),
        "source": source,
    }

    def result() -> list[str | bytes]:
        handler, again = KeepingHandler(), ReadStream(stream.reads)
        finish(receive_all(serve(again, handler), again))
        return handler.kept

    return statement("tornado", "finish(receive_all(receive_frame, source))", names, result)
