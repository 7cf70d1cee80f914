/* From characters to masked UTF-8 at every level, against UTF-8's definition; and the size of texts
 * with surrogates, which have none. */
#include "fuzz_text.h"
#include "../../kernels/test_encode.c"

static void check_surrogate(size_t at, uint32_t surrogate) {
    now.what = "fws_encoded_size with a surrogate";
    now.at = at;
    chars[at] = surrogate;
    for (int bytes = 2; bytes <= 4; bytes += 2)
        if (fits(bytes))
            expect_size("the size", fws_encoded_size(bytes, lay_chars(bytes, 1), chars_n),
                        FWS_NO_UTF8);
}

static void check_input(const fws_kernels *level) {
    for (int bytes = 1; bytes <= 4; bytes *= 2) {
        if (!fits(bytes)) continue;
        check_kernel(level, bytes, random_below(4) ? 0 : random_below(150), (int)random_below(2));
        check_encode(level, bytes, (int)random_below(2));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    if (!from.start) {
        from = arena_new(4 * TEXT_MAX);
        to = arena_new(4 * TEXT_MAX);
    }
    uint64_t seed = fuzz_number(&data, &n, 2);
    take_text(fuzz_text(text, TEXT_MAX, data, n));
    take_text(judged.whole);
    fuzz_levels(check_input, seed);
    if (chars_n) check_surrogate(seed % chars_n, 0xD800 + (uint32_t)(seed % 0x800));
    return 0;
}
