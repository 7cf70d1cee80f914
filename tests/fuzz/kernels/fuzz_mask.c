/* Masking at every level against a loop over bytes: a size, an alignment and a phase that a fuzzer
 * chooses, to another place and in place, and between guards. */
#include "fuzz.h"
#include "../../kernels/test_mask.c"

static size_t n, alignment, phase;
static int at_end;

static uint8_t *lay(arena *a, int end) { return end ? arena_end(a, n) : arena_start(a, n); }

static void check_input(const fws_kernels *level) {
    now.what = "mask at an alignment";
    uint8_t *dst = arena_aligned(&to, alignment, n);
    check(level, dst, arena_aligned(&from, random_below(AROUND), n), n, phase);
    now.what = "mask in place at an alignment";
    check(level, dst, dst, n, phase);
    now.what = "mask between guards";
    dst = lay(&to, at_end & 1);
    check(level, dst, lay(&from, at_end >> 1 & 1), n, phase);
    now.what = "mask in place between guards";
    check(level, dst, dst, n, phase);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!from.start) {
        from = arena_new(LARGEST);
        to = arena_new(LARGEST);
    }
    uint64_t seed = fuzz_number(&data, &size, 2);
    alignment = fuzz_byte(&data, &size) % AROUND;
    phase = seed & 3;
    at_end = seed >> 2 & 3;
    n = fuzz_number(&data, &size, 2);
    n %= n >> 13 ? 200 : 2100;
    for (size_t i = 0; i < n; i++) plain[i] = size ? data[i % size] : (uint8_t)i;
    fuzz_levels(check_input, seed);
    return 0;
}
