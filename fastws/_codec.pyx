# cython: language_level=3, binding=False, embedsignature=True, embedsignature.format=clinic
# cython: boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
# cython: freethreading_compatible=True, autotestdict=False
"""The compiled back end: buffers in, kernels called, objects out.

No algorithm stands here (those are in _kernels), no rule and no text of an error (_rules.py).
`_pure.py` is its twin. The decoders stand in the .pxi files beside this one.
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
from cpython.bytes cimport (
    PyBytes_AS_STRING,
    PyBytes_CheckExact,
    PyBytes_FromStringAndSize,
    PyBytes_GET_SIZE,
)
from cpython.long cimport PyLong_AsLongAndOverflow, PyLong_AsUnsignedLongMask, PyLong_Check
from cpython.object cimport PyObject
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, strcmp

import os
from collections import deque as _deque
from operator import index as _index

from . import _rules
from ._types import CodecError as _CodecError
from ._types import FrameHeader

cdef extern from "_kernels/kernels.h" nogil:
    ctypedef struct fws_kernels:
        const char *name

    enum:
        FWS_MAX_LEVELS

    size_t fws_levels(const fws_kernels **levels)
    uint32_t fws_load32(const uint8_t *p)
    void fws_store32(uint8_t *p, uint32_t v)
    uint32_t fws_key_phase(uint32_t key, size_t phase)
    void fws_mask(
        const fws_kernels *level, uint8_t *dst, const uint8_t *src, size_t n, uint32_t key
    )

cdef extern from "_kernels/utf8.h" nogil:
    ctypedef struct fws_utf8:
        uint8_t wanted

    bint fws_utf8_valid(const fws_kernels *level, const uint8_t *src, size_t n)
    size_t fws_utf8_feed(const fws_kernels *level, fws_utf8 *s, const uint8_t *src, size_t n)

cdef extern from "_kernels/text.h" nogil:
    ctypedef struct fws_text:
        size_t chars
        uint8_t width
        fws_utf8 utf8

    size_t fws_ascii(
        const fws_kernels *level, uint8_t *dst, const uint8_t *src, size_t n, uint32_t key
    )
    size_t fws_text_take(
        const fws_kernels *level,
        fws_text *t,
        uint8_t *dst,
        const uint8_t *src,
        size_t n,
        uint32_t key,
    )
    size_t fws_text_next(uint32_t *c, const uint8_t *p)
    void fws_text_write(
        const fws_kernels *level, const fws_text *t, void *out, const uint8_t *src, size_t n
    )

cdef extern from "_kernels/encode.h" nogil:
    size_t FWS_NO_UTF8
    size_t fws_encoded_size(int width, const void *src, size_t n)
    void fws_encode(
        const fws_kernels *level,
        uint8_t *out,
        size_t size,
        int width,
        const void *src,
        size_t n,
        const uint8_t *key,
    )

cdef extern from "_kernels/header.h" nogil:
    enum:
        FWS_ANY_RSV
        FWS_CONTROL_MAX
        FWS_HEADER_MAX

    ctypedef enum fws_verdict:
        FWS_WHOLE
        FWS_MORE
        FWS_BROKEN
        FWS_TOO_BIG

    ctypedef struct fws_rules:
        uint64_t limit
        uint16_t barred
        uint8_t role
        uint8_t rsv
        uint8_t judge
        uint8_t spare_control

    ctypedef struct fws_header:
        uint64_t length
        uint32_t key
        uint8_t first
        uint8_t second
        uint8_t size
        uint8_t length_known

    fws_verdict fws_header_read(
        const uint8_t *p, size_t n, const fws_rules *rules, fws_header *h
    )
    size_t fws_header_size(uint64_t length, bint masked)
    size_t fws_header_write(uint8_t *out, uint8_t first, uint64_t length, const uint8_t *key)

cdef extern from "_kernels/keys.h" nogil:
    enum:
        FWS_KEY_POOL

    void fws_keys_forked()
    void fws_keys_fill(const uint8_t *fresh)
    bint fws_keys_take(uint8_t *key)

cdef extern from "Python.h":
    # Declared with raw pointers: Cython's own declarations count references on the way.
    int _PyBytes_Resize(PyObject **bytes, Py_ssize_t size) except -1
    PyObject *PyBytes_New "PyBytes_FromStringAndSize"(const char *data, Py_ssize_t size) except NULL
    char *PyBytes_Data "PyBytes_AS_STRING"(PyObject *bytes)
    Py_ssize_t PyBytes_Size "PyBytes_GET_SIZE"(PyObject *bytes)
    Py_ssize_t Py_REFCNT(PyObject *o)
    void Py_XDECREF(PyObject *o)
    void Py_INCREF(PyObject *o)
    void Py_CLEAR(PyObject *o)
    bint PyUnicode_IS_ASCII(object text)
    int PyUnicode_KIND(object text)
    void *PyUnicode_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)
    object PyUnicode_New(Py_ssize_t size, Py_UCS4 largest)
    PyObject *PyUnicode_Raw "PyUnicode_New"(Py_ssize_t size, Py_UCS4 largest) except NULL
    int PyUnicode_Resize(PyObject **text, Py_ssize_t size) except -1
    char *PyUnicode_RawData "PyUnicode_DATA"(PyObject *text)
    Py_ssize_t PyUnicode_RawSize "PyUnicode_GET_LENGTH"(PyObject *text)
    str PyUnicode_FromOrdinal(int c)

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


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


# --- UTF-8 ---------------------------------------------------------------------------------------

def validate_utf8(data) -> bool:
    """Tell whether data is UTF-8: no surrogates, no overlong forms, at most U+10FFFF (RFC 3629).

    Args:
        data: any buffer.

    Raises:
        TypeError: data is not a buffer.
    """
    cdef Py_buffer view
    if PyBytes_CheckExact(data):
        return fws_utf8_valid(
            kernels, <const uint8_t *>PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data)
        )
    hold(data, &view)
    try:
        return fws_utf8_valid(kernels, <const uint8_t *>view.buf, view.len)
    finally:
        PyBuffer_Release(&view)


cdef str text_of(const uint8_t *src, Py_ssize_t n, uint32_t key, Py_ssize_t *fault):
    """Make text of masked UTF-8 in one pass; None where it is none, and `fault` says where."""
    cdef str text
    cdef uint8_t *start
    cdef Py_ssize_t good
    if n < 2:
        return tiny_text(src, n, key, fault)
    text = PyUnicode_New(n, 127)
    start = <uint8_t *>PyUnicode_DATA(text)
    good = fws_ascii(kernels, start, src, n, key)
    return text if good == n else wide_text(start, src, n, key, good, fault)


cdef str tiny_text(const uint8_t *src, Py_ssize_t n, uint32_t key, Py_ssize_t *fault):
    """Give the shared objects that CPython keeps of the empty text and of each character."""
    cdef uint8_t c = 0
    if n == 0:
        return ""
    fws_mask(kernels, &c, src, 1, key)
    if c < 0x80:
        return PyUnicode_FromOrdinal(c)
    fault[0] = 1 if 0xC2 <= c <= 0xF4 else 0
    return None


cdef void start_text(fws_text *state, Py_ssize_t ascii) noexcept:
    state.chars = ascii
    state.width = 0
    state.utf8.wanted = 0


cdef str wide_text(
    uint8_t *scratch,
    const uint8_t *src,
    Py_ssize_t n,
    uint32_t key,
    Py_ssize_t ascii,
    Py_ssize_t *fault,
):
    """Go on behind the first `ascii` bytes with text that is not ASCII, unmasking to scratch."""
    cdef fws_text state
    start_text(&state, ascii)
    cdef Py_ssize_t good = ascii + <Py_ssize_t>fws_text_take(
        kernels, &state, scratch + ascii, src + ascii, n - ascii, fws_key_phase(key, ascii)
    )
    if good != n or state.utf8.wanted:
        fault[0] = good
        return None
    return written_text(&state, scratch, n)


cdef Py_UCS4[4] LARGEST = [0x7F, 0xFF, 0xFFFF, 0x10FFFF]  # character, by width


cdef str written_text(const fws_text *state, const uint8_t *plain, Py_ssize_t n):
    """Make text of UTF-8 that was checked and counted."""
    cdef uint32_t c = 0
    cdef str text
    if state.chars == 1:
        fws_text_next(&c, plain)
        return PyUnicode_FromOrdinal(c)
    text = PyUnicode_New(state.chars, LARGEST[state.width])
    fws_text_write(kernels, state, PyUnicode_DATA(text), plain, n)
    return text


cdef Py_ssize_t utf8_fault(bytes text) noexcept:
    """Find the first byte that cannot stand where it does; the length where there is none."""
    cdef fws_utf8 state
    state.wanted = 0
    return fws_utf8_feed(
        kernels, &state, <const uint8_t *>PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text)
    )


cdef object utf8_error(Py_ssize_t fault, Py_ssize_t n):
    return _rules.truncated_utf8(n) if fault == n else _rules.invalid_utf8(fault)


def decode_text(data, mask=None) -> str:
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
    cdef Py_buffer view
    cdef uint32_t key
    cdef Py_ssize_t n, fault = 0
    hold(data, &view)
    try:
        n = view.len
        key = 0 if mask is None else key_of(mask, 0)
        text = text_of(<const uint8_t *>view.buf, n, key, &fault)
    finally:
        PyBuffer_Release(&view)
    if text is None:
        raise utf8_error(fault, n)
    return text


cdef class Utf8Validator:
    """Utf8Validator()\n--\n\nCheck text that comes in parts (RFC 6455 8.1), failing at the first impossible byte."""

    cdef fws_utf8 state
    cdef bint failed
    cdef Py_ssize_t accepted

    def __init__(self):
        self.reset()

    def feed(self, data) -> bool:
        """Check the next part; False from the first byte at which the text cannot become valid.

        After that, and until `reset()`, every call gives False.

        Args:
            data: any buffer, which may end inside a code point.

        Raises:
            TypeError: data is not a buffer.
        """
        cdef Py_buffer view
        hold(data, &view)
        if not self.failed:
            self.take(<const uint8_t *>view.buf, view.len)
        PyBuffer_Release(&view)
        return not self.failed

    cdef void take(self, const uint8_t *src, Py_ssize_t n) noexcept:
        cdef Py_ssize_t good = fws_utf8_feed(kernels, &self.state, src, n)
        self.accepted += good
        self.failed = good != n

    @property
    def complete(self) -> bool:
        """Whether the text may end here: valid so far, and not inside a code point."""
        return not self.failed and not self.state.wanted

    @property
    def position(self) -> int:
        """Bytes accepted since the last reset: int; after a failure, the offending byte's index."""
        return self.accepted

    def reset(self) -> None:
        """Start a new text."""
        self.state.wanted = 0
        self.failed = False
        self.accepted = 0


