/* From masked UTF-8 to characters, at every level, against UTF-8's definition: unmasked while it is
 * ASCII, counted, written in 1, 2 and 4 bytes a character, and all of it in chunks. What is read
 * and written lies against memory that nobody may touch. */
#include "guard.h"
#include "text.h"
#include "texts.h"

static arena from, to;

static uint8_t *lay(arena *a, int at_end, size_t n) {
    return at_end ? arena_end(a, n) : arena_start(a, n);
}

static uint8_t *lay_text(int at_end, int padded) {
    size_t room = size + (padded ? FWS_PAD : 0);
    uint8_t *src = lay(&from, at_end, room);
    if (room) memset(src, 0, room);
    if (size) memcpy(src, text, size);
    return src;
}

static uint32_t random_key(uint8_t key[4]) {
    uint32_t word;
    random_bytes(key, 4);
    memcpy(&word, key, 4);
    return word;
}

/* Lay the text masked. */
static uint8_t *lay_masked(int at_end, const uint8_t key[4]) {
    uint8_t *src = lay(&from, at_end, size);
    for (size_t i = 0; i < size; i++) src[i] = (uint8_t)(text[i] ^ key[i % 4]);
    return src;
}

/* --- Unmasked, checked and counted --------------------------------------------------------- */

static void check_take_whole(const fws_kernels *level, int at_end, int in_place) {
    uint8_t key[4];
    uint32_t word = random_key(key);
    size_t wanted = level->utf8_prefix(lay_text(at_end, 0), size);
    uint8_t *src = lay_masked(at_end, key);
    uint8_t *dst = in_place ? src : lay(&to, at_end, size);
    size_t counted = 1000;
    uint8_t before = (uint8_t)random_below(FWS_UCS4 + 1), widest = before;
    now.what = in_place ? "utf8_take in place" : "utf8_take";
    size_t good = level->utf8_take(dst, src, size, word, &counted, &widest);
    now.calls++;
    arena_intact(&from);
    if (!in_place) arena_intact(&to);
    expect_size("the same as utf8_prefix", good, wanted);
    expect_size("valid", good == size, (size_t)is_valid());
    size_t there = judged.fault < size ? judged.fault + 1 : size;
    if (memcmp(dst, text, there)) fail("it is unmasked otherwise");
    if (!is_valid()) {
        expect_size("the characters of an invalid text", counted, 1000);
        expect_size("the width of an invalid text", widest, before);
        return;
    }
    expect_size("the characters", counted - 1000, chars_n);
    expect_size("the width", widest, before > width() ? before : width());
}

/* --- Written ------------------------------------------------------------------------------- */

static uint32_t char_at(const uint8_t *out, size_t i, size_t bytes) {
    uint16_t two;
    uint32_t four;
    if (bytes == 1) return out[i];
    if (bytes == 2) {
        memcpy(&two, out + 2 * i, 2);
        return two;
    }
    memcpy(&four, out + 4 * i, 4);
    return four;
}

static void compare(const uint8_t *out, size_t bytes) {
    for (size_t i = 0; i < chars_n; i++) {
        uint32_t got = char_at(out, i, bytes);
        if (got == chars[i]) continue;
        fail("character %lu of %lu is U+%04lX, not U+%04lX", (unsigned long)i,
             (unsigned long)chars_n, (unsigned long)got, (unsigned long)chars[i]);
    }
    arena_intact(&from);
    arena_intact(&to);
    now.calls++;
}

static void check_write(const fws_kernels *level, int src_at_end, int dst_at_end, int padded) {
    const uint8_t *src = lay_text(src_at_end, padded);
    if (width() <= FWS_LATIN) {
        uint8_t *out = lay(&to, dst_at_end, chars_n);
        now.what = "to_latin1";
        level->to_latin1(out, src, size, chars_n, padded);
        compare(out, 1);
    }
    if (width() <= FWS_UCS2) {
        uint8_t *out = lay(&to, dst_at_end, 2 * chars_n);
        now.what = "to_ucs2";
        level->to_ucs2((void *)out, src, size, chars_n, padded);
        compare(out, 2);
    }
    uint8_t *out = lay(&to, dst_at_end, 4 * chars_n);
    now.what = "to_ucs4";
    level->to_ucs4((void *)out, src, size, chars_n, padded);
    compare(out, 4);
}

/* --- Unmasked, in chunks ------------------------------------------------------------------- */

