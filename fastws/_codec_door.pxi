# What _codec.pxd offers to other extensions.

cdef void ws_mask(
    uint8_t *dst, const uint8_t *src, size_t n, const uint8_t *key, size_t offset
) noexcept nogil:
    fws_mask(kernels, dst, src, n, fws_key_phase(fws_load32(key), offset))


cdef bint ws_validate_utf8(const uint8_t *src, size_t n) noexcept nogil:
    return fws_utf8_valid(kernels, src, n)


cdef size_t ws_feed_utf8(ws_utf8 *state, const uint8_t *src, size_t n) noexcept nogil:
    cdef fws_utf8 inner = fws_utf8(wanted=state.wanted, low=state.low, high=state.high)
    cdef size_t good = fws_utf8_feed(kernels, &inner, src, n)
    state.wanted, state.low, state.high = inner.wanted, inner.low, inner.high
    return good


cdef ws_verdict ws_parse_header(const uint8_t *src, size_t n, ws_header *header) noexcept nogil:
    cdef fws_header h
    cdef fws_rules rules = fws_rules(
        limit=<uint64_t>-1, barred=0, role=0, rsv=FWS_ANY_RSV, judge=1, spare_control=0
    )
    cdef fws_verdict verdict = fws_header_read(src, n, &rules, &h)
    if verdict == FWS_BROKEN:
        return WS_BROKEN
    if verdict != FWS_WHOLE:
        return WS_MORE
    header.length = h.length
    fws_store32(header.key, h.key)
    header.opcode = h.first & 0x0F
    header.rsv = h.first & 0x70
    header.fin = h.first >> 7
    header.masked = h.second >> 7
    header.size = h.size
    return WS_WHOLE


cdef size_t ws_encode_header(
    uint8_t *out, int opcode, uint64_t length, bint fin, int rsv, const uint8_t *key
) noexcept nogil:
    if not 0 <= opcode < 16 or not 0x0707 >> opcode & 1 or rsv & ~0x70 or length >> 63:
        return 0
    if opcode & 8 and (not fin or length > FWS_CONTROL_MAX):
        return 0
    return fws_header_write(out, (0x80 if fin else 0) | rsv | opcode, length, key)


cdef str ws_decode_text(const uint8_t *src, Py_ssize_t n, const uint8_t *key):
    cdef Py_ssize_t fault = 0
    text = text_of(src, n, fws_load32(key) if key != NULL else 0, &fault)
    if text is None:
        raise utf8_error(fault, n)
    return text


cdef int ws_new_mask_key(uint8_t *key) except -1:
    return fresh_key(key)
