/* SSSE3, SSE4.1 and POPCNT: 16 bytes at a time, on every x86 processor since 2008. */
#if defined(__x86_64__) || defined(__i386__) || defined(_M_X64) || defined(_M_IX86)
#include <immintrin.h>

#include "target.h"
#include "encode.h"
#include "text.h"

#define FWS_NAME(operation) operation##_sse4

FWS_TARGET_BEGIN("ssse3,sse4.1,popcnt")

typedef __m128i vec;
enum { VEC_SIZE = 16 };

FWS_INLINE vec v_load(const uint8_t *p) { return _mm_loadu_si128((const void *)p); }
FWS_INLINE void v_store(uint8_t *p, vec a) { _mm_storeu_si128((void *)p, a); }
FWS_INLINE vec v_xor(vec a, vec b) { return _mm_xor_si128(a, b); }
FWS_INLINE vec v_or(vec a, vec b) { return _mm_or_si128(a, b); }
FWS_INLINE vec v_and(vec a, vec b) { return _mm_and_si128(a, b); }
FWS_INLINE vec v_and3(vec a, vec b, vec c) { return v_and(v_and(a, b), c); }
FWS_INLINE vec v_or_and(vec a, vec b, vec c) { return v_and(v_or(a, b), c); }
FWS_INLINE vec v_zero(void) { return _mm_setzero_si128(); }
FWS_INLINE vec v_byte(int b) { return _mm_set1_epi8((char)b); }
FWS_INLINE vec v_key(uint32_t key) { return _mm_set1_epi32((int)key); }
FWS_INLINE vec v_table(const uint8_t *t) { return v_load(t); }
FWS_INLINE vec v_lookup(vec table, vec index) { return _mm_shuffle_epi8(table, index); }
FWS_INLINE vec v_low_nibble(vec a) { return v_and(a, v_byte(0x0F)); }
FWS_INLINE vec v_high_nibble(vec a) { return v_low_nibble(_mm_srli_epi16(a, 4)); }
FWS_INLINE vec v_sub(vec a, vec b) { return _mm_subs_epu8(a, b); }
FWS_INLINE vec v_prev1(vec a, vec before) { return _mm_alignr_epi8(a, before, 15); }
FWS_INLINE vec v_prev2(vec a, vec before) { return _mm_alignr_epi8(a, before, 14); }
FWS_INLINE vec v_prev3(vec a, vec before) { return _mm_alignr_epi8(a, before, 13); }
FWS_INLINE int v_is_ascii(vec a) { return !_mm_movemask_epi8(a); }
FWS_INLINE int v_is_zero(vec a) { return _mm_testz_si128(a, a); }
FWS_INLINE vec v_max(vec a, vec b) { return _mm_max_epu8(a, b); }
FWS_INLINE size_t v_chars(vec a) {
    return (size_t)_mm_popcnt_u32((unsigned)_mm_movemask_epi8(_mm_cmpgt_epi8(a, v_byte(-65))));
}

#include "mask_tpl.h"
#include "utf8_tpl.h"
#include "text_x86.h"
#include "text_tpl.h"

static void mask_sse4(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key) {
    mask_vectors(dst, src, n, key);
}

static size_t ascii_sse4(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key) {
    return ascii_vectors(dst, src, n, key);
}

FWS_TARGET_END

extern const fws_kernels fws_sse4;
const fws_kernels fws_sse4 = FWS_LEVEL(sse4);

#else
typedef int fws_no_sse4; /* C wants a file to declare something */
#endif