# --- Headers -------------------------------------------------------------------------------------

cdef object header_of(const fws_header *h, bint with_key):
    """Make the named tuple of a header whose size is known."""
    cdef uint8_t key[4]
    cdef bint is_masked = h.second >> 7
    fws_store32(key, h.key)
    return FrameHeader(
        h.first >> 7 == 1,
        h.first & 0x70,
        OPCODES[h.first & 0x0F],
        is_masked,
        PyBytes_FromStringAndSize(<char *>key, 4) if is_masked and with_key else None,
        h.length,
        h.size,
    )


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
    hold(data, &view)
    try:
        start = _index(offset)
        if start < 0:
            raise ValueError("offset cannot be negative")
        if start < view.len:
            verdict = fws_header_read(
                <const uint8_t *>view.buf + <Py_ssize_t>start,
                view.len - <Py_ssize_t>start,
                &rules,
                &h,
            )
    finally:
        PyBuffer_Release(&view)
    if verdict == FWS_BROKEN:
        raise header_error(&h, &rules)
    return header_of(&h, True) if verdict == FWS_WHOLE else None


# --- Encoding ------------------------------------------------------------------------------------

cdef int opcode_of(object opcode) except -1:
    cdef int overflow = 0
    cdef long number
    if PyLong_Check(opcode):
        number = PyLong_AsLongAndOverflow(opcode, &overflow)
        if not overflow and 0 <= number < 16 and 0x0707 >> number & 1:
            return number
    return _rules.check_opcode(opcode)


