/* The blocks of text_tpl.h over 16-byte vectors: SSE4, AVX2 and NEON.
 *
 * A run of characters of one width is the common case, and needs no table: the places of its
 * continuations make a fixed picture (one bit a byte, the first byte's last):
 *
 *   width 2   0 1010 1010 1010 1010   width 3   0 1101 1011 0110   width 4   1110 1110 1110 1110
 *
 * (the 0 in front shows that the last character is no longer than the others).
 *
 * Anything else: the character that would begin at each place is put together from that byte and
 * those behind it, and the places where one does begin are moved together by a table.
 *
 * Vocabulary: `reg` (16 bytes), r_load, r_store, r_store8 (the first 8 bytes), r_load8, r_or,
 * r_xor, r_pick (by mask), r_shuffle, r_zip (the first 8 bytes of two, by turns), r_any_high,
 * r_wides (a lead of width 3 or 4), r_conts and r_fours (one bit a byte: a continuation, a lead of
 * width 4), r_bits (of a mask), r_highs (one bit a byte: its highest), r_byte; b_add, b_below_80;
 * h_ (lanes of 2 bytes) and w_ (of 4): _first and _second (widen 8 or 4 bytes), _and, _left,
 * _right, _below, h_above, h_narrow, w_word.
 */

enum { BLOCK_READ = 32, BLOCK_WRITE = 32 };

enum { RUN_2 = 0xAAAA, RUN_3 = 0xDB6, RUN_4 = 0xEEEE };

FWS_INLINE unsigned trailing_ones(unsigned bits) {
    unsigned n = 0;
    while (bits & 1) {
        bits >>= 1;
        n++;
    }
    return n;
}

/* A block of 16 places ends where the last character that begins in it does: behind `most`
 * continuations at most. Without a branch, which in prose would be as good as drawn by lot. */
FWS_INLINE size_t block_bytes(const uint8_t *src, int most) {
    size_t one = (size_t)fws_is_continuation(src[16]);
    size_t two = most > 1 ? one & (size_t)fws_is_continuation(src[17]) : 0;
    return 16 + one + two;
}

FWS_INLINE size_t ones8(unsigned bits) { return fws_places.count[bits]; }

FWS_INLINE moved block_latin1(uint8_t *out, const uint8_t *src) {
    reg in = r_load(src);
    if (!r_any_high(in)) {
        r_store(out, in);
        return (moved){16, 16};
    }
    /* C2 xx is xx, C3 xx is xx + 40. */
    reg second = r_or(r_load(src + 1), h_and(h_left(in, 6), r_byte(0x40)));
    reg chars = r_pick(b_below_80(in), in, second);
    unsigned leads = ~r_conts(in) & 0xFFFF, low = leads & 0xFF, high = leads >> 8;
    size_t n = ones8(low);
    r_store8(out, r_shuffle(chars, r_load8(fws_places.at[low])));
    r_store8(out + n, r_shuffle(chars, b_add(r_load8(fws_places.at[high]), r_byte(8))));
    return (moved){n + ones8(high), 16 + (size_t)fws_is_continuation(src[16])};
}

/* The characters below U+10000 that would begin at 8 places, by the first, second and third byte
 * of each. */
FWS_INLINE reg chars_of_3(reg b0, reg b1, reg b2) {
    reg low1 = h_and(b1, h_byte(0x3F));
    reg two = r_or(h_left(h_and(b0, h_byte(0x1F)), 6), low1);
    reg three = r_or(r_or(h_left(b0, 12), h_left(low1, 6)), h_and(b2, h_byte(0x3F)));
    return r_pick(h_below(b0, 0x80), b0, r_pick(h_below(b0, 0xE0), two, three));
}

/* The same where none takes three bytes, as in most European text. */
FWS_INLINE reg chars_of_2(reg b0, reg b1) {
    reg two = r_or(h_left(h_and(b0, h_byte(0x1F)), 6), h_and(b1, h_byte(0x3F)));
    return r_pick(h_below(b0, 0x80), b0, two);
}

FWS_INLINE reg together16(reg chars, unsigned leads) {
    reg at = r_load8(fws_places.at[leads]);
    at = b_add(at, at);
    return r_shuffle(chars, r_zip(at, b_add(at, r_byte(1))));
}

FWS_INLINE reg run_of_2(reg in) {
    return r_or(h_left(h_and(in, h_byte(0x1F)), 6), h_and(h_right(in, 8), h_byte(0x3F)));
}

FWS_INLINE reg run_of_3(reg in) {
    static const uint8_t order[16] = {2, 1, 0, 0xFF, 5, 4, 3, 0xFF, 8, 7, 6, 0xFF, 11, 10, 9, 0xFF};
    reg w = r_shuffle(in, r_load(order));
    reg low = r_or(w_and(w, 0x3F), w_and(w_right(w, 2), 0xFC0));
    return r_or(low, w_and(w_right(w, 4), 0xF000));
}

FWS_INLINE moved block_ucs2(uint16_t *out, const uint8_t *src) {
    reg in = r_load(src);
    if (!r_any_high(in)) {
        r_store((uint8_t *)out, h_first(in));
        r_store((uint8_t *)(out + 8), h_second(in));
        return (moved){16, 16};
    }
    unsigned conts = r_conts(in);
    if (conts == RUN_2 && !fws_is_continuation(src[16])) {
        r_store((uint8_t *)out, run_of_2(in));
        return (moved){8, 16};
    }
    if ((conts & 0x1FFF) == RUN_3) {
        r_store8((uint8_t *)out, h_narrow(run_of_3(in)));
        return (moved){4, 12};
    }
    unsigned leads = ~conts & 0xFFFF, low = leads & 0xFF, high = leads >> 8;
    size_t n = ones8(low);
    reg b1 = r_load(src + 1);
    if (!r_wides(in)) {
        reg first = chars_of_2(h_first(in), h_first(b1));
        r_store((uint8_t *)out, together16(first, low));
        r_store((uint8_t *)(out + n), together16(chars_of_2(h_second(in), h_second(b1)), high));
        return (moved){n + ones8(high), block_bytes(src, 1)};
    }
    reg b2 = r_load(src + 2);
    reg first = chars_of_3(h_first(in), h_first(b1), h_first(b2));
    reg second = chars_of_3(h_second(in), h_second(b1), h_second(b2));
    r_store((uint8_t *)out, together16(first, low));
    r_store((uint8_t *)(out + n), together16(second, high));
    return (moved){n + ones8(high), block_bytes(src, 2)};
}

