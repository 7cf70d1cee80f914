# UTF-8: checked, and turned into text in one pass with the unmasking.

def validate_utf8(data, /) -> bool:
    """Tell whether data is UTF-8: no surrogates, no overlong forms, at most U+10FFFF (RFC 3629).

    Args:
        data: any buffer.

    Raises:
        TypeError: data is not a buffer.
    """
    if not PyBytes_CheckExact(data):
        return buffer_is_utf8(data)
    if PyBytes_GET_SIZE(data) == 0:
        return True
    return fws_utf8_valid(
        kernels, <const uint8_t *>PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data)
    )


cdef bint buffer_is_utf8(object data) except -1:
    """Check what is no bytes object; apart, since a short call feels the room for a buffer."""
    cdef Py_buffer view
    hold(data, &view)
    try:
        return fws_utf8_valid(kernels, <const uint8_t *>view.buf, view.len)
    finally:
        PyBuffer_Release(&view)


cdef str text_of(const uint8_t *src, Py_ssize_t n, uint32_t key, Py_ssize_t *fault):
    """Make text of masked UTF-8 in one pass; None where it is none, and `fault` says where."""
    cdef str text = None
    cdef Py_ssize_t good = 0
    if n < 2:
        return tiny_text(src, n, key, fault)
    if fws_looks_ascii(src, min(n, FWS_PIECE), key):
        text = PyUnicode_New(n, 127)
        good = fws_ascii(kernels, <uint8_t *>PyUnicode_DATA(text), src, n, key)
        if good == n:
            return text
    elif n <= FWS_PIECE:
        return small_text(src, n, key, fault)
    return wide_text(text, good, src, n, key, fault)


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


cdef Py_UCS4[4] LARGEST = [0x7F, 0xFF, 0xFFFF, 0x10FFFF]  # character, by width


cdef str small_text(const uint8_t *src, Py_ssize_t n, uint32_t key, Py_ssize_t *fault):
    """Make text that is one piece and not ASCII: its size is known before memory is taken.

    It is 8 bytes or more, and never one of the characters that CPython keeps.
    """
    cdef uint8_t[FWS_SCRATCH] scratch
    cdef fws_text state
    cdef size_t size
    cdef Py_ssize_t good
    start_text(&state, 0)
    good = fws_piece_take(kernels, &state, scratch, src, n, key, &size)
    if good != n or state.utf8.wanted:
        fault[0] = good
        return None
    text = PyUnicode_New(state.chars, LARGEST[state.width])
    fws_text_write(kernels, state.width, PyUnicode_DATA(text), state.chars, scratch, size, True)
    return text


# --- Text in pieces: a str under construction, in which they are written one behind the other -----

cdef struct Growing:
    PyObject *object  # NULL before there is anything to be kept
    Py_ssize_t room  # in it: bytes, or characters of a text that is not ASCII
    fws_text text  # what is known of it, where it is text


cdef str wide_text(
    str ascii, Py_ssize_t good, const uint8_t *src, Py_ssize_t n, uint32_t key, Py_ssize_t *fault
):
    """Go on with text that is more than one piece, behind the `good` first bytes of `ascii`."""
    cdef Growing whole
    whole.object = <PyObject *>ascii if good else NULL
    Py_XINCREF(whole.object)
    try:
        start_wide(&whole, good)
        fault[0] = wide_take(&whole, src + good, n - good, fws_key_phase(key, good), good, n)
        if fault[0] != n or whole.text.utf8.wanted:
            return None
        return wide_end(&whole)
    finally:
        Py_XDECREF(whole.object)


cdef void start_wide(Growing *whole, Py_ssize_t ascii) noexcept:
    """Go on with text that is not ASCII, behind so many characters in an object that is.

    Where there are none, it is let go at once: a view of it may be out, to be written to.
    """
    if ascii == 0:
        Py_CLEAR(whole.object)
    start_text(&whole.text, ascii)
    whole.text.width = FWS_LATIN  # at least, from the next character on
    whole.room = 0  # none that could be used


