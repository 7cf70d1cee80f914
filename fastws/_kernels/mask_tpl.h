/* Masking, and masking while it is ASCII, written once over any vector (RFC 6455 5.3).
 *
 * The including file gives FWS_NAME(operation) and the vocabulary: `vec`, VEC_SIZE, v_load,
 * v_store, v_xor, v_or, v_key (the four bytes of the key, repeated), v_is_ascii.
 */

/* n >= VEC_SIZE. The last vector is loaded before anything is stored, so that it may overlap the
 * one before it and dst may be src. */
FWS_INLINE void mask_vectors(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key) {
    /* VEC_SIZE is a multiple of 4, so n - VEC_SIZE and n have the same phase. */
    const vec last = v_xor(v_load(src + n - VEC_SIZE), v_key(fws_key_phase(key, n)));
    uint8_t *const end = dst + n - VEC_SIZE;
    if (n >= FWS_ALIGN_FROM) {
        /* A store across a cache line costs two: do one vector, and go on from a whole address. */
        size_t to_line = VEC_SIZE - ((uintptr_t)dst & (VEC_SIZE - 1));
        const vec first = v_xor(v_load(src), v_key(key));
        const vec over = v_xor(v_load(src + to_line), v_key(fws_key_phase(key, to_line)));
        v_store(dst, first);
        v_store(dst + to_line, over);
        src += to_line + VEC_SIZE;
        dst += to_line + VEC_SIZE;
        key = fws_key_phase(key, to_line);
    }
    const vec k = v_key(key);
    for (; dst + 4 * VEC_SIZE <= end; src += 4 * VEC_SIZE, dst += 4 * VEC_SIZE) {
        vec a = v_xor(v_load(src), k);
        vec b = v_xor(v_load(src + VEC_SIZE), k);
        vec c = v_xor(v_load(src + 2 * VEC_SIZE), k);
        vec d = v_xor(v_load(src + 3 * VEC_SIZE), k);
        v_store(dst, a);
        v_store(dst + VEC_SIZE, b);
        v_store(dst + 2 * VEC_SIZE, c);
        v_store(dst + 3 * VEC_SIZE, d);
    }
    for (; dst < end; src += VEC_SIZE, dst += VEC_SIZE) v_store(dst, v_xor(v_load(src), k));
    v_store(end, last);
}

/* As mask_vectors, but stop before the first vectors that are not ASCII. The tail is looked at
 * before anything is written, and written last. */
FWS_INLINE size_t ascii_vectors(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key) {
    const vec last = v_xor(v_load(src + n - VEC_SIZE), v_key(fws_key_phase(key, n)));
    const vec first = v_xor(v_load(src), v_key(key));
    size_t i = 0, end = n - VEC_SIZE;
    vec k = v_key(key);
    if (n >= FWS_ALIGN_FROM) {
        /* As in mask_vectors: go on from a whole address. */
        size_t to_line = VEC_SIZE - ((uintptr_t)dst & (VEC_SIZE - 1));
        const vec over = v_xor(v_load(src + to_line), v_key(fws_key_phase(key, to_line)));
        if (!v_is_ascii(v_or(first, over))) return 0;
        v_store(dst, first);
        v_store(dst + to_line, over);
        i = to_line + VEC_SIZE;
        k = v_key(fws_key_phase(key, to_line));
    }
    for (; i + 4 * VEC_SIZE <= end; i += 4 * VEC_SIZE) {
        vec a = v_xor(v_load(src + i), k);
        vec b = v_xor(v_load(src + i + VEC_SIZE), k);
        vec c = v_xor(v_load(src + i + 2 * VEC_SIZE), k);
        vec d = v_xor(v_load(src + i + 3 * VEC_SIZE), k);
        if (!v_is_ascii(v_or(v_or(a, b), v_or(c, d)))) break;
        v_store(dst + i, a);
        v_store(dst + i + VEC_SIZE, b);
        v_store(dst + i + 2 * VEC_SIZE, c);
        v_store(dst + i + 3 * VEC_SIZE, d);
    }
    for (; i < end; i += VEC_SIZE) {
        vec a = v_xor(v_load(src + i), k);
        if (!v_is_ascii(a)) return i;
        v_store(dst + i, a);
    }
    if (!v_is_ascii(last)) return i;
    v_store(dst + end, last);
    return n;
}
