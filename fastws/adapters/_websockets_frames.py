"""How websockets reads and writes frames, done by fastws: what stands in for its own methods.

Imported only where websockets is. Rule: fastws frames without judging; what is wrong, when it is
told and in which words is websockets' own. The checks of `websockets.protocol.Protocol.parse` and
`websockets.frames.Frame.parse` stand here in the same order: opcode and mask bit after 2 bytes, the
size as soon as it is known, all else when the payload is there and the extensions have run.

While frames are read, the reader of a connection is a FrameReader, which hands each chunk to the
decoder as it is. It turns back into the stock reader as soon as anybody else reads, and that is
`Protocol.discard()`, after a close frame or an error.
"""

from __future__ import annotations

import secrets
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING

from websockets import frames
from websockets.exceptions import PayloadTooBig, ProtocolError
from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import SERVER, Protocol
from websockets.streams import StreamReader

from fastws import RSV1, RSV2, RSV3, FrameDecoder, PayloadTooBigError, encode_frame
from fastws import apply_mask as fast_apply_mask

from .websockets import COUNTERS

if TYPE_CHECKING:
    from websockets.extensions import Extension
    from websockets.typing import BytesLike

    import fastws

__all__ = [
    "STOCK_PARSE",
    "STOCK_SERIALIZE",
    "Frame",
    "Protocol",
    "StreamReader",
    "apply_mask",
    "parse",
    "serialize",
]

STOCK_PARSE = Protocol.parse
STOCK_SERIALIZE = Frame.serialize
STOCK_APPLY_MASK = frames.apply_mask  # type: ignore[attr-defined]
STOCK_TOKEN_BYTES = secrets.token_bytes

# websockets compares opcodes with `is`, so the members have to be its own.
OPCODES = tuple(Opcode(n) if n in Opcode._value2member_map_ else None for n in range(16))
TEXT, BINARY, CLOSE = Opcode.TEXT, Opcode.BINARY, Opcode.CLOSE
BUFFERS = (bytes, bytearray, memoryview)  # what websockets takes


# --- Receiving -----------------------------------------------------------------------------------


class FrameReader(StreamReader):
    """The reader of a connection while a decoder reads its frames."""

    @classmethod
    def attach(cls, reader: StreamReader) -> FrameDecoder:
        """Turn a stock reader into this one, and give the decoder that it feeds."""
        decoder = FrameDecoder(None, max_payload_size=None, strict=False)
        decoder.feed(reader.buffer)  # what came in one piece with the handshake
        reader.discard()
        reader.__class__ = cls
        # Found before the method of that name, and called without a step through Python.
        vars(reader)["feed_data"] = decoder.feed
        return decoder

    def at_eof(self) -> Generator[None, None, bool]:
        # Somebody else reads on, and that is to throw away what comes.
        del vars(self)["feed_data"]
        self.__class__ = StreamReader  # type: ignore[assignment]
        return (yield from self.at_eof())


def parse(self: Protocol) -> Generator[None]:
    """Read frames, and fail the connection where they break a rule, as `Protocol.parse` does."""
    if type(self.reader) is not StreamReader:
        yield from STOCK_PARSE(self)
    try:
        yield from _read_frames(self)
    except ProtocolError as exc:
        self.fail(CloseCode.PROTOCOL_ERROR, str(exc))
        self.parser_exc = exc
    except EOFError as exc:
        self.fail(CloseCode.ABNORMAL_CLOSURE, str(exc))
        self.parser_exc = exc
    except UnicodeDecodeError as exc:
        self.fail(CloseCode.INVALID_DATA, f"{exc.reason} at position {exc.start}")
        self.parser_exc = exc
    except PayloadTooBig as exc:
        exc.set_current_size(self.current_size)
        self.fail(CloseCode.MESSAGE_TOO_BIG, str(exc))
        self.parser_exc = exc
    except Exception as exc:
        self.logger.error("parser failed", exc_info=True)
        self.fail(CloseCode.INTERNAL_ERROR)  # without its text, which may be security-sensitive
        self.parser_exc = exc
    yield
    raise AssertionError("parse() shouldn't step after error")


def _read_frames(protocol: Protocol) -> Generator[None]:
    """Hand every frame to the host, until `Protocol.discard()` takes over."""
    reader = protocol.reader
    decoder = FrameReader.attach(reader)
    masked = protocol.side is SERVER
    message = current = fragment = limit = None
    while reader.__class__ is FrameReader:
        if (
            protocol.current_size is not current
            or protocol.max_message_size is not message
            or protocol.max_fragment_size is not fragment
        ):
            message, current = protocol.max_message_size, protocol.current_size
            fragment = protocol.max_fragment_size
            limit = _limit(message, current, fragment)
            decoder.max_payload_size = limit if limit is None else max(limit, 0)
        try:
            frame = next(decoder, None)
        except PayloadTooBigError:
            raise _too_big(decoder, masked, limit) from None
        if frame is None:
            if decoder.buffered:
                _check_start(decoder, masked)
            if reader.eof:
                raise _unexpected_eof(protocol, decoder)
            yield
            continue
        COUNTERS["decoded"] += 1
        opcode = OPCODES[frame.opcode]
        if opcode is None or frame.masked is not masked:
            raise _misframed(frame.opcode)
        if opcode < CLOSE and not frame.rsv and not protocol.extensions:
            host_frame = Frame(
                opcode, frame.payload if masked else bytearray(frame.payload), frame.fin
            )
        else:
            host_frame = _host_frame(protocol, frame, limit)
        if protocol.debug:
            protocol.logger.debug("< %s", host_frame)
        protocol.recv_frame(host_frame)
        del frame, host_frame  # an idle connection holds no message
    yield


