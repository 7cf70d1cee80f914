/* NEON (Advanced SIMD): 16 bytes at a time, on every 64-bit ARM processor. */
#if (defined(__aarch64__) && !defined(__AARCH64EB__)) || defined(_M_ARM64)
#include <arm_neon.h>

#include "target.h"
#include "encode.h"
#include "text.h"

#define FWS_NAME(operation) operation##_neon

typedef uint8x16_t vec;
enum { VEC_SIZE = 16 };

FWS_INLINE vec v_load(const uint8_t *p) { return vld1q_u8(p); }
FWS_INLINE void v_store(uint8_t *p, vec a) { vst1q_u8(p, a); }
FWS_INLINE vec v_xor(vec a, vec b) { return veorq_u8(a, b); }
FWS_INLINE vec v_or(vec a, vec b) { return vorrq_u8(a, b); }
FWS_INLINE vec v_and(vec a, vec b) { return vandq_u8(a, b); }
FWS_INLINE vec v_and3(vec a, vec b, vec c) { return v_and(v_and(a, b), c); }
FWS_INLINE vec v_or_and(vec a, vec b, vec c) { return v_and(v_or(a, b), c); }
FWS_INLINE vec v_zero(void) { return vdupq_n_u8(0); }
FWS_INLINE vec v_byte(int b) { return vdupq_n_u8((uint8_t)b); }
FWS_INLINE vec v_key(uint32_t key) { return vreinterpretq_u8_u32(vdupq_n_u32(key)); }
FWS_INLINE vec v_table(const uint8_t *t) { return vld1q_u8(t); }
FWS_INLINE vec v_lookup(vec table, vec index) { return vqtbl1q_u8(table, index); }
FWS_INLINE vec v_low_nibble(vec a) { return vandq_u8(a, vdupq_n_u8(0x0F)); }
FWS_INLINE vec v_high_nibble(vec a) { return vshrq_n_u8(a, 4); }
FWS_INLINE vec v_sub(vec a, vec b) { return vqsubq_u8(a, b); }
FWS_INLINE vec v_prev1(vec a, vec before) { return vextq_u8(before, a, 15); }
FWS_INLINE vec v_prev2(vec a, vec before) { return vextq_u8(before, a, 14); }
FWS_INLINE vec v_prev3(vec a, vec before) { return vextq_u8(before, a, 13); }
FWS_INLINE int v_is_ascii(vec a) { return vmaxvq_u8(a) < 0x80; }
FWS_INLINE int v_is_zero(vec a) { return vmaxvq_u8(a) == 0; }
FWS_INLINE vec v_max(vec a, vec b) { return vmaxq_u8(a, b); }
FWS_INLINE size_t v_chars(vec a) {
    uint8x16_t leads = vcgtq_s8(vreinterpretq_s8_u8(a), vdupq_n_s8(-65));
    return vaddvq_u8(vshrq_n_u8(leads, 7));
}

#include "mask_tpl.h"
#include "utf8_tpl.h"
#include "text_neon.h"
#include "text_tpl.h"

static void mask_neon(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key) {
    mask_vectors(dst, src, n, key);
}

static size_t ascii_neon(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key) {
    return ascii_vectors(dst, src, n, key);
}

extern const fws_kernels fws_neon;
const fws_kernels fws_neon = FWS_LEVEL(neon);

#else
typedef int fws_no_neon; /* C wants a file to declare something */
#endif
