/* The vocabulary of text128_tpl.h on x86: SSE4.1, for the levels sse4 and avx2. */

typedef __m128i reg;

FWS_INLINE reg r_load(const uint8_t *p) { return _mm_loadu_si128((const void *)p); }
FWS_INLINE reg r_load8(const uint8_t *p) { return _mm_loadl_epi64((const void *)p); }
FWS_INLINE void r_store(uint8_t *p, reg a) { _mm_storeu_si128((void *)p, a); }
FWS_INLINE void r_store8(uint8_t *p, reg a) { _mm_storel_epi64((void *)p, a); }
FWS_INLINE reg r_byte(int b) { return _mm_set1_epi8((char)b); }
FWS_INLINE reg r_or(reg a, reg b) { return _mm_or_si128(a, b); }
FWS_INLINE reg r_xor(reg a, reg b) { return _mm_xor_si128(a, b); }
/* Cheaper than the instruction of its own, which takes three steps on many. */
FWS_INLINE reg r_pick(reg mask, reg a, reg b) {
    return _mm_or_si128(_mm_and_si128(mask, a), _mm_andnot_si128(mask, b));
}
FWS_INLINE reg r_shuffle(reg a, reg at) { return _mm_shuffle_epi8(a, at); }
FWS_INLINE reg r_zip(reg a, reg b) { return _mm_unpacklo_epi8(a, b); }
FWS_INLINE int r_any_high(reg a) { return _mm_movemask_epi8(a); }
FWS_INLINE unsigned r_bits(reg mask) { return (unsigned)_mm_movemask_epi8(mask); }
FWS_INLINE unsigned r_highs(reg a) { return r_bits(a); }
FWS_INLINE unsigned r_conts(reg a) { return r_bits(_mm_cmplt_epi8(a, r_byte(-64))); }
FWS_INLINE int r_wides(reg a) {
    return _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_max_epu8(a, r_byte(0xE0)), a));
}
FWS_INLINE unsigned r_fours(reg a) {
    return r_bits(_mm_cmpeq_epi8(_mm_max_epu8(a, r_byte(0xF0)), a));
}

FWS_INLINE reg b_add(reg a, reg b) { return _mm_add_epi8(a, b); }
/* Bytes from 80 on are negative, and the only limit asked for is 80. */
FWS_INLINE reg b_below_80(reg a) { return _mm_cmpgt_epi8(a, r_byte(-1)); }

FWS_INLINE reg h_byte(int b) { return _mm_set1_epi16((short)b); }
FWS_INLINE reg h_first(reg a) { return _mm_cvtepu8_epi16(a); }
FWS_INLINE reg h_second(reg a) { return _mm_unpackhi_epi8(a, _mm_setzero_si128()); }
FWS_INLINE reg h_and(reg a, reg b) { return _mm_and_si128(a, b); }
FWS_INLINE reg h_left(reg a, int bits) { return _mm_slli_epi16(a, bits); }
FWS_INLINE reg h_right(reg a, int bits) { return _mm_srli_epi16(a, bits); }
FWS_INLINE reg h_below(reg a, int limit) { return _mm_cmplt_epi16(a, h_byte(limit)); }
/* Lanes go up to FFFF here, and there is no comparison without a sign. */
FWS_INLINE reg h_above(reg a, int limit) {
    reg most = _mm_subs_epu16(a, h_byte(limit));
    return _mm_xor_si128(_mm_cmpeq_epi16(most, _mm_setzero_si128()), r_byte(-1));
}
FWS_INLINE reg h_narrow(reg a) { return _mm_packus_epi32(a, a); }

FWS_INLINE reg w_first(reg a) { return _mm_cvtepu16_epi32(a); }
FWS_INLINE reg w_second(reg a) { return _mm_unpackhi_epi16(a, _mm_setzero_si128()); }
FWS_INLINE reg w_and(reg a, int bits) { return _mm_and_si128(a, _mm_set1_epi32(bits)); }
FWS_INLINE reg w_left(reg a, int bits) { return _mm_slli_epi32(a, bits); }
FWS_INLINE reg w_right(reg a, int bits) { return _mm_srli_epi32(a, bits); }
FWS_INLINE reg w_word(uint32_t a) { return _mm_set1_epi32((int)a); }
FWS_INLINE reg w_below(reg a, int limit) { return _mm_cmplt_epi32(a, _mm_set1_epi32(limit)); }

#include "text128_tpl.h"
