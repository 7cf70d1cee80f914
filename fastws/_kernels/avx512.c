/* AVX-512 F, BW, VL, VBMI and VBMI2: 64 bytes at a time, on Ice Lake, Zen 4 and later. Older
 * AVX-512 processors slow down for it, and stay with AVX2. */
#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>

#include "target.h"
#include "encode.h"
#include "text.h"

#define FWS_NAME(operation) operation##_avx512

FWS_TARGET_BEGIN("avx2,popcnt,avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2")

typedef __m512i vec;
enum { VEC_SIZE = 64 };

FWS_INLINE vec v_load(const uint8_t *p) { return _mm512_loadu_si512((const void *)p); }
FWS_INLINE void v_store(uint8_t *p, vec a) { _mm512_storeu_si512((void *)p, a); }
FWS_INLINE vec v_xor(vec a, vec b) { return _mm512_xor_si512(a, b); }
FWS_INLINE vec v_or(vec a, vec b) { return _mm512_or_si512(a, b); }
FWS_INLINE vec v_and(vec a, vec b) { return _mm512_and_si512(a, b); }
FWS_INLINE vec v_and3(vec a, vec b, vec c) { return _mm512_ternarylogic_epi32(a, b, c, 0x80); }
FWS_INLINE vec v_or_and(vec a, vec b, vec c) { return _mm512_ternarylogic_epi32(a, b, c, 0xA8); }
FWS_INLINE vec v_zero(void) { return _mm512_setzero_si512(); }
FWS_INLINE vec v_byte(int b) { return _mm512_set1_epi8((char)b); }
FWS_INLINE vec v_key(uint32_t key) { return _mm512_set1_epi32((int)key); }
FWS_INLINE vec v_table(const uint8_t *t) {
    return _mm512_broadcast_i32x4(_mm_loadu_si128((const void *)t));
}
FWS_INLINE vec v_lookup(vec table, vec index) { return _mm512_shuffle_epi8(table, index); }
FWS_INLINE vec v_low_nibble(vec a) { return v_and(a, v_byte(0x0F)); }
FWS_INLINE vec v_high_nibble(vec a) { return v_low_nibble(_mm512_srli_epi16(a, 4)); }
FWS_INLINE vec v_sub(vec a, vec b) { return _mm512_subs_epu8(a, b); }
/* The byte shift works within quarters: it wants each quarter's neighbour below. */
FWS_INLINE vec v_between(vec a, vec before) { return _mm512_alignr_epi32(a, before, 12); }
FWS_INLINE vec v_prev1(vec a, vec before) {
    return _mm512_alignr_epi8(a, v_between(a, before), 15);
}
FWS_INLINE vec v_prev2(vec a, vec before) {
    return _mm512_alignr_epi8(a, v_between(a, before), 14);
}
FWS_INLINE vec v_prev3(vec a, vec before) {
    return _mm512_alignr_epi8(a, v_between(a, before), 13);
}
FWS_INLINE int v_is_ascii(vec a) { return !_mm512_movepi8_mask(a); }
FWS_INLINE int v_is_zero(vec a) { return !_mm512_test_epi8_mask(a, a); }
FWS_INLINE vec v_max(vec a, vec b) { return _mm512_max_epu8(a, b); }
FWS_INLINE uint64_t v_leads(vec a) { return _mm512_cmpgt_epi8_mask(a, v_byte(-65)); }
FWS_INLINE size_t v_chars(vec a) { return (size_t)_mm_popcnt_u64(v_leads(a)); }

#define FWS_PARTS
FWS_INLINE __mmask64 v_places(size_t n) { return ((uint64_t)1 << n) - 1; } /* n < 64 */
FWS_INLINE vec v_load_part(const uint8_t *p, size_t n) {
    return _mm512_maskz_loadu_epi8(v_places(n), p);
}
FWS_INLINE void v_store_part(uint8_t *p, vec a, size_t n) {
    _mm512_mask_storeu_epi8(p, v_places(n), a);
}
FWS_INLINE vec v_part(vec a, size_t n) { return _mm512_maskz_mov_epi8(v_places(n), a); }

#include "mask_tpl.h"
#include "utf8_tpl.h"
#include "text_avx512.h"
#include "text_tpl.h"

/* FWS_SHORT to 63 bytes: two half vectors that overlap. */
typedef struct halves {
    __m256i start, last;
} halves;

FWS_INLINE halves mask_halves(const uint8_t *src, size_t n, uint32_t key) {
    const __m256i turned = _mm256_set1_epi32((int)fws_key_phase(key, n));
    halves h = {_mm256_loadu_si256((const void *)src),
                _mm256_loadu_si256((const void *)(src + n - 32))};
    h.start = _mm256_xor_si256(h.start, _mm256_set1_epi32((int)key));
    h.last = _mm256_xor_si256(h.last, turned);
    return h;
}

FWS_INLINE void store_halves(uint8_t *dst, size_t n, halves h) {
    _mm256_storeu_si256((void *)dst, h.start);
    _mm256_storeu_si256((void *)(dst + n - 32), h.last);
}

static void mask_avx512(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key) {
    if (n >= VEC_SIZE)
        mask_vectors(dst, src, n, key);
    else
        store_halves(dst, n, mask_halves(src, n, key));
}

static size_t ascii_avx512(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key) {
    if (n >= VEC_SIZE) return ascii_vectors(dst, src, n, key);
    halves h = mask_halves(src, n, key);
    if (_mm256_movemask_epi8(_mm256_or_si256(h.start, h.last))) return 0;
    store_halves(dst, n, h);
    return n;
}

FWS_TARGET_END

extern const fws_kernels fws_avx512;
const fws_kernels fws_avx512 = FWS_LEVEL(avx512);

#else
typedef int fws_no_avx512; /* C wants a file to declare something */
#endif
