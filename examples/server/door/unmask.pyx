# cython: language_level=3
"""Read masked frames in C, and touch Python only for what comes out: the door of fastws.

cythonize -i unmask.pyx, with fastws and its compiled core installed
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport uint8_t

from fastws._codec cimport (
    WS_BROKEN,
    WS_WHOLE,
    ws_header,
    ws_mask,
    ws_parse_header,
    ws_verdict,
)


def payloads(const uint8_t[::1] stream):
    """Give the payloads of the frames in a buffer, unmasked; what is cut off at its end is left.

    Raises:
        ValueError: a header breaks a rule.
    """
    cdef const uint8_t *at = NULL
    cdef size_t left = stream.shape[0]
    cdef ws_header header
    cdef ws_verdict verdict
    cdef bytes payload
    found = []
    if left:
        at = &stream[0]
    while True:
        verdict = ws_parse_header(at, left, &header)
        if verdict == WS_BROKEN:
            raise ValueError("not a frame")
        # No size is trusted before the bytes are there.
        if verdict != WS_WHOLE or header.length > left - header.size:
            return found
        payload = PyBytes_FromStringAndSize(<const char *>at + header.size, header.length)
        if header.masked:
            ws_mask(<uint8_t *><char *>payload, at + header.size, header.length, header.key, 0)
        found.append(payload)
        at += header.size + header.length
        left -= header.size + header.length
