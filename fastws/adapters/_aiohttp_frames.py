"""How aiohttp reads and writes large messages, done by fastws.

Imported only where aiohttp is. Rule: aiohttp's own reader judges and queues everything but whole
messages that are large, plain and in order. Of those it gets to know nothing: they begin where it
has read all before, and it stands at the same place in its states when they are over. Headers are
all that is looked at to find where that is. A connection that brings nothing large for a while is
left to aiohttp's reader for good, so that small messages cost what they did.
"""

from __future__ import annotations

import sys
from typing import Any

from aiohttp._websocket.models import WSMessage, WSMsgType
from aiohttp._websocket.reader import WebSocketDataQueue, WebSocketReader
from aiohttp._websocket.writer import WebSocketWriter

from fastws import (
    Frame,
    FrameDecoder,
    FrameHeader,
    InvalidUtf8Error,
    ProtocolError,
    decode_text,
    encode_frame,
    parse_header,
)

from .aiohttp import COUNTERS

__all__ = [
    "STOCK_READER",
    "STOCK_WRITER",
    "Reader",
    "WebSocketDataQueue",
    "Writer",
]

STOCK_READER = WebSocketReader
STOCK_WRITER = WebSocketWriter

LARGE = 262144  # of a payload, from which on it gains whatever it holds
PATIENCE = 64  # how many frames, or reads without one, a connection is watched for something large
HUGE = sys.maxsize >> 1  # of a payload, from which on no machine can hold it
MAX_HEADER_SIZE = 14  # bytes
TEXT, BINARY = 1, 2
GOOD = (False, b"")  # what the stock one gives where all is well


