"""How tornado reads frames, done by fastws: what stands in for the loop of WebSocketProtocol13.

Imported only where tornado is. Rule: fastws frames without judging; what is wrong, when it is told
and what is done about it is tornado's own. The checks of `WebSocketProtocol13._receive_frame` stand
here in the same order: reserved bits and the length of a control frame after 2 bytes, the size as
soon as it is known, all else when the payload is there. Whole messages go to `_handle_message`.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

from tornado import websocket
from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketProtocol13

from fastws import RSV1, PayloadTooBigError

from ._tornado_reading import Source
from .tornado import COUNTERS

if TYPE_CHECKING:
    from fastws import Frame, FrameDecoder

__all__ = ["STOCK_LOOP", "STOCK_READ_BYTES", "STOCK_RECEIVE_FRAME", "receive_frame_loop"]

STOCK_LOOP = WebSocketProtocol13._receive_frame_loop
STOCK_RECEIVE_FRAME = WebSocketProtocol13._receive_frame
STOCK_READ_BYTES = WebSocketProtocol13._read_bytes

# Since tornado 6.6 other connections get their turn after so much work, and the handler hears of
# the end even where an error ends the loop.
YIELDS = hasattr(websocket, "_YIELD_THRESHOLD")
NEVER = sys.maxsize


async def receive_frame_loop(self: WebSocketProtocol13) -> None:
    """Read frames to the end of a connection, as `WebSocketProtocol13._receive_frame_loop` does."""
    if (
        getattr(self._receive_frame, "__func__", None) is not STOCK_RECEIVE_FRAME
        or getattr(self._read_bytes, "__func__", None) is not STOCK_READ_BYTES
    ):
        return await STOCK_LOOP(self)  # a subclass reads frames in its own way
    told = YIELDS
    try:
        source = Source(self.stream)
        try:
            await _read_frames(self, source)
        except StreamClosedError:
            self._abort()
        finally:
            source.rest()
        told = True
    finally:
        if told:
            self.handler.on_ws_connection_close(self.close_code, self.close_reason)


async def _read_frames(protocol: WebSocketProtocol13, source: Source) -> None:
    decoder = source.decoder
    params = protocol.params
    work = held = 0
    limit: Any = None
    most = getattr(protocol.stream, "max_buffer_size", NEVER)
    threshold = websocket._YIELD_THRESHOLD if YIELDS else NEVER
    cost = websocket._FRAME_YIELD_COST if YIELDS else 0
    while not protocol.client_terminated:
        room = params.max_message_size
        if protocol._fragmented_message_buffer is not None:
            room -= len(protocol._fragmented_message_buffer)
        if room != limit:
            limit = room
            decoder.max_payload_size = int(min(max(room, 0), sys.maxsize))
        try:
            frame = next(decoder, None)
        except PayloadTooBigError:
            return _refuse(protocol, decoder)
        if frame is None:
            if held and _is_broken(protocol, decoder):
                return
            if held > most:
                source.overflow()
            if not source.read_now():
                await source.wait()
            held = decoder.buffered
            continue
        size = held - (held := decoder.buffered)
        if len(frame.payload) > most:
            source.overflow()
        handled = _take(protocol, frame, size)
        del frame
        if handled is not None:
            if not (isinstance(handled, asyncio.Future) and handled.done()):
                source.rest()
            await handled
            del handled
        work += cost + size
        if work >= threshold:
            work = 0
            source.rest()
            await asyncio.sleep(0)


def _take(protocol: Any, frame: Frame, size: int) -> Any:
    """Judge a frame of so many bytes; give what `_handle_message` makes of a whole message."""
    COUNTERS["decoded"] += 1
    opcode, payload, rsv = int(frame.opcode), frame.payload, frame.rsv
    if protocol._decompressor is not None and opcode:
        protocol._frame_compressed = rsv & RSV1 != 0
        rsv &= ~RSV1
    if rsv or (opcode >= 8 and size - len(payload) > (6 if frame.masked else 2)):
        return _break_off(protocol, 2)
    protocol._wire_bytes_in += size
    buffer = protocol._fragmented_message_buffer
    if opcode >= 8:
        if not frame.fin:
            return protocol._abort()
    elif opcode == 0:
        if buffer is None:
            return protocol._abort()
        buffer.extend(payload)
        if not frame.fin:
            return None
        opcode, payload = protocol._fragmented_message_opcode, bytes(buffer)
        protocol._fragmented_message_buffer = None
    elif buffer is not None:
        return protocol._abort()
    elif not frame.fin:
        protocol._fragmented_message_opcode = opcode
        protocol._fragmented_message_buffer = bytearray(payload)
        return None
    return protocol._handle_message(opcode, payload)


def _break_off(protocol: WebSocketProtocol13, size: int) -> None:
    """End the connection after so many bytes of a frame."""
    protocol._wire_bytes_in += size
    protocol._abort()


def _is_broken(protocol: WebSocketProtocol13, decoder: FrameDecoder) -> bool:
    """Judge the first two bytes of a frame that is not whole; if they are bad, end it all."""
    header = decoder.header
    if header is not None:
        rsv, opcode = header.rsv, header.opcode
        long = header.header_length - 4 * header.masked > 2
    else:
        start = decoder.partial_header
        if len(start) < 2:
            return False
        rsv, opcode, long = start[0] & 0x70, start[0] & 0x0F, start[1] & 0x7F >= 126
    if protocol._decompressor is not None and opcode:
        rsv &= ~RSV1
    if not rsv and not (long and opcode >= 8):
        return False
    _break_off(protocol, 2)
    return True


def _refuse(protocol: WebSocketProtocol13, decoder: FrameDecoder) -> None:
    """End the connection for a message that is too big."""
    if _is_broken(protocol, decoder):
        return
    header = decoder.header
    assert header is not None
    protocol._wire_bytes_in += header.header_length - 4 * header.masked
    protocol.close(1009, "message too big")
    protocol._abort()
