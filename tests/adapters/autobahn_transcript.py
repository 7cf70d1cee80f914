"""Drive a protocol of autobahn chunk by chunk, and write down all that can be seen of it.

The same drive over the stock methods and over ours has to give the same transcript: every call of a
method that may be overridden, every write, timer and line of the log, in their order, and after
each step and within each call every attribute of the protocol.

autobahn knows one framework per process: asyncio here, or Twisted with FASTWS_TEST_TWISTED=1.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any
from unittest.mock import patch

import pytest
from adapters import violations
from helpers import cuts

import fastws

pytest.importorskip("autobahn")

TWISTED = os.environ.get("FASTWS_TEST_TWISTED", "") == "1"
FACE = "twisted" if TWISTED else "asyncio"

face: Any = import_module(f"autobahn.{FACE}.websocket")
module: Any = import_module("autobahn.websocket.protocol")
txaio: Any = import_module("txaio")
silent: Any = import_module("txaio.tx" if TWISTED else "txaio.aio")._no_op
PerMessageDeflate: Any = import_module("autobahn.websocket.compress_deflate").PerMessageDeflate

KEY = violations.KEY
SIDES = ["server", "client"]

if not TWISTED:
    import asyncio

    # Nothing runs on it: autobahn wants one to make futures.
    txaio.config.loop = asyncio.new_event_loop()


@contextmanager
def fast() -> Iterator[None]:
    """Have fastws in autobahn for a while."""
    fastws.install("autobahn")
    try:
        yield
    finally:
        fastws.uninstall("autobahn")


class Recorder:
    """The transport, the log and the clock of a protocol, all written to one list."""

    def __init__(self, loud: bool) -> None:
        self.lines: list[Any] = []
        self.last: dict[str, Any] = {}  # that was seen of the protocol
        self.debug = self._level("debug") if loud else silent
        self.info, self.warn, self.error = map(self._level, ["info", "warn", "error"])

    def _level(self, level: str) -> Callable[..., None]:
        def log(text: str, **kwargs: Any) -> None:
            # Methods are named in the log, and ours stand in other classes.
            kwargs.pop("func", None)
            self.lines.append((level, text.format(func="", **kwargs)))

        return log

    def write(self, data: Any) -> None:
        self.lines.append(("write", type(data), bytes(data)))

    def close(self) -> None:
        self.lines.append("close")

    def abort(self) -> None:
        self.lines.append("abort")

    loseConnection, abortConnection = close, abort

    def unregisterProducer(self) -> None:
        self.lines.append("unregisterProducer")

    def call_later(self, delay: float, function: Any, *args: Any) -> Any:
        self.lines.append(("timer", delay, function.__name__))
        return Timer(self.lines)


class Timer:
    def __init__(self, lines: list[Any]) -> None:
        self.lines = lines

    def cancel(self) -> None:
        self.lines.append("cancel")


# --- Protocols of users --------------------------------------------------------------------------


class Recording:
    """A user's protocol, which writes down what it is told, and answers."""

    def onMessage(self: Any, payload: bytes, isBinary: bool) -> None:
        note(self, "onMessage", payload, isBinary)
        if self.state == self.STATE_OPEN:
            self.sendMessage(payload, isBinary)

    def onPing(self: Any, payload: bytes) -> None:
        note(self, "onPing", payload)
        super().onPing(payload)  # type: ignore[misc]

    def onPong(self: Any, payload: bytes) -> None:
        note(self, "onPong", payload)

    def onClose(self: Any, *args: Any) -> None:
        note(self, "onClose", *args)


def note(protocol: Any, name: str, *args: Any) -> None:
    protocol.log.lines.append((name, [(type(arg), arg) for arg in args], seen(protocol)))


def overriding(*names: str) -> type:
    """Make a user's protocol that overrides these methods, and calls what they stand for."""

    def method(name: str) -> Any:
        def overridden(self: Any, *args: Any) -> Any:
            note(self, name, *args)
            return getattr(super(made, self), name)(*args)

        return overridden

    made = type("Overriding", (Recording,), {name: method(name) for name in names})
    return made


class Failing(Recording):
    """Whose messages are too much for it."""

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        note(self, "onMessage", payload, isBinary)
        raise RuntimeError(payload)


class Closing(Recording):
    """Who takes one message."""

    def onMessage(self: Any, payload: bytes, isBinary: bool) -> None:
        super().onMessage(payload, isBinary)
        self.sendClose(1000, "enough")


class Dropping(Recording):
    """Who leaves at once."""

    def onMessage(self: Any, payload: bytes, isBinary: bool) -> None:
        super().onMessage(payload, isBinary)
        self.dropConnection(abort=True)