class Reader:
    """What stands before a WebSocketReader, and takes large messages on itself.

    It is no subclass: for one, aiohttp's compiled reader looks up its own methods by name with
    every frame.
    """

    def __init__(
        self, queue: Any, max_msg_size: int, compress: bool, decode_text: bool = True
    ) -> None:
        self._stock = WebSocketReader(queue, max_msg_size, compress, decode_text)
        self._queue = queue
        self._limit = max_msg_size
        self._text = decode_text
        self._patience = PATIENCE
        self._skip = 0  # bytes to come of a frame that is not ours
        self._head = b""  # what has come of a header, which has all been given to the stock one
        self._decoder: FrameDecoder | None = None  # of a frame that is ours
        self._left = 0  # bytes to come of that
        self._fragments = False  # whether a message in fragments is being read
        # An error of the stock one tells whether the last frame of a message was final: it has to
        # have seen one.
        self._ready = False
        if compress:  # then nearly every message is compressed, and not ours
            self._leave()

    def feed_eof(self) -> None:
        """Take the end, as `WebSocketReader.feed_eof` does."""
        self._stock.feed_eof()

    def _leave(self) -> None:
        """Leave all that comes to the stock reader."""
        self.feed_data = self._stock.feed_data  # type: ignore[method-assign]

    def feed_data(self, data: bytes | bytearray | memoryview) -> tuple[bool, bytes]:
        """Read what has come, as `WebSocketReader.feed_data` does."""
        if type(data) is not bytes:
            data = bytes(data)
        given = self._read(data) if data else self._stock.feed_data(data)
        # Where the stock one has failed it goes on to say so.
        if given[0] or (self._patience <= 0 and not self._left):
            self._leave()
        return given

    def _read(self, data: bytes) -> tuple[bool, bytes]:
        done = 0  # up to there all is queued, or given to the stock one
        if self._left:
            given, done = self._take(data[: self._left])
            if given[0] or self._left:
                return given
        end = len(data)
        at = done + self._skip - len(self._head)  # where the next header starts
        self._patience -= at >= end
        while at < end:
            header = self._header(data, at)
            if header is None:
                break
            size = header.header_length + header.payload_length
            ours = at >= 0 and self._is_plain(header)
            if ours:
                given = self._give(data[done:at])
                done = at
                if given[0]:
                    return given
                ours = self._may_queue()
            if ours:
                self._decoder = FrameDecoder(None, max_payload_size=None, strict=False)
                self._left = size
                given, taken = self._take(data[at : at + size])
                if given[0] or self._left:
                    return given
                done += taken
            else:
                self._note(header)
            at += size
            self._head = b""
        self._skip = max(at - end, 0)
        return self._give(data[done:])

    def _header(self, data: bytes, at: int) -> FrameHeader | None:
        """Read the header that starts there, or did in an earlier read; None for no more here."""
        try:
            if at >= 0:
                header = parse_header(data, at)
            else:
                header = parse_header(self._head + data[:MAX_HEADER_SIZE])
        except ProtocolError:
            self._patience = 0  # the stock one judges it
            return None
        if header is None:
            self._patience -= 1
            self._head += data[max(at, 0) :]
        return header

    def _note(self, header: FrameHeader) -> None:
        """Keep in mind what the stock one gets to see of messages."""
        self._patience -= 1
        if header.opcode <= BINARY:
            self._fragments = not header.fin
            self._ready = self._ready or header.fin

    def _take(self, part: bytes) -> tuple[tuple[bool, bytes], int]:
        """Take a part of a frame that is ours; give what is to be answered, and its size."""
        decoder = self._decoder
        assert decoder is not None
        decoder.feed(part)
        self._left -= len(part)
        frame = next(decoder, None)
        return GOOD if frame is None else self._queue_up(frame), len(part)

    def _is_plain(self, header: FrameHeader) -> bool:
        """Tell whether a frame is a large message in which there is nothing to find fault with."""
        size = header.payload_length
        return (
            LARGE <= size <= HUGE
            and (header.opcode == TEXT or header.opcode == BINARY)
            and header.fin
            and not header.rsv
            and self._ready
            and not self._fragments
            and (not self._limit or size < self._limit)
        )

    def _may_queue(self) -> bool:
        """Tell whether the stock one would read on, and has read all before."""
        queue = self._queue
        if queue._stalled_reader is not None or queue._size > queue._limit:
            return False
        return not self._stock.feed_data(b"")[0]  # it may have failed on what it had stalled on

    def _give(self, data: bytes) -> tuple[bool, bytes]:
        """Have the stock reader read."""
        return self._stock.feed_data(data) if data else GOOD

    def _queue_up(self, frame: Frame) -> tuple[bool, bytes]:
        """Queue a message."""
        self._patience = PATIENCE
        payload = frame.payload
        if frame.opcode == BINARY or not self._text:
            COUNTERS["decoded"] += 1
            self._stock._handle_frame(True, int(frame.opcode), payload, 0)
            return GOOD
        try:
            text = decode_text(payload)
        except InvalidUtf8Error:
            text = None
        if text is None:  # the stock one says what is wrong; it reads frames without a mask too
            return self._give(encode_frame(BINARY, payload).replace(b"\x82", b"\x81", 1))
        COUNTERS["decoded"] += 1
        message = tuple.__new__(WSMessage, (WSMsgType.TEXT, text, ""))
        self._queue.feed_data(message, len(payload))
        return GOOD


class Writer(WebSocketWriter):
    """A WebSocketWriter of a client, whose frames are masked."""

    def _write_websocket_frame(self, message: bytes, opcode: int, rsv: int) -> None:
        """Write a frame, as `WebSocketWriter._write_websocket_frame` does."""
        if (
            not self.use_mask
            or not (opcode == TEXT or opcode == BINARY)
            or type(message) is not bytes
            or self.transport.is_closing()
        ):
            return super()._write_websocket_frame(message, opcode, rsv)
        COUNTERS["encoded"] += 1
        frame = encode_frame(opcode, message, rsv=rsv, mask=self.get_random_bits().to_bytes(4))
        self.transport.write(frame)
        self._output_size += len(frame)
