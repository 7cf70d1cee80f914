"""The pure back end: the same codec in plain Python, for any interpreter.

`_codec.pyx` is its twin. The algorithms stand in `_pure_kernels`, the rules and the texts of errors
in `_rules`, the stream and the decoders in `_pure_stream` and `_pure_frames`.
"""

from __future__ import annotations

import os
from io import BytesIO
from operator import index

from ._pure_events import Binary, Close, Ping, Pong, Text
from ._pure_frames import Frame, FrameDecoder
from ._pure_kernels import (
    BETWEEN,
    HEADER_MAX,
    allowed,
    as_bytes,
    declared_length,
    go_on,
    header_of,
    header_size,
    walk,
    xor,
)
from ._pure_messages import MessageDecoder
from ._rules import (
    MAX_CONTROL_PAYLOAD,
    check_close_payload,
    check_mask,
    check_opcode,
    check_rsv,
    close_payload,
    header_error,
    invalid_utf8,
    not_a_buffer,
    not_a_payload,
    not_writable,
    refuse,
    send_error,
    truncated_utf8,
)
from ._types import Opcode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from _typeshed import ReadableBuffer, WriteableBuffer

    from ._pure_kernels import Utf8State
    from ._types import FrameHeader

    Mask: TypeAlias = ReadableBuffer | bool | None

__all__ = [
    "Binary",
    "Close",
    "Frame",
    "FrameDecoder",
    "MessageDecoder",
    "Ping",
    "Pong",
    "Text",
    "Utf8Validator",
    "apply_mask",
    "decode_text",
    "encode_close",
    "encode_frame",
    "encode_header",
    "mask_inplace",
    "new_mask_key",
    "parse_header",
    "validate_utf8",
]


# --- Masking -------------------------------------------------------------------------------------

KEY_POOL = 4096  # bytes drawn at once: 1024 keys

pool: list[bytes] = []


def apply_mask(data: ReadableBuffer, mask: ReadableBuffer, offset: int = 0) -> bytes:
    """Mask or unmask data (RFC 6455 5.3): XOR byte i with byte (offset + i) % 4 of the key.

    Args:
        data: any buffer; it is left as it is.
        mask: the masking key, a buffer of 4 bytes.
        offset: int, where in the payload the data starts; negative ones count too.

    Returns:
        New bytes, as many as data has.

    Raises:
        TypeError: data or mask is not a buffer, or offset not an int.
        ValueError: mask is not 4 bytes.
    """
    return xor(as_bytes(data), key_of(mask), index(offset))


def mask_inplace(buffer: WriteableBuffer, mask: ReadableBuffer, offset: int = 0) -> None:
    """Mask or unmask a writable buffer where it lies (RFC 6455 5.3).

    Args:
        buffer: any writable, C-contiguous buffer.
        mask: the masking key, a buffer of 4 bytes.
        offset: int, where in the payload the buffer starts; negative ones count too.

    Raises:
        TypeError: buffer or mask is not a buffer, or offset not an int.
        BufferError: buffer is read-only or not C-contiguous.
        ValueError: mask is not 4 bytes.
    """
    try:
        view = memoryview(buffer)
    except TypeError:
        raise not_a_buffer(buffer) from None
    except BufferError:
        raise not_writable(buffer) from None
    with view:  # released also while an error is still held
        if view.readonly or not view.c_contiguous:
            raise not_writable(buffer)
        out = xor(view.tobytes(), key_of(mask), index(offset))
    # readinto() writes to buffers of any item size and shape, which a memoryview does not.
    BytesIO(out).readinto(buffer)


def key_of(mask: ReadableBuffer) -> bytes:
    """Give a masking key as bytes."""
    key = as_bytes(mask)
    if len(key) != 4:
        raise check_mask(len(key))
    return key


def new_mask_key() -> bytes:
    """Give a fresh masking key from the operating system's generator (RFC 6455 5.3, 10.3).

    Keys are drawn in batches. The child of a fork draws its own.

    Returns:
        4 bytes.
    """
    try:
        return pool.pop()
    except IndexError:
        fresh = os.urandom(KEY_POOL)
        keys = [fresh[at : at + 4] for at in range(0, KEY_POOL, 4)]
        key = keys.pop()
        pool.extend(keys)
        return key


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has none
    os.register_at_fork(after_in_child=pool.clear)


