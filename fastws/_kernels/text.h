/* From masked UTF-8 to the characters of a `str`: what is common to all levels.
 *
 * CPython keeps a text in 1, 2 or 4 bytes a character, by its largest one. The largest byte tells
 * which, since a lead byte is larger than any continuation: below 80 ASCII, up to C3 Latin-1,
 * below F0 two bytes, else four. The characters are the bytes that are not continuations.
 *
 * A text takes two steps: unmask, check, count and find the largest byte in one pass (while it is
 * ASCII, straight to its final place), then transcode what is not ASCII, without checking again.
 * Both are done piece by piece, each small enough to stay in the first cache in between.
 */
#ifndef FWS_TEXT_H
#define FWS_TEXT_H

#include "utf8.h"

typedef struct fws_text {
    size_t chars;    /* characters begun */
    uint8_t width;   /* FWS_ASCII to FWS_UCS4 */
    fws_utf8 utf8;   /* where the text stands */
    uint8_t open[3]; /* what has come of a character, where pieces are transcoded one by one */
} fws_text;

/* What one block of a transcoder did. */
typedef struct moved {
    size_t chars; /* written */
    size_t bytes; /* read */
} moved;

/* For each picture of 8 places: which are taken, in order, and how many. dispatch.c fills it. */
typedef struct fws_table {
    uint8_t at[256][8];
    uint8_t count[256];
} fws_table;

extern fws_table fws_places;

FWS_INLINE int fws_is_continuation(uint8_t b) { return (b & 0xC0) == 0x80; }

/* Read one character of valid UTF-8; gives its bytes. */
FWS_INLINE size_t fws_text_next(uint32_t *c, const uint8_t *p) {
    if (p[0] < 0x80) {
        *c = p[0];
        return 1;
    }
    if (p[0] < 0xE0) {
        *c = (uint32_t)(p[0] & 0x1F) << 6 | (p[1] & 0x3F);
        return 2;
    }
    if (p[0] < 0xF0) {
        *c = (uint32_t)(p[0] & 0x0F) << 12 | (uint32_t)(p[1] & 0x3F) << 6 | (p[2] & 0x3F);
        return 3;
    }
    *c = (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3F) << 12 |
         (uint32_t)(p[2] & 0x3F) << 6 | (p[3] & 0x3F);
    return 4;
}

/* A piece, in bytes; it is unmasked to the stack. */
enum { FWS_PIECE = 4096 };

/* Room for a piece, for what the piece before it left open, and for what a transcoder reads. */
enum { FWS_SCRATCH = FWS_PIECE + 4 + FWS_PAD };

/* As the kernel of the same name, for any n: unmask src to dst while it is ASCII. Gives n, or a
 * place before the first other byte; from there on nothing is written. dst may be src. */
FWS_INLINE size_t fws_ascii(const fws_kernels *level, uint8_t *dst, const uint8_t *src, size_t n,
                            uint32_t key) {
    if (n >= FWS_SHORT) return level->ascii(dst, src, n, key);
    uint64_t wide = (uint64_t)key << 32 | key, all = 0;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) all |= fws_load64(src + i) ^ wide;
    uint8_t bytes[4];
    fws_store32(bytes, key);
    for (; i < n; i++) all |= src[i] ^ bytes[i & 3];
    if (all & 0x8080808080808080u) return 0;
    fws_mask_short(dst, src, n, key);
    return n;
}

/* Look at a few places of n bytes, n <= FWS_PIECE: 1 where all of them are ASCII. What is found
 * early is not begun as ASCII in vain. */
FWS_INLINE int fws_looks_ascii(const uint8_t *src, size_t n, uint32_t key) {
    if (n < 8) return 1;
    uint64_t wide = (uint64_t)key << 32 | key, all = fws_load64(src) ^ wide;
    if (n >= FWS_SHORT) {
        size_t step = (n / 4) & ~(size_t)3; /* the same phase everywhere */
        all |= fws_load64(src + step) ^ wide;
        all |= fws_load64(src + 2 * step) ^ wide;
        all |= fws_load64(src + 3 * step) ^ wide;
    }
    return !(all & 0x8080808080808080u);
}

/* The width of a character, by its first byte. */
FWS_INLINE uint8_t fws_lead_width(uint8_t lead) {
    return lead < 0x80 ? FWS_ASCII : lead <= 0xC3 ? FWS_LATIN : lead < 0xF0 ? FWS_UCS2 : FWS_UCS4;
}

