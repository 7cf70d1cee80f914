/* UTF-8 from its definition, without a look at the kernels: a byte may stand where some code
 * point's encoding goes on with it (RFC 3629 3, Unicode D92). The only table is that of the code
 * points.
 */
#ifndef FWS_NAIVE_H
#define FWS_NAIVE_H

#include "check.h"

/* The code points that have an encoding, and its size; those below U+0100 are a `str` of their own
 * kind. */
typedef struct range {
    uint32_t first, last;
    unsigned size;
} range;

enum { RANGES_N = 6 };

SHARED const range RANGES[RANGES_N] = {
    {0x0, 0x7F, 1},      {0x80, 0xFF, 2},
    {0x100, 0x7FF, 2},   {0x800, 0xD7FF, 3}, /* D800 to DFFF: surrogates */
    {0xE000, 0xFFFF, 3}, {0x10000, 0x10FFFF, 4},
};

/* A code point of which `left` bytes are to come. */
typedef struct naive {
    unsigned size, left;
    uint32_t bits;
} naive;

/* Take one byte; 0 where no code point goes on like that. */
SHARED int naive_step(naive *s, uint8_t b) {
    naive next = *s;
    if (s->left) {
        if (b >> 6 != 2) return 0;
        next.bits = s->bits << 6 | (b & 0x3Fu);
        next.left = s->left - 1;
    } else {
        next.size = b < 0x80 ? 1 : b >> 5 == 6 ? 2 : b >> 4 == 14 ? 3 : b >> 3 == 30 ? 4 : 0;
        if (!next.size) return 0;
        next.bits = next.size == 1 ? b : b & (0x7Fu >> next.size);
        next.left = next.size - 1;
    }
    uint32_t lowest = next.bits << 6 * next.left;
    uint32_t highest = lowest + ((uint32_t)1 << 6 * next.left) - 1;
    for (int i = 0; i < RANGES_N; i++) {
        const range *r = &RANGES[i];
        if (r->size == next.size && lowest <= r->last && highest >= r->first) {
            *s = next;
            return 1;
        }
    }
    return 0;
}

/* What there is to know of a text. */
typedef struct verdict {
    size_t fault;    /* the first byte that cannot stand there; the size where there is none */
    size_t whole;    /* where the last whole code point before it ended */
    size_t chars;    /* whole code points */
    uint8_t largest; /* byte before the fault */
} verdict;

SHARED verdict naive_verdict(const uint8_t *text, size_t n) {
    naive s = {0, 0, 0};
    verdict v = {0, 0, 0, 0};
    while (v.fault < n && naive_step(&s, text[v.fault])) {
        if (text[v.fault] > v.largest) v.largest = text[v.fault];
        v.fault++;
        if (!s.left) {
            v.whole = v.fault;
            v.chars++;
        }
    }
    return v;
}

SHARED size_t naive_encode(uint8_t *out, uint32_t c) {
    if (c < 0x80) {
        out[0] = (uint8_t)c;
        return 1;
    }
    unsigned size = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (unsigned i = size - 1; i; i--, c >>= 6) out[i] = (uint8_t)(0x80 | (c & 0x3F));
    out[0] = (uint8_t)((0xF00u >> size & 0xFF) | c);
    return size;
}

/* --- Random texts -------------------------------------------------------------------------- */

/* A code point of one range, its ends more often than others. */
SHARED uint32_t random_char(const range *r) {
    uint32_t span = r->last - r->first;
    switch (random_below(8)) {
        case 0:
            return r->first;
        case 1:
            return r->last;
        case 2:
            return r->first + (uint32_t)random_below(span < 0x80 ? span : 0x80);
        default:
            return r->first + (uint32_t)random_below(span + 1);
    }
}

/* Runs of characters of one range, n bytes in all. `kinds` has a bit for each range that may occur;
 * bit 0, for ASCII, is always meant. Gives the bytes written, n or a few less. */
SHARED size_t random_text(uint8_t *out, size_t n, unsigned kinds) {
    size_t i = 0;
    while (i < n) {
        size_t kind = random_below(RANGES_N);
        const range *r = &RANGES[kind];
        if (kind && !(kinds >> kind & 1)) continue;
        size_t run = 1 + random_below(random_below(4) ? 4 : 100);
        for (; run && i + r->size <= n; run--) i += naive_encode(out + i, random_char(r));
        if (i + 4 > n && i + r->size > n) break;
    }
    return i;
}

/* Bytes around which the rules turn. */
SHARED uint8_t random_turn(void) {
    static const uint8_t turns[] = {0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF,
                                    0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED,
                                    0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF};
    return random_below(4) ? turns[random_below(sizeof turns)] : (uint8_t)random64();
}

/* Change, drop or double a byte, or cut the text; gives its new size, at most n. */
SHARED size_t random_damage(uint8_t *text, size_t n) {
    if (!n) return 0;
    size_t at = random_below(n);
    switch (random_below(4)) {
        case 0:
            memmove(text + at, text + at + 1, n - at - 1);
            return n - 1;
        case 1:
            memmove(text + at + 1, text + at, n - at - 1);
            return n;
        case 2:
            return at;
        default:
            text[at] = random_turn();
            return n;
    }
}

#endif
