/* What the fuzzed programs share: the checks of tests/kernels, driven by a fuzzer's bytes.
 *
 * A program includes the test whose checks it runs; that one's main() is not called. Its random
 * choices (keys, cuts, places) follow from the first bytes of the input, so that an input always
 * does the same. A check that fails exits, which libFuzzer takes for a crash.
 *
 * With FUZZ_PLANTED each level has a fault: masking goes wrong for one size.
 */
#ifndef FWS_FUZZ_H
#define FWS_FUZZ_H

#define main tests_main
#include "../../kernels/guard.h"

int tests_main(void);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#ifdef FUZZ_PLANTED
enum { PLANTED_SIZE = 77 };
static void (*unplanted)(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key);

static void planted_mask(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key) {
    unplanted(dst, src, n, key);
    if (n == PLANTED_SIZE) dst[n - 1] ^= 1;
}
#endif

/* Run a check at each level; the random choices are the same at all of them. */
SHARED void fuzz_levels(void (*check)(const fws_kernels *level), uint64_t seed) {
    static const fws_kernels *levels[FWS_MAX_LEVELS];
    static size_t n;
    if (!n) n = fws_levels(levels);
    for (size_t i = 0; i < n; i++) {
        fws_kernels level = *levels[i];
#ifdef FUZZ_PLANTED
        unplanted = level.mask;
        level.mask = planted_mask;
#endif
        now = (work){level.name, "starting", 0, 0, 0};
        random_state = seed * 0x9E3779B97F4A7C15u + 1;
        check(&level);
    }
}

/* Take a byte of the input; 0 behind its end. */
SHARED uint8_t fuzz_byte(const uint8_t **data, size_t *size) {
    if (!*size) return 0;
    (*size)--;
    return *(*data)++;
}

SHARED uint64_t fuzz_number(const uint8_t **data, size_t *size, int bytes) {
    uint64_t n = 0;
    while (bytes--) n = n << 8 | fuzz_byte(data, size);
    return n;
}

#endif
