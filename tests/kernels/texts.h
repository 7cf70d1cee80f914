/* The texts on which both directions are tried: from UTF-8 to characters, and back. */
#ifndef FWS_TEXTS_H
#define FWS_TEXTS_H

#include "naive.h"

enum { TEXT_MAX = 10000, TEXTS = 4000, LONG_TEXTS = 120 };

/* The text under test, and its whole characters by the definition. */
SHARED uint8_t text[TEXT_MAX + 8];
SHARED uint32_t chars[TEXT_MAX + 8];
SHARED size_t size, chars_n;
SHARED verdict judged;

SHARED int is_valid(void) { return judged.whole == size; }

/* Take the first n bytes of `text` for the text under test. */
SHARED void take_text(size_t n) {
    naive s = {0, 0, 0};
    size = now.size = n;
    now.at = chars_n = 0;
    judged = naive_verdict(text, n);
    for (size_t i = 0; i < judged.whole; i++) {
        if (!naive_step(&s, text[i])) fail("the definition contradicts itself");
        if (!s.left) chars[chars_n++] = s.bits;
    }
}

/* The kind of `str`: FWS_ASCII to FWS_UCS4. */
SHARED uint8_t width(void) {
    uint32_t largest = 0;
    for (size_t i = 0; i < chars_n; i++)
        if (chars[i] > largest) largest = chars[i];
    return largest < 0x80      ? FWS_ASCII
           : largest < 0x100   ? FWS_LATIN
           : largest < 0x10000 ? FWS_UCS2
                               : FWS_UCS4;
}

typedef void text_test(const fws_kernels *level);

SHARED void random_texts(const fws_kernels *level, text_test *check) {
    for (unsigned i = 0; i < TEXTS + LONG_TEXTS; i++) {
        take_text(random_text(text, random_below(i < TEXTS ? 300 : TEXT_MAX), i << 1));
        check(level);
    }
}

/* A run of one kind behind 0 to 3 bytes of ASCII, and a run of another kind behind it: the kernels
 * know runs by their continuations. */
SHARED void run_texts(const fws_kernels *level, text_test *check, unsigned kind, unsigned next) {
    for (size_t length = 1; length < 140; length++) {
        size_t n = length % 4;
        memset(text, 'a', n);
        for (size_t i = 0; i < length; i++) n += naive_encode(text + n, random_char(&RANGES[kind]));
        for (size_t i = random_below(60); i + 1; i--)
            n += naive_encode(text + n, random_char(&RANGES[next]));
        if (length % 2) n += random_text(text + n, random_below(150), 1u << kind | 1u << next);
        take_text(n);
        check(level);
    }
}

/* Each character that there is, among its neighbours. */
SHARED void all_characters(const fws_kernels *level, text_test *check) {
    for (int r = 0; r < RANGES_N; r++) {
        for (uint32_t c = RANGES[r].first; c <= RANGES[r].last;) {
            size_t n = 0;
            for (int i = 0; i < 1000 && c <= RANGES[r].last; i++) n += naive_encode(text + n, c++);
            take_text(n);
            check(level);
        }
    }
}

/* One character at the edge of a width, behind ASCII of each size. */
SHARED void edge_texts(const fws_kernels *level, text_test *check) {
    static const uint32_t edges[] = {0x7F,  0x80,  0xBF,   0xC0,   0xFF,   0x100,   0x13F,
                                     0x7FF, 0x800, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x10FFFF};
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
        for (size_t shift = 0; shift < 140; shift++) {
            memset(text, 'a', shift);
            take_text(shift + naive_encode(text + shift, edges[i]));
            check(level);
        }
    }
}

SHARED void each_text(const fws_kernels *level, text_test *check) {
    random_texts(level, check);
    for (unsigned kind = 0; kind < RANGES_N; kind++)
        for (unsigned next = 0; next < RANGES_N; next++) run_texts(level, check, kind, next);
    all_characters(level, check);
    edge_texts(level, check);
}

#endif
