"""How wsproto reads frames, done by fastws: what stands in for its decoder and its parser.

Imported only where wsproto is. Rule: what comes is held as it is and read in place. A payload goes
in one pass from there to the `bytes` or `str` that the user gets, in the pieces in which it comes:
wsproto waits for no end of a frame. What breaks a rule is not judged here: at a header that is not
in order, the decoder turns into wsproto's own, which then finds the same bytes in its buffer.

Connections with an extension have wsproto's own decoder from the start.
"""

from __future__ import annotations

from codecs import getincrementaldecoder
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

from wsproto import frame_protocol
from wsproto.frame_protocol import CloseReason, Frame, FrameProtocol, Opcode, ParseFailed

from fastws import InvalidUtf8Error, ProtocolError, apply_mask, decode_text, parse_header

from .wsproto import COUNTERS

if TYPE_CHECKING:
    from codecs import IncrementalDecoder
    from typing import TypeAlias

    from wsproto.extensions import Extension
    from wsproto.frame_protocol import MessageDecoder

    Piece: TypeAlias = bytes | bytearray | memoryview
    # Its opcode, CONTINUATION for all but the first piece of a frame; the piece, and the key that
    # it is masked with; whether it ends its frame, and whether the frame ends its message.
    Taken: TypeAlias = tuple[Opcode, Piece, bytes | None, bool, bool]
    # Opcode, payload, whether the frame ends with it, whether the message does.
    Found: TypeAlias = tuple[Opcode, Any, bool, bool]

__all__ = [
    "STOCK_FRAME_DECODER",
    "STOCK_PARSE_MORE",
    "FrameDecoder",
    "FrameReader",
    "parse_more_gen",
]

STOCK_FRAME_DECODER = frame_protocol.FrameDecoder
STOCK_PARSE_MORE = FrameProtocol._parse_more_gen

OPCODES = {opcode.value: opcode for opcode in Opcode}  # wsproto compares them with `is`
CONTINUATION, TEXT, BINARY, CLOSE = Opcode.CONTINUATION, Opcode.TEXT, Opcode.BINARY, Opcode.CLOSE

LARGE = 8192  # bytes; below that, a copy costs less than a view
# How long a code point is that starts with this byte; 0 where none does (RFC 3629).
WIDTHS = bytes(128) + bytes(66) + b"\2" * 30 + b"\3" * 16 + b"\4" * 5 + bytes(11)

# Before wsproto 1.3, a payload that was not unmasked came as the slice of the buffer that it was.
SLICES = isinstance(frame_protocol.XorMaskerSimple(b"1234").process(bytearray(1)), bytes)


def plain(piece: Piece, key: bytes | None) -> bytes:
    """Unmask a piece, or copy one that came without a mask."""
    if key is None:
        return bytearray(piece) if SLICES else bytes(piece)  # type: ignore[return-value]
    if SLICES and not piece:  # pragma: no cover - wsproto before 1.3
        return bytearray()  # type: ignore[return-value]
    return apply_mask(piece, key)


def rotated(key: bytes | None, size: int) -> bytes | None:
    """Give the masking key as it goes on behind `size` bytes."""
    size &= 3
    return key[size:] + key[:size] if size and key is not None else key


