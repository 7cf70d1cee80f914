# cython: language_level=3, binding=False, embedsignature=True, embedsignature.format=clinic
# cython: boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
# cython: freethreading_compatible=True, autotestdict=False
"""The compiled back end: buffers in, kernels called, objects out.

No algorithm stands here (those are in _kernels), no rule and no text of an error (_rules.py).
`_pure.py` is its twin. What has a subject of its own stands in the .pxi files beside this one.
"""

cimport cython
from cpython.buffer cimport (
    PyBUF_SIMPLE,
    PyBUF_WRITABLE,
    PyBuffer_FillInfo,
    PyBuffer_Release,
    PyObject_CheckBuffer,
    PyObject_GetBuffer,
)
from cpython.bytearray cimport (
    PyByteArray_AS_STRING,
    PyByteArray_CheckExact,
    PyByteArray_GET_SIZE,
)
from cpython.bytes cimport (
    PyBytes_AS_STRING,
    PyBytes_CheckExact,
    PyBytes_FromStringAndSize,
    PyBytes_GET_SIZE,
)
from cpython.long cimport (
    PyLong_AsLongAndOverflow,
    PyLong_AsUnsignedLongMask,
    PyLong_Check,
    PyLong_CheckExact,
)
from cpython.object cimport PyObject
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, strcmp

import os
from operator import index as _index

from . import _rules
from ._types import CodecError as _CodecError
from ._types import FrameHeader

include "_codec_kernels.pxi"
include "_codec_python.pxi"

cdef enum:
    RSV1 = 0x40

cdef tuple OPCODES = _rules.OPCODES
cdef uint16_t BARRED_BETWEEN = _rules.BARRED_BETWEEN
cdef uint16_t BARRED_INSIDE = _rules.BARRED_INSIDE


# --- Levels --------------------------------------------------------------------------------------

cdef const fws_kernels *found[FWS_MAX_LEVELS]
cdef size_t found_size = fws_levels(found)
cdef const fws_kernels *kernels = found[0]


def levels() -> tuple:
    """Name the SIMD levels that this machine runs, best first."""
    return tuple([found[i].name.decode() for i in range(found_size)])


def _use_level(name: str) -> None:
    """Take the kernels of one level (for FASTWS_SIMD and for the tests)."""
    global kernels
    cdef bytes wanted = name.encode()
    for i in range(found_size):
        if strcmp(found[i].name, wanted) == 0:
            kernels = found[i]
            return
    raise ImportError(
        f"FASTWS_SIMD={name}: this machine has {', '.join(levels())}", name="FASTWS_SIMD"
    )


def _level() -> str:
    """Name the SIMD level in use."""
    return kernels.name.decode()


if os.environ.get("FASTWS_SIMD"):
    _use_level(os.environ["FASTWS_SIMD"])


# --- Buffers -------------------------------------------------------------------------------------

cdef int hold(object data, Py_buffer *view) except -1:
    """Lock a buffer to read it as bytes; a copy of it where it is not contiguous."""
    if not PyObject_CheckBuffer(data):
        raise _rules.not_a_buffer(data)
    try:
        PyObject_GetBuffer(data, view, PyBUF_SIMPLE)
    except (BufferError, ValueError):  # numpy says the same with a ValueError
        PyObject_GetBuffer(memoryview(data).tobytes(), view, PyBUF_SIMPLE)
    return 0


cdef bytes as_bytes(object data):
    """Give exact bytes as they are, and any other buffer as a copy."""
    cdef Py_buffer view
    if PyBytes_CheckExact(data):
        return data
    hold(data, &view)
    try:
        return PyBytes_FromStringAndSize(<char *>view.buf, view.len)
    finally:
        PyBuffer_Release(&view)


cdef uint32_t key_of(object mask, object offset) except? 0:
    """Read a masking key, turned to the phase at which it is to start."""
    cdef bytes key = as_bytes(mask)
    if PyBytes_GET_SIZE(key) != 4:
        raise _rules.check_mask(PyBytes_GET_SIZE(key))
    return fws_key_phase(
        fws_load32(<const uint8_t *>PyBytes_AS_STRING(key)), PyLong_AsUnsignedLongMask(offset)
    )


# --- Masking -------------------------------------------------------------------------------------

cdef bytes masked(const uint8_t *src, Py_ssize_t n, uint32_t key):
    cdef bytes out = PyBytes_FromStringAndSize(NULL, n)
    fws_mask(kernels, <uint8_t *>PyBytes_AS_STRING(out), src, n, key)
    return out