/* Unmask the text in `parts` chunks, to another place or in place; then write it. */
static void check_take(const fws_kernels *level, int in_place, size_t parts) {
    uint8_t key[4];
    uint32_t word = random_key(key);
    fws_text t = {0};
    uint8_t *src = lay_masked(1, key), *dst = in_place ? src : lay(&to, 1, size);
    size_t at = 0, end = 0;
    now.what = in_place ? "fws_text_take in place" : "fws_text_take";
    for (; parts && end == at; parts--) {
        size_t n = parts == 1 ? size - at : random_below(size - at + 1);
        end += fws_text_take(level, &t, dst + at, src + at, n, fws_key_phase(word, at));
        at += n;
    }
    now.calls++;
    arena_intact(&from);
    if (!in_place) arena_intact(&to);
    if (end < at || judged.fault < at) {
        expect_size("the fault", end, judged.fault);
        return;
    }
    expect_size("continuation bytes wanted", t.utf8.wanted == 0, (size_t)is_valid());
    if (memcmp(dst, text, size)) fail("it is unmasked otherwise");
    if (!is_valid() || width() == FWS_ASCII) return;
    int padded = (int)random_below(2);
    uint8_t *read = lay_text(0, padded), *out = lay(&to, 1, 4 * chars_n);
    expect_size("the characters", t.chars, chars_n);
    expect_size("the width", t.width, width());
    fws_text_write(level, t.width, out, t.chars, read, size, padded);
    compare(out, width() == FWS_LATIN ? 1 : width() == FWS_UCS2 ? 2 : 4);
}

/* Transcode the text piece by piece, in four bytes a character, as it comes in chunks. */
static void check_piece(const fws_kernels *level, size_t most) {
    static uint8_t scratch[FWS_SCRATCH];
    static uint32_t out[TEXT_MAX];
    uint8_t key[4];
    uint32_t word = random_key(key);
    fws_text t = {0};
    const uint8_t *src = lay_masked(1, key);
    size_t written = 0;
    now.what = "fws_piece_take";
    for (size_t at = 0, n, whole; at < size; at += n) {
        n = 1 + random_below(most);
        if (n > size - at) n = size - at;
        size_t good =
            fws_piece_take(level, &t, scratch, src + at, n, fws_key_phase(word, at), &whole);
        now.calls++;
        if (good != n || judged.fault < at + n) {
            expect_size("the fault", at + good, judged.fault);
            return;
        }
        for (size_t i = 0; i < FWS_PAD; i++)
            if (scratch[whole + i]) fail("there are no zeros behind the piece");
        size_t chars_there = fws_text_whole(&t) - written;
        if (chars_there && t.width)
            fws_text_write(level, FWS_UCS4, out + written, chars_there, scratch, whole, 1);
        else
            for (size_t i = 0; i < chars_there; i++) out[written + i] = scratch[i];
        written += chars_there;
    }
    expect_size("continuation bytes wanted", t.utf8.wanted == 0, (size_t)is_valid());
    if (!is_valid()) return;
    expect_size("the characters", written, chars_n);
    expect_size("the width", t.width, width());
    for (size_t i = 0; i < chars_n; i++) expect_size("a character", out[i], chars[i]);
}

static void check_widen(void) {
    static const uint8_t one[] = {0, 0x7F, 0x80, 0xFF, 'a'};
    static const uint16_t two[] = {0, 0x7F, 0x80, 0xFF, 'a'};
    static const uint32_t four[] = {0, 0x7F, 0x80, 0xFF, 'a'};
    const void *const as[] = {one, one, two, four};
    now.what = "fws_widen";
    for (uint8_t from_width = FWS_ASCII; from_width <= FWS_UCS4; from_width++) {
        for (uint8_t to_width = from_width; to_width <= FWS_UCS4; to_width++) {
            size_t room = 5 * fws_char_size(to_width);
            uint8_t *out = arena_end(&to, room);
            fws_widen(out, to_width, as[from_width], from_width, 5);
            if (memcmp(out, as[to_width], room))
                fail("width %d to %d is written otherwise", from_width, to_width);
            now.calls++;
        }
    }
}

/* A text whose bytes from `first` to `last` are not ASCII, between guards. */
static int looks_ascii(size_t n, size_t first, size_t last, int at_end) {
    uint8_t key[4], *src = lay(&from, at_end, n);
    uint32_t word = random_key(key);
    for (size_t i = 0; i < n; i++) {
        uint8_t top = i >= first && i < last ? 0x80 : 0;
        src[i] = (uint8_t)((random_below(0x80) | top) ^ key[i % 4]);
    }
    now.size = n;
    now.at = first;
    now.calls++;
    return fws_looks_ascii(src, n, word);
}

/* ASCII is never missed. Where about a quarter of a longer text is not, that is seen. */
static void check_looks_ascii(void) {
    now.what = "fws_looks_ascii";
    for (size_t n = 0; n <= FWS_PIECE; n += n < 300 ? 1 : 499) {
        for (int i = 0; i < 2; i++) {
            if (!looks_ascii(n, n, n, i)) fail("ASCII is taken for something else");
            if (n < 8) continue;
            if (looks_ascii(n, 0, 8, i)) fail("the start is not seen");
            for (size_t quarter = 0; quarter < 4 && n >= FWS_SHORT; quarter++) {
                size_t start = quarter * n / 4, early = start < 12 ? start : 12;
                if (looks_ascii(n, start - early, start + n / 4, i))
                    fail("quarter %lu is not seen", (unsigned long)quarter);
            }
        }
    }
}

