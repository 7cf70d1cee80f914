"""wsproto: a connection and its events, and its mask in Python."""

from __future__ import annotations

from typing import Any

from .. import data
from ..measure import Side, statement


def mask(payload: bytes, key: bytes) -> Side:
    """Mask with a masker of its own for each payload, as it does for each frame."""
    from wsproto.frame_protocol import XorMaskerSimple

    names = {"XorMaskerSimple": XorMaskerSimple, "payload": payload, "key": key}
    return statement("wsproto", "XorMaskerSimple(key).process(payload)", names)


def encode(text: str, key: bytes) -> Side:
    """Encode text and mask it."""
    from wsproto.frame_protocol import XorMaskerSimple

    names = {"XorMaskerSimple": XorMaskerSimple, "text": text, "key": key}
    code = "XorMaskerSimple(key).process(text.encode())"
    return statement("wsproto", code, names, text.encode)


def messages(stream: data.Stream) -> Side:
    """Feed a connection and take its events; each message here is one frame."""
    from wsproto.connection import SERVER, Connection

    connection = Connection(SERVER)
    code = """
for read in reads:
    connection.receive_data(read)
    for event in connection.events():
        event.data
"""

    def result() -> list[Any]:
        parts: list[Any] = []
        whole = []
        for read in stream.reads:
            connection.receive_data(read)
            events: Any = connection.events()
            for event in events:
                parts.append(event.data)
                if event.message_finished:
                    whole.append(type(event.data)().join(parts))
                    parts.clear()
        return whole

    return statement("wsproto", code, {"reads": stream.reads, "connection": connection}, result)
