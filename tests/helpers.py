"""Naive references and builders, for tests to hold the back ends against.

All of it is written from the RFCs and from the Unicode standard, byte by byte and without a look at
the package, so that a fault there cannot be a fault here as well. Nothing here is fast.
"""

from __future__ import annotations

import ctypes
import io
import mmap
from array import array
from collections.abc import Callable, Iterator
from typing import Any


def naive_mask(data: bytes, mask: bytes, offset: int = 0) -> bytes:
    """XOR each byte with its byte of the masking key (RFC 6455 5.3)."""
    return bytes([byte ^ mask[(offset + i) % 4] for i, byte in enumerate(data)])


def naive_header(
    opcode: int,
    length: int,
    *,
    fin: bool = True,
    rsv: int = 0,
    mask: bytes | None = None,
    form: int | None = None,
) -> bytes:
    """Write a frame's header (RFC 6455 5.2), also one that the RFC forbids.

    Args:
        opcode: any of the 16.
        length: what the header is to declare.
        rsv: any of the bits 0x40, 0x20 and 0x10.
        mask: the masking key, or None.
        form: the bits of the length field, 7, 16 or 64; the shortest that fits if not given.
    """
    if form is None:
        form = 7 if length <= 125 else 16 if length <= 0xFFFF else 64
    out = [(0x80 if fin else 0) + rsv + opcode]
    marked = 0 if mask is None else 0x80
    if form == 7:
        out.append(marked + length)
    else:
        out.append(marked + (126 if form == 16 else 127))
        for shift in range(form - 8, -8, -8):
            out.append(length >> shift & 0xFF)
    return bytes(out) + (mask or b"")


def make_frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    mask: bytes | None = None,
    form: int | None = None,
    length: int | None = None,
) -> bytes:
    """Build a frame, also an illegal one; `length` is what to declare instead of the truth."""
    declared = len(payload) if length is None else length
    header = naive_header(opcode, declared, fin=fin, rsv=rsv, mask=mask, form=form)
    return header + (payload if mask is None else naive_mask(payload, mask))


# The well-formed sequences (Unicode 16, table 3-7): the range of the lead byte, of the byte after
# it, and how many bytes 80..BF follow those.
_SEQUENCES = [
    (0xC2, 0xDF, 0x80, 0xBF, 0),
    (0xE0, 0xE0, 0xA0, 0xBF, 1),
    (0xE1, 0xEC, 0x80, 0xBF, 1),
    (0xED, 0xED, 0x80, 0x9F, 1),
    (0xEE, 0xEF, 0x80, 0xBF, 1),
    (0xF0, 0xF0, 0x90, 0xBF, 2),
    (0xF1, 0xF3, 0x80, 0xBF, 2),
    (0xF4, 0xF4, 0x80, 0x8F, 2),
]


def _follows(lead: int) -> list[tuple[int, int]] | None:
    """Give the ranges of the bytes that have to follow a lead byte; None where it is none."""
    if lead <= 0x7F:
        return []
    for first, last, low, high, more in _SEQUENCES:
        if first <= lead <= last:
            return [(low, high)] + [(0x80, 0xBF)] * more
    return None


def naive_utf8_fault(data: bytes) -> int | None:
    """Find where bytes stop being UTF-8.

    Returns:
        None where they are UTF-8; the index of the first byte that cannot stand where it stands;
        len(data) where they merely end inside a code point.
    """
    i = 0
    while i < len(data):
        ranges = _follows(data[i])
        if ranges is None:
            return i
        i += 1
        for low, high in ranges:
            if i == len(data) or not low <= data[i] <= high:
                return i
            i += 1
    return None


def kind(value: object) -> str:
    """Name a case of a test by its type: unlike a repr, that is the same in every run."""
    return type(value).__name__


class Index:
    """An integer by its value alone, which may do something when it is asked for that."""

    def __init__(self, value: int, effect: Callable[[], object] | None = None) -> None:
        self.value = value
        self.effect = effect

    def __index__(self) -> int:
        if self.effect is not None:
            self.effect()
        return self.value


