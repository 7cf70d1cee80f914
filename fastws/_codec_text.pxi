# UTF-8: checked, and turned into text in one pass with the unmasking.

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
    if n <= FWS_SCRATCH and not fws_looks_ascii(src, n, key):
        return small_text(src, n, key, fault)
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


cdef str small_text(const uint8_t *src, Py_ssize_t n, uint32_t key, Py_ssize_t *fault):
    """Make text that is not ASCII and short enough to be unmasked to the stack."""
    cdef uint8_t[FWS_SCRATCH + FWS_PAD] scratch
    cdef fws_text state
    start_text(&state, 0)
    cdef Py_ssize_t good = fws_text_take(kernels, &state, scratch, src, n, key)
    if good != n or state.utf8.wanted:
        fault[0] = good
        return None
    memset(scratch + n, 0, FWS_PAD)
    return written_text(&state, scratch, n, True)


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
    return written_text(&state, scratch, n, False)


cdef Py_UCS4[4] LARGEST = [0x7F, 0xFF, 0xFFFF, 0x10FFFF]  # character, by width


cdef str written_text(const fws_text *state, const uint8_t *plain, Py_ssize_t n, bint padded):
    """Make text of UTF-8 that was checked and counted; `padded` with FWS_PAD zeros or not."""
    cdef uint32_t c = 0
    cdef str text
    if state.chars == 1:
        fws_text_next(&c, plain)
        return PyUnicode_FromOrdinal(c)
    text = PyUnicode_New(state.chars, LARGEST[state.width])
    fws_text_write(kernels, state, PyUnicode_DATA(text), plain, n, padded)
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
    """Utf8Validator()\n--\n\n\
    Check text that comes in parts (RFC 6455 8.1), failing at the first impossible byte."""

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
