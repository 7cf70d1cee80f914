/* UTF-8 validated at every level against its definition, whole, in two chunks and byte by byte. */
#include "fuzz_text.h"
#include "../../kernels/test_utf8.c"

static size_t n;
static verdict wanted;

static void check_input(const fws_kernels *level) {
    now.size = n;
    check_whole(level, &wanted, n);
    check_split(level, &wanted, n, random_below(n + 1));
    if (n < 24) check_single_bytes(level, &wanted, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!one.start) {
        one = arena_new(TEXT_MAX);
        two = arena_new(TEXT_MAX);
    }
    uint64_t seed = fuzz_number(&data, &size, 2);
    n = fuzz_text(text, TEXT_MAX, data, size);
    wanted = naive_verdict(text, n);
    fuzz_levels(check_input, seed);
    return 0;
}