cdef int first_byte(object opcode, bint fin, object rsv) except -1:
    cdef int number = opcode_of(opcode)
    cdef int bits = 0 if rsv is 0 else _rules.check_rsv(rsv)
    return fin << 7 | bits | number


cdef int mask_of(object mask, uint8_t *key) except -1:
    """Put the key of a frame to send into `key`; 0 for a frame that is not masked."""
    if mask is None or mask is False:
        return 0
    if mask is True:
        fresh_key(key)
    else:
        fws_store32(key, key_of(mask, 0))
    return 1


cdef int judge(int first, Py_ssize_t n) except -1:
    """Raise where a frame with this first byte and payload length may not be sent."""
    if first & 0x08 and (not first & 0x80 or n > FWS_CONTROL_MAX):
        raise _rules.send_error(first, n)
    return 0


cdef bytes headed(int first, Py_ssize_t n, const uint8_t *key, uint8_t **payload):
    """Make a frame with its header, in one allocation; the payload is to be written yet."""
    cdef bytes out = PyBytes_FromStringAndSize(NULL, fws_header_size(n, key != NULL) + n)
    cdef uint8_t *at = <uint8_t *>PyBytes_AS_STRING(out)
    payload[0] = at + fws_header_write(at, first, n, key)
    return out


cdef bytes framed(int first, const uint8_t *payload, Py_ssize_t n, object mask):
    cdef uint8_t key[4]
    cdef bint is_masked = mask_of(mask, key)
    cdef uint8_t *at = NULL
    judge(first, n)
    if first & 0x0F == 8:
        _rules.check_close_payload(PyBytes_FromStringAndSize(<const char *>payload, n))
    out = headed(first, n, key if is_masked else NULL, &at)
    if is_masked:
        fws_mask(kernels, at, payload, n, fws_load32(key))
    else:
        memcpy(at, payload, n)
    return out


