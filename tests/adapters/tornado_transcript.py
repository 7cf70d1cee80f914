"""Drive a protocol of tornado over a socket pair, and write down all that can be seen of it.

The same drive over the stock methods and over ours has to give the same transcript, step by step:
what the handler hears and when, what is written, how the connection ends, and what is logged.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from adapters import violations
from helpers import cuts
from tornado.iostream import IOStream
from tornado.log import app_log, gen_log
from tornado.websocket import WebSocketProtocol13, _WebSocketParams

import fastws
from fastws.adapters import tornado as adapter

KEY = violations.KEY
LIMIT = violations.LIMIT
EOF = None  # stands in a stream for its end
TURNS = 6  # of the event loop, after which everything that a chunk sets off has happened

Chunks = Sequence[bytes | None]


@contextmanager
def fast() -> Iterator[None]:
    """Have fastws in tornado for a while."""
    fastws.install("tornado")
    try:
        yield
    finally:
        fastws.uninstall("tornado")


class Lines(logging.Handler):
    """What tornado's loggers are told while this is in use."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[tuple[str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append((record.levelname, record.getMessage()))

    @contextmanager
    def listening(self) -> Iterator[list[tuple[str, str]]]:
        for logger in (app_log, gen_log):
            logger.addHandler(self)
            logger.propagate = False
        try:
            yield self.lines
        finally:
            for logger in (app_log, gen_log):
                logger.removeHandler(self)
                logger.propagate = True


class Delegate:
    """Stands for a handler, and notes what it is told.

    Args:
        react: called with the protocol and each message; what it gives is awaited by tornado.
    """

    def __init__(self, react: Callable[[Any, Any], Any] | None = None) -> None:
        self.heard: list[Any] = []
        self.react = react
        self.protocol: Any = None

    def on_message(self, message: str | bytes) -> Any:
        self.heard.append(("message", type(message), message))
        return self.react(self.protocol, message) if self.react else None

    def on_ping(self, data: bytes) -> None:
        self.heard.append(("ping", type(data), data))

    def on_pong(self, data: bytes) -> None:
        self.heard.append(("pong", type(data), data))

    def on_ws_connection_close(self, code: int | None = None, reason: str | None = None) -> None:
        self.heard.append(("closed", code, reason))

    def log_exception(self, kind: Any, value: Any, traceback: Any) -> None:
        self.heard.append(("exception", kind, str(value)))


class Peer:
    """The other end of a protocol's connection, and what is to be seen from it.

    Args:
        server: whether the protocol is a server's, which reads masked frames.
        compressed: whether permessage-deflate was agreed on.
        react: see Delegate.
        make: what makes the protocol.
    """

    def __init__(
        self,
        server: bool,
        compressed: bool = False,
        react: Callable[[Any, Any], Any] | None = None,
        make: Callable[..., Any] = WebSocketProtocol13,
        limit: int = LIMIT,
    ) -> None:
        here, there = socket.socketpair()
        self.socket = there
        there.setblocking(False)
        self.delegate = Delegate(react)
        params = _WebSocketParams(max_message_size=limit)
        protocol = self.protocol = make(self.delegate, not server, params)
        self.delegate.protocol = protocol
        if compressed:
            protocol._create_compressors("server" if server else "client", {}, {})
        self.stream = protocol.stream = IOStream(here)
        self.task = asyncio.ensure_future(protocol._receive_frame_loop())
        self.ended = False

    def written(self) -> bytes | str:
        """Take what the protocol has written."""
        data = b""
        while True:
            try:
                part = self.socket.recv(1 << 20)
            except BlockingIOError:
                return data
            except ConnectionError as error:
                return type(error).__name__
            if not part:
                self.ended = True
                return data
            data += part

    async def settle(self) -> None:
        for _ in range(TURNS):
            await asyncio.sleep(0)

    async def step(self, chunk: bytes | None) -> list[Any]:
        """Send a chunk; give all that is seen of it."""
        try:
            if chunk is EOF:
                self.socket.shutdown(socket.SHUT_WR)
            else:
                self.socket.sendall(chunk)
        except OSError as error:
            return ["cannot be sent", type(error)]
        await self.settle()
        return self.seen()

    def seen(self) -> list[Any]:
        protocol = self.protocol
        heard, self.delegate.heard = self.delegate.heard, []
        return [
            heard,
            self.written(),
            self.ended,
            (protocol.client_terminated, protocol.server_terminated),
            (protocol.close_code, protocol.close_reason),
            protocol._message_bytes_in,
            protocol._message_bytes_out,
            protocol._wire_bytes_out,
            self.stream.closed(),
            self.task.done() and not self.task.cancelled() and repr(self.task.exception()),
        ]

    async def close(self) -> list[Any]:
        """Take the connection down; give what is known only at the end."""
        self.task.cancel()
        await asyncio.wait([self.task])
        total = self.protocol._wire_bytes_in
        waiting = self.protocol._waiting
        if waiting is not None:  # the timeout of a closing handshake
            self.protocol.stream.io_loop.remove_timeout(waiting)
        self.stream.close()
        self.socket.close()
        return [total]


async def drive(chunks: Chunks, *arguments: Any, **options: Any) -> list[Any]:
    """Connect, send chunk by chunk, and give the transcript."""
    peer = Peer(*arguments, **options)
    steps: list[Any] = [await peer.step(chunk) for chunk in chunks]
    if chunks and chunks[-1] is EOF:
        return [*steps, await peer.close()]
    await peer.close()
    return steps


def transcript(chunks: Chunks, *arguments: Any, **options: Any) -> list[Any]:
    """Drive a new protocol, whose masking keys are known."""
    with Lines().listening() as lines, patch("os.urandom", return_value=KEY):
        return [asyncio.run(drive(chunks, *arguments, **options)), lines]


def splits(data: bytes) -> list[Chunks]:
    """Give a stream whole, in small pieces, and cut once at each place near its start."""
    pieces = cuts(data, max(1, len(data) // 150)) if data else []
    places = range(1, min(len(data), 24))
    return [[data, EOF], [*pieces, EOF], *([data[:cut], data[cut:], EOF] for cut in places)]


def same(streams: Sequence[Chunks], *arguments: Any, **options: Any) -> list[Any]:
    """Compare the transcripts of streams, stock and fast; give them."""
    expected = [transcript(chunks, *arguments, **options) for chunks in streams]
    with fast():
        decoded = adapter.counters()["decoded"]
        found = [transcript(chunks, *arguments, **options) for chunks in streams]
        messages = str([steps for steps, _ in found]).count("('message', ")
        assert adapter.counters()["decoded"] >= decoded + messages
    for one, other in zip(expected, found, strict=True):
        assert other == one
    return found


def run_both(scene: Callable[[], Any]) -> Any:
    """Run a scene stock and fast, with known masking keys; give what it gives each time."""
    with patch("os.urandom", return_value=KEY):
        expected = asyncio.run(scene())
        with fast():
            assert asyncio.run(scene()) == expected
    return expected
