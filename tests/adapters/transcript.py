"""Drive a protocol of websockets byte by byte, and write down all that can be seen of it.

The same drive over the stock methods and over ours has to give the same transcript, step by step:
what comes out, of which type, with which texts, and when.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from adapters import violations
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame
from websockets.protocol import CLIENT, CONNECTING, SERVER, Protocol, Side

import fastws
from fastws.adapters import websockets as adapter

KEY = violations.KEY
EOF = None  # stands in a stream for its end
SIDES = [SERVER, CLIENT]


class Lines(logging.Handler):
    """What a logger is told."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def logger_with(lines: Lines) -> logging.Logger:
    logger = logging.Logger("transcript", logging.DEBUG)
    logger.addHandler(lines)
    return logger


@contextmanager
def fast() -> Iterator[None]:
    """Have fastws in websockets for a while."""
    fastws.install("websockets")
    try:
        yield
    finally:
        fastws.uninstall("websockets")


def deflate() -> list[Any]:
    """Make the extensions of a connection with compression."""
    return [PerMessageDeflate(False, False, 15, 15)]


def seen_event(event: Any) -> tuple[Any, ...]:
    """Give all that can be told of an event, with the types."""
    if not isinstance(event, Frame):
        return type(event), event
    flags = (event.fin, event.rsv1, event.rsv2, event.rsv3)
    return type(event), type(event.opcode), event.opcode, type(event.data), event.data, flags


def seen_error(error: BaseException | None) -> tuple[Any, ...] | None:
    if error is None:
        return None
    return type(error), str(error), seen_error(error.__cause__), error.args


def seen(protocol: Protocol) -> dict[str, Any]:
    """Take what a step has left on a protocol."""
    return {
        "events": [seen_event(event) for event in protocol.events_received()],
        "writes": [(type(data), data) for data in protocol.data_to_send()],
        "state": protocol.state,
        "error": seen_error(protocol.parser_exc),
        "close": (protocol.close_rcvd, protocol.close_sent, protocol.close_rcvd_then_sent),
        "closing": protocol.close_expected(),
        "size": protocol.current_size,
        "eof": (protocol.reader.eof, protocol.eof_sent),
        "parser": protocol.parser.gi_code.co_name,  # type: ignore[attr-defined]
    }


def drive(protocol: Protocol, chunks: Iterable[bytes | None]) -> list[Any]:
    """Feed a protocol and give what is seen after each chunk."""
    steps: list[Any] = []
    for chunk in chunks:
        try:
            if chunk is EOF:
                protocol.receive_eof()
            else:
                protocol.receive_data(chunk)
        except Exception as error:
            steps.append(seen_error(error))
        steps.append(seen(protocol))
    return steps


def transcript(make: Callable[[], Protocol], chunks: Sequence[bytes | None]) -> list[Any]:
    """Drive a new protocol, whose masking keys are known."""
    lines = Lines()
    with patch("secrets.token_bytes", return_value=KEY):
        protocol = make()
        if protocol.state is not CONNECTING:
            protocol.logger, protocol.debug = logger_with(lines), True
        return [drive(protocol, chunks), lines.lines]


def protocol_of(side: Side, extensions: Callable[[], list[Any]] = list, **kwargs: Any) -> Protocol:
    """Make a protocol that is past its handshake."""
    protocol = Protocol(side, **kwargs)
    protocol.extensions = extensions()
    return protocol


def same(make: Callable[[], Protocol], *streams: Sequence[bytes | None]) -> None:
    """Compare the transcripts of streams, stock and fast; all frames have to be read by us."""
    expected = [transcript(make, chunks) for chunks in streams]
    with fast():
        decoded = adapter.counters()["decoded"]
        found = [transcript(make, chunks) for chunks in streams]
        frames = sum(
            isinstance(line, str) and line.startswith("< ") and line != "< EOF"
            for _, lines in found
            for line in lines
        )
        # A frame that breaks a rule is not logged, but was decoded.
        assert adapter.counters()["decoded"] >= decoded + frames
    for one, other in zip(expected, found, strict=True):
        assert other == one


def framed(side: Side, opcode: int, payload: bytes = b"", **kwargs: Any) -> bytes:
    """Build a frame as this side receives it."""
    return violations.framed(side is SERVER, opcode, payload, **kwargs)
