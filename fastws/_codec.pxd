# cython: language_level=3
"""The door for other compiled extensions: `from fastws._codec cimport ws_mask`.

What is declared here can be called from any Cython module, without the GIL where it says `nogil`,
and without our headers: Cython finds the functions in the compiled core when your module is
imported. So your module needs fastws with its core, and where that is not there its import is an
ImportError; where a later fastws declares a function otherwise, a TypeError.

Names are those of the Python functions, where there is one, behind `ws_`. Kernels are chosen as in
Python (`fastws.simd`). Nothing is read or written but what the arguments say; pointers may be at
any alignment, and NULL where there are no bytes.
"""

from libc.stdint cimport uint8_t, uint64_t

cdef enum:
    WS_HEADER_MAX = 14  # bytes of the longest header

cdef enum ws_verdict:
    WS_WHOLE  # the header is there
    WS_MORE  # more bytes are needed
    WS_BROKEN  # it breaks a rule: close with 1002; fastws.parse_header says why

# A frame's header (RFC 6455 5.2).
cdef struct ws_header:
    uint64_t length  # bytes of payload
    uint8_t key[4]  # the masking key, where the frame is masked
    uint8_t opcode
    uint8_t rsv  # the reserved bits that are set, as RSV1, RSV2 and RSV3 have them
    bint fin
    bint masked
    size_t size  # bytes of the header: the payload starts behind them

# Where a text stands that comes in parts. All zeros is its start, and the end of a code point.
cdef struct ws_utf8:
    uint8_t wanted  # bytes that the code point at the end still wants
    uint8_t low
    uint8_t high

# Mask or unmask n bytes (RFC 6455 5.3): XOR byte i with byte (offset + i) % 4 of the key, which is
# 4 bytes. dst is src, or does not overlap it.
cdef void ws_mask(
    uint8_t *dst, const uint8_t *src, size_t n, const uint8_t *key, size_t offset
) noexcept nogil

# Tell whether n bytes are UTF-8, whole and strict.
cdef bint ws_validate_utf8(const uint8_t *src, size_t n) noexcept nogil

# Go on in a text that comes in parts. Gives n, or the place of the first byte that the text cannot
# hold. The text is whole where `state.wanted` is 0 at its end.
cdef size_t ws_feed_utf8(ws_utf8 *state, const uint8_t *src, size_t n) noexcept nogil

# Read the header that starts at src, of which n bytes are there. Opcode, control frames and the
# form of the length are judged; reserved bits, masking and size are for the caller to judge.
# Fields are set where the verdict is WS_WHOLE.
cdef ws_verdict ws_parse_header(const uint8_t *src, size_t n, ws_header *header) noexcept nogil

# Write the header of a frame whose payload has this length; gives its bytes, at most WS_HEADER_MAX,
# or 0 where no such frame may be sent. `key` is 4 bytes, or NULL for a server's frame.
cdef size_t ws_encode_header(
    uint8_t *out, int opcode, uint64_t length, bint fin, int rsv, const uint8_t *key
) noexcept nogil

# With the GIL: unmask and decode a text in one pass. `key` is 4 bytes, or NULL where it is not
# masked. Raises InvalidUtf8Error.
cdef str ws_decode_text(const uint8_t *src, Py_ssize_t n, const uint8_t *key)

# With the GIL: take a fresh masking key of 4 bytes from the operating system's generator.
cdef int ws_new_mask_key(uint8_t *key) except -1