cdef Py_ssize_t wide_take(
    Growing *whole, const uint8_t *src, Py_ssize_t n, uint32_t key, Py_ssize_t come, Py_ssize_t end
) except -1:
    """Take the next n bytes of a text.

    `come` bytes of it were taken before; it ends at `end`, or that is 0 and not to be relied on.
    Gives where it stands then, or the place of the first byte that it cannot hold.
    """
    cdef uint8_t[FWS_SCRATCH] scratch
    cdef Py_ssize_t piece, good, written, chars
    cdef size_t size = 0
    cdef uint8_t width
    cdef char *out
    while n:
        piece = min(n, FWS_PIECE)
        width = whole.text.width
        written = fws_text_whole(&whole.text)
        good = fws_piece_take(kernels, &whole.text, scratch, src, piece, key, &size)
        come += good
        if good != piece:
            return come
        chars = fws_text_whole(&whole.text)
        if chars > whole.room or width != whole.text.width:
            wide_reserve(whole, wide_guess(whole, chars, come, end), width, written)
        width = whole.text.width
        if chars > written:
            out = PyUnicode_RawData(whole.object) + written * fws_char_size(width)
            fws_text_write(kernels, width, out, chars - written, scratch, size, True)
        src += piece
        n -= piece
        key = fws_key_phase(key, piece)
    return come


cdef Py_ssize_t wide_guess(
    const Growing *whole, Py_ssize_t chars, Py_ssize_t come, Py_ssize_t end
) noexcept:
    """Guess the room that is wanted, where `come` bytes gave so many characters."""
    cdef Py_ssize_t left = end - come
    if left < 0:
        return max(chars, whole.room * 2, FIRST)
    # As many characters a byte as so far, and some more; but never more than one.
    return chars + min(left, <Py_ssize_t>(1.03 * left * chars / come) + 64)


cdef int wide_reserve(
    Growing *whole, Py_ssize_t room, uint8_t width, Py_ssize_t written
) except -1:
    """Make room for so many characters, where `written` ones of this width stand already."""
    cdef PyObject *other
    if width == whole.text.width and whole.room:
        PyUnicode_Resize(&whole.object, room)
    else:
        other = PyUnicode_Raw(room, LARGEST[whole.text.width])
        if whole.object != NULL:
            fws_widen(
                PyUnicode_RawData(other),
                whole.text.width,
                PyUnicode_RawData(whole.object),
                width,
                written,
            )
            Py_XDECREF(whole.object)
        whole.object = other
    whole.room = room
    return 0


cdef str wide_end(Growing *whole):
    """Give the text, which ends here, and let go of it."""
    cdef str text
    if <Py_ssize_t>whole.text.chars < whole.room:
        PyUnicode_Resize(&whole.object, whole.text.chars)
    text = <str>whole.object
    Py_CLEAR(whole.object)
    whole.room = 0
    if len(text) == 1:
        return PyUnicode_FromOrdinal(ord(text))  # the shared object
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
        cdef bint good
        hold(data, &view)
        with cython.critical_section(self):
            if not self.failed:
                self.take(<const uint8_t *>view.buf, view.len)
            good = not self.failed
        PyBuffer_Release(&view)
        return good

    cdef void take(self, const uint8_t *src, Py_ssize_t n) noexcept:
        cdef Py_ssize_t good = fws_utf8_feed(kernels, &self.state, src, n)
        self.accepted += good
        self.failed = good != n

    @property
    def complete(self) -> bool:
        """Whether the text may end here: valid so far, and not inside a code point."""
        with cython.critical_section(self):
            return not self.failed and not self.state.wanted

    @property
    def position(self) -> int:
        """Bytes accepted since the last reset: int; after a failure, the offending byte's index."""
        with cython.critical_section(self):
            return self.accepted

    def reset(self) -> None:
        """Start a new text."""
        with cython.critical_section(self):
            self.state.wanted = 0
            self.failed = False
            self.accepted = 0
