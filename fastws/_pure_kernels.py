"""The kernels in plain Python: masking, UTF-8 and the bytes of a header.

Masking is one XOR of two large ints or, for much data, a table. Text is checked by the
interpreter's own decoder, and walked byte by byte only to find the place of a fault.
"""

from __future__ import annotations

from codecs import utf_8_decode

from ._rules import OPCODES, header_error, not_a_buffer
from ._types import FrameHeader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from _typeshed import ReadableBuffer

    Start: TypeAlias = tuple[int, bool, int]  # what a first byte says: opcode, fin, rsv
    Utf8State: TypeAlias = tuple[int, int, int]  # wanted, low, high

from_bytes = int.from_bytes


# --- Buffers -------------------------------------------------------------------------------------


def as_bytes(data: ReadableBuffer) -> bytes:
    """Give exact bytes as they are, and any other buffer as a copy."""
    if type(data) is bytes:
        return data
    try:
        view = memoryview(data)
    except TypeError:
        raise not_a_buffer(data) from None
    with view:
        return view.tobytes()


# --- Masking -------------------------------------------------------------------------------------

LONG = 2048  # bytes from which tables are faster than one large int

xor_tables: dict[int, bytes] = {}


def xor(data: bytes | bytearray, key: bytes, phase: int = 0) -> bytes:
    """Mask or unmask with a key of 4 bytes, of which byte `phase` modulo 4 comes first."""
    if phase & 3:
        key = key[phase & 3 :] + key[: phase & 3]
    size = len(data)
    if size >= LONG:
        out = bytearray(size)
        for i in range(4):
            out[i::4] = data[i::4].translate(xor_table(key[i]))
        return bytes(out)
    repeated = (key * ((size + 3) >> 2))[:size]
    return (from_bytes(data, "little") ^ from_bytes(repeated, "little")).to_bytes(size, "little")


def xor_table(number: int) -> bytes:
    """Give the table for `bytes.translate` that XORs every byte with `number`."""
    table = xor_tables.get(number)
    if table is None:
        table = xor_tables[number] = bytes([number ^ byte for byte in range(256)])
    return table


# --- UTF-8 -------------------------------------------------------------------------------------

PIECE = 65536  # bytes decoded at once: the text made on the way stays in the cache

# The state of the walk: how many continuation bytes are wanted, and the range of the next one.
# Only the first byte after a lead has a range of its own (RFC 3629, Unicode table 3-7).
BETWEEN = (0, 0x80, 0xBF)
LEADS: dict[int, Utf8State] = {
    **dict.fromkeys(range(0x80), BETWEEN),
    **dict.fromkeys(range(0xC2, 0xE0), (1, 0x80, 0xBF)),  # C0, C1: overlong
    **dict.fromkeys(range(0xE0, 0xF0), (2, 0x80, 0xBF)),
    0xE0: (2, 0xA0, 0xBF),  # below: overlong
    0xED: (2, 0x80, 0x9F),  # above: surrogates
    **dict.fromkeys(range(0xF0, 0xF5), (3, 0x80, 0xBF)),
    0xF0: (3, 0x90, 0xBF),  # below: overlong
    0xF4: (3, 0x80, 0x8F),  # above U+10FFFF, as F5..FF always are
}


def go_on(raw: bytes, state: Utf8State) -> tuple[int, Utf8State]:
    """Go on in a text that comes in parts; give the place of a fault or the length, and the state.

    The interpreter's decoder does the work. It cannot be asked for the place of a fault: it takes
    ED A0 for the start of something until the third byte is there.
    """
    size = len(raw)
    at = state[0]
    if at:
        good, state = walk(raw[:at], 0, state)
        if good != at:
            return good, state
    while size - at > 3:
        try:
            at += utf_8_decode(raw[at : at + PIECE], "strict", False)[1]
        except UnicodeDecodeError as error:
            return walk(raw, at + error.start, BETWEEN)
    return walk(raw, at, BETWEEN)


def walk(raw: bytes, at: int, state: Utf8State) -> tuple[int, Utf8State]:
    """Take byte after byte; give the place of the first that cannot stand there, or the length."""
    wanted, low, high = state
    for place in range(at, len(raw)):
        byte = raw[place]
        if not wanted:
            if byte not in LEADS:
                return place, BETWEEN
            wanted, low, high = LEADS[byte]
        elif low <= byte <= high:
            wanted, low, high = wanted - 1, 0x80, 0xBF
        else:
            return place, BETWEEN
    return len(raw), (wanted, low, high)


# --- Verdicts on a header's first two bytes ------------------------------------------------------

HEADER_MAX = 14  # bytes: 2, an extended length of 8, a masking key of 4

# By role, then by second byte: the short payload length, or REFUSED where the masking is wrong.
REFUSED = 255
SHORT = bytes(range(128))
WRONG = bytes([REFUSED]) * 128
LENGTHS = (SHORT + SHORT, WRONG + SHORT, SHORT + WRONG)
ALL_ALLOWED = bytes([1]) * 256

# By first byte: what it says, allowed or not.
STARTS: tuple[Start, ...] = tuple(
    (OPCODES[first & 0x0F], first > 0x7F, first & 0x70) for first in range(256)
)
allowed_tables: dict[int | None, bytes] = {}


def allowed(rsv: int | None) -> bytes:
    """Give, by first byte, 1 where it keeps all rules and 0 where not.

    Args:
        rsv: the reserved bits that an extension uses; None where only those are not judged.
    """
    table = allowed_tables.get(rsv)
    if table is None:
        faults = [header_error(first, 0, None, 0, rsv) for first in range(256)]
        table = allowed_tables[rsv] = bytes([fault is None for fault in faults])
    return table


def declared_length(head: bytes) -> int | None:
    """Read the payload length from a header's start, or None where bytes are missing."""
    length = head[1] & 0x7F
    if length < 126:
        return length
    end = 4 if length == 126 else 10
    return from_bytes(head[2:end], "big") if len(head) >= end else None


def header_of(head: bytes, length: int, *, with_key: bool = True) -> FrameHeader:
    """Make the named tuple of a header whose length is read."""
    opcode, fin, rsv = STARTS[head[0]]
    masked = head[1] > 0x7F
    end = header_size(head[1])
    mask = head[end - 4 : end] if masked and with_key else None
    return FrameHeader(fin, rsv, opcode, masked, mask, length, end)


def header_size(second: int) -> int:
    """Give the bytes of a header with this second byte."""
    size = (second & 0x80) >> 5
    second &= 0x7F
    return size + (2 if second < 126 else 4 if second == 126 else 10)
