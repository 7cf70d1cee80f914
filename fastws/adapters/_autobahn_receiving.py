"""How autobahn reads frames, done by fastws: what stands in for `WebSocketProtocol.consumeData`.

The stock loop cuts the header, each frame and the rest off the data received, which copies all of
the rest for every frame, and then takes a message through a dozen methods that a subclass may
override. Here the position moves and the data stays. A whole message in one frame goes to
`_onMessage` at once, where nobody has overridden what stands between; all that can be looked at
from there is as those methods leave it (but `data`, which is empty until the loop ends). Any other
frame takes the stock way through `onFrameBegin`, `onFrameData` and `onFrameEnd`. Rule: what is
wrong with a header is judged and told by the stock `processData`, and so is one that is not whole.
"""

from __future__ import annotations

from importlib import import_module
from operator import attrgetter
from typing import Any

from fastws import RSV1, FrameHeader, ProtocolError, apply_mask, parse_header, validate_utf8

from ._autobahn_primitives import (
    MAKERS,
    STOCK_CREATE_XOR_MASKER,
    VALIDATORS,
    XorMasker,
    create_xor_masker,
)
from .autobahn import COUNTERS

__all__ = [
    "BETWEEN",
    "PLAIN",
    "STOCK_CONSUME_DATA",
    "WebSocketProtocol",
    "between",
    "consumeData",
]

module: Any = import_module("autobahn.websocket.protocol")
WebSocketProtocol = module.WebSocketProtocol
STOCK_CONSUME_DATA = WebSocketProtocol.consumeData
STOCK_PROCESS_DATA = WebSocketProtocol.processData
CLOSED = WebSocketProtocol.STATE_CLOSED
CLOSING = WebSocketProtocol.STATE_CLOSING
OPEN = WebSocketProtocol.STATE_OPEN
TEXT = WebSocketProtocol.MESSAGE_TYPE_TEXT
BINARY = WebSocketProtocol.MESSAGE_TYPE_BINARY
CLOSE = 8
LARGE = 1 << 14  # from here on a copy costs more than a view

# The methods between `consumeData` and `_onMessage`.
BETWEEN = (
    "onFrameBegin",
    "onFrameData",
    "onFrameEnd",
    "_onMessageBegin",
    "onMessageBegin",
    "_onMessageFrameBegin",
    "onMessageFrameBegin",
    "_onMessageFrameData",
    "onMessageFrameData",
    "_onMessageFrameEnd",
    "onMessageFrameEnd",
    "_onMessageFrame",
    "onMessageFrame",
    "_onMessageEnd",
    "onMessageEnd",
    "fire",
)
between = attrgetter(*BETWEEN)
PLAIN: set[tuple[Any, ...]] = set()  # what a class that overrides none of them has there


def consumeData(self: Any) -> None:
    """Consume buffered data, as `WebSocketProtocol.consumeData` does."""
    if not _is_ours(self):
        STOCK_CONSUME_DATA(self)
        return
    plain = between(type(self)) in PLAIN and vars(self).keys().isdisjoint(BETWEEN)
    data, self.data = self.data, b""
    at, end = 0, len(data)
    try:
        while True:
            if self.current_frame is not None:
                start, at = at, min(at + _missing(self), end)
                more = _read_payload(self, data, start, at) and at < end
            elif (header := _header(self, data, at)) is None:
                self.data, data, at, end = data[at:], b"", 0, 0
                more = self.processData()
                data, self.data = self.data, b""
                end = len(data)
            else:
                at += header.header_length
                stop = at + header.payload_length
                payload = _whole_message(self, header, data, at) if plain and stop <= end else None
                if payload is None:
                    _begin_frame(self, header)
                    more = stop == at or at < end
                else:
                    at = stop
                    _deliver(self, header, payload)
                    more = at < end
            if not more or self.state == CLOSED:
                break
    finally:  # an error of the user's leaves what would be left of it
        if at < end:
            self.data = data[at:] + self.data


def _is_ours(protocol: Any) -> bool:
    """Tell whether there are frames to read, and nobody else reads them."""
    return (
        (protocol.state == OPEN or protocol.state == CLOSING)
        and type(protocol.data) is bytes
        and type(protocol).processData is STOCK_PROCESS_DATA
        and "processData" not in vars(protocol)
    )


# --- Frame by frame ------------------------------------------------------------------------------


def _header(protocol: Any, data: bytes, at: int) -> FrameHeader | None:
    """Read a header that is whole and breaks no rule; None for any other."""
    try:
        header = parse_header(data, at)
    except ProtocolError:
        return None
    if header is None:
        return None
    _, rsv, opcode, masked, _, size, _ = header
    if protocol.factory.isServer:
        if not masked and protocol.requireMaskedClientFrames:
            return None
    elif masked and not protocol.acceptMaskedServerFrames:
        return None
    if rsv and (rsv != RSV1 or opcode > BINARY or not opcode):
        return None
    if rsv and protocol._perMessageCompress is None:
        return None
    if opcode > BINARY:
        return None if opcode == CLOSE and size == 1 else header
    return header if (not protocol.inside_message) is (opcode != 0) else None


