/* The blocks of text_tpl.h over 64-byte vectors.
 *
 * As in text128_tpl.h (whose pictures of runs these are, four times as long), but the places where
 * a character begins are moved together by the processor's own instruction, and a block is always
 * 64 places. After Clausecker and Lemire, "Transcoding Unicode characters with AVX-512
 * instructions" (2023). To registers only: the form that writes to memory is slow on some.
 *
 * A block is written once for both of its uses: among others, where it may write a whole vector
 * (`room` is ALL), and at the end, where no more than `room` characters may be touched.
 */

#define FWS_LAST_BLOCKS
#define FWS_FEW_BLOCKS

enum { BLOCK_READ = 128, BLOCK_WRITE = 64 };

static const size_t ALL = (size_t)-1; /* a constant where it is used, so no test is left of it */

static const uint64_t RUN_2 = 0xAAAAAAAAAAAAAAAAu, RUN_4 = 0xEEEEEEEEEEEEEEEEu;
static const uint64_t RUN_3 = 0xDB6DB6DB6DB6u; /* of the first 48 */

FWS_INLINE __m512i h_set(int b) { return _mm512_set1_epi16((short)b); }
FWS_INLINE __m512i w_set(int b) { return _mm512_set1_epi32(b); }
/* high | (low & low_mask), in one instruction. */
FWS_INLINE __m512i join(__m512i high, __m512i low, __m512i low_mask) {
    return _mm512_ternarylogic_epi32(high, low, low_mask, 0xF8);
}
FWS_INLINE __m512i h_load(const uint8_t *p) {
    return _mm512_cvtepu8_epi16(_mm256_loadu_si256((const void *)p));
}
FWS_INLINE __m512i w_load(const uint8_t *p) {
    return _mm512_cvtepu8_epi32(_mm_loadu_si128((const void *)p));
}

/* Write characters of 1, 2 or 4 bytes: a vector of them, or the first `room` of it. */
FWS_INLINE uint64_t first_places(size_t room, unsigned places) {
    return room < places ? ((uint64_t)1 << room) - 1 : ~(uint64_t)0;
}
FWS_INLINE void store_1(uint8_t *out, __m512i chars, size_t room) {
    if (room == ALL)
        _mm512_storeu_si512(out, chars);
    else
        _mm512_mask_storeu_epi8(out, first_places(room, 64), chars);
}
FWS_INLINE void store_2(uint16_t *out, __m512i chars, size_t room) {
    if (room == ALL)
        _mm512_storeu_si512(out, chars);
    else
        _mm512_mask_storeu_epi16(out, (__mmask32)first_places(room, 32), chars);
}
FWS_INLINE void store_4(uint32_t *out, __m512i chars, size_t room) {
    if (room == ALL)
        _mm512_storeu_si512(out, chars);
    else
        _mm512_mask_storeu_epi32(out, (__mmask16)first_places(room, 16), chars);
}
/* What is left of the room behind so many characters. */
FWS_INLINE size_t less(size_t room, size_t chars) {
    return room == ALL ? ALL : room > chars ? room - chars : 0;
}
FWS_INLINE size_t at_most(size_t chars, size_t room) { return chars < room ? chars : room; }

/* A block ends where the last character that begins in it does: behind `most` continuations at most.
 * Without a branch, which in prose would be as good as drawn by lot. */
FWS_INLINE size_t block_bytes(const uint8_t *src, int most) {
    size_t one = (size_t)fws_is_continuation(src[64]);
    size_t two = most > 1 ? one & (size_t)fws_is_continuation(src[65]) : 0;
    size_t three = most > 2 ? two & (size_t)fws_is_continuation(src[66]) : 0;
    return 64 + one + two + three;
}

FWS_INLINE moved last_latin1(uint8_t *out, const uint8_t *src, size_t room) {
    vec in = v_load(src);
    __mmask64 high = _mm512_movepi8_mask(in);
    if (!high) {
        store_1(out, in, room);
        return (moved){at_most(64, room), 64};
    }
    /* C2 xx is xx, C3 xx is xx + 40. */
    vec second = join(v_load(src + 1), _mm512_slli_epi16(in, 6), v_byte(0x40));
    uint64_t leads = v_leads(in);
    vec chars = _mm512_maskz_compress_epi8(leads, _mm512_mask_mov_epi8(in, high, second));
    store_1(out, chars, room);
    size_t n = at_most((size_t)_mm_popcnt_u64(leads), room);
    return (moved){n, 64 + (size_t)fws_is_continuation(src[64])};
}

