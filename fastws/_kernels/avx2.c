/* AVX2: 32 bytes at a time, on most x86 processors since 2013. */
#if defined(__x86_64__) || defined(__i386__) || defined(_M_X64) || defined(_M_IX86)
#include <immintrin.h>

#include "target.h"
#include "utf8.h"

#define FWS_NAME(operation) operation##_avx2

FWS_TARGET_BEGIN("avx2")

typedef __m256i vec;
enum { VEC_SIZE = 32 };

FWS_INLINE vec v_load(const uint8_t *p) { return _mm256_loadu_si256((const void *)p); }
FWS_INLINE void v_store(uint8_t *p, vec a) { _mm256_storeu_si256((void *)p, a); }
FWS_INLINE vec v_xor(vec a, vec b) { return _mm256_xor_si256(a, b); }
FWS_INLINE vec v_or(vec a, vec b) { return _mm256_or_si256(a, b); }
FWS_INLINE vec v_and(vec a, vec b) { return _mm256_and_si256(a, b); }
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
FWS_INLINE vec v_prev1(vec a, vec before) { return _mm256_alignr_epi8(a, v_between(a, before), 15); }
FWS_INLINE vec v_prev2(vec a, vec before) { return _mm256_alignr_epi8(a, v_between(a, before), 14); }
FWS_INLINE vec v_prev3(vec a, vec before) { return _mm256_alignr_epi8(a, v_between(a, before), 13); }
FWS_INLINE int v_is_ascii(vec a) { return !_mm256_movemask_epi8(a); }
FWS_INLINE int v_is_zero(vec a) { return _mm256_testz_si256(a, a); }

#include "mask_tpl.h"
#include "utf8_tpl.h"

static void mask_avx2(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key) {
    mask_vectors(dst, src, n, key);
}

FWS_TARGET_END

extern const fws_kernels fws_avx2;
const fws_kernels fws_avx2 = {"avx2", mask_avx2, utf8_prefix_avx2};

#else
typedef int fws_no_avx2; /* C wants a file to declare something */
#endif