class FrameDecoder(STOCK_FRAME_DECODER):
    """A decoder of wsproto that reads from what came, without a copy of it."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        # What others derive is to work on the buffer and the header that they know.
        bases = [STOCK_FRAME_DECODER if base is FrameDecoder else base for base in cls.__bases__]
        cls.__bases__ = tuple(bases)

    def __init__(self, client: bool, extensions: list[Extension] | None = None) -> None:
        super().__init__(client, extensions)
        if self.extensions:
            self.__class__ = STOCK_FRAME_DECODER  # type: ignore[assignment]
            return
        self._chunk: bytes | bytearray = b""
        self._at = 0  # in it
        # Of the frame that is read; what is left of it is None between frames.
        self._left: int | None = None
        self._opcode = CONTINUATION
        self._key: bytes | None = None
        self._fin = False

    def receive_bytes(self, data: bytes) -> None:
        """Take what came; `bytes` are held as they are."""
        if not self._chunk and data.__class__ is bytes:
            self._chunk = data
            return
        chunk = self._chunk
        if not isinstance(chunk, bytearray):
            self._chunk = chunk = bytearray(memoryview(chunk)[self._at :])
        else:
            del chunk[: self._at]
        self._at = 0
        chunk += data

    def piece(self) -> Taken | None:
        """Take what is there of the next payload, still masked; None where more has to come."""
        if not self._chunk or (self._left is None and not self._read_header()):
            return None
        chunk, at = self._chunk, self._at
        left: int = self._left  # type: ignore[assignment]  # the header is read
        fin, opcode, key = self._fin, self._opcode, self._key
        whole = len(chunk)
        size = whole - at
        if size >= left:
            end = at + left
            self._left = None
        elif size:
            end = whole
            self._left = left - size
            self._opcode, self._key = CONTINUATION, rotated(key, size)
        else:
            self._chunk, self._at = b"", 0
            return None
        piece: Piece = chunk
        if at or end != whole:
            if end - at < LARGE or chunk.__class__ is not bytes:
                piece = chunk[at:end]
            else:
                piece = memoryview(chunk)[at:end]
        if end == whole:
            self._chunk, self._at = b"", 0
        else:
            self._at = end
        return opcode, piece, key, self._left is None, fin

    def _read_header(self) -> bool:
        """Read the header that comes next, if it is whole and in order.

        That of a control frame is left where it is until its payload is there too.
        """
        chunk, at = self._chunk, self._at
        try:
            header = parse_header(chunk, at)
        except ProtocolError:
            self._turn_stock()
            return False
        if header is None:
            self._cut_header()
            return False
        fin, rsv, number, masked, key, left, size = header
        if rsv or masked is self.client:
            self._turn_stock()
            return False
        if number >= CLOSE and len(chunk) - at - size < left:
            return False
        self._left, self._fin, self._opcode, self._key = left, fin, OPCODES[number], key
        self._at = at + size
        return True

    def _cut_header(self) -> None:
        """Look at the first two bytes of a header that is not whole, where they have come."""
        start = self._chunk[self._at : self._at + 2]
        if len(start) == 2 and (start[0] & 0x70 or (start[1] >= 0x80) is self.client):
            self._turn_stock()

    def _turn_stock(self) -> None:
        """Become wsproto's own decoder, at the header of a frame."""
        self.buffer.feed(bytes(self._chunk[self._at :]))
        for name in ("_chunk", "_at", "_left", "_opcode", "_key", "_fin"):
            delattr(self, name)
        self.__class__ = STOCK_FRAME_DECODER  # type: ignore[assignment]

    def process_buffer(self) -> Frame | None:
        """Read a frame, or what has come of it, as `FrameDecoder.process_buffer` does."""
        found = self.piece()
        if found is None:
            # Looked up anew: the class may be another one now.
            return None if self.__class__ is FrameDecoder else self.process_buffer()
        opcode, piece, key, finished, fin = found
        COUNTERS["decoded"] += finished
        return Frame(opcode, plain(piece, key), finished, fin)


def parse_more_gen(self: FrameProtocol) -> Iterator[Frame | None]:
    """Make what reads the frames of a connection, as `FrameProtocol._parse_more_gen` does."""
    if self._frame_decoder.__class__ is FrameDecoder:
        return FrameReader(self)
    return STOCK_PARSE_MORE(self)


