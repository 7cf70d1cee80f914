"""How wsproto sends, and what it hands to its users: the way between a payload and an event.

Imported only where wsproto is. Rule: what is common is done here straight on, and everything else
(extensions, fragments, control frames out of the ordinary, other states) by the stock method.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from typing import Any

from wsproto import WSConnection, frame_protocol
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Message, Ping, Pong, TextMessage
from wsproto.frame_protocol import FrameProtocol, MessageDecoder, Opcode, ParseFailed
from wsproto.handshake import H11Handshake

from fastws import apply_mask, encode_frame, mask_inplace

from ._wsproto_frames import SLICES, STOCK_FRAME_DECODER, FrameReader
from .wsproto import COUNTERS, KNOWN

STOCK_MASKER = frame_protocol.XorMaskerSimple
STOCK_URANDOM = os.urandom

OWNERS: dict[str, type] = {
    "XorMaskerSimple": STOCK_MASKER,
    "FrameDecoder": STOCK_FRAME_DECODER,
    "MessageDecoder": MessageDecoder,
    "FrameProtocol": FrameProtocol,
    "Connection": Connection,
    "WSConnection": WSConnection,
    "H11Handshake": H11Handshake,
}
# The methods by their names, as they are without us.
STOCK: dict[str, Any] = {}
for name in KNOWN:
    owner, _, method = name.partition(".")
    STOCK[name] = vars(OWNERS[owner]).get(method)
STOCK_SERIALIZE: Callable[..., bytearray] = STOCK["FrameProtocol._serialize_frame"]
STOCK_SEND: Callable[..., bytes] = STOCK["Connection.send"]
STOCK_EVENTS: Callable[..., Generator[Event]] = STOCK["Connection.events"]
STOCK_WS_EVENTS: Callable[..., Generator[Event]] = STOCK["WSConnection.events"]

TEXT, BINARY = Opcode.TEXT, Opcode.BINARY
MAX_CONTROL = 125  # bytes
OPEN = ConnectionState.OPEN
MESSAGES = (Message, TextMessage, BytesMessage)
FIELDS = ("data", "frame_finished", "message_finished")
# wsproto 1.3.0 and 1.3.1 make a bytearray of every binary payload.
_connection = Connection(ConnectionType.CLIENT)
_connection.receive_data(b"\x82\x01?")
BYTEARRAYS = not SLICES and isinstance(next(_connection.events()).data, bytearray)  # type: ignore[attr-defined]
new, set_attribute = object.__new__, object.__setattr__


class XorMaskerSimple(STOCK_MASKER):
    """A masker of wsproto, which goes on with the key where it stopped."""

    def process(self, data: bytearray) -> bytearray:
        """Mask or unmask the next bytes."""
        key = self._masking_key
        if (
            key.__class__ not in (bytes, bytearray)
            or len(key) != 4
            or not isinstance(data, (bytes, bytearray))
            or not data
        ):
            return super().process(data)
        turn = len(data) & 3
        self._masking_key = key[turn:] + key[:turn]
        COUNTERS["masked"] += 1
        if SLICES:  # pragma: no cover - wsproto before 1.3
            return apply_mask(data, key)  # type: ignore[return-value]
        data = bytearray(data)
        mask_inplace(data, key)
        return data


def masking(client: bool) -> bool | bytes:
    """Give what `encode_frame` takes for a mask."""
    # A test that patches the source of masking keys gets its own.
    return client and (os.urandom is STOCK_URANDOM or os.urandom(4))


def serialize_frame(
    self: FrameProtocol, opcode: Opcode, payload: bytes | bytearray = b"", fin: bool = True
) -> bytearray:
    """Write a frame, as `FrameProtocol._serialize_frame` does."""
    if (
        self.extensions
        or opcode is Opcode.CLOSE  # may hold what our encoder refuses to send
        or opcode.__class__ is not Opcode
        or payload.__class__ not in (bytes, bytearray)
        or fin.__class__ is not bool
        or (opcode.iscontrol() and (not fin or len(payload) > MAX_CONTROL))
    ):
        return STOCK_SERIALIZE(self, opcode, payload, fin)
    COUNTERS["encoded"] += 1
    return bytearray(encode_frame(opcode, payload, fin=fin, mask=masking(self.client)))


def send(self: Connection, event: Event) -> bytes:
    """Write an event, as `Connection.send` does."""
    if event.__class__ in MESSAGES and self.state is OPEN:
        protocol, data = self._proto, event.data
        if (
            event.message_finished is True
            and protocol.__class__ is FrameProtocol
            and protocol._outbound_opcode is None
            and not protocol.extensions
        ):
            kind = data.__class__
            if kind is bytes or kind is str:
                frame = encode_frame(
                    TEXT if kind is str else BINARY, data, mask=masking(self.client)
                )
                COUNTERS["encoded"] += 1
                return frame
    return STOCK_SEND(self, event)


def events(self: Connection) -> Generator[Event]:
    """Give the events that have come, as `Connection.events` does."""
    reader: Any = self._proto._parse_more
    if reader.__class__ is not FrameReader:
        yield from STOCK_EVENTS(self)
        return
    while self._events:
        yield self._events.popleft()
    try:
        while (found := reader.read()) is not None:
            opcode, payload, frame_finished, message_finished = found
            if opcode is TEXT or opcode is BINARY:
                if BYTEARRAYS and opcode is BINARY:  # pragma: no cover - in wsproto 1.3.0 and 1.3.1
                    payload = bytearray(payload)
                # A frozen dataclass takes almost twice as long to make itself.
                event: Any = new(TextMessage if opcode is TEXT else BytesMessage)
                fields = {
                    "data": payload,
                    "frame_finished": frame_finished,
                    "message_finished": message_finished,
                }
                set_attribute(event, "__dict__", fields)
                yield event
            elif opcode is Opcode.PING:
                yield Ping(payload=payload)
            elif opcode is Opcode.PONG:
                yield Pong(payload=payload)
            else:
                code, reason = payload
                if self.state is ConnectionState.LOCAL_CLOSING:
                    self._state = ConnectionState.CLOSED
                else:
                    self._state = ConnectionState.REMOTE_CLOSING
                yield CloseConnection(code=code, reason=reason)
    except ParseFailed as exc:
        yield CloseConnection(code=exc.code, reason=str(exc))


def ws_events(self: WSConnection) -> Generator[Event]:
    """Give the events that have come, as `WSConnection.events` does."""
    # Once there is a connection, and the events of the handshake are told, all is its.
    if self.connection is None or self.handshake._events:
        return STOCK_WS_EVENTS(self)
    return self.connection.events()
