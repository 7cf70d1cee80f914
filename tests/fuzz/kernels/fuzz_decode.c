/* From masked UTF-8 to characters at every level: unmasked, checked, counted and transcoded, whole
 * and in chunks, against UTF-8's definition. */
#include "fuzz_text.h"
#include "../../kernels/test_text.c"

static uint8_t chosen[TEXT_MAX + 8];
static size_t chosen_n, ascii_n, ascii_at;

static void check_input(const fws_kernels *level) {
    memcpy(text, chosen, chosen_n);
    take_text(chosen_n);
    int places = (int)random_below(8);
    if (is_valid()) check_write(level, places & 1, places >> 1 & 1, places >> 2);
    check_take(level, places & 1, 1 + random_below(4));
    check_take_whole(level, places & 1, places >> 1 & 1);
    check_piece(level, places & 4 ? 8 : FWS_PIECE);
    /* Last, since it writes over the text. */
    check_ascii(level, ascii_n, ascii_at, lay(&from, places & 1, ascii_n),
                lay(&to, places >> 1 & 1, ascii_n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    if (!from.start) {
        from = arena_new(TEXT_MAX);
        to = arena_new(4 * TEXT_MAX);
    }
    uint64_t seed = fuzz_number(&data, &n, 2);
    ascii_n = seed % 200;
    ascii_at = fuzz_byte(&data, &n) * (ascii_n + 1) / 256;
    chosen_n = fuzz_text(chosen, TEXT_MAX, data, n);
    fuzz_levels(check_input, seed);
    return 0;
}