def _limit(message: int | None, current: int | None, fragment: int | None) -> int | None:
    """Give the size that the next frame's payload may have."""
    if message is not None and current is not None:
        message -= current
    if message is None or fragment is None:
        return fragment if message is None else message
    return min(message, fragment)


def _host_frame(protocol: Protocol, frame: fastws.Frame, limit: int | None) -> Frame:
    """Make the host's frame of one that extensions or checks may have a say in."""
    rsv = frame.rsv
    host_frame = Frame(
        Opcode(frame.opcode),
        frame.payload if frame.masked else bytearray(frame.payload),
        frame.fin,
        rsv & RSV1 != 0,
        rsv & RSV2 != 0,
        rsv & RSV3 != 0,
    )
    for extension in reversed(protocol.extensions):
        host_frame = extension.decode(host_frame, max_size=limit)
    host_frame.check()
    return host_frame


def _misframed(opcode: int) -> ProtocolError:
    """Give the host's error for a frame whose first two bytes are wrong."""
    try:
        Opcode(opcode)
    except ValueError as exc:
        error = ProtocolError("invalid opcode")
        error.__cause__ = exc
        return error
    return ProtocolError("incorrect masking")


def _check_start(decoder: FrameDecoder, masked: bool) -> None:
    """Judge the first two bytes of a frame that is not whole, where they have come."""
    header = decoder.header
    if header is not None:
        opcode, found = header.opcode, header.masked
    else:
        start = decoder.partial_header
        if len(start) < 2:
            return
        opcode, found = start[0] & 0x0F, start[1] >= 0x80
    if OPCODES[opcode] is None or found is not masked:
        raise _misframed(opcode)


def _too_big(decoder: FrameDecoder, masked: bool, limit: int | None) -> PayloadTooBig:
    """Give the host's error for the frame that the decoder stopped at."""
    _check_start(decoder, masked)
    header = decoder.header
    assert header is not None
    if limit is None:  # there still is what a machine can hold
        limit = decoder.max_payload_size
    return PayloadTooBig(header.payload_length, limit)


def _unexpected_eof(protocol: Protocol, decoder: FrameDecoder) -> EOFError:
    """Give the host's error for a stream that ends here; it counts within the field cut short."""
    if not decoder.buffered:
        if protocol.debug:
            protocol.logger.debug("< EOF")
        return EOFError("unexpected end of stream")
    header = decoder.header
    if header is not None:
        there, wanted = decoder.buffered - header.header_length, header.payload_length
    else:
        there, wanted = _cut_field(decoder.partial_header)
    return EOFError(f"stream ends after {there} bytes, expected {wanted} bytes")


def _cut_field(start: bytes) -> tuple[int, int]:
    """Give how many bytes have come, and of how many, of the field that a header stops in."""
    there = len(start)
    if there < 2:
        return there, 2
    extended = {126: 2, 127: 8}.get(start[1] & 0x7F, 0)
    if there - 2 < extended:
        return there - 2, extended
    return there - 2 - extended, 4  # the masking key


# --- Sending -------------------------------------------------------------------------------------


def serialize(self: Frame, *, mask: bool, extensions: Sequence[Extension] | None = None) -> bytes:
    """Write a frame, as `Frame.serialize` does."""
    opcode = self.opcode
    if (
        extensions
        or not (opcode is TEXT or opcode is BINARY)
        or self.data.__class__ is not bytes
        or self.rsv1
        or self.rsv2
        or self.rsv3
    ):
        return _serialize(self, mask, extensions or ())
    COUNTERS["encoded"] += 1
    # A test that patches the source of masking keys gets its own.
    key = mask and (secrets.token_bytes is STOCK_TOKEN_BYTES or secrets.token_bytes(4))
    return encode_frame(opcode, self.data, fin=self.fin, mask=key)


def _serialize(frame: Frame, mask: bool, extensions: Sequence[Extension]) -> bytes:
    """Write a frame that is out of the ordinary."""
    # A close frame is rare, and may hold what our encoder refuses to send.
    if frame.opcode is CLOSE or type(frame.opcode) is not Opcode or not _is_plain(frame.data):
        return STOCK_SERIALIZE(frame, mask=mask, extensions=extensions)
    frame.check()
    for extension in extensions:
        frame = extension.encode(frame)
    COUNTERS["encoded"] += 1
    return encode_frame(
        frame.opcode,
        frame.data,
        fin=frame.fin,
        rsv=(RSV1 if frame.rsv1 else 0) | (RSV2 if frame.rsv2 else 0) | (RSV3 if frame.rsv3 else 0),
        mask=mask and (secrets.token_bytes is STOCK_TOKEN_BYTES or secrets.token_bytes(4)),
    )


def _is_plain(data: object) -> bool:
    """Tell whether websockets takes the payload, and counts it in bytes as we do."""
    if isinstance(data, memoryview):
        return data.itemsize == 1 and data.c_contiguous
    return isinstance(data, BUFFERS)


def apply_mask(data: BytesLike, mask: bytes | bytearray) -> bytes:
    """Mask or unmask data, as `websockets.speedups.apply_mask` does."""
    if isinstance(data, BUFFERS) and isinstance(mask, BUFFERS) and len(mask) == 4:
        return fast_apply_mask(data, mask)
    return STOCK_APPLY_MASK(data, mask)  # which tells what is wrong in its own words
