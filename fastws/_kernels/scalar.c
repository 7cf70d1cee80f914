/* The portable level: any C11 compiler, any processor. The reference that the others must equal. */
#include "utf8.h"

typedef uint64_t vec;
enum { VEC_SIZE = 8 };

FWS_INLINE vec v_load(const uint8_t *p) { return fws_load64(p); }
FWS_INLINE void v_store(uint8_t *p, vec a) { fws_store64(p, a); }
FWS_INLINE vec v_xor(vec a, vec b) { return a ^ b; }
FWS_INLINE vec v_key(uint32_t key) { return (uint64_t)key << 32 | key; }

#include "mask_tpl.h"

static void mask_scalar(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key) {
    mask_vectors(dst, src, n, key);
}

static size_t utf8_prefix_scalar(const uint8_t *src, size_t n) {
    fws_utf8 s = {0, 0, 0};
    size_t i = 0, boundary = 0;
    while (i < n) {
        if (!s.wanted) {
            boundary = i;
            if (i + 8 <= n && !(fws_load64(src + i) & 0x8080808080808080u)) {
                i += 8;
                continue;
            }
        }
        if (!fws_utf8_step(&s, src[i])) return boundary;
        i++;
    }
    return s.wanted ? boundary : n;
}

extern const fws_kernels fws_scalar;
const fws_kernels fws_scalar = {"scalar", mask_scalar, utf8_prefix_scalar};
