# Frames to send, each in one allocation (RFC 6455 5.2).

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
    elif n:  # an empty buffer may be at NULL, which memcpy() does not take
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
    _rules.refuse(_rules.send_error(first, length))
    return PyBytes_FromStringAndSize(
        <char *>out, fws_header_write(out, first, length, key if is_masked else NULL)
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
