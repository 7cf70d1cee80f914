/* AVX2: 32 bytes at a time, on most x86 processors since 2013. */
#if defined(__x86_64__) || defined(__i386__) || defined(_M_X64) || defined(_M_IX86)
#include <immintrin.h>

#include "target.h"
#include "encode.h"
#include "text.h"

#define FWS_NAME(operation) operation##_avx2

FWS_TARGET_BEGIN("avx2,popcnt")

typedef __m256i vec;
enum { VEC_SIZE = 32 };

FWS_INLINE vec v_load(const uint8_t *p) { return _mm256_loadu_si256((const void *)p); }
FWS_INLINE void v_store(uint8_t *p, vec a) { _mm256_storeu_si256((void *)p, a); }
FWS_INLINE vec v_xor(vec a, vec b) { return _mm256_xor_si256(a, b); }
FWS_INLINE vec v_or(vec a, vec b) { return _mm256_or_si256(a, b); }
FWS_INLINE vec v_and(vec a, vec b) { return _mm256_and_si256(a, b); }
FWS_INLINE vec v_and3(vec a, vec b, vec c) { return v_and(v_and(a, b), c); }
FWS_INLINE vec v_or_and(vec a, vec b, vec c) { return v_and(v_or(a, b), c); }
FWS_INLINE vec v_zero(void) { return _mm256_setzero_si256(); }
FWS_INLINE vec v_byte(int b) { return _mm256_set1_epi8((char)b); }
FWS_INLINE vec v_key(uint32_t key) { return _mm256_set1_epi32((int)key); }
FWS_INLINE vec v_table(const uint8_t *t) {
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)t));
}
FWS_INLINE vec v_lookup(vec table, vec index) { return _mm256_shuffle_epi8(table, index); }
FWS_INLINE vec v_low_nibble(vec a) { return v_and(a, v_byte(0x0F)); }
FWS_INLINE vec v_high_nibble(vec a) { return v_low_nibble(_mm256_srli_epi16(a, 4)); }
FWS_INLINE vec v_sub(vec a, vec b) { return _mm256_subs_epu8(a, b); }
/* The byte shift works within halves: it wants the upper half of before and the lower of a. */
FWS_INLINE vec v_between(vec a, vec before) { return _mm256_permute2x128_si256(before, a, 0x21); }
FWS_INLINE vec v_prev1(vec a, vec before) {
    return _mm256_alignr_epi8(a, v_between(a, before), 15);
}
FWS_INLINE vec v_prev2(vec a, vec before) {
    return _mm256_alignr_epi8(a, v_between(a, before), 14);
}
FWS_INLINE vec v_prev3(vec a, vec before) {
    return _mm256_alignr_epi8(a, v_between(a, before), 13);
}
FWS_INLINE int v_is_ascii(vec a) { return !_mm256_movemask_epi8(a); }
FWS_INLINE int v_is_zero(vec a) { return _mm256_testz_si256(a, a); }
FWS_INLINE vec v_max(vec a, vec b) { return _mm256_max_epu8(a, b); }
FWS_INLINE size_t v_chars(vec a) {
    vec leads = _mm256_cmpgt_epi8(a, v_byte(-65));
    return (size_t)_mm_popcnt_u32((unsigned)_mm256_movemask_epi8(leads));
}

#include "mask_tpl.h"
#include "utf8_tpl.h"
#include "text_x86.h"
#include "text_tpl.h"

static void mask_avx2(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key) {
    mask_vectors(dst, src, n, key);
}

static size_t ascii_avx2(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key) {
    return ascii_vectors(dst, src, n, key);
}

FWS_TARGET_END

extern const fws_kernels fws_avx2;
const fws_kernels fws_avx2 = FWS_LEVEL(avx2);

#else
typedef int fws_no_avx2; /* C wants a file to declare something */
#endif