FWS_INLINE moved block_latin1(uint8_t *out, const uint8_t *src) {
    return last_latin1(out, src, ALL);
}

/* The characters below U+10000 that begin at 32 places. */
FWS_INLINE size_t half_ucs2(uint16_t *out, const uint8_t *src, uint32_t leads, size_t room) {
    __m512i b0 = h_load(src), b1 = h_load(src + 1), b2 = h_load(src + 2);
    __m512i low1 = _mm512_and_si512(b1, h_set(0x3F));
    __m512i two = _mm512_or_si512(low1, _mm512_slli_epi16(_mm512_and_si512(b0, h_set(0x1F)), 6));
    __m512i three = join(_mm512_or_si512(_mm512_slli_epi16(b0, 12), _mm512_slli_epi16(low1, 6)), b2,
                         h_set(0x3F));
    __m512i c = _mm512_mask_mov_epi16(b0, _mm512_cmpge_epu16_mask(b0, h_set(0xC0)), two);
    c = _mm512_mask_mov_epi16(c, _mm512_cmpge_epu16_mask(b0, h_set(0xE0)), three);
    store_2(out, _mm512_maskz_compress_epi16(leads, c), room);
    return at_most((size_t)_mm_popcnt_u32(leads), room);
}

/* The same where none takes three bytes, as in most European text. */
FWS_INLINE size_t half_below_800(uint16_t *out, const uint8_t *src, uint32_t leads, size_t room) {
    __m512i b0 = h_load(src), b1 = h_load(src + 1);
    __m512i two = join(_mm512_and_si512(_mm512_slli_epi16(b0, 6), h_set(0x7C0)), b1, h_set(0x3F));
    __m512i c = _mm512_mask_mov_epi16(b0, _mm512_cmpge_epu16_mask(b0, h_set(0xC0)), two);
    store_2(out, _mm512_maskz_compress_epi16(leads, c), room);
    return at_most((size_t)_mm_popcnt_u32(leads), room);
}

FWS_INLINE __m512i run_of_2(__m512i in) {
    return join(_mm512_slli_epi16(_mm512_and_si512(in, h_set(0x1F)), 6), _mm512_srli_epi16(in, 8),
                h_set(0x3F));
}

/* Runs need no look at the room: a picture of continuations is whole only in text. */

/* 16 characters of 3 bytes, in 4 bytes each. */
FWS_INLINE __m512i run_of_3(__m512i in) {
    static const uint8_t order[64] = {
        2,  1,  0,  0x80, 5,  4,  3,  0x80, 8,  7,  6,  0x80, 11, 10, 9,  0x80,
        14, 13, 12, 0x80, 17, 16, 15, 0x80, 20, 19, 18, 0x80, 23, 22, 21, 0x80,
        26, 25, 24, 0x80, 29, 28, 27, 0x80, 32, 31, 30, 0x80, 35, 34, 33, 0x80,
        38, 37, 36, 0x80, 41, 40, 39, 0x80, 44, 43, 42, 0x80, 47, 46, 45, 0x80};
    __m512i w = _mm512_maskz_permutexvar_epi8(0x7777777777777777u, v_load(order), in);
    __m512i low = join(_mm512_and_si512(w, w_set(0x3F)), _mm512_srli_epi32(w, 2), w_set(0xFC0));
    return join(low, _mm512_srli_epi32(w, 4), w_set(0xF000));
}

