"""How tornado writes frames, done by fastws, and its masks.

Imported only where tornado is. Rule: a frame out of the ordinary is left to tornado's own method,
and so are streams of a user's own class and writes that cannot be done at once.
"""

from __future__ import annotations

import asyncio
import os
from asyncio import Future
from typing import TYPE_CHECKING, Any

from tornado import iostream, util
from tornado.concurrent import future_set_result_unless_cancelled
from tornado.escape import json_encode, utf8
from tornado.iostream import IOStream, StreamClosedError
from tornado.log import gen_log
from tornado.websocket import WebSocketClosedError, WebSocketProtocol13

from fastws import RSV1, encode_frame
from fastws import apply_mask as fast_apply_mask

from .tornado import COUNTERS

if TYPE_CHECKING:
    from collections.abc import Awaitable

__all__ = [
    "STOCK_MASK",
    "STOCK_PROTOCOL",
    "STOCK_WRITE_FRAME",
    "STOCK_WRITE_MESSAGE",
    "websocket_mask",
    "write_frame",
    "write_message",
]

STOCK_PROTOCOL = WebSocketProtocol13
STOCK_WRITE_FRAME = WebSocketProtocol13._write_frame
STOCK_WRITE_MESSAGE = WebSocketProtocol13.write_message
STOCK_MASK = util._websocket_mask
STOCK_URANDOM = os.urandom

# A close frame is rare, and may hold what our encoder refuses to send.
OPCODES = frozenset((0, 1, 2, 9, 10))
FLAGS = frozenset((0, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70))
AT_ONCE = not iostream._WINDOWS  # where a socket takes a buffer of any size


def write_frame(
    self: WebSocketProtocol13, fin: bool, opcode: int, data: bytes, flags: int = 0
) -> Future[None]:
    """Write a frame, as `WebSocketProtocol13._write_frame` does."""
    if (
        opcode not in OPCODES
        or data.__class__ is not bytes
        or flags not in FLAGS
        or (opcode > 8 and (not fin or len(data) > 125))
    ):
        return STOCK_WRITE_FRAME(self, fin, opcode, data, flags)
    COUNTERS["encoded"] += 1
    # A test that patches the source of masking keys gets its own.
    mask = self.mask_outgoing and (os.urandom is STOCK_URANDOM or os.urandom(4))
    frame = encode_frame(opcode, data, fin=bool(fin), rsv=flags, mask=mask or None)
    self._wire_bytes_out += len(frame)
    stream = self.stream
    if (
        type(stream) is not IOStream
        or stream._write_buffer  # None when closed, and then asked below
        or stream._closed
        or stream._write_futures
        or stream._connecting
        or stream.max_write_buffer_size is not None
        or not AT_ONCE
    ):
        return stream.write(frame)
    return _write_at_once(stream, frame)


def _write_at_once(stream: IOStream, frame: bytes) -> Future[None]:
    """Write to a stream that has nothing else to write, as `IOStream.write` does."""
    try:
        size = stream.write_to_fd(frame)  # type: ignore[arg-type]
    except BlockingIOError:
        size = 0
    except OSError as error:
        return _fail(stream, error)
    stream._total_write_index += size
    stream._total_write_done_index += size
    if size != len(frame):
        return stream.write(memoryview(frame)[size:])
    future: Future[None] = Future()
    future.set_result(None)
    stream._maybe_add_error_listener()
    return future


def _fail(stream: IOStream, error: OSError) -> Future[None]:
    """Close a stream that cannot be written to, and give what the write ended in."""
    future: Future[None] = Future()
    stream._write_futures.append((stream._total_write_index + 1, future))
    if not stream._is_connreset(error):
        gen_log.warning("Write error on %s: %s", stream.fileno(), error)
    stream.close(exc_info=error)
    return future


def write_message(
    self: WebSocketProtocol13, message: str | bytes | dict[str, Any], binary: bool = False
) -> Future[None]:
    """Write a message, as `WebSocketProtocol13.write_message` does."""
    if isinstance(message, dict):
        message = json_encode(message)
    data = utf8(message)
    assert isinstance(data, bytes)
    self._message_bytes_out += len(data)
    flags = 0
    if self._compressor:
        data = self._compressor.compress(data)
        flags = RSV1
    try:
        written = self._write_frame(True, 2 if binary else 1, data, flags=flags)
    except StreamClosedError:
        raise WebSocketClosedError() from None
    if written.__class__ is Future and written.done() and not written.cancelled():
        loop = written.get_loop()
        if loop.get_task_factory() is None and written.exception() is None:
            # Done where a task that only waits for it would be done, one turn of the loop later.
            later = loop.create_future()
            loop.call_soon(future_set_result_unless_cancelled, later, None)
            return later
    return asyncio.ensure_future(_told(written))


async def _told(written: Awaitable[None]) -> None:
    try:
        await written
    except StreamClosedError:
        raise WebSocketClosedError() from None


def websocket_mask(mask: bytes, data: bytes) -> bytes:
    """Mask or unmask data, as `tornado.util._websocket_mask` does."""
    if mask.__class__ is bytes and data.__class__ is bytes and len(mask) == 4:
        return fast_apply_mask(data, mask)
    return STOCK_MASK(mask, data)  # which tells what is wrong in its own words