/* Unmask the code point that masked bytes end inside of; gives its bytes (0 to 3). */
FWS_INLINE size_t fws_take_open(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key) {
    uint8_t last[4];
    size_t size = n < 3 ? n : 3;
    memcpy(last, src + n - size, size);
    fws_mask_short(last, last, size, fws_key_phase(key, n - size));
    size_t open = fws_utf8_open(last, size);
    memcpy(dst + n - open, last + size - open, open);
    return open;
}

/* Go on in a text: unmask src to dst and check it. Gives n, or the place of the first byte that
 * the text cannot hold. dst is src, or does not overlap it. */
FWS_INLINE size_t fws_text_take(const fws_kernels *level, fws_text *t, uint8_t *dst,
                                const uint8_t *src, size_t n, uint32_t key) {
    size_t i = 0;
    for (; t->utf8.wanted && i < n; i++) {
        fws_mask_short(dst + i, src + i, 1, fws_key_phase(key, i));
        if (!fws_utf8_step(&t->utf8, dst[i])) return i;
    }
    key = fws_key_phase(key, i);
    size_t open = fws_take_open(dst + i, src + i, n - i, key);
    size_t whole = n - i - open;
    size_t good = level->utf8_take(dst + i, src + i, whole, key, &t->chars, &t->width);
    if (good != whole) return fws_utf8_walk(&t->utf8, dst, i + good, n);
    if (open) {
        uint8_t width = fws_lead_width(dst[n - open]);
        t->chars++;
        if (width > t->width) t->width = width;
    }
    return fws_utf8_walk(&t->utf8, dst, n - open, n);
}

/* Write the characters of a checked text, the first of n bytes, in this width; `padded` as for the
 * kernels. */
FWS_INLINE void fws_text_write(const fws_kernels *level, uint8_t width, void *out, size_t chars,
                               const uint8_t *src, size_t n, int padded) {
    switch (width) {
        case FWS_LATIN:
            level->to_latin1(out, src, n, chars, padded);
            break;
        case FWS_UCS2:
            level->to_ucs2(out, src, n, chars, padded);
            break;
        default:
            level->to_ucs4(out, src, n, chars, padded);
            break;
    }
}

/* How many bytes a character takes in a text of this width. */
FWS_INLINE size_t fws_char_size(uint8_t width) {
    return width <= FWS_LATIN ? 1 : width == FWS_UCS2 ? 2 : 4;
}

/* How many characters are whole. */
FWS_INLINE size_t fws_text_whole(const fws_text *t) { return t->chars - (t->utf8.wanted != 0); }

/* Go on in a text that is transcoded piece by piece: unmask the next n bytes, at most FWS_PIECE, to
 * `scratch`, behind what was left open before; check and count them. Gives n, or the place of the
 * first byte that the text cannot hold. Then `size` bytes of scratch are whole characters, with
 * FWS_PAD zeros behind them. */
FWS_INLINE size_t fws_piece_take(const fws_kernels *level, fws_text *t, uint8_t *scratch,
                                 const uint8_t *src, size_t n, uint32_t key, size_t *size) {
    size_t before = 0, open = 0;
    if (t->utf8.wanted) {
        uint8_t lead = t->open[0];
        before = (size_t)2 + (lead >= 0xE0) + (lead >= 0xF0) - t->utf8.wanted;
        memcpy(scratch, t->open, before);
    }
    size_t good = fws_text_take(level, t, scratch + before, src, n, key);
    size_t end = before + n;
    if (t->utf8.wanted && good == n) {
        open = fws_utf8_open(scratch, end);
        memcpy(t->open, scratch + end - open, open);
    }
    *size = end - open;
    memset(scratch + *size, 0, FWS_PAD);
    return good;
}

/* Write n characters of one width again in a larger one. */
FWS_INLINE void fws_widen(void *out, uint8_t width, const void *src, uint8_t src_width, size_t n) {
    const uint8_t *narrow = src;
    if (fws_char_size(width) == fws_char_size(src_width)) {
        memcpy(out, src, n * fws_char_size(width));
    } else if (width == FWS_UCS2) {
        uint16_t *to = out;
        for (size_t i = 0; i < n; i++) to[i] = narrow[i];
    } else if (src_width == FWS_UCS2) {
        const uint16_t *from = src;
        uint32_t *to = out;
        for (size_t i = 0; i < n; i++) to[i] = from[i];
    } else {
        uint32_t *to = out;
        for (size_t i = 0; i < n; i++) to[i] = narrow[i];
    }
}

#endif