FWS_INLINE moved last_ucs2(uint16_t *out, const uint8_t *src, size_t room) {
    vec in = v_load(src);
    if (v_is_ascii(in)) {
        store_2(out, h_load(src), room);
        store_2(out + 32, h_load(src + 32), less(room, 32));
        return (moved){at_most(64, room), 64};
    }
    uint64_t leads = v_leads(in), conts = ~leads;
    if (conts == RUN_2 && !fws_is_continuation(src[64])) {
        _mm512_storeu_si512(out, run_of_2(in));
        return (moved){32, 64};
    }
    if ((conts & 0x1FFFFFFFFFFFFu) == RUN_3) {
        _mm256_storeu_si256((void *)out, _mm512_cvtepi32_epi16(run_of_3(in)));
        return (moved){16, 48};
    }
    if (!_mm512_cmpge_epu8_mask(in, v_byte(0xE0))) {
        size_t below = half_below_800(out, src, (uint32_t)leads, room);
        below += half_below_800(out + below, src + 32, (uint32_t)(leads >> 32), less(room, below));
        return (moved){below, block_bytes(src, 1)};
    }
    size_t n = half_ucs2(out, src, (uint32_t)leads, room);
    n += half_ucs2(out + n, src + 32, (uint32_t)(leads >> 32), less(room, n));
    return (moved){n, block_bytes(src, 2)};
}

FWS_INLINE moved block_ucs2(uint16_t *out, const uint8_t *src) { return last_ucs2(out, src, ALL); }

/* The characters that begin at 16 of 128 places. */
FWS_INLINE __m512i chars_at(__m512i in, __m512i behind, const uint8_t *places) {
    static const uint8_t each4[16] = {0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12};
    __m512i at = _mm512_shuffle_epi8(w_load(places), v_table(each4));
    at = _mm512_add_epi8(at, w_set(0x03020100));
    __m512i w = _mm512_permutex2var_epi8(in, at, behind);
    __m512i lead = _mm512_and_si512(w, w_set(0xFF));
    /* As if all had four bytes; the shorter ones are then moved down. */
    __m512i c = join(_mm512_and_si512(_mm512_slli_epi32(w, 18), w_set(0xFC0000)),
                     _mm512_slli_epi32(w, 4), w_set(0x3F000));
    c = join(c, _mm512_srli_epi32(w, 10), w_set(0xFC0));
    c = join(c, _mm512_srli_epi32(w, 24), w_set(0x3F));
    __m512i two = _mm512_and_si512(_mm512_srli_epi32(c, 12), w_set(0x7FF));
    __m512i three = _mm512_and_si512(_mm512_srli_epi32(c, 6), w_set(0xFFFF));
    __m512i four = _mm512_and_si512(c, w_set(0x1FFFFF));
    c = _mm512_mask_mov_epi32(lead, _mm512_cmpge_epu32_mask(lead, w_set(0xC0)), two);
    c = _mm512_mask_mov_epi32(c, _mm512_cmpge_epu32_mask(lead, w_set(0xE0)), three);
    return _mm512_mask_mov_epi32(c, _mm512_cmpge_epu32_mask(lead, w_set(0xF0)), four);
}

FWS_INLINE moved last_ucs4(uint32_t *out, const uint8_t *src, size_t room) {
    vec in = v_load(src);
    uint64_t leads = v_leads(in), conts = ~leads;
    if (v_is_ascii(in)) {
        for (size_t i = 0; i < 64; i += 16) store_4(out + i, w_load(src + i), less(room, i));
        return (moved){at_most(64, room), 64};
    }
    if (conts == RUN_4) {
        __m512i low = join(_mm512_and_si512(_mm512_srli_epi32(in, 24), w_set(0x3F)),
                           _mm512_srli_epi32(in, 10), w_set(0xFC0));
        __m512i high = join(low, _mm512_slli_epi32(in, 4), w_set(0x3F000));
        _mm512_storeu_si512(out, join(high, _mm512_slli_epi32(in, 18), w_set(0x1C0000)));
        return (moved){16, 64};
    }
    if ((conts & 0x1FFFFFFFFFFFFu) == RUN_3) {
        _mm512_storeu_si512(out, run_of_3(in));
        return (moved){16, 48};
    }
    static const uint8_t all[64] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                    16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
                                    32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47,
                                    48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};
    uint8_t places[64];
    size_t n = (size_t)_mm_popcnt_u64(leads);
    v_store(places, _mm512_maskz_compress_epi8(leads, v_load(all)));
    n = at_most(n, room);
    for (size_t i = 0; i < n; i += 16)
        store_4(out + i, chars_at(in, v_load(src + 64), places + i), less(room, i));
    return (moved){n, block_bytes(src, 3)};
}

FWS_INLINE moved block_ucs4(uint32_t *out, const uint8_t *src) { return last_ucs4(out, src, ALL); }