# --- UTF-8 ---------------------------------------------------------------------------------------


def validate_utf8(data: ReadableBuffer, /) -> bool:
    """Tell whether data is UTF-8: no surrogates, no overlong forms, at most U+10FFFF (RFC 3629).

    Args:
        data: any buffer.

    Raises:
        TypeError: data is not a buffer.
    """
    raw = as_bytes(data)
    return raw.isascii() or go_on(raw, BETWEEN) == (len(raw), BETWEEN)


def decode_text(data: ReadableBuffer, mask: ReadableBuffer | None = None) -> str:
    """Unmask and decode text (RFC 6455 5.6, 8.1).

    Args:
        data: any buffer.
        mask: the masking key, a buffer of 4 bytes, or None where data is not masked.

    Raises:
        TypeError: data or mask is not a buffer.
        ValueError: mask is not 4 bytes.
        InvalidUtf8Error: data is not UTF-8; the text names the first byte that cannot stand where
            it stands, counted from 0.
    """
    raw = as_bytes(data) if mask is None else apply_mask(data, mask)
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        fault, _ = walk(raw, error.start, BETWEEN)
    raise truncated_utf8(fault) if fault == len(raw) else invalid_utf8(fault)


class Utf8Validator:
    """Check text that comes in parts (RFC 6455 8.1), failing at the first impossible byte."""

    __slots__ = ("_failed", "_position", "_state")

    _failed: bool
    _position: int
    _state: Utf8State

    def __init__(self) -> None:
        self.reset()

    def feed(self, data: ReadableBuffer) -> bool:
        """Check the next part; False from the first byte at which the text cannot become valid.

        After that, and until `reset()`, every call gives False.

        Args:
            data: any buffer, which may end inside a code point.

        Raises:
            TypeError: data is not a buffer.
        """
        raw = as_bytes(data)
        if not self._failed:
            good, state = go_on(raw, self._state)
            position, failed = self._position + good, good != len(raw)
            # Only now: a MemoryError before this leaves everything as it was.
            self._state, self._position, self._failed = state, position, failed
        return not self._failed

    @property
    def complete(self) -> bool:
        """Whether the text may end here: valid so far, and not inside a code point."""
        return not self._failed and not self._state[0]

    @property
    def position(self) -> int:
        """Bytes accepted since the last reset: int; after a failure, the offending byte's index."""
        return self._position

    def reset(self) -> None:
        """Start a new text."""
        self._state = BETWEEN
        self._failed = False
        self._position = 0


# --- Headers -------------------------------------------------------------------------------------


def parse_header(data: ReadableBuffer, offset: int = 0) -> FrameHeader | None:
    """Read the header of a frame (RFC 6455 5.2).

    Opcode, control frames and the form of the length are judged, each as soon as its bytes are
    there. Reserved bits, masking and size are for the caller to judge.

    Args:
        data: any buffer.
        offset: int, where in it the header starts, in bytes.

    Returns:
        The FrameHeader, or None where more bytes are needed.

    Raises:
        TypeError: data is not a buffer, or offset not an int.
        ValueError: offset is negative.
        ProtocolError: the header breaks a rule.
    """
    try:
        view = memoryview(data)
    except TypeError:
        raise not_a_buffer(data) from None
    with view:  # released also while an error is still held
        start = index(offset)
        if start < 0:
            raise ValueError("offset cannot be negative")
        flat = view if view.ndim == view.itemsize == 1 else view.tobytes()
        head = bytes(flat[start : start + HEADER_MAX])
    if len(head) < 2:
        return None
    first, second = head[0], head[1]
    extended = second & 0x7F > MAX_CONTROL_PAYLOAD
    length = declared_length(head)
    if extended or not allowed(None)[first]:
        refuse(header_error(first, second, length, 0, None))
    if length is None or len(head) < header_size(second):
        return None
    return header_of(head, length)


# --- Encoding ------------------------------------------------------------------------------------

