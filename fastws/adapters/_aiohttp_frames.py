"""How aiohttp reads and writes large messages, done by fastws.

Imported only where aiohttp is. Rule: aiohttp's own reader judges and queues everything but whole
messages that are large, plain and in order. Of those it gets to know nothing: they begin where it
has read all before, and it stands at the same place in its states when they are over. A decoder
that all bytes go through finds where that is. A connection that brings nothing large for a while
is left to aiohttp's reader for good, so that small messages cost what they did.
"""

from __future__ import annotations

from typing import Any

from aiohttp._websocket.models import WSMessage, WSMsgType
from aiohttp._websocket.reader import WebSocketDataQueue, WebSocketReader
from aiohttp._websocket.writer import WebSocketWriter

from fastws import (
    Frame,
    FrameDecoder,
    FrameHeader,
    InvalidUtf8Error,
    PayloadTooBigError,
    decode_text,
    encode_frame,
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
PATIENCE = 64  # how many frames and reads without a large message a connection is watched for
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
        self._decoder = FrameDecoder(None, max_payload_size=None, strict=False)
        self._held = 0  # bytes of an unfinished frame that the decoder holds
        self._skip = 0  # bytes to come of a large frame that is not ours
        self._ours = False  # whether the unfinished frame is
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
        del self._decoder

    def feed_data(self, data: bytes | bytearray | memoryview) -> tuple[bool, bytes]:
        """Read what has come, as `WebSocketReader.feed_data` does."""
        self._patience -= 1
        if self._skip >= len(data):
            self._skip -= len(data)
            given = self._stock.feed_data(data)
        elif self._held or self._skip or not is_small(data):
            given = self._read(data if type(data) is bytes else bytes(data))
        else:
            self._ready = self._ready or not data[0] & 8
            given = self._stock.feed_data(data)
        # Where the stock one has failed it goes on to say so.
        if given[0] or (self._patience <= 0 and not self._ours):
            self._leave()
        return given

    def _read(self, data: bytes) -> tuple[bool, bytes]:
        decoder, end = self._decoder, len(data)
        begin = self._skip - self._held  # of the frame in progress, here or before
        decoder.feed(memoryview(data)[self._skip :] if self._skip else data)
        self._skip = done = 0  # up to there all is queued, or given to the stock one
        while (frame := self._next()) is not None:
            after = end - decoder.buffered
            if self._ours or (begin >= 0 and self._is_plain(frame, len(frame.payload))):
                start = max(begin, 0)
                given = self._give(data[done:start])
                done = start
                if not given[0] and (self._ours or self._may_queue()):
                    given = self._queue_up(frame)
                    done = after
                if given[0]:
                    return given
                self._ours = False
            else:
                self._note(frame)
            begin = after
        self._held = decoder.buffered
        header = decoder.header
        if self._held and not self._ours and header and header.payload_length >= LARGE:
            start = max(begin, 0)
            given = self._give(data[done:start])
            if given[0]:
                return given
            done = start
            self._begin(header, begin >= 0)
        return GOOD if self._ours else self._give(data[done:])

    def _next(self) -> Frame | None:
        """Give the next frame; None also where there is one of a size that no machine can hold."""
        try:
            return next(self._decoder, None)
        except PayloadTooBigError:
            self._patience = 0  # the stock one judges it, or has to find room
            return None

    def _note(self, frame: Frame | FrameHeader) -> None:
        """Keep in mind what the stock one gets to see of messages."""
        self._patience -= 1
        if frame.opcode <= BINARY:
            self._fragments = not frame.fin
            self._ready = self._ready or frame.fin

    def _begin(self, header: FrameHeader, whole: bool) -> None:
        """Take a large frame that is not all there on ourselves, or step over it."""
        if whole and self._is_plain(header, header.payload_length) and self._may_queue():
            self._ours = True
            return
        self._note(header)
        self._skip = header.header_length + header.payload_length - self._held
        self._held = 0
        self._decoder = FrameDecoder(None, max_payload_size=None, strict=False)

    def _is_plain(self, frame: Frame | FrameHeader, size: int) -> bool:
        """Tell whether a frame is a large message in which there is nothing to find fault with."""
        return (
            size >= LARGE
            and (frame.opcode == TEXT or frame.opcode == BINARY)
            and frame.fin
            and not frame.rsv
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


def is_small(data: bytes | bytearray | memoryview) -> bool:
    """Tell whether this is one whole frame that is short and no part of a message in fragments."""
    size = len(data)
    if size < 2 or data[0] & 0x8F <= 0x80:
        return False
    start = data[1]
    if start & 0x7F == 126:
        return 4 <= size < LARGE and size == (data[2] << 8 | data[3]) + (8 if start & 0x80 else 4)
    return size == (start & 0x7F) + (6 if start & 0x80 else 2) and start & 0x7F != 127


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
