/* The contract of the kernels: what each instruction set offers, and how short inputs are served.
 *
 * Kernels know bytes and nothing of Python. They read and write exactly [start, start + n), at any
 * alignment, and keep no state. One `fws_kernels` a level; dispatch.c lists those that run here.
 */
#ifndef FWS_KERNELS_H
#define FWS_KERNELS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(FWS_COVERAGE) /* each function stands once, and so do its branches */
#define FWS_INLINE static inline __attribute__((noinline, unused))
#elif defined(_MSC_VER)
#define FWS_INLINE static __forceinline
#else
#define FWS_INLINE static inline __attribute__((always_inline, unused))
#endif

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define FWS_BIG_ENDIAN 1
#else
#define FWS_BIG_ENDIAN 0
#endif

/* How CPython keeps a text, by its largest character. */
enum { FWS_ASCII, FWS_LATIN, FWS_UCS2, FWS_UCS4 };

typedef struct fws_kernels {
    const char *name;

    /* dst[i] = src[i] ^ key[i % 4], where `key` holds the four bytes as they stand in memory.
     * n >= FWS_SHORT. dst is src, or does not overlap it. */
    void (*mask)(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key);

    /* n where src is UTF-8 that ends on a code point. Otherwise a code point boundary before the
     * first fault and less than FWS_BLOCK + 3 bytes away from it; all before it is valid. */
    size_t (*utf8_prefix)(const uint8_t *src, size_t n);

    /* The same while unmasking src to dst; at a fault, so far that dst holds the faulty byte. Where
     * all is valid, `chars` grows by the characters, and `width` to that of the largest of them
     * (FWS_ASCII to FWS_UCS4). dst is src, or does not overlap it. */
    size_t (*utf8_take)(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key, size_t *chars,
                        uint8_t *width);

    /* Unmask src to dst while it is ASCII. Gives n, or a place before the first other byte; from
     * there on nothing is written. n >= FWS_SHORT. dst is src, or does not overlap it. */
    size_t (*ascii)(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key);

    /* Write the `chars` characters of n bytes of valid UTF-8, all of them below U+0100, U+10000 or
     * U+110000. Where `padded`, FWS_PAD zeros stand behind those bytes. */
    void (*to_latin1)(uint8_t *out, const uint8_t *src, size_t n, size_t chars, int padded);
    void (*to_ucs2)(uint16_t *out, const uint8_t *src, size_t n, size_t chars, int padded);
    void (*to_ucs4)(uint32_t *out, const uint8_t *src, size_t n, size_t chars, int padded);

    /* Write n characters, none of them a surrogate, as UTF-8; gives where they end. Nothing is
     * written from `end` on, which may lie behind that. */
    uint8_t *(*from_latin1)(uint8_t *out, uint8_t *end, const uint8_t *src, size_t n);
    uint8_t *(*from_ucs2)(uint8_t *out, uint8_t *end, const uint16_t *src, size_t n);
    uint8_t *(*from_ucs4)(uint8_t *out, uint8_t *end, const uint32_t *src, size_t n);
} fws_kernels;

/* The table of a level whose functions are named operation_level. */
#define FWS_LEVEL(level) \
    {#level, \
     mask_##level, \
     utf8_prefix_##level, \
     utf8_take_##level, \
     ascii_##level, \
     to_latin1_##level, \
     to_ucs2_##level, \
     to_ucs4_##level, \
     from_latin1_##level, \
     from_ucs2_##level, \
     from_ucs4_##level}

enum { FWS_BLOCK = 64, FWS_PAD = 128, FWS_MAX_LEVELS = 4 };

/* Below this many bytes the call and the set-up of wide code cost more than they save. */
enum { FWS_SHORT = 32 };

/* From this many bytes on, aligned stores pay for getting to the first one. */
enum { FWS_ALIGN_FROM = 512 };

/* The levels that this processor and its operating system run, best first; gives their number.
 * The last one is always the portable level. */
size_t fws_levels(const fws_kernels *levels[FWS_MAX_LEVELS]);

/* --- Bytes in memory ----------------------------------------------------------------------- */

FWS_INLINE uint32_t fws_load32(const uint8_t *p) {
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

FWS_INLINE uint64_t fws_load64(const uint8_t *p) {
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

FWS_INLINE void fws_store32(uint8_t *p, uint32_t v) { memcpy(p, &v, sizeof v); }
FWS_INLINE void fws_store64(uint8_t *p, uint64_t v) { memcpy(p, &v, sizeof v); }

/* --- Masking (RFC 6455 5.3) ---------------------------------------------------------------- */

/* The key as it applies from byte `phase` of the payload on. */
FWS_INLINE uint32_t fws_key_phase(uint32_t key, size_t phase) {
    unsigned bits = (unsigned)(phase & 3) * 8;
#if FWS_BIG_ENDIAN
    return key << bits | key >> ((32 - bits) & 31);
#else
    return key >> bits | key << ((32 - bits) & 31);
#endif
}

/* The last word is loaded before anything is stored, and stored last: it overlaps the one before
 * it, and dst may be src. */
FWS_INLINE void fws_mask_short(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key) {
    if (n >= 8) {
        uint64_t wide = (uint64_t)key << 32 | key;
        uint32_t turned = fws_key_phase(key, n); /* n - 8 and n have the same phase */
        uint64_t last = fws_load64(src + n - 8) ^ ((uint64_t)turned << 32 | turned);
        for (size_t i = 0; i + 8 < n; i += 8) fws_store64(dst + i, fws_load64(src + i) ^ wide);
        fws_store64(dst + n - 8, last);
    } else if (n >= 4) {
        uint32_t last = fws_load32(src + n - 4) ^ fws_key_phase(key, n);
        fws_store32(dst, fws_load32(src) ^ key);
        fws_store32(dst + n - 4, last);
    } else if (n) {
        uint8_t bytes[4];
        fws_store32(bytes, key);
        dst[0] = src[0] ^ bytes[0];
        if (n > 1) dst[1] = src[1] ^ bytes[1];
        if (n > 2) dst[2] = src[2] ^ bytes[2];
    }
}

FWS_INLINE void fws_mask(const fws_kernels *level, uint8_t *dst, const uint8_t *src, size_t n,
                         uint32_t key) {
    if (n < FWS_SHORT)
        fws_mask_short(dst, src, n, key);
    else
        level->mask(dst, src, n, key);
}

#endif