FIRSTS = {int(opcode): 0x80 | opcode for opcode in Opcode}


def encode_frame(
    opcode: int,
    payload: str | ReadableBuffer = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    mask: Mask = None,
) -> bytes:
    """Make a whole frame (RFC 6455 5.2).

    Args:
        opcode: Opcode, or its int.
        payload: str, sent as UTF-8, or any buffer.
        fin: bool, the last frame of its message.
        rsv: int, the reserved bits to set (RSV1, RSV2, RSV3).
        mask: None for a server's frame, True for a fresh masking key, or a key of 4 bytes.

    Raises:
        TypeError: an argument has the wrong type.
        ValueError: the opcode is reserved, rsv has other bits, mask is not 4 bytes, a control
            frame is fragmented or over 125 bytes, or a close frame's payload may not be sent.
    """
    first = first_byte(opcode, fin, rsv)
    if isinstance(payload, str):
        content = str.encode(payload)  # also for a subclass with an encode() of its own
    else:
        try:
            content = as_bytes(payload)
        except TypeError:
            raise not_a_payload(payload) from None
    return framed(first, content, mask)


def encode_header(
    opcode: int, payload_length: int, *, fin: bool = True, rsv: int = 0, mask: Mask = None
) -> bytes:
    """Make the header of a frame whose payload is sent apart (RFC 6455 5.2).

    Args:
        opcode: Opcode, or its int.
        payload_length: int, bytes of payload to follow.
        fin: bool, the last frame of its message.
        rsv: int, the reserved bits to set (RSV1, RSV2, RSV3).
        mask: None for a server's frame, True for a fresh masking key, or a key of 4 bytes.

    Returns:
        2 to 14 bytes; where there is a masking key, it is the last 4 of them.

    Raises:
        TypeError: an argument has the wrong type.
        ValueError: the opcode is reserved, rsv has other bits, mask is not 4 bytes, a control
            frame is fragmented or over 125 bytes, or the length is out of range.
    """
    first = first_byte(opcode, fin, rsv)
    length = index(payload_length)
    key = key_to_send(mask)
    refuse(send_error(first, length))
    return header(first, length, key)


def encode_close(code: int | None = None, reason: str = "", *, mask: Mask = None) -> bytes:
    """Make a close frame (RFC 6455 5.5.1).

    Args:
        code: CloseCode, or any int that may be sent, or None for a close frame without a payload.
        reason: str, at most 123 bytes as UTF-8.
        mask: None for a server's frame, True for a fresh masking key, or a key of 4 bytes.

    Raises:
        TypeError: an argument has the wrong type.
        ValueError: the code may not be sent, the reason is too long or has no code, or mask is not
            4 bytes.
    """
    return framed(0x88, close_payload(code, reason), mask)


def first_byte(opcode: int, fin: bool, rsv: int) -> int:
    """Give a frame's first byte."""
    first = FIRSTS.get(opcode) if isinstance(opcode, int) else None
    if first is None:
        first = 0x80 | check_opcode(opcode)
    if type(rsv) is not int or rsv:
        first |= check_rsv(rsv)
    return first if fin else first & 0x7F


def key_to_send(mask: Mask) -> bytes:
    """Give the key of a frame to send, or b"" for one that is not masked."""
    if mask is None or mask is False:
        return b""
    return new_mask_key() if mask is True else key_of(mask)


def header(first: int, length: int, key: bytes) -> bytes:
    """Make a header, with its masking key if there is one."""
    masked = 0x80 if key else 0
    if length < 126:
        return bytes((first, masked | length)) + key
    if length < 65536:
        return (first << 24 | (masked | 126) << 16 | length).to_bytes(4, "big") + key
    return (first << 72 | (masked | 127) << 64 | length).to_bytes(10, "big") + key


def framed(first: int, payload: bytes, mask: Mask) -> bytes:
    """Make a frame."""
    key = key_to_send(mask)
    length = len(payload)
    if first & 0x08:
        refuse(send_error(first, length))
        if first & 0x0F == Opcode.CLOSE:
            check_close_payload(payload)
    return header(first, length, key) + (xor(payload, key) if key else payload)
