/* UTF-8, one byte at a time: the reference that the vector kernels must equal, the state carried
 * from chunk to chunk, and the exact place of a fault (RFC 3629, Unicode table 3-7).
 *
 * State: how many continuation bytes are still wanted, and the range of the next one. Only the
 * first byte after a lead has a range of its own:
 *
 *   lead     wanted  next        keeps out
 *   C2..DF   1       80..BF      (C0, C1: overlong)
 *   E0       2       A0..BF      overlong
 *   ED       2       80..9F      surrogates
 *   E1..EF   2       80..BF
 *   F0       3       90..BF      overlong
 *   F4       3       80..8F      above U+10FFFF (F5..FF: always)
 *   F1..F3   3       80..BF
 */
#ifndef FWS_UTF8_H
#define FWS_UTF8_H

#include "kernels.h"

typedef struct fws_utf8 {
    uint8_t wanted; /* continuation bytes to come; 0 between code points */
    uint8_t low, high;
} fws_utf8;

/* Take one byte; 0 where it cannot stand here, and then the state is left as it was. */
FWS_INLINE int fws_utf8_step(fws_utf8 *s, uint8_t b) {
    if (s->wanted) {
        if (b < s->low || b > s->high) return 0;
        s->wanted--;
        s->low = 0x80;
        s->high = 0xBF;
        return 1;
    }
    if (b < 0x80) return 1;
    if (b < 0xC2 || b > 0xF4) return 0;
    s->wanted = (uint8_t)(1 + (b >= 0xE0) + (b >= 0xF0));
    s->low = b == 0xE0 ? 0xA0 : b == 0xF0 ? 0x90 : 0x80;
    s->high = b == 0xED ? 0x9F : b == 0xF4 ? 0x8F : 0xBF;
    return 1;
}

/* How many bytes of an unfinished code point stand at the end of src (0 to 3). */
FWS_INLINE size_t fws_utf8_open(const uint8_t *src, size_t n) {
    if (n >= 1 && src[n - 1] >= 0xC0) return 1;
    if (n >= 2 && src[n - 2] >= 0xE0) return 2;
    if (n >= 3 && src[n - 3] >= 0xF0) return 3;
    return 0;
}

FWS_INLINE size_t fws_utf8_walk(fws_utf8 *s, const uint8_t *src, size_t i, size_t n) {
    while (i < n && fws_utf8_step(s, src[i])) i++;
    return i;
}

/* 1 where src is ASCII and so short that it was worth looking; 0 says nothing. */
FWS_INLINE int fws_ascii_short(const uint8_t *src, size_t n) {
    const uint64_t high = 0x8080808080808080u;
    if (n > FWS_SHORT) return 0;
    if (n >= 8) {
        uint64_t all = fws_load64(src + n - 8);
        for (size_t i = 0; i + 8 < n; i += 8) all |= fws_load64(src + i);
        return !(all & high);
    }
    if (n >= 4) return !((fws_load32(src) | fws_load32(src + n - 4)) & (uint32_t)high);
    uint8_t all = 0;
    for (size_t i = 0; i < n; i++) all |= src[i];
    return all < 0x80;
}

/* 1 where src is UTF-8 from its first byte to its last. */
FWS_INLINE int fws_utf8_valid(const fws_kernels *level, const uint8_t *src, size_t n) {
    return fws_ascii_short(src, n) || level->utf8_prefix(src, n) == n;
}

/* Go on in a text that comes in chunks. Gives n where it may still become valid, else the place of
 * the first byte that it cannot hold. */
FWS_INLINE size_t fws_utf8_feed(const fws_kernels *level, fws_utf8 *s, const uint8_t *src,
                                size_t n) {
    size_t i = 0;
    while (s->wanted && i < n) {
        if (!fws_utf8_step(s, src[i])) return i;
        i++;
    }
    size_t whole = n - i - fws_utf8_open(src + i, n - i);
    size_t good = fws_ascii_short(src + i, whole) ? whole : level->utf8_prefix(src + i, whole);
    return fws_utf8_walk(s, src, i + good, n);
}

#endif
