/* Which levels run here: ask the processor what it has, and the operating system what it saves.
 *
 * This file is built for the baseline processor and calls no kernel.
 */
#include "text.h"

extern const fws_kernels fws_scalar;

fws_table fws_places;

static void fill_places(void) {
    for (unsigned bits = 0; bits < 256; bits++) {
        uint8_t n = 0;
        for (uint8_t place = 0; place < 8; place++)
            if (bits >> place & 1) fws_places.at[bits][n++] = place;
        fws_places.count[bits] = n;
    }
}

#if defined(__x86_64__) || defined(__i386__) || defined(_M_X64) || defined(_M_IX86)

#include "processor.h"

extern const fws_kernels fws_sse4, fws_avx2, fws_avx512;

enum { EAX, EBX, ECX, EDX };

static int has(uint32_t word, uint32_t bits) { return (word & bits) == bits; }

#if defined(__x86_64__) || defined(_M_X64)
static int has_avx512(const uint32_t leaf7[4], uint64_t saved) {
    const uint32_t AVX2 = 1u << 5, F = 1u << 16, BW = 1u << 30, VL = 1u << 31; /* EBX */
    const uint32_t VBMI = 1u << 1, VBMI2 = 1u << 6;                            /* ECX */
    const uint64_t ZMM = 0xE6; /* XCR0: what is saved */
    if ((saved & ZMM) != ZMM) return 0;
    if (!has(leaf7[EBX], AVX2 | F | BW | VL)) return 0; /* GCOVR_EXCL_BR_LINE: none is emulated */
    return has(leaf7[ECX], VBMI | VBMI2);
}
#endif

static size_t vector_levels(const fws_kernels **levels) {
    const uint32_t SSSE3 = 1u << 9, SSE41 = 1u << 19; /* leaf 1, ECX */
    const uint32_t POPCNT = 1u << 23, OSXSAVE = 1u << 27;
    const uint32_t AVX2 = 1u << 5; /* leaf 7, EBX */
    const uint64_t YMM = 0x06;     /* XCR0: what is saved */

    uint32_t leaf0[4], leaf1[4] = {0}, leaf7[4] = {0};
    cpuid(0, leaf0);
    if (leaf0[EAX] >= 1) cpuid(1, leaf1);
    if (leaf0[EAX] >= 7) cpuid(7, leaf7);
    uint64_t saved = has(leaf1[ECX], OSXSAVE) ? saved_state() : 0;

    size_t n = 0;
    if (!has(leaf1[ECX], SSSE3 | SSE41 | POPCNT)) return 0; /* wider levels use these too */
#if defined(__x86_64__) || defined(_M_X64)
    if (has_avx512(leaf7, saved)) levels[n++] = &fws_avx512;
#endif
    if ((saved & YMM) == YMM && has(leaf7[EBX], AVX2)) levels[n++] = &fws_avx2;
    levels[n++] = &fws_sse4;
    return n;
}

#elif (defined(__aarch64__) && !defined(__AARCH64EB__)) || defined(_M_ARM64)

extern const fws_kernels fws_neon;

static size_t vector_levels(const fws_kernels **levels) {
    levels[0] = &fws_neon; /* part of the 64-bit architecture */
    return 1;
}

#else

static size_t vector_levels(const fws_kernels **levels) {
    (void)levels;
    return 0;
}

#endif

size_t fws_levels(const fws_kernels *levels[FWS_MAX_LEVELS]) {
    size_t n = vector_levels(levels);
    levels[n] = &fws_scalar;
    fill_places();
    return n + 1;
}
