"""What is wrong, and in which words: the judgments that both back ends share.

The back ends only notice *that* something breaks a rule. Which rule, and the text, is found out
here, once, off the hot path, so the twins cannot differ in it. Rule: the checks of a header run in
the order in which its bytes arrive, so that the verdict does not depend on how the stream was cut.
"""

from operator import index
from sys import maxsize

from ._types import (
    RSV1,
    RSV2,
    RSV3,
    CloseCode,
    CodecError,
    InvalidUtf8Error,
    Opcode,
    PayloadTooBigError,
    ProtocolError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAX_CONTROL_PAYLOAD = 125  # RFC 6455 5.5
MAX_PAYLOAD_LENGTH = (1 << 63) - 1  # RFC 6455 5.2: the most significant bit must be 0
RSV_BITS = RSV1 | RSV2 | RSV3
# Between messages no continuation may come, inside one no new data frame (RFC 6455 5.4).
BARRED_BETWEEN = 1 << Opcode.CONTINUATION
BARRED_INSIDE = 1 << Opcode.TEXT | 1 << Opcode.BINARY
MAX_HELD = maxsize - 64  # what one `bytes` can hold, with its own header
ROLES = {None: 0, "server": 1, "client": 2}  # as the compiled core counts them
ROLE_NAMES = (None, "server", "client")

# The opcode of each low nibble: a member where the RFC names one, else the plain int.
OPCODES: tuple[int, ...] = tuple(
    Opcode(n) if n in Opcode._value2member_map_ else n for n in range(16)
)


# --- Receiving -----------------------------------------------------------------------------------


def header_error(
    first: int, second: int, length: int | None, role: int, rsv: int | None, barred: int = 0
) -> ProtocolError | None:
    """Say which rule of RFC 6455 5.2 and 5.5 a header breaks, or None.

    Args:
        first, second: the first two bytes.
        length: the extended payload length, or None where it is not there (yet).
        role: who reads, as in ROLES.
        rsv: the reserved bits that an extension uses, or None where they are not judged.
        barred: the opcodes that may not come now, one bit each.
    """
    text = (
        _opcode_fault(first, barred)
        or _rsv_fault(first, rsv)
        or _control_fault(first, second)
        or _mask_fault(second, role)
        or (length is not None and _length_fault(second & 0x7F, length))
    )
    return ProtocolError(text) if text else None


def _opcode_fault(first: int, barred: int) -> str | None:
    opcode = first & 0x0F
    if opcode not in Opcode._value2member_map_:
        return f"reserved opcode {opcode:#x}"
    if barred >> opcode & 1:
        if opcode == Opcode.CONTINUATION:
            return "continuation frame without a message to continue"
        return "new message before the last fragment of the one before"
    return None


def _rsv_fault(first: int, allowed: int | None) -> str | None:
    if allowed is None:
        return None
    unknown = first & RSV_BITS & ~allowed
    if unknown:
        names = [f"RSV{n}" for n, bit in ((1, RSV1), (2, RSV2), (3, RSV3)) if unknown & bit]
        return f"{' and '.join(names)} set without an extension that uses it"
    # RFC 7692 6: only the first frame of a data message may be marked as compressed.
    if first & RSV1 and first & 0x0F not in (Opcode.TEXT, Opcode.BINARY):
        return "RSV1 set on a " + ("control frame" if first & 0x08 else "continuation frame")
    return None


def _control_fault(first: int, second: int) -> str | None:
    if not first & 0x08:
        return None
    if not first & 0x80:
        return "fragmented control frame"
    if second & 0x7F > MAX_CONTROL_PAYLOAD:
        return f"control frame payload longer than {MAX_CONTROL_PAYLOAD} bytes"
    return None


def _mask_fault(second: int, role: int) -> str | None:
    if role == ROLES["server"] and not second & 0x80:
        return "frame from the client is not masked"
    if role == ROLES["client"] and second & 0x80:
        return "frame from the server is masked"
    return None


def _length_fault(short: int, length: int) -> str | None:
    if length > MAX_PAYLOAD_LENGTH:
        return "payload length has its most significant bit set"
    if (short == 126 and length < 126) or (short == 127 and length < 65536):
        return "payload length is not in its shortest form"
    return None


def payload_too_big(length: int, limit: int) -> PayloadTooBigError:
    """Make the error for a payload whose header declares more than the limit."""
    return PayloadTooBigError(f"frame of {length} bytes exceeds the limit of {limit} bytes")


def message_too_big(length: int, limit: int) -> PayloadTooBigError:
    """Make the error for a message that grows, or is inflated, above the limit."""
    return PayloadTooBigError(f"message of {length} bytes exceeds the limit of {limit} bytes")


def too_many_fragments(limit: int) -> PayloadTooBigError:
    """Make the error for a message in more frames than the limit."""
    return PayloadTooBigError(f"message of more than {limit} fragments")


def close_error(payload: bytes) -> CodecError | None:
    """Say what is wrong with the payload of a close frame that came, or None (RFC 6455 5.5.1)."""
    if len(payload) == 1:
        return ProtocolError("close payload of 1 byte")
    code = int.from_bytes(payload[:2], "big")
    if payload and not may_send_code(code):
        return ProtocolError(f"invalid close code {code}")
    try:
        payload[2:].decode()
    except UnicodeDecodeError:
        return InvalidUtf8Error("close reason is not UTF-8")
    return None


def out_of_memory(length: int) -> PayloadTooBigError:
    """Make the error that stands where memory for a payload ran out and the stream was lost."""
    return PayloadTooBigError(f"no memory for a frame of {length} bytes")


def in_use() -> RuntimeError:
    """Make the error for a step of a decoder from inside another one, or beside it."""
    return RuntimeError("the decoder is in use: by another thread, or by this one further out")


def invalid_utf8(position: int) -> InvalidUtf8Error:
    """Make the error for text whose byte at `position` cannot continue it."""
    return InvalidUtf8Error(f"invalid UTF-8 at byte {position}")


def truncated_utf8(length: int) -> InvalidUtf8Error:
    """Make the error for text of `length` bytes that ends inside a code point."""
    return InvalidUtf8Error(f"UTF-8 ends inside a code point after {length} bytes")


def again(error: CodecError) -> CodecError:
    """Make the same error anew, so that raising it twice holds no traceback alive."""
    return type(error)(error.reason)


def refuse(error: Exception | None) -> None:
    """Raise an error that was found, if any.

    A function that held it in a variable would, by way of the traceback, be held by it: with all
    its arguments, until the collector comes by.
    """
    if error is not None:
        try:
            raise error
        finally:
            del error


# --- The caller's own mistakes -------------------------------------------------------------------


def not_a_buffer(data: object) -> TypeError:
    """Make the error for an argument without the buffer protocol."""
    return TypeError(f"a bytes-like object is required, not '{type(data).__name__}'")


def not_writable(data: object) -> BufferError:
    """Make the error for a buffer that cannot be changed in place."""
    try:
        readonly = memoryview(data).readonly  # type: ignore[arg-type]
    except BufferError:
        readonly = True
    return BufferError("buffer is read-only" if readonly else "buffer is not C-contiguous")


def check_role(role: object) -> int:
    """Give a role's number in ROLES, or raise ValueError."""
    if role is None or isinstance(role, str):
        number = ROLES.get(role)
        if number is not None:
            return number
    raise ValueError(f'role must be "server", "client" or None, not {role!r}')


def check_rsv(rsv: object) -> int:
    """Give reserved bits as an int, or raise TypeError or ValueError."""
    bits = index(rsv)  # type: ignore[arg-type]
    if bits & ~RSV_BITS:
        raise ValueError(f"rsv must be made of RSV1, RSV2 and RSV3, not {bits:#x}")
    return bits


def check_limit(limit: object, largest: int) -> int:
    """Give a size limit in bytes, at most `largest` (also for None), or raise ValueError."""
    if limit is None:
        return largest
    size = index(limit)  # type: ignore[arg-type]
    if size < 0:
        raise ValueError(f"a size limit cannot be negative: {size}")
    return min(size, largest)


def check_text(text: object) -> bool:
    """Tell whether text is to come as str, or raise ValueError."""
    if text in ("str", "bytes"):
        return text == "str"
    raise ValueError(f'text must be "str" or "bytes", not {text!r}')


def check_fragments(limit: object) -> int:
    """Give a limit on fragments, at most MAX_HELD (also for None), or raise ValueError."""
    count = MAX_HELD if limit is None else index(limit)  # type: ignore[arg-type]
    if count < 1:
        raise ValueError(f"max_fragments must be at least 1, not {count}")
    return min(count, MAX_HELD)


def check_mask(length: int) -> ValueError:
    """Make the error for a masking key of another length than 4 bytes (RFC 6455 5.3)."""
    return ValueError(f"masking key must be 4 bytes, not {length}")


def frame_start(opcode: object, fin: object, rsv: object) -> int:
    """Give the first byte of a frame with any opcode, also a reserved one."""
    number = index(opcode)  # type: ignore[arg-type]
    if not 0 <= number <= 0x0F:
        raise ValueError(f"opcode must be from 0 to 15, not {number}")
    return (0x80 if fin else 0) | check_rsv(rsv) | number


def frame_repr(frame: "Any") -> str:
    """Show a frame as the call that makes an equal one."""
    return (
        f"Frame(opcode={frame.opcode!r}, payload={frame.payload!r}, "
        f"fin={frame.fin!r}, rsv={frame.rsv!r})"
    )


# --- Events ---------------------------------------------------------------------------------------


def text_data(data: "Any") -> str | bytes:
    """Give what a Text holds: a str, or a copy of a buffer; or raise TypeError."""
    if isinstance(data, str):
        return data
    try:
        return data if type(data) is bytes else memoryview(data).tobytes()
    except TypeError:
        raise not_a_payload(data) from None


def data_repr(event: "Any") -> str:
    """Show an event as the call that makes an equal one."""
    return f"{type(event).__name__}(data={event.data!r})"


def close_repr(event: "Any") -> str:
    """Show a Close as the call that makes an equal one."""
    return f"Close(code={event.code!r}, reason={event.reason!r})"


def check_close_code(code: object) -> int:
    """Give the code of a Close, or raise TypeError or ValueError."""
    number = index(code)  # type: ignore[arg-type]
    if not 0 <= number <= 0xFFFF:
        raise ValueError(f"close code out of range: {number}")
    return number


def check_reason(reason: object) -> str:
    """Give the reason of a Close, or raise TypeError."""
    if not isinstance(reason, str):
        raise TypeError(f"reason must be a str, not '{type(reason).__name__}'")
    return reason


def close_fields(payload: bytes) -> tuple[int, str]:
    """Give the code and the reason in the payload of a close frame that is right."""
    if not payload:
        return CloseCode.NO_STATUS_RECEIVED.value, ""
    return int.from_bytes(payload[:2], "big"), payload[2:].decode()


# --- Sending -------------------------------------------------------------------------------------


def send_error(first: int, length: int) -> ValueError | None:
    """Say why a frame of a known opcode and this length may not be sent, or None."""
    if first & 0x08:
        if not first & 0x80:
            return ValueError("a control frame cannot be fragmented")
        if length > MAX_CONTROL_PAYLOAD:
            return ValueError(
                f"a control frame carries at most {MAX_CONTROL_PAYLOAD} bytes, not {length}"
            )
    if not 0 <= length <= MAX_PAYLOAD_LENGTH:
        return ValueError(f"payload length out of range: {length}")
    return None


def check_opcode(opcode: object) -> int:
    """Give an opcode's number, or raise TypeError or ValueError."""
    number = index(opcode)  # type: ignore[arg-type]
    if number not in Opcode._value2member_map_:
        raise ValueError(f"reserved opcode {number:#x}")
    return number


def may_send_code(code: int) -> bool:
    """Tell whether a close code may stand in a close frame (RFC 6455 7.4)."""
    return 1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999


def check_close_payload(payload: bytes) -> None:
    """Raise ValueError where a close frame's payload may not be sent (RFC 6455 5.5.1)."""
    if not payload:
        return
    if len(payload) == 1:
        raise ValueError("a close payload is empty or starts with a code of 2 bytes")
    code = int.from_bytes(payload[:2], "big")
    if not may_send_code(code):
        raise ValueError(f"close code {code} may not be sent")
    try:
        payload[2:].decode()
    except UnicodeDecodeError:
        raise ValueError("close reason is not UTF-8") from None


def close_payload(code: int | None, reason: str) -> bytes:
    """Give the payload of a close frame, or raise TypeError or ValueError (RFC 6455 5.5.1)."""
    check_reason(reason)
    if code is None:
        if reason:
            raise ValueError("a close reason needs a close code")
        return b""
    number = index(code)
    if not may_send_code(number):
        raise ValueError(f"close code {number} may not be sent")
    encoded = reason.encode()
    if len(encoded) > MAX_CONTROL_PAYLOAD - 2:
        raise ValueError(
            f"a close reason is at most {MAX_CONTROL_PAYLOAD - 2} bytes, not {len(encoded)}"
        )
    return number.to_bytes(2, "big") + encoded


def not_a_payload(payload: object) -> TypeError:
    """Make the error for a payload that is neither text nor bytes."""
    return TypeError(f"payload must be str or a bytes-like object, not '{type(payload).__name__}'")
