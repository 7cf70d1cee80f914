"""websockets: its sans-I/O server after a real handshake, and its mask in C."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from .. import data
from ..measure import Side, statement

REQUEST = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


def frames(stream: data.Stream, *, text: bool = False, without_c: bool = False) -> Side:
    """Feed the sans-I/O server, handshake done, and take its frames.

    Args:
        stream: what to feed.
        text: decode each payload, as the library does around it.
        without_c: mask as it does where its extension is missing; for the whole process from now.
    """
    from websockets import utils
    from websockets.server import ServerProtocol

    if without_c:
        internals: Any = import_module("websockets.frames")
        internals.apply_mask = utils.apply_mask
    protocol: Any = ServerProtocol(max_size=None)
    protocol.receive_data(REQUEST)
    (request,) = protocol.events_received()
    protocol.send_response(protocol.accept(request))

    take = "frame.data.decode()" if text else "frame.data"
    code = f"""
for read in reads:
    protocol.receive_data(read)
    for frame in protocol.events_received():
        {take}
"""

    def result() -> list[Any]:
        taken = []
        for read in stream.reads:
            protocol.receive_data(read)
            taken += [frame.data for frame in protocol.events_received()]
        return [bytes(each).decode() for each in taken] if text else taken

    return statement("websockets", code, {"reads": stream.reads, "protocol": protocol}, result)


def mask(payload: bytes, key: bytes) -> Side:
    """Mask with its C extension."""
    from websockets.speedups import apply_mask

    names = {"apply_mask": apply_mask, "payload": payload, "key": key}
    return statement("websockets", "apply_mask(payload, key)", names)


def encode(text: str, key: bytes) -> Side:
    """Encode text and mask it."""
    from websockets.speedups import apply_mask

    names = {"apply_mask": apply_mask, "text": text, "key": key}
    return statement("websockets", "apply_mask(text.encode(), key)", names, text.encode)