/* --- The other direction ------------------------------------------------------------------- */

enum { PUT_CHARS = 32, PUT_MOST = 128, PUT_FEW = 16, PUT_FEW_MOST = 64 };

FWS_INLINE size_t put_valid(uint8_t *out, __m512i bytes, __mmask64 valid) {
    v_store(out, _mm512_maskz_compress_epi8(valid, bytes));
    return (size_t)_mm_popcnt_u64(valid);
}

/* 32 characters below 800, in lanes of two bytes: 110xxxxx 10xxxxxx, or ________ 0xxxxxxx. */
FWS_INLINE size_t put_32_of_2(uint8_t *out, __m512i c) {
    __mmask32 wide = _mm512_cmpge_epu16_mask(c, h_set(0x80));
    __m512i two = _mm512_slli_epi16(_mm512_and_si512(c, h_set(0x3F)), 8);
    two = _mm512_or_si512(_mm512_or_si512(two, _mm512_srli_epi16(c, 6)), h_set(0x80C0));
    __m512i bytes = _mm512_mask_mov_epi16(_mm512_slli_epi16(c, 8), wide, two);
    __m512i valid = _mm512_mask_mov_epi16(h_set(0x8000), wide, h_set(0x8080));
    return put_valid(out, bytes, _mm512_movepi8_mask(valid));
}

/* 16 characters, in lanes of four bytes, as far behind in them as they go. */
FWS_INLINE size_t put_16(uint8_t *out, __m512i c) {
    __mmask16 two = _mm512_cmpge_epu32_mask(c, w_set(0x80));
    __mmask16 three = _mm512_cmpge_epu32_mask(c, w_set(0x800));
    __mmask16 four = _mm512_cmpge_epu32_mask(c, w_set(0x10000));
    __m512i x = join(_mm512_srli_epi32(c, 18), _mm512_slli_epi32(c, 10), w_set(0x3F0000));
    x = join(x, _mm512_srli_epi32(c, 4), w_set(0x3F00));
    x = _mm512_or_si512(x, _mm512_slli_epi32(_mm512_and_si512(c, w_set(0x3F)), 24));
    __m512i marks = _mm512_mask_mov_epi32(w_set((int)0x80C00000), three, w_set((int)0x8080E000));
    marks = _mm512_mask_mov_epi32(marks, four, w_set((int)0x808080F0));
    __m512i bytes = _mm512_mask_or_epi32(_mm512_slli_epi32(c, 24), two, x, marks);
    __m512i valid = _mm512_mask_mov_epi32(w_set((int)0x80000000), two, w_set((int)0x80800000));
    valid = _mm512_mask_mov_epi32(valid, three, w_set((int)0x80808000));
    valid = _mm512_mask_mov_epi32(valid, four, w_set((int)0x80808080));
    return put_valid(out, bytes, _mm512_movepi8_mask(valid));
}

FWS_INLINE size_t put_latin1(uint8_t *out, const uint8_t *src) {
    return put_32_of_2(out, h_load(src));
}

FWS_INLINE size_t put_ucs2(uint8_t *out, const uint16_t *src) {
    __m512i c = _mm512_loadu_si512(src);
    if (!_mm512_cmpge_epu16_mask(c, h_set(0x800))) return put_32_of_2(out, c);
    size_t n = put_16(out, _mm512_cvtepu16_epi32(_mm512_castsi512_si256(c)));
    return n + put_16(out + n, _mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(c, 1)));
}

FWS_INLINE size_t put_ucs4(uint8_t *out, const uint32_t *src) {
    size_t n = put_16(out, _mm512_loadu_si512(src));
    return n + put_16(out + n, _mm512_loadu_si512(src + 16));
}

FWS_INLINE size_t few_latin1(uint8_t *out, const uint8_t *src) { return put_16(out, w_load(src)); }

FWS_INLINE size_t few_ucs2(uint8_t *out, const uint16_t *src) {
    return put_16(out, _mm512_cvtepu16_epi32(_mm256_loadu_si256((const void *)src)));
}

FWS_INLINE size_t few_ucs4(uint8_t *out, const uint32_t *src) {
    return put_16(out, _mm512_loadu_si512(src));
}
