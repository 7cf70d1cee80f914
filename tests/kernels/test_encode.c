/* From characters to masked UTF-8, at every level, against UTF-8's definition: the size, each
 * kernel, and whole texts in pieces. What is read and written lies against memory that nobody may
 * touch. */
#include "guard.h"
#include "encode.h"
#include "texts.h"

static arena from, to;

static uint8_t *lay(arena *a, int at_end, size_t n) {
    return at_end ? arena_end(a, n) : arena_start(a, n);
}

/* The characters in 1, 2 or 4 bytes each. */
static void *lay_chars(int bytes, int at_end) {
    uint8_t *src = lay(&from, at_end, chars_n * (size_t)bytes);
    for (size_t i = 0; i < chars_n; i++) {
        uint16_t two = (uint16_t)chars[i];
        if (bytes == 1) src[i] = (uint8_t)chars[i];
        if (bytes == 2) memcpy(src + 2 * i, &two, 2);
        if (bytes == 4) memcpy(src + 4 * i, &chars[i], 4);
    }
    return src;
}

static int fits(int bytes) {
    return width() <= (bytes == 1 ? FWS_LATIN : bytes == 2 ? FWS_UCS2 : FWS_UCS4);
}

static void compare(const uint8_t *out, const uint8_t *key) {
    for (size_t i = 0; i < size; i++) {
        uint8_t wanted = (uint8_t)(text[i] ^ (key ? key[i % 4] : 0));
        if (out[i] != wanted) fail("byte %lu is %02x, not %02x", (unsigned long)i, out[i], wanted);
    }
    arena_intact(&from);
    arena_intact(&to);
    now.calls++;
}

/* `spare` bytes behind the text may be written, and nothing behind them. */
static void check_kernel(const fws_kernels *level, int bytes, size_t spare, int at_end) {
    static const char *const names[5] = {"", "from_latin1", "from_ucs2", "", "from_ucs4"};
    void *src = lay_chars(bytes, !at_end);
    uint8_t *out = lay(&to, at_end, size + spare), *end = out + size + spare;
    uint8_t *stop = NULL;
    now.what = names[bytes];
    if (bytes == 1) stop = level->from_latin1(out, end, src, chars_n);
    if (bytes == 2) stop = level->from_ucs2(out, end, src, chars_n);
    if (bytes == 4) stop = level->from_ucs4(out, end, src, chars_n);
    expect_size("the bytes written", (size_t)(stop - out), size);
    compare(out, NULL);
}

static void check_encode(const fws_kernels *level, int bytes, int masked) {
    uint8_t key[4];
    void *src = lay_chars(bytes, 1);
    uint8_t *out = lay(&to, 1, size);
    random_bytes(key, 4);
    now.what = masked ? "fws_encode with a key" : "fws_encode";
    expect_size("the size", fws_encoded_size(bytes, src, chars_n), size);
    fws_encode(level, out, size, bytes, src, chars_n, masked ? key : NULL);
    compare(out, masked ? key : NULL);
}

static void check_text(const fws_kernels *level) {
    static const size_t spare[] = {0, 1, 3, 16, 64, 150};
    for (int bytes = 1; bytes <= 4; bytes *= 2) {
        if (!fits(bytes)) continue;
        check_kernel(level, bytes, 0, 1);
        check_kernel(level, bytes, spare[random_below(6)], 1);
        check_kernel(level, bytes, spare[random_below(6)], 0);
        check_encode(level, bytes, 0);
        check_encode(level, bytes, 1);
    }
}

/* Texts of several pieces, of which each leaves the key in another phase. */
static void check_pieces(const fws_kernels *level) {
    for (unsigned i = 0; i < 200; i++) {
        size_t n = 0;
        while (n < 2 * FWS_ENCODE_PIECE + random_below(1000))
            n += random_text(text + n, 1 + random_below(2000), i << 1);
        take_text(n);
        check_text(level);
    }
}

/* A surrogate anywhere has no UTF-8; its neighbours have. */
static void check_surrogates(void) {
    static const uint32_t edges[] = {0xD800, 0xDBFF, 0xDC00, 0xDFFF, 0xD7FF, 0xE000};
    now.what = "fws_encoded_size with a surrogate";
    for (size_t n = 1; n < 9000; n += n < 100 ? 1 : 1483) {
        for (size_t i = 0; i < 6; i++) {
            now.size = n;
            now.at = random_below(n);
            chars_n = n;
            for (size_t j = 0; j < n; j++) chars[j] = j == now.at ? edges[i] : 'a';
            for (int bytes = 2; bytes <= 4; bytes += 2) {
                size_t got = fws_encoded_size(bytes, lay_chars(bytes, 1), n);
                expect_size("the size", got, i < 4 ? FWS_NO_UTF8 : n + 2);
                now.calls++;
            }
        }
    }
}

/* More characters than short sums can count. */
static void check_long_sizes(void) {
    now.what = "fws_encoded_size of a long text";
    for (int r = 0; r < RANGES_N; r++) {
        const size_t n = 70000;
        const int bytes = RANGES[r].last < 0x100 ? 1 : RANGES[r].last < 0x10000 ? 2 : 4;
        uint8_t *src = arena_end(&from, n * (size_t)bytes);
        uint16_t two = (uint16_t)RANGES[r].last;
        for (size_t i = 0; i < n; i++) {
            if (bytes == 1) src[i] = (uint8_t)two;
            if (bytes == 2) memcpy(src + 2 * i, &two, 2);
            if (bytes == 4) memcpy(src + 4 * i, &RANGES[r].last, 4);
        }
        expect_size("the size", fws_encoded_size(bytes, src, n), n * RANGES[r].size);
        now.calls++;
    }
}

static void check_level(const fws_kernels *level) {
    each_text(level, check_text);
    check_pieces(level);
    check_surrogates();
    check_long_sizes();
}

int main(void) {
    from = arena_new(4 * 70000);
    to = arena_new(4 * TEXT_MAX);
    at_each_level("test_encode", check_level);
    return 0;
}