def outcome(call: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[Any, ...]:
    """Give what a call returns, with its type, or the type and the text of what it raises."""
    try:
        result = call(*args, **kwargs)
    except Exception as error:
        return "raises", type(error), str(error)
    return "returns", type(result), result


def cuts(data: bytes, size: int) -> Iterator[bytes]:
    """Cut data into pieces of one size; the last may be shorter."""
    for start in range(0, len(data), size):
        yield data[start : start + size]


# --- Buffers -------------------------------------------------------------------------------------


class _Bytes(bytes):
    """Bytes whose methods tell lies: only the buffer counts."""

    def __bytes__(self) -> bytes:
        return b"not what the buffer holds"

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: Any) -> Any:
        return b""

    def decode(self, *args: Any, **kwargs: Any) -> str:
        return "not what the buffer holds"

    def isascii(self) -> bool:
        return True


def _strided(data: bytes, size: int) -> memoryview:
    """Put foreign bytes after each item of `size` bytes, and show every second item."""
    gapped = b"".join(piece + b"\xff" * size for piece in cuts(data, size))
    return memoryview(gapped).cast("BHI"[size // 2])[::2]


def _reversed(data: bytes, size: int) -> memoryview:
    """Turn the order of the items, and show them from the last to the first."""
    turned = b"".join(reversed(list(cuts(data, size))))
    return memoryview(turned).cast("BHI"[size // 2])[::-1]


def _mapped(data: bytes) -> mmap.mmap:
    mapped = mmap.mmap(-1, len(data))
    mapped[:] = data
    return mapped


def _words(data: bytes) -> Any:
    """Make a ctypes array: its format names a byte order, which memoryview.cast() refuses."""
    return (ctypes.c_uint32 * (len(data) // 4)).from_buffer_copy(data)


# Buffers that can be written. Each takes its bytes, a multiple of 24 and not none.
WRITABLE: dict[str, Callable[[bytes], Any]] = {
    "bytearray": bytearray,
    "memoryview": lambda data: memoryview(bytearray(data)),
    "array_f": lambda data: array("f", data),
    "array_d": lambda data: array("d", data),
    "cast_words": lambda data: memoryview(bytearray(data)).cast("I"),
    "cast_2d": lambda data: memoryview(bytearray(data)).cast("B", (3, len(data) // 3)),
    "cast_2d_words": lambda data: memoryview(bytearray(data)).cast("H", (2, len(data) // 4)),
    "cast_3d": lambda data: memoryview(bytearray(data)).cast("H", (2, 3, len(data) // 12)),
    "ctypes": lambda data: (ctypes.c_uint8 * len(data)).from_buffer_copy(data),
    "ctypes_words": _words,
    "bytesio": lambda data: io.BytesIO(data).getbuffer(),
    "mmap": _mapped,
}

# Buffers that can only be read, the first three although they are contiguous.
READONLY: dict[str, Callable[[bytes], Any]] = {
    "bytes": bytes,
    "bytes_subclass": _Bytes,
    "readonly": lambda data: memoryview(bytearray(data)).toreadonly(),
    "strided": lambda data: _strided(data, 1),
    "strided_words": lambda data: _strided(data, 4),
    "reversed": lambda data: _reversed(data, 1),
    "reversed_words": lambda data: _reversed(data, 2),
}

BUFFERS = {**WRITABLE, **READONLY}


# What is no masking key where one is asked for, and what is said about it (S21).
BAD_MASKS: list[tuple[Any, type[Exception], str]] = [
    *((bytes(n), ValueError, f"masking key must be 4 bytes, not {n}") for n in (0, 1, 2, 3, 5, 8)),
    ("mask", TypeError, "a bytes-like object is required, not 'str'"),
    (0, TypeError, "a bytes-like object is required, not 'int'"),
    (1, TypeError, "a bytes-like object is required, not 'int'"),
    (4, TypeError, "a bytes-like object is required, not 'int'"),
    ([1, 2, 3, 4], TypeError, "a bytes-like object is required, not 'list'"),
]


def released() -> memoryview:
    """Give a memoryview that was released."""
    view = memoryview(bytearray(8))
    view.release()
    return view