FWS_INLINE moved block_ucs4(uint32_t *out, const uint8_t *src) {
    reg in = r_load(src);
    if (!r_any_high(in)) {
        reg first = h_first(in), second = h_second(in);
        r_store((uint8_t *)out, w_first(first));
        r_store((uint8_t *)(out + 4), w_second(first));
        r_store((uint8_t *)(out + 8), w_first(second));
        r_store((uint8_t *)(out + 12), w_second(second));
        return (moved){16, 16};
    }
    unsigned conts = r_conts(in);
    if (conts == RUN_4) {
        reg low = r_or(w_and(w_right(in, 24), 0x3F), w_and(w_right(in, 10), 0xFC0));
        reg high = r_or(w_and(w_left(in, 4), 0x3F000), w_and(w_left(in, 18), 0x1C0000));
        r_store((uint8_t *)out, r_or(low, high));
        return (moved){4, 16};
    }
    if ((conts & 0x1FFF) == RUN_3) {
        r_store((uint8_t *)out, run_of_3(in));
        return (moved){4, 12};
    }
    if (!(r_fours(in) & 0xFF)) {
        unsigned leads = ~conts & 0xFF;
        reg b1 = h_first(r_load(src + 1)), b2 = h_first(r_load(src + 2));
        reg chars = together16(chars_of_3(h_first(in), b1, b2), leads);
        r_store((uint8_t *)out, w_first(chars));
        r_store((uint8_t *)(out + 4), w_second(chars));
        return (moved){ones8(leads), (size_t)8 + trailing_ones(conts >> 8)};
    }
    /* A character of width 4 among others: one at a time. */
    const uint8_t *p = src;
    size_t n = 0;
    for (; p < src + 8; n++) p += fws_text_next(out + n, p);
    return (moved){n, (size_t)(p - src)};
}

/* --- The other direction ------------------------------------------------------------------- */

enum { PUT_CHARS = 8, PUT_MOST = 32, PUT_FEW = 8, PUT_FEW_MOST = 32 };

/* Write those of 16 bytes that have their bit in `valid`. */
FWS_INLINE size_t put_valid(uint8_t *out, reg bytes, unsigned valid) {
    unsigned low = valid & 0xFF, high = valid >> 8 & 0xFF;
    size_t n = ones8(low);
    r_store8(out, r_shuffle(bytes, r_load8(fws_places.at[low])));
    r_store8(out + n, r_shuffle(bytes, b_add(r_load8(fws_places.at[high]), r_byte(8))));
    return n + ones8(high);
}

/* 8 characters below 800, in lanes of two bytes: 110xxxxx 10xxxxxx, or ________ 0xxxxxxx. */
FWS_INLINE size_t put_8_of_2(uint8_t *out, reg c) {
    reg ascii = h_below(c, 0x80);
    reg two = r_or(r_or(h_right(c, 6), h_left(h_and(c, h_byte(0x3F)), 8)), h_byte(0x80C0));
    return put_valid(out, r_pick(ascii, h_left(c, 8), two), ~r_bits(ascii) | 0xAAAA);
}

/* 4 characters, in lanes of four bytes, as far behind in them as they go. */
FWS_INLINE size_t put_4(uint8_t *out, reg c) {
    reg ascii = w_below(c, 0x80), two = w_below(c, 0x800), three = w_below(c, 0x10000);
    reg x = r_or(r_or(w_left(w_and(c, 0x3F), 24), w_and(w_left(c, 10), 0x3F0000)),
                 r_or(w_and(w_right(c, 4), 0x3F00), w_right(c, 18)));
    /* As for width 4, and then what is different below each limit. Bytes that are there are marked
     * with 80; for ASCII that is all the mark is for. */
    reg marks = r_xor(w_word(0x808080F0), w_and(three, 0x808080F0 ^ 0x8080E000));
    marks = r_xor(marks, w_and(two, 0x8080E000 ^ 0x80C00000));
    marks = r_xor(marks, w_and(ascii, 0x80C00000 ^ 0x80000000));
    return put_valid(out, r_pick(ascii, w_left(c, 24), r_or(x, marks)), r_highs(marks));
}

FWS_INLINE size_t put_latin1(uint8_t *out, const uint8_t *src) {
    return put_8_of_2(out, h_first(r_load8(src)));
}

FWS_INLINE size_t put_ucs2(uint8_t *out, const uint16_t *src) {
    reg c = r_load((const uint8_t *)src);
    if (!r_bits(h_above(c, 0x7FF))) return put_8_of_2(out, c);
    size_t n = put_4(out, w_first(c));
    return n + put_4(out + n, w_second(c));
}

FWS_INLINE size_t put_ucs4(uint8_t *out, const uint32_t *src) {
    size_t n = put_4(out, r_load((const uint8_t *)src));
    return n + put_4(out + n, r_load((const uint8_t *)(src + 4)));
}

#define few_latin1 put_latin1
#define few_ucs2 put_ucs2
#define few_ucs4 put_ucs4
