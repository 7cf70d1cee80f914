/* Masking, written once over any vector (RFC 6455 5.3).
 *
 * The including file gives FWS_NAME(operation) and the vocabulary: `vec`, VEC_SIZE, v_load,
 * v_store, v_xor, v_key (the four bytes of the key, repeated).
 */

/* n >= VEC_SIZE. The last vector is loaded before anything is stored, so that it may overlap the
 * one before it and dst may be src. */
FWS_INLINE void mask_vectors(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key) {
    const vec k = v_key(key);
    /* VEC_SIZE is a multiple of 4, so n - VEC_SIZE and n have the same phase. */
    const vec last = v_xor(v_load(src + n - VEC_SIZE), v_key(fws_key_phase(key, n)));
    size_t i = 0;
    for (; i + 4 * VEC_SIZE <= n; i += 4 * VEC_SIZE) {
        vec a = v_xor(v_load(src + i), k);
        vec b = v_xor(v_load(src + i + VEC_SIZE), k);
        vec c = v_xor(v_load(src + i + 2 * VEC_SIZE), k);
        vec d = v_xor(v_load(src + i + 3 * VEC_SIZE), k);
        v_store(dst + i, a);
        v_store(dst + i + VEC_SIZE, b);
        v_store(dst + i + 2 * VEC_SIZE, c);
        v_store(dst + i + 3 * VEC_SIZE, d);
    }
    for (; i + VEC_SIZE < n; i += VEC_SIZE) v_store(dst + i, v_xor(v_load(src + i), k));
    v_store(dst + n - VEC_SIZE, last);
}
