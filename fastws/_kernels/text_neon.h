/* The vocabulary of text128_tpl.h on 64-bit ARM. */

typedef uint8x16_t reg;

#define AS8(a) vreinterpretq_u8_u16(a)
#define AS8_32(a) vreinterpretq_u8_u32(a)
#define AS16(a) vreinterpretq_u16_u8(a)
#define AS32(a) vreinterpretq_u32_u8(a)

FWS_INLINE reg r_load(const uint8_t *p) { return vld1q_u8(p); }
FWS_INLINE reg r_load8(const uint8_t *p) { return vcombine_u8(vld1_u8(p), vdup_n_u8(0)); }
FWS_INLINE void r_store(uint8_t *p, reg a) { vst1q_u8(p, a); }
FWS_INLINE void r_store8(uint8_t *p, reg a) { vst1_u8(p, vget_low_u8(a)); }
FWS_INLINE reg r_byte(int b) { return vdupq_n_u8((uint8_t)b); }
FWS_INLINE reg r_or(reg a, reg b) { return vorrq_u8(a, b); }
FWS_INLINE reg r_xor(reg a, reg b) { return veorq_u8(a, b); }
FWS_INLINE reg r_pick(reg mask, reg a, reg b) { return vbslq_u8(mask, a, b); }
FWS_INLINE reg r_shuffle(reg a, reg at) { return vqtbl1q_u8(a, at); }
FWS_INLINE reg r_zip(reg a, reg b) { return vzip1q_u8(a, b); }
FWS_INLINE int r_any_high(reg a) { return vmaxvq_u8(a) >= 0x80; }
FWS_INLINE unsigned r_bits(reg mask) {
    static const uint8_t weights[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    reg w = vandq_u8(mask, vld1q_u8(weights));
    return (unsigned)vaddv_u8(vget_low_u8(w)) | (unsigned)vaddv_u8(vget_high_u8(w)) << 8;
}
FWS_INLINE unsigned r_highs(reg a) { return r_bits(vcgeq_u8(a, r_byte(0x80))); }
FWS_INLINE unsigned r_conts(reg a) {
    return r_bits(vcltq_s8(vreinterpretq_s8_u8(a), vdupq_n_s8(-64)));
}
FWS_INLINE int r_wides(reg a) { return vmaxvq_u8(a) >= 0xE0; }
FWS_INLINE unsigned r_fours(reg a) { return r_bits(vcgeq_u8(a, vdupq_n_u8(0xF0))); }

FWS_INLINE reg b_add(reg a, reg b) { return vaddq_u8(a, b); }
FWS_INLINE reg b_below_80(reg a) { return vcltq_u8(a, vdupq_n_u8(0x80)); }

FWS_INLINE reg h_byte(int b) { return AS8(vdupq_n_u16((uint16_t)b)); }
FWS_INLINE reg h_first(reg a) { return AS8(vmovl_u8(vget_low_u8(a))); }
FWS_INLINE reg h_second(reg a) { return AS8(vmovl_u8(vget_high_u8(a))); }
FWS_INLINE reg h_and(reg a, reg b) { return vandq_u8(a, b); }
FWS_INLINE reg h_left(reg a, int bits) {
    return AS8(vshlq_u16(AS16(a), vdupq_n_s16((int16_t)bits)));
}
FWS_INLINE reg h_right(reg a, int bits) { return h_left(a, -bits); }
FWS_INLINE reg h_below(reg a, int limit) {
    return AS8(vcltq_u16(AS16(a), vdupq_n_u16((uint16_t)limit)));
}
FWS_INLINE reg h_above(reg a, int limit) {
    return AS8(vcgtq_u16(AS16(a), vdupq_n_u16((uint16_t)limit)));
}
FWS_INLINE reg h_narrow(reg a) {
    return vcombine_u8(vreinterpret_u8_u16(vmovn_u32(AS32(a))), vdup_n_u8(0));
}

FWS_INLINE reg w_first(reg a) { return AS8_32(vmovl_u16(vget_low_u16(AS16(a)))); }
FWS_INLINE reg w_second(reg a) { return AS8_32(vmovl_u16(vget_high_u16(AS16(a)))); }
FWS_INLINE reg w_and(reg a, int bits) {
    return AS8_32(vandq_u32(AS32(a), vdupq_n_u32((uint32_t)bits)));
}
FWS_INLINE reg w_left(reg a, int bits) { return AS8_32(vshlq_u32(AS32(a), vdupq_n_s32(bits))); }
FWS_INLINE reg w_right(reg a, int bits) { return w_left(a, -bits); }
FWS_INLINE reg w_word(uint32_t a) { return AS8_32(vdupq_n_u32(a)); }
FWS_INLINE reg w_below(reg a, int limit) {
    return AS8_32(vcltq_u32(AS32(a), vdupq_n_u32((uint32_t)limit)));
}

#include "text128_tpl.h"