static void check_text(const fws_kernels *level) {
    for (int i = 0; i < 4; i++) {
        if (is_valid()) check_write(level, i & 1, i >> 1, 0);
        if (is_valid()) check_write(level, i & 1, i >> 1, 1);
        check_take(level, i & 1, 1 + (size_t)i);
        check_take_whole(level, i & 1, i >> 1);
    }
    check_piece(level, 8);
    check_piece(level, FWS_PIECE);
}

/* --- The texts ----------------------------------------------------------------------------- */

static void check_damaged(const fws_kernels *level) {
    for (unsigned i = 0; i < TEXTS / 2; i++) {
        size_t n = random_text(text, random_below(i % 50 ? 300 : TEXT_MAX), i << 1);
        take_text(random_damage(text, n));
        check_text(level);
    }
}

/* Characters lie across the end of a piece. */
static void check_long(const fws_kernels *level) {
    for (size_t shift = 0; shift < 5; shift++) {
        for (unsigned kind = 1; kind < RANGES_N; kind++) {
            const range *r = &RANGES[kind];
            size_t n = shift;
            memset(text, 'a', n);
            while (n < 2 * FWS_PIECE + 100) n += naive_encode(text + n, random_char(r));
            take_text(n);
            check_text(level);
            text[FWS_PIECE + shift - 2] = 0xFF;
            take_text(n);
            check_text(level);
        }
    }
}

/* --- ASCII --------------------------------------------------------------------------------- */

/* Text of n bytes with one that is not ASCII at `at`, or none if at is n. */
static void check_ascii(const fws_kernels *level, size_t n, size_t at, uint8_t *src, uint8_t *dst) {
    static uint8_t masked[TEXT_MAX];
    uint8_t key[4];
    uint32_t word = random_key(key);
    for (size_t i = 0; i < n; i++) {
        text[i] = (uint8_t)(random_below(0x80) | (i == at ? 0x80 : 0));
        src[i] = masked[i] = (uint8_t)(text[i] ^ key[i % 4]);
    }
    now.size = n;
    now.at = at;
    now.calls++;
    size_t good = fws_ascii(level, dst, src, n, word);
    if (good > at) fail("%lu bytes are said to be ASCII", (unsigned long)good);
    if (at == n) expect_size("the bytes of ASCII", good, n);
    if (memcmp(dst, text, good)) fail("it is unmasked otherwise");
    for (size_t i = good; i < n; i++)
        if (dst[i] != (dst == src ? masked[i] : UNTOUCHED))
            fail("byte %lu was written", (unsigned long)i);
    if (dst != src && memcmp(src, masked, n)) fail("the source was written");
    arena_intact(&from);
    arena_intact(&to);
}

static void check_ascii_at(const fws_kernels *level, size_t n, size_t at) {
    now.what = "fws_ascii";
    for (int i = 0; i < 4; i++) {
        uint8_t *src = lay(&from, i & 1, n);
        check_ascii(level, n, at, src, lay(&to, i >> 1, n));
    }
    uint8_t *dst = arena_aligned(&to, random_below(AROUND), n);
    check_ascii(level, n, at, arena_aligned(&from, random_below(AROUND), n), dst);
    now.what = "fws_ascii in place";
    for (int i = 0; i < 2; i++) {
        dst = lay(&to, i, n);
        check_ascii(level, n, at, dst, dst);
    }
    dst = arena_aligned(&to, random_below(AROUND), n);
    check_ascii(level, n, at, dst, dst);
}

static void check_all_ascii(const fws_kernels *level) {
    for (size_t n = 0; n <= 300; n++) {
        check_ascii_at(level, n, n);
        for (size_t at = 0; at < n; at += n < 140 ? 1 : 1 + random_below(5))
            check_ascii_at(level, n, at);
    }
    for (size_t n = 500; n <= 1100; n += 1 + random_below(3)) {
        check_ascii_at(level, n, n);
        for (int i = 0; i < 8; i++) check_ascii_at(level, n, random_below(n));
    }
}

static void check_level(const fws_kernels *level) {
    check_widen();
    check_looks_ascii();
    check_all_ascii(level);
    each_text(level, check_text);
    check_damaged(level);
    check_long(level);
}

int main(void) {
    from = arena_new(TEXT_MAX);
    to = arena_new(4 * TEXT_MAX);
    at_each_level("test_text", check_level);
    return 0;
}