def _begin_frame(protocol: Any, header: FrameHeader) -> None:
    """Begin a frame, as `processData` does outside one."""
    COUNTERS["decoded"] += 1
    fin, rsv, opcode, _, mask, size, _ = header
    if mask is not None and size and protocol.applyMask:
        make = module.create_xor_masker
        ours = create_xor_masker if make is STOCK_CREATE_XOR_MASKER else make
        protocol.current_frame_masker = ours(mask, size)
    else:
        protocol.current_frame_masker = module.XorMaskerNull()
    protocol.current_frame = module.FrameHeader(opcode, fin, rsv >> 4, size, mask)
    protocol.onFrameBegin()


def _missing(protocol: Any) -> int:
    """Give how much of the frame in progress has not come."""
    missing: int = protocol.current_frame.length - protocol.current_frame_masker.pointer()
    return missing


def _read_payload(protocol: Any, data: bytes, start: int, stop: int) -> bool:
    """Process what came of a payload, as `processData` does; False where nothing is to follow."""
    payload = b""
    if stop > start:
        masker = protocol.current_frame_masker
        if type(masker) is XorMasker:
            payload = masker.process(memoryview(data)[start:stop])
        else:
            payload = masker.process(data[start:stop])
    if protocol.onFrameData(payload) is False:
        return False
    if _missing(protocol):
        return True
    return protocol.onFrameEnd() is not False


# --- A message in one frame ----------------------------------------------------------------------


def _whole_message(protocol: Any, header: FrameHeader, data: bytes, start: int) -> bytes | None:
    """Unmask a message that meets with nothing out of the ordinary; None for any other frame."""
    fin, rsv, opcode, _, mask, size, _ = header
    if (
        not (fin and size and (opcode == TEXT or opcode == BINARY))
        or rsv
        or protocol.state != OPEN
        or protocol.failedByMe
        or protocol.logFrames
        or protocol.trackedTimings
        or protocol.autoPingTimeoutCall
        or protocol.websocket_version == 0
        or 0 < protocol.maxMessagePayloadSize < size
        or 0 < protocol.maxFramePayloadSize < size
        or type(protocol.utf8validator) not in VALIDATORS
    ):
        return None
    if mask is None:
        payload = data[start : start + size]
    elif not protocol.applyMask or module.create_xor_masker not in MAKERS:
        return None
    else:
        masked = data if size < LARGE else memoryview(data)
        payload = apply_mask(masked[start : start + size], mask)
    if opcode == TEXT and protocol.utf8validateIncoming and not validate_utf8(payload):
        return None
    return payload


def _deliver(protocol: Any, header: FrameHeader, payload: bytes) -> None:
    """Do what the methods in BETWEEN do with a whole message in all."""
    COUNTERS["decoded"] += 1
    _, _, opcode, _, mask, size, _ = header
    protocol.current_frame = module.FrameHeader(opcode, True, 0, size, mask)
    if mask is not None:
        protocol.current_frame_masker = masker = XorMasker(mask, size)
        masker._ptr = size
    else:
        protocol.current_frame_masker = module.XorMaskerNull()
        protocol.current_frame_masker.process(payload)
    protocol.inside_message = True
    protocol._isMessageCompressed = False
    protocol.utf8validateIncomingCurrentMessage = validated = (
        opcode == TEXT and protocol.utf8validateIncoming
    )
    if validated:
        protocol.utf8validateLast = (True, True, size, size)
    protocol.message_is_binary = opcode == BINARY
    protocol.message_data = [payload]
    protocol.message_data_total_length = protocol.frame_length = size
    protocol.frame_data = None
    stats = protocol.trafficStats
    stats.incomingOctetsWebSocketLevel += size
    stats.incomingOctetsAppLevel += size
    stats.incomingWebSocketFrames += 1
    stats.incomingWebSocketMessages += 1
    try:
        protocol._onMessage(payload, protocol.message_is_binary)
    except BaseException:
        if validated:  # whoever goes on after that has the validator in between
            protocol.utf8validator.reset()
            protocol.utf8validator.validate(payload)
        raise
    if protocol._listeners is not None:
        _fire(protocol, payload)
    protocol.message_data = None
    protocol.inside_message = False
    protocol.current_frame = None


def _fire(protocol: Any, payload: bytes) -> None:
    """Tell the listeners of a message, as `onMessageEnd` does."""
    fired = protocol.fire("message", payload, is_binary=protocol.message_is_binary)

    def error(fail: Any) -> None:
        protocol.log.error("Firing signal 'message' failed: {fail}", fail=fail)

    module.txaio.add_callbacks(fired, None, error)