class FrameReader:
    """What gives the frames of a connection, each a piece of a message, or None for no more yet."""

    __slots__ = ("_ended", "_message", "_protocol", "_rest")

    def __init__(self, protocol: FrameProtocol) -> None:
        self._protocol = protocol
        self._message: MessageDecoder = protocol._message_decoder
        self._ended = False  # by a close frame or an error
        self._rest: Generator[Frame | None] | None = None

    def __iter__(self) -> FrameReader:
        return self

    def __next__(self) -> Frame | None:
        found = self.read()
        if found is None:
            if self._ended:
                raise StopIteration
            return None
        return Frame(*found)

    def read(self) -> Found | None:
        """Give the next frame as a tuple; None where more has to come, or nothing will."""
        if self._ended:
            return None
        decoder = self._protocol._frame_decoder
        taken = decoder.piece() if decoder.__class__ is FrameDecoder else None
        if taken is None:
            return None if decoder.__class__ is FrameDecoder else self._read_stock()
        opcode, piece, key, finished, fin = taken
        COUNTERS["decoded"] += finished
        if opcode >= CLOSE:
            return self._control(opcode, plain(piece, key))
        message = self._message
        if message.opcode is None:
            if opcode is CONTINUATION:
                raise self._failure("unexpected CONTINUATION")
        elif opcode is not CONTINUATION:
            raise self._failure(f"expected CONTINUATION, got {opcode!r}")
        else:
            opcode = message.opcode
        last = finished and fin
        data = self._text(piece, key, last) if opcode is TEXT else plain(piece, key)
        if last:
            message.opcode = message.decoder = None
        else:
            message.opcode = opcode
        return opcode, data, finished, last

    def _control(self, opcode: Opcode, payload: bytes) -> Found:
        if opcode is not CLOSE:
            return opcode, payload, True, True
        self._ended = True
        return self._protocol._process_close(Frame(opcode, payload, True, True))

    def _failure(self, text: str, code: CloseReason = CloseReason.PROTOCOL_ERROR) -> ParseFailed:
        self._ended = True
        return ParseFailed(text, code)

    def _read_stock(self) -> Found | None:
        """Read with wsproto's own parser, whose decoder has come to a header out of order."""
        if self._rest is None:
            self._rest = STOCK_PARSE_MORE(self._protocol)
        try:
            return next(self._rest)
        except StopIteration:
            self._ended = True
            return None
        except BaseException:
            self._ended = True
            raise

    def _text(self, piece: Piece, key: bytes | None, last: bool) -> str:
        """Decode a piece of text, of which a code point may be cut at either end."""
        codec = self._message.decoder
        if codec is None:
            if last:
                try:
                    return decode_text(piece, key)
                except InvalidUtf8Error:
                    pass  # the words for it are those of the codec
            self._message.decoder = codec = getincrementaldecoder("utf-8")()
        state = codec.getstate()
        try:
            return decode_piece(codec, piece, key, last)
        except (InvalidUtf8Error, UnicodeDecodeError):
            codec.setstate(state)
        try:
            return codec.decode(plain(piece, key), last)
        except UnicodeDecodeError as exc:
            text = str(exc)
            # wsproto chains the two as well.
            raise self._failure(text, CloseReason.INVALID_FRAME_PAYLOAD_DATA)  # noqa: B904


def decode_piece(codec: IncrementalDecoder, piece: Piece, key: bytes | None, last: bool) -> str:
    """Decode a piece of text; a code point that it cuts goes through the codec, which holds it.

    Raises:
        InvalidUtf8Error, UnicodeDecodeError: the text is not UTF-8.
    """
    start = ""
    if pending := codec.getstate()[0]:
        piece = memoryview(piece)
        lacking = WIDTHS[pending[0]] - len(pending)
        start = codec.decode(plain(piece[:lacking], key))
        piece, key = piece[lacking:], rotated(key, lacking)
    if last:
        return start + codec.decode(b"", True) + decode_text(piece, key)
    cut = cut_size(piece, key)
    if not cut:
        text = decode_text(piece, key)
        return start + text if start else text
    piece, size = memoryview(piece), len(piece) - cut
    text = start + decode_text(piece[:size], key)
    return text + codec.decode(plain(piece[size:], rotated(key, size)))


def cut_size(piece: Piece, key: bytes | None) -> int:
    """Count the bytes at the end of a piece that are the start of a code point."""
    size = len(piece)
    if not size or piece[-1] ^ (0 if key is None else key[size - 1 & 3]) < 0x80:
        return 0
    start = max(size - 3, 0)
    tail = plain(piece[start:], rotated(key, start))
    for back in range(1, size - start + 1):
        if tail[-back] >= 0xC0:
            return back if WIDTHS[tail[-back]] > back else 0
    return 0
