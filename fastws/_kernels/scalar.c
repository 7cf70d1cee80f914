/* The portable level: any C11 compiler, any processor. The reference that the others must equal. */
#include "encode.h"
#include "text.h"

#define FWS_NAME(operation) operation##_scalar

typedef uint64_t vec;
enum { VEC_SIZE = 8 };

FWS_INLINE vec v_load(const uint8_t *p) { return fws_load64(p); }
FWS_INLINE void v_store(uint8_t *p, vec a) { fws_store64(p, a); }
FWS_INLINE vec v_xor(vec a, vec b) { return a ^ b; }
FWS_INLINE vec v_or(vec a, vec b) { return a | b; }
FWS_INLINE int v_is_ascii(vec a) { return !(a & 0x8080808080808080u); }
FWS_INLINE vec v_key(uint32_t key) { return (uint64_t)key << 32 | key; }

#include "mask_tpl.h"

static void mask_scalar(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key) {
    mask_vectors(dst, src, n, key);
}

static size_t ascii_scalar(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key) {
    return ascii_vectors(dst, src, n, key);
}

/* In these, `dst` is NULL and `key` 0 where the bytes are not masked and stay where they are;
 * otherwise they are unmasked to there. */

/* How many bytes from i on are ASCII, in steps of 8. */
FWS_INLINE size_t ascii_run(uint8_t *dst, const uint8_t *src, size_t i, size_t n, uint32_t key) {
    const vec k = v_key(fws_key_phase(key, i));
    size_t start = i;
    for (; i + 8 <= n; i += 8) {
        vec in = v_load(src + i) ^ k;
        if (!v_is_ascii(in)) break;
        if (dst) v_store(dst + i, in);
    }
    return i - start;
}

FWS_INLINE size_t utf8_scan(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key, size_t *chars,
                            uint8_t *width) {
    fws_utf8 s = {0, 0, 0};
    size_t i = 0, boundary = 0, begun = 0;
    uint8_t top = 0, bytes[4];
    fws_store32(bytes, key);
    while (i < n) {
        if (!s.wanted) {
            size_t run = ascii_run(dst, src, i, n, key);
            i += run;
            begun += run;
            boundary = i;
            if (i == n) break;
        }
        uint8_t b = src[i] ^ bytes[i & 3];
        if (dst) dst[i] = b;
        if (!s.wanted) {
            begun++;
            if (b > top) top = b;
        }
        if (!fws_utf8_step(&s, b)) return boundary;
        i++;
    }
    if (s.wanted) return boundary;
    *chars += begun;
    top = fws_lead_width(top);
    if (top > *width) *width = top;
    return n;
}

static size_t utf8_take_scalar(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key,
                               size_t *chars, uint8_t *width) {
    return utf8_scan(dst, src, n, key, chars, width);
}

static size_t utf8_prefix_scalar(const uint8_t *src, size_t n) {
    size_t chars = 0;
    uint8_t width = 0;
    return utf8_scan(NULL, src, n, 0, &chars, &width);
}

enum { BLOCK_READ = 8, BLOCK_WRITE = 8 };

#define SCALAR_BLOCK(name, type) \
    FWS_INLINE moved name(type *out, const uint8_t *src) { \
        if (v_is_ascii(v_load(src))) { \
            for (int i = 0; i < 8; i++) out[i] = src[i]; \
            return (moved){8, 8}; \
        } \
        uint32_t c; \
        size_t bytes = fws_text_next(&c, src); \
        *out = (type)c; \
        return (moved){1, bytes}; \
    }

SCALAR_BLOCK(block_latin1, uint8_t)
SCALAR_BLOCK(block_ucs2, uint16_t)
SCALAR_BLOCK(block_ucs4, uint32_t)

enum { PUT_CHARS = 1, PUT_MOST = 4 };

FWS_INLINE size_t put_ucs4(uint8_t *out, const uint32_t *src) {
    return (size_t)(fws_put_ucs4(out, src, 1) - out);
}
FWS_INLINE size_t put_ucs2(uint8_t *out, const uint16_t *src) {
    return (size_t)(fws_put_ucs2(out, src, 1) - out);
}
FWS_INLINE size_t put_latin1(uint8_t *out, const uint8_t *src) {
    return (size_t)(fws_put_latin1(out, src, 1) - out);
}

#include "text_tpl.h"

extern const fws_kernels fws_scalar;
const fws_kernels fws_scalar = FWS_LEVEL(scalar);
