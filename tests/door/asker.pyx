# cython: language_level=3
"""Each function of the door, for test_door.py to call from Python."""

from libc.stdint cimport uint8_t, uint64_t

from fastws._codec cimport (
    WS_BROKEN,
    WS_HEADER_MAX,
    WS_WHOLE,
    ws_decode_text,
    ws_encode_header,
    ws_feed_utf8,
    ws_header,
    ws_mask,
    ws_new_mask_key,
    ws_parse_header,
    ws_utf8,
    ws_validate_utf8,
    ws_verdict,
)


cdef const uint8_t *start(bytes data):
    return <const uint8_t *><const char *>data


def mask(bytes data, bytes key, size_t offset):
    out = bytearray(len(data))
    cdef uint8_t *to = <uint8_t *><char *>out
    cdef const uint8_t *src = start(data)
    cdef const uint8_t *k = start(key)
    cdef size_t n = len(data)
    with nogil:
        ws_mask(to, src, n, k, offset)
    return bytes(out)


def valid(bytes data):
    return bool(ws_validate_utf8(start(data), len(data)))


def feed(pieces):
    cdef ws_utf8 state = ws_utf8(0, 0, 0)
    cdef size_t total = 0, good
    for piece in pieces:
        good = ws_feed_utf8(&state, start(piece), len(piece))
        total += good
        if good < <size_t>len(piece):
            return total, False
    return total, state.wanted == 0


def decode(bytes data, key):
    return ws_decode_text(start(data), len(data), NULL if key is None else start(key))


def header(bytes data):
    cdef ws_header h
    cdef ws_verdict verdict = ws_parse_header(start(data), len(data), &h)
    if verdict == WS_BROKEN:
        return "broken"
    if verdict != WS_WHOLE:
        return None
    key = h.key[:4] if h.masked else b""
    return h.length, key, h.opcode, h.rsv, bool(h.fin), bool(h.masked), h.size


def write(int opcode, uint64_t length, bint fin, int rsv, key):
    cdef uint8_t out[WS_HEADER_MAX]
    cdef size_t size = ws_encode_header(
        out, opcode, length, fin, rsv, NULL if key is None else start(key)
    )
    return out[:size]


def new_key():
    cdef uint8_t key[4]
    ws_new_mask_key(key)
    return key[:4]