def apply_mask(data, mask, offset=0) -> bytes:
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
    cdef Py_buffer view
    if PyBytes_CheckExact(data):
        return masked(
            <const uint8_t *>PyBytes_AS_STRING(data),
            PyBytes_GET_SIZE(data),
            key_of(mask, offset),
        )
    hold(data, &view)
    try:
        return masked(<const uint8_t *>view.buf, view.len, key_of(mask, offset))
    finally:
        PyBuffer_Release(&view)


def mask_inplace(buffer, mask, offset=0) -> None:
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
    cdef Py_buffer view
    cdef uint8_t *start
    cdef uint32_t key
    if (
        FWS_ONE_THREAD  # pragma: no branch - a constant of each build
        and PyByteArray_CheckExact(buffer)
        and PyBytes_CheckExact(mask)
        and PyLong_CheckExact(offset)
    ):
        # The common case, in which nobody can change the buffer's size meanwhile: no lock.
        key = key_of(mask, offset)
        start = <uint8_t *>PyByteArray_AS_STRING(buffer)
        fws_mask(kernels, start, start, PyByteArray_GET_SIZE(buffer), key)
        return
    if not PyObject_CheckBuffer(buffer):
        raise _rules.not_a_buffer(buffer)
    try:
        PyObject_GetBuffer(buffer, &view, PyBUF_WRITABLE)
    except (BufferError, ValueError):
        raise _rules.not_writable(buffer) from None
    try:
        fws_mask(
            kernels, <uint8_t *>view.buf, <const uint8_t *>view.buf, view.len, key_of(mask, offset)
        )
    finally:
        PyBuffer_Release(&view)


def new_mask_key() -> bytes:
    """Give a fresh masking key from the operating system's generator (RFC 6455 5.3, 10.3).

    Keys are drawn in batches. The child of a fork draws its own.

    Returns:
        4 bytes.
    """
    cdef bytes key = PyBytes_FromStringAndSize(NULL, 4)
    fresh_key(<uint8_t *>PyBytes_AS_STRING(key))
    return key


cdef int fresh_key(uint8_t *key) except -1:
    """Take a key from the pool, filling that first where it is empty."""
    cdef bytes fresh
    while not fws_keys_take(key):
        fresh = os.urandom(FWS_KEY_POOL)
        fws_keys_fill(<const uint8_t *>PyBytes_AS_STRING(fresh))
    return 0


def _forked() -> None:
    """Forget the keys drawn before a fork."""
    fws_keys_forked()


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has none
    os.register_at_fork(after_in_child=_forked)


# --- Headers -------------------------------------------------------------------------------------

cdef object header_of(const fws_header *h, bint with_key):
    """Make the named tuple of a header whose size is known."""
    cdef uint8_t key[4]
    cdef bint is_masked = h.second >> 7
    fws_store32(key, h.key)
    cdef tuple fields = (
        h.first >> 7 == 1,
        h.first & 0x70,
        OPCODES[h.first & 0x0F],
        is_masked,
        PyBytes_FromStringAndSize(<char *>key, 4) if is_masked and with_key else None,
        h.length,
        h.size,
    )
    return tuple.__new__(FrameHeader, fields)


cdef object header_error(const fws_header *h, const fws_rules *rules):
    """Make the error for a header that breaks a rule."""
    return _rules.header_error(
        h.first,
        h.second,
        h.length if h.length_known else None,
        rules.role,
        None if rules.rsv == FWS_ANY_RSV else rules.rsv,
        rules.barred,
    )


def parse_header(data, offset=0) -> FrameHeader | None:
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
    cdef Py_buffer view
    cdef fws_header h
    cdef fws_rules rules = fws_rules(
        limit=<uint64_t>-1, barred=0, role=0, rsv=FWS_ANY_RSV, judge=1, spare_control=0
    )
    cdef fws_verdict verdict = FWS_MORE
    cdef Py_ssize_t start
    hold(data, &view)
    try:
        start = PyNumber_AsSsize_t(_index(offset), NULL)
        if start < 0:
            raise ValueError("offset cannot be negative")
        if start < view.len:
            verdict = fws_header_read(
                <const uint8_t *>view.buf + start, view.len - start, &rules, &h
            )
    finally:
        PyBuffer_Release(&view)
    if verdict == FWS_BROKEN:
        raise header_error(&h, &rules)
    return header_of(&h, True) if verdict == FWS_WHOLE else None


# --- The rest, each in a file of its own ---------------------------------------------------------

include "_codec_text.pxi"
include "_codec_encode.pxi"
include "_codec_window.pxi"
include "_codec_stream.pxi"
include "_codec_frames.pxi"
include "_codec_events.pxi"
include "_codec_messages.pxi"
include "_codec_members.pxi"
include "_codec_door.pxi"