cdef bytes framed_text(int first, object text, object mask):
    """Make a frame of text that is not ASCII: its UTF-8 is written where it is to stand."""
    cdef uint8_t key[4]
    cdef bint is_masked
    cdef uint8_t *at = NULL
    cdef int width = PyUnicode_KIND(text)
    cdef Py_ssize_t n = fws_encoded_size(width, PyUnicode_DATA(text), PyUnicode_GET_LENGTH(text))
    if <size_t>n == FWS_NO_UTF8 or first & 0x08:
        # Raises for a surrogate; and what a control frame carries is short, and may be judged.
        plain = str.encode(text)  # also for a subclass with an encode() of its own
        return framed(
            first, <const uint8_t *>PyBytes_AS_STRING(plain), PyBytes_GET_SIZE(plain), mask
        )
    is_masked = mask_of(mask, key)
    out = headed(first, n, key if is_masked else NULL, &at)
    fws_encode(
        kernels,
        at,
        n,
        width,
        PyUnicode_DATA(text),
        PyUnicode_GET_LENGTH(text),
        key if is_masked else NULL,
    )
    return out


def encode_frame(opcode, payload=b"", *, fin=True, rsv=0, mask=None) -> bytes:
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
    cdef int first = first_byte(opcode, fin, rsv)
    cdef Py_buffer view
    if isinstance(payload, str):
        if PyUnicode_IS_ASCII(payload):
            return framed(
                first,
                <const uint8_t *>PyUnicode_DATA(payload),
                PyUnicode_GET_LENGTH(payload),
                mask,
            )
        return framed_text(first, payload, mask)
    if PyBytes_CheckExact(payload):
        return framed(
            first,
            <const uint8_t *>PyBytes_AS_STRING(payload),
            PyBytes_GET_SIZE(payload),
            mask,
        )
    if not PyObject_CheckBuffer(payload):
        raise _rules.not_a_payload(payload)
    hold(payload, &view)
    try:
        return framed(first, <const uint8_t *>view.buf, view.len, mask)
    finally:
        PyBuffer_Release(&view)


def encode_header(opcode, payload_length, *, fin=True, rsv=0, mask=None) -> bytes:
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
    cdef int first = first_byte(opcode, fin, rsv)
    cdef uint8_t key[4]
    cdef uint8_t out[FWS_HEADER_MAX]
    length = _index(payload_length)
    cdef bint is_masked = mask_of(mask, key)
    error = _rules.send_error(first, length)
    if error is not None:
        raise error
    return PyBytes_FromStringAndSize(<char *>out,
        fws_header_write(out, first, length, key if is_masked else NULL)
    )


def encode_close(code=None, reason="", *, mask=None) -> bytes:
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
    cdef bytes payload = _rules.close_payload(code, reason)
    return framed(
        0x88, <const uint8_t *>PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload), mask
    )


include "_codec_stream.pxi"
include "_codec_frames.pxi"
include "_codec_events.pxi"
include "_codec_messages.pxi"
include "_codec_members.pxi"