def deflate(side: str) -> Any:
    """Make the extension of a connection with compression."""
    return PerMessageDeflate(side == "server", False, False, 15, 15, 8)


def protocol_of(side: str, user: type = Recording, loud: bool = False, **options: Any) -> Any:
    """Make a protocol that is past its handshake."""
    name = side.title()
    factory = getattr(face, f"WebSocket{name}Factory")()
    recorder = Recorder(loud)
    factory._batched_timer = recorder
    base = getattr(face, f"WebSocket{name}Protocol")
    # A method may be given to one object only, too.
    own = options.pop("own", {})
    protocol = type(user.__name__, (user, base), {"log": recorder})()
    vars(protocol).update(own)
    protocol.factory, protocol.transport, protocol.peer = factory, recorder, "peer"
    protocol._connectionMade()
    recorder.lines.clear()  # it tells of functions by their address
    protocol.openHandshakeTimeoutCall = None
    protocol.state = protocol.STATE_OPEN
    protocol.websocket_version = 13
    protocol.current_frame, protocol.inside_message = None, False
    for option, value in options.items():
        if option == "listener":
            protocol.on("message", value)
        elif option == "trackTimings":
            protocol.setTrackTimings(value)
        elif option == "ping awaited":
            protocol.autoPingPending = value
            protocol.autoPingTimeoutCall = Timer(recorder.lines)
        else:
            setattr(protocol, option, value(side) if option == "_perMessageCompress" else value)
    return protocol


# --- Transcripts ---------------------------------------------------------------------------------

UNSEEN = {"factory", "log", "transport", "utf8validator", "onMessageBegin"}
UNSEEN |= {"http_request_data", "websocket_key"}  # of the handshake, and made by chance
CONSTANTS = {bool, bytes, float, int, str, tuple, type(None)}


def seen(protocol: Any, *, within: bool = True) -> dict[str, Any]:
    """Take every attribute of a protocol that has changed since the last look.

    The data that waits is ours while a message is told.
    """
    unseen = {*UNSEEN, "data"} if within else UNSEEN
    last, changed = protocol.log.last, {}
    for name, value in vars(protocol).items():
        before, entry = last.get(name, (last, last))
        if name in unseen or (value is before and type(value) in CONSTANTS):
            continue
        now = plain(value)
        if now != entry:
            changed[name] = now
        last[name] = value, now
    for name in last.keys() - vars(protocol).keys():
        del last[name]
        changed[name] = "gone"
    return changed


def plain(value: Any) -> Any:
    """Give what can be compared of a value."""
    kind = type(value)
    if kind in CONSTANTS:
        return kind, value
    if kind is list:
        return [plain(item) for item in value]
    if kind is dict:
        return kind, sorted(value)
    if kind in (module.FrameHeader, module.TrafficStats):
        return dict(vars(value))
    if kind is module.Timings:
        return list(value)
    if hasattr(value, "pointer"):
        return kind.__name__ == "XorMaskerNull", value.pointer()
    return kind


def transcript(make: Callable[[], Any], chunks: Iterable[bytes], within: Any = None) -> list[Any]:
    """Drive a new protocol, whose masking keys are known."""
    with patch("random.getrandbits", return_value=int.from_bytes(KEY, "big")):
        protocol = make()
        lines: list[Any] = protocol.log.lines
        with patch.object(txaio, "call_later", protocol.log.call_later):
            for chunk in chunks:
                step(protocol, chunk)
    return lines


def step(protocol: Any, chunk: bytes) -> None:
    """Take a chunk, as the transport brings it, and write down what is left of it."""
    lines = protocol.log.lines
    try:
        protocol._dataReceived(chunk)
    except Exception as error:
        lines.append((type(error), str(error)))
    lines.append(seen(protocol, within=False))


def same(make: Callable[[], Any], *streams: Sequence[bytes]) -> None:
    """Compare the transcripts of streams, stock and fast."""
    expected = [transcript(make, chunks) for chunks in streams]
    with fast():
        found = [transcript(make, chunks) for chunks in streams]
    for chunks, one, other in zip(streams, expected, found, strict=True):
        for stock, ours in zip(one, other, strict=False):
            assert ours == stock, f"{chunks}: {ours} is not {stock}"
        assert len(other) == len(one)


def framed(side: str, opcode: int, payload: bytes = b"", **kwargs: Any) -> bytes:
    """Build a frame as this side receives it."""
    return violations.framed(side == "server", opcode, payload, **kwargs)


def splits(data: bytes) -> list[list[bytes]]:
    """Cut a stream in all the ways that matter."""
    found = [[data], [*cuts(data, 1)], [*cuts(data, 3)], [b"", data, b""]]
    return found + [[data[:i], data[i:]] for i in range(1, len(data))]
