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
    "STOCK_WRITE",
    "Reader",
    "StockReader",
    "WebSocketDataQueue",
    "WebSocketWriter",
    "write_frame",
]

STOCK_READER = WebSocketReader
STOCK_WRITE = WebSocketWriter._write_websocket_frame

LARGE = 262144  # of a payload, from which on it gains whatever it holds
PATIENCE = 200  # how many frames and reads without a large message a connection is watched for
TEXT, BINARY = 1, 2
GOOD = (False, b"")  # what the stock one gives where all is well


class Reader(WebSocketReader):
    """A WebSocketReader that takes large messages on itself.

    All attributes begin with `_fws`: the pure-Python reader of aiohttp has names of its own here.
    """

    def __init__(
        self, queue: Any, max_msg_size: int, compress: bool, decode_text: bool = True
    ) -> None:
        super().__init__(queue, max_msg_size, compress, decode_text)
        self._fws_queue = queue
        self._fws_limit = max_msg_size
        self._fws_text = decode_text
        self._fws_patience = PATIENCE
        self._fws_decoder = FrameDecoder(None, max_payload_size=None, strict=False)
        self._fws_held = 0  # bytes of an unfinished frame that the decoder holds
        self._fws_skip = 0  # bytes to come of a large frame that is not ours
        self._fws_ours = False  # whether the unfinished frame is
        self._fws_fragments = False  # whether a message in fragments is being read
        # An error of the stock one tells whether the last frame of a message was final: it has to
        # have seen one.
        self._fws_ready = False
        if compress:  # then nearly every message is compressed, and not ours
            self.__class__ = StockReader  # type: ignore[assignment]

    def feed_data(self, data: bytes | bytearray | memoryview) -> tuple[bool, bytes]:
        """Read what has come, as `WebSocketReader.feed_data` does."""
        self._fws_patience -= 1
        if self._fws_skip >= len(data):
            self._fws_skip -= len(data)
            given = super().feed_data(data)
        elif self._fws_held or self._fws_skip or not is_small(data):
            given = self._fws_read(data if type(data) is bytes else bytes(data))
        else:
            self._fws_ready = self._fws_ready or not data[0] & 8
            given = super().feed_data(data)
        # Where the stock one has failed it goes on to say so.
        if given[0] or (self._fws_patience <= 0 and not self._fws_ours):
            self.__class__ = StockReader  # type: ignore[assignment]
        return given

    def _fws_read(self, data: bytes) -> tuple[bool, bytes]:
        decoder, end = self._fws_decoder, len(data)
        begin = self._fws_skip - self._fws_held  # of the frame in progress, here or before
        decoder.feed(memoryview(data)[self._fws_skip :] if self._fws_skip else data)
        self._fws_skip = done = 0  # up to there all is queued, or given to the stock one
        while (frame := self._fws_next()) is not None:
            after = end - decoder.buffered
            if self._fws_ours or (begin >= 0 and self._fws_is_plain(frame, len(frame.payload))):
                start = max(begin, 0)
                given = self._fws_give(data[done:start])
                done = start
                if not given[0] and (self._fws_ours or self._fws_may_queue()):
                    given = self._fws_queue_up(frame)
                    done = after
                if given[0]:
                    return given
                self._fws_ours = False
            else:
                self._fws_note(frame)
            begin = after
        self._fws_held = decoder.buffered
        header = decoder.header
        if self._fws_held and not self._fws_ours and header and header.payload_length >= LARGE:
            start = max(begin, 0)
            given = self._fws_give(data[done:start])
            if given[0]:
                return given
            done = start
            self._fws_begin(header, begin >= 0)
        return GOOD if self._fws_ours else self._fws_give(data[done:])

    def _fws_next(self) -> Frame | None:
        """Give the next frame; None also where there is one of a size that no machine can hold."""
        try:
            return next(self._fws_decoder, None)
        except PayloadTooBigError:
            self._fws_patience = 0  # the stock one judges it, or has to find room
            return None

    def _fws_note(self, frame: Frame | FrameHeader) -> None:
        """Keep in mind what the stock one gets to see of messages."""
        self._fws_patience -= 1
        if frame.opcode <= BINARY:
            self._fws_fragments = not frame.fin
            self._fws_ready = self._fws_ready or frame.fin

    def _fws_begin(self, header: FrameHeader, whole: bool) -> None:
        """Take a large frame that is not all there on ourselves, or step over it."""
        if whole and self._fws_is_plain(header, header.payload_length) and self._fws_may_queue():
            self._fws_ours = True
            return
        self._fws_note(header)
        self._fws_skip = header.header_length + header.payload_length - self._fws_held
        self._fws_held = 0
        self._fws_decoder = FrameDecoder(None, max_payload_size=None, strict=False)

    def _fws_is_plain(self, frame: Frame | FrameHeader, size: int) -> bool:
        """Tell whether a frame is a large message in which there is nothing to find fault with."""
        return (
            size >= LARGE
            and (frame.opcode == TEXT or frame.opcode == BINARY)
            and frame.fin
            and not frame.rsv
            and self._fws_ready
            and not self._fws_fragments
            and (not self._fws_limit or size < self._fws_limit)
        )

    def _fws_may_queue(self) -> bool:
        """Tell whether the stock one would read on, and has read all before."""
        queue = self._fws_queue
        return queue._stalled_reader is None and queue._size <= queue._limit

    def _fws_give(self, data: bytes) -> tuple[bool, bytes]:
        """Have the stock reader read."""
        return super().feed_data(data) if data else GOOD

    def _fws_queue_up(self, frame: Frame) -> tuple[bool, bytes]:
        """Queue a message."""
        self._fws_patience = PATIENCE
        payload = frame.payload
        if frame.opcode == BINARY or not self._fws_text:
            COUNTERS["decoded"] += 1
            self._handle_frame(True, int(frame.opcode), payload, 0)
            return GOOD
        try:
            text = decode_text(payload)
        except InvalidUtf8Error:
            text = None
        if text is None:  # the stock one says what is wrong; it reads frames without a mask too
            return self._fws_give(encode_frame(BINARY, payload).replace(b"\x82", b"\x81", 1))
        COUNTERS["decoded"] += 1
        message = tuple.__new__(WSMessage, (WSMsgType.TEXT, text, ""))
        self._fws_queue.feed_data(message, len(payload))
        return GOOD


class StockReader(WebSocketReader):
    """What a Reader turns into when it has nothing more to do."""


def is_small(data: bytes | bytearray | memoryview) -> bool:
    """Tell whether this is one whole frame that is short and no part of a message in fragments."""
    size = len(data)
    if size < 2 or data[0] & 0x8F <= 0x80:
        return False
    start = data[1]
    if start & 0x7F == 126:
        return 4 <= size < LARGE and size == (data[2] << 8 | data[3]) + (8 if start & 0x80 else 4)
    return size == (start & 0x7F) + (6 if start & 0x80 else 2) and start & 0x7F != 127


def write_frame(self: WebSocketWriter, message: bytes, opcode: int, rsv: int) -> None:
    """Write a frame, as `WebSocketWriter._write_websocket_frame` does."""
    if (
        not self.use_mask
        or not (opcode == TEXT or opcode == BINARY)
        or type(message) is not bytes
        or self.transport.is_closing()
    ):
        return STOCK_WRITE(self, message, opcode, rsv)
    COUNTERS["encoded"] += 1
    frame = encode_frame(opcode, message, rsv=rsv, mask=self.get_random_bits().to_bytes(4))
    self.transport.write(frame)
    self._output_size += len(frame)
