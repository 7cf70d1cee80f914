"""Drive each layer of wsproto byte by byte, and write down all that can be seen of it.

The same drive over the stock methods and over ours has to give the same transcript, step by step:
what comes out, of which type, with which texts, and when.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from adapters import violations
from wsproto import frame_protocol
from wsproto.connection import Connection, ConnectionType
from wsproto.events import CloseConnection, Ping
from wsproto.extensions import Extension, PerMessageDeflate
from wsproto.frame_protocol import FrameProtocol, ParseFailed

import fastws
from fastws.adapters import wsproto as adapter

KEY = violations.KEY
EOF = None  # stands in a stream for its end
CLIENT, SERVER = ConnectionType.CLIENT, ConnectionType.SERVER
SIDES = [SERVER, CLIENT]
Make = Callable[[], Any]
Drive = Callable[[Any, Sequence[bytes | None]], list[Any]]


@contextmanager
def fast() -> Iterator[None]:
    """Have fastws in wsproto for a while."""
    fastws.install("wsproto")
    try:
        yield
    finally:
        fastws.uninstall("wsproto")


def deflate(side: ConnectionType, offer: str = "permessage-deflate") -> list[Extension]:
    """Make the extensions of a connection with compression."""
    extension = PerMessageDeflate()
    if side is CLIENT:
        extension.finalize(offer)
    else:
        extension.accept(offer)
    return [extension]


def seen(value: Any) -> Any:
    """Give a value with its type, and likewise what it holds."""
    if isinstance(value, BaseException):
        inner = [value.__context__, value.__cause__]
        return type(value), str(value), getattr(value, "code", None), seen(inner)
    if isinstance(value, (list, tuple)):
        return type(value), [seen(item) for item in value]
    fields = getattr(value, "__dataclass_fields__", None)
    if fields:
        found = [(name, seen(getattr(value, name))) for name in fields]
        return type(value), repr(value), found
    return type(value), value


def each(items: Iterator[Any]) -> Iterator[Any]:
    """Give what an iterator gives, and the error that it ends in."""
    while True:
        try:
            yield next(items)
        except StopIteration:
            return
        except Exception as error:
            yield error
            return


# --- One drive for each layer --------------------------------------------------------------------


def drive_connection(connection: Any, chunks: Sequence[bytes | None]) -> list[Any]:
    """Feed a Connection or a WSConnection, which answers pings and close frames."""
    steps: list[Any] = []
    for chunk in chunks:
        try:
            connection.receive_data(chunk)
        except Exception as error:
            steps.append(seen(error))
        for event in each(connection.events()):
            steps.append((seen(event), connection.state))
            if isinstance(event, (Ping, CloseConnection)):
                try:
                    steps.append(seen(connection.send(event.response())))
                except Exception as error:
                    steps.append(seen(error))
        steps.append(connection.state)
    return steps


def drive_protocol(protocol: FrameProtocol, chunks: Sequence[bytes | None]) -> list[Any]:
    """Feed a FrameProtocol; after an error and after a close frame nothing more is to come."""
    steps: list[Any] = []
    for chunk in chunks:
        if chunk is not EOF:
            protocol.receive_bytes(chunk)
        steps.append([seen(frame) for frame in each(protocol.received_frames())])
    return steps


def drive_decoder(decoder: Any, chunks: Sequence[bytes | None]) -> list[Any]:
    """Feed a FrameDecoder until it fails."""
    steps: list[Any] = []
    for chunk in chunks:
        if chunk is EOF:
            continue
        decoder.receive_bytes(chunk)
        for frame in each(iter(decoder.process_buffer, None)):
            steps.append(seen(frame))
            if isinstance(frame, ParseFailed):
                return steps
        steps.append("waits")
    return steps


def connection_of(side: ConnectionType, compressed: bool = False, closing: bool = False) -> Make:
    """Say how to make a Connection; `closing`: one that has sent a close frame."""

    def make() -> Connection:
        connection = Connection(side, deflate(side) if compressed else [])
        if closing:
            connection.send(CloseConnection(1000))
        return connection

    return make


def protocol_of(side: ConnectionType, compressed: bool = False) -> Make:
    return lambda: FrameProtocol(side is CLIENT, deflate(side) if compressed else [])


def decoder_of(side: ConnectionType, compressed: bool = False) -> Make:
    # Looked up anew: the name is one of those that are replaced.
    return lambda: frame_protocol.FrameDecoder(
        side is CLIENT, deflate(side) if compressed else None
    )


def layers(side: ConnectionType, compressed: bool = False) -> list[tuple[Make, Drive]]:
    """Give every layer of wsproto, with its drive."""
    return [
        (connection_of(side, compressed), drive_connection),
        (connection_of(side, compressed, closing=True), drive_connection),
        (protocol_of(side, compressed), drive_protocol),
        (decoder_of(side, compressed), drive_decoder),
    ]


# --- Stock beside fast ---------------------------------------------------------------------------


def transcript(make: Make, drive: Drive, chunks: Sequence[bytes | None]) -> list[Any]:
    """Drive a new object, whose masking keys are known."""
    with patch("os.urandom", return_value=KEY):
        return drive(make(), chunks)


def finished_frames(steps: Any) -> int:
    """Count the frames whose end is in a transcript."""
    if not isinstance(steps, (list, tuple)):
        return 0
    if len(steps) == 2 and steps[0] is frame_protocol.Frame:
        return int(steps[1][2] == (bool, True))
    return sum(map(finished_frames, steps))


def same(
    layers: Sequence[tuple[Make, Drive]], *streams: Sequence[bytes | None], ours: bool = True
) -> None:
    """Compare the transcripts of streams, stock and fast.

    Args:
        ours: whether every frame has to be read by us.
    """
    for make, drive in layers:
        expected = [transcript(make, drive, chunks) for chunks in streams]
        with fast():
            decoded = adapter.counters()["decoded"]
            for chunks, one in zip(streams, expected, strict=True):
                assert transcript(make, drive, chunks) == one
            if ours:
                assert adapter.counters()["decoded"] >= decoded + finished_frames(expected)


def framed(side: ConnectionType, opcode: int, payload: bytes = b"", **kwargs: Any) -> bytes:
    """Build a frame as this side receives it."""
    return violations.framed(side is SERVER, opcode, payload, **kwargs)
