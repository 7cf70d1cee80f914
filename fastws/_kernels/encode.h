/* From the characters of a `str` to UTF-8, masked on the way: the other direction of text.h.
 *
 * The size is counted first, so that the frame takes one allocation. Then a piece that stays in the
 * first cache is encoded and masked, and so on. Characters come in 1, 2 or 4 bytes, as CPython
 * keeps them; a surrogate has no UTF-8 and makes the size FWS_NO_UTF8.
 */
#ifndef FWS_ENCODE_H
#define FWS_ENCODE_H

#include "kernels.h"

#define FWS_NO_UTF8 SIZE_MAX

enum { FWS_ENCODE_PIECE = 1024 }; /* characters */

/* Bytes of UTF-8 for n characters. Plain loops, which compilers turn into vectors. */
FWS_INLINE size_t fws_size_latin1(const uint8_t *src, size_t n) {
    size_t more = 0;
    for (size_t i = 0; i < n; i++) more += src[i] >> 7;
    return n + more;
}

FWS_INLINE size_t fws_size_ucs2(const uint16_t *src, size_t n) {
    size_t more = 0, surrogates = 0;
    for (size_t i = 0; i < n;) {
        /* Short sums stay in 16 bits, and so do the vectors. */
        size_t end = n - i > 8192 ? i + 8192 : n;
        uint16_t two = 0, three = 0, bad = 0;
        for (; i < end; i++) {
            two = (uint16_t)(two + (src[i] >= 0x80));
            three = (uint16_t)(three + (src[i] >= 0x800));
            bad = (uint16_t)(bad | ((src[i] & 0xF800) == 0xD800));
        }
        more += (size_t)two + three;
        surrogates += bad;
    }
    return surrogates ? FWS_NO_UTF8 : n + more;
}

FWS_INLINE size_t fws_size_ucs4(const uint32_t *src, size_t n) {
    size_t more = 0;
    uint32_t surrogates = 0;
    for (size_t i = 0; i < n; i++) {
        more += (size_t)(src[i] >= 0x80) + (src[i] >= 0x800) + (src[i] >= 0x10000);
        surrogates |= (src[i] & 0xFFFFF800) == 0xD800;
    }
    return surrogates ? FWS_NO_UTF8 : n + more;
}

/* Write one character from 80 on; gives its bytes. */
FWS_INLINE size_t fws_put(uint8_t *out, uint32_t c) {
    if (c < 0x800) {
        out[0] = (uint8_t)(0xC0 | c >> 6);
        out[1] = (uint8_t)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (uint8_t)(0xE0 | c >> 12);
        out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
        out[2] = (uint8_t)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (uint8_t)(0xF0 | c >> 18);
    out[1] = (uint8_t)(0x80 | (c >> 12 & 0x3F));
    out[2] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
    out[3] = (uint8_t)(0x80 | (c & 0x3F));
    return 4;
}

#define FWS_PUT_ALL(name, type) \
    FWS_INLINE uint8_t *name(uint8_t *out, const type *src, size_t n) { \
        for (size_t i = 0; i < n; i++) { \
            if (src[i] < 0x80) \
                *out++ = (uint8_t)src[i]; \
            else \
                out += fws_put(out, src[i]); \
        } \
        return out; \
    }

FWS_PUT_ALL(fws_put_latin1, uint8_t)
FWS_PUT_ALL(fws_put_ucs2, uint16_t)
FWS_PUT_ALL(fws_put_ucs4, uint32_t)

/* Make a kernel of a level's blocks: `block` encodes PUT_CHARS characters, may write PUT_MOST bytes,
 * and gives how many count. FWS_PUT_FEW may go on in smaller blocks; the rest goes one by one. */
#define FWS_ENCODER(name, type, block, few, one_by_one) \
    static uint8_t *FWS_NAME(name)(uint8_t *out, uint8_t *end, const type *src, size_t n) { \
        size_t i = 0; \
        for (; i + PUT_CHARS <= n && (size_t)(end - out) >= PUT_MOST; i += PUT_CHARS) \
            out += block(out, src + i); \
        FWS_PUT_FEW(few) \
        return one_by_one(out, src + i, n - i); \
    }

FWS_INLINE size_t fws_encoded_size(int width, const void *src, size_t n) {
    return width == 1   ? fws_size_latin1((const uint8_t *)src, n)
           : width == 2 ? fws_size_ucs2((const uint16_t *)src, n)
                        : fws_size_ucs4((const uint32_t *)src, n);
}

/* Write n characters of `width` bytes each, `size` bytes of UTF-8 in all, masked with `key` where
 * that is not NULL. */
FWS_INLINE void fws_encode(const fws_kernels *level, uint8_t *out, size_t size, int width,
                           const void *src, size_t n, const uint8_t *key) {
    uint8_t *const end = out + size;
    uint32_t turned = key ? fws_load32(key) : 0;
    for (size_t i = 0; i < n; i += FWS_ENCODE_PIECE) {
        size_t chars = n - i < FWS_ENCODE_PIECE ? n - i : FWS_ENCODE_PIECE;
        uint8_t *next = width == 1   ? level->from_latin1(out, end, (const uint8_t *)src + i, chars)
                        : width == 2 ? level->from_ucs2(out, end, (const uint16_t *)src + i, chars)
                                     : level->from_ucs4(out, end, (const uint32_t *)src + i, chars);
        if (key) {
            fws_mask(level, out, out, (size_t)(next - out), turned);
            turned = fws_key_phase(turned, (size_t)(next - out));
        }
        out = next;
    }
}

#endif
