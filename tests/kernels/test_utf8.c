/* UTF-8 at every level against its definition: whole texts, texts in chunks, and each sequence of
 * 1 to 3 bytes at the turns of vectors and blocks. What a kernel reads lies against memory that
 * nobody may touch. */
#include "guard.h"
#include "naive.h"
#include "utf8.h"

enum { TEXT_MAX = 5000, SPLIT_MAX = 200, TEXTS = 6000, LONG_TEXTS = 300 };
enum { ROOM = 128 }; /* for a sequence among ASCII */

/* Slow and with sanitizers, only one in so many of the sequences of 3 bytes. */
enum { STRIDE = CHECK_ASAN ? 31 : 1 };

static arena one, two;
static uint8_t text[TEXT_MAX + 8];

/* kernels.h: a boundary before the fault, and not far from it. */
static void check_prefix(const verdict *v, const uint8_t *src, size_t n, size_t good) {
    now.calls++;
    if (v->whole == n) {
        expect_size("the prefix of a valid text", good, n);
        return;
    }
    unsigned long at = (unsigned long)good;
    if (good > v->whole)
        fail("prefix %lu, where only %lu bytes are whole", at, (unsigned long)v->whole);
    if (good < n && src[good] >> 6 == 2 && good != v->whole)
        fail("prefix %lu is inside of a code point", at);
    if (v->fault - good >= FWS_BLOCK + 3)
        fail("prefix %lu is too far from the fault at %lu", at, (unsigned long)v->fault);
}

/* Feed one chunk, and see that the state is what the definition says of all that came so far. */
static size_t feed(const fws_kernels *level, fws_utf8 *s, const uint8_t *src, size_t n) {
    now.calls++;
    return fws_utf8_feed(level, s, src, n);
}

static void check_state(const fws_utf8 *s, size_t n) {
    naive wanted = {0, 0, 0};
    for (size_t i = 0; i < n; i++)
        if (!naive_step(&wanted, text[i])) break;
    expect_size("continuation bytes wanted", s->wanted, wanted.left);
}

static const uint8_t *lay(arena *a, int at_end, const uint8_t *bytes, size_t n) {
    uint8_t *place = at_end ? arena_end(a, n) : arena_start(a, n);
    if (n) memcpy(place, bytes, n);
    return place;
}

static void check_whole(const fws_kernels *level, const verdict *v, size_t n) {
    for (int at_end = 0; at_end < 2; at_end++) {
        const uint8_t *src = lay(&one, at_end, text, n);
        now.what = "utf8_prefix";
        check_prefix(v, src, n, level->utf8_prefix(src, n));
        now.what = "fws_utf8_valid";
        if (fws_utf8_valid(level, src, n) != (v->whole == n))
            fail(v->whole == n ? "a valid text is refused" : "an invalid text is accepted");
        now.what = "fws_utf8_feed of a whole text";
        fws_utf8 s = {0, 0, 0};
        expect_size("the fault", feed(level, &s, src, n), v->fault);
        check_state(&s, v->fault);
    }
}

static void check_split(const fws_kernels *level, const verdict *v, size_t n, size_t split) {
    fws_utf8 s = {0, 0, 0};
    int at_end = split & 1;
    now.what = "fws_utf8_feed of two chunks";
    now.at = split;
    size_t end = feed(level, &s, lay(&one, 1, text, split), split);
    expect_size("the end of the first chunk", end, split < v->fault ? split : v->fault);
    if (end < split) return;
    end = feed(level, &s, lay(&two, at_end, text + split, n - split), n - split);
    expect_size("the end of the second chunk", end + split, v->fault);
    check_state(&s, v->fault);
}

static void check_single_bytes(const fws_kernels *level, const verdict *v, size_t n) {
    fws_utf8 s = {0, 0, 0};
    now.what = "fws_utf8_feed of single bytes";
    for (size_t i = 0; i < n && i <= v->fault; i++) {
        now.at = i;
        size_t end = feed(level, &s, lay(&one, i & 1, text + i, 1), 1);
        expect_size("the end of a byte", end, i < v->fault);
    }
    check_state(&s, v->fault);
}

static void check_text(const fws_kernels *level, size_t n, size_t step) {
    verdict v = naive_verdict(text, n);
    now.size = n;
    now.at = 0;
    check_whole(level, &v, n);
    for (size_t split = 0; split <= n; split += step) check_split(level, &v, n, split);
    if (step == 1) check_single_bytes(level, &v, n);
}

static void check_random(const fws_kernels *level) {
    for (unsigned i = 0; i < TEXTS; i++) {
        /* The kinds of characters by turns, with no, one or two faults. */
        size_t n = random_text(text, random_below(SPLIT_MAX), i << 1);
        for (unsigned faults = i % 3; faults; faults--) n = random_damage(text, n);
        check_text(level, n, 1);
    }
    for (unsigned i = 0; i < LONG_TEXTS; i++) {
        size_t n = random_text(text, random_below(TEXT_MAX), i << 1);
        if (i % 2) n = random_damage(text, n);
        check_text(level, n, 1 + random_below(97));
    }
}

/* Each place of a single fault and of a cut, in texts of one kind of character. */
static void check_places(const fws_kernels *level) {
    static const uint8_t faults[] = {0xFF, 0xC0, 0xC1, 0xF5, 0x80, 0xBF, 0xED, 'a'};
    for (unsigned kind = 0; kind < RANGES_N; kind++) {
        for (size_t at = 0; at < 150; at++) {
            size_t n = random_text(text, 150, 1u << kind);
            if (at >= n) break;
            text[at] = faults[at % sizeof faults];
            check_text(level, n, 7);
            check_text(level, at, 7);
        }
    }
}

/* --- Sequences ----------------------------------------------------------------------------- */

/* A sequence, what it is where an `a` follows, and what it is at the end of a text. */
typedef struct sequence {
    uint8_t bytes[4];
    size_t size;
    verdict before_ascii, at_end;
} sequence;

/* Lay a sequence at `at` of n bytes of ASCII. */
static void check_at(const fws_kernels *level, uint8_t *room, const sequence *s, size_t at,
                     size_t n) {
    verdict v = at + s->size == n ? s->at_end : s->before_ascii;
    v.fault += at;
    v.whole += at;
    if (v.whole > at + s->size) v.fault = v.whole = n;
    memcpy(room + at, s->bytes, s->size);
    now.size = n;
    now.at = at;
    check_prefix(&v, room, n, level->utf8_prefix(room, n));
    memset(room + at, 'a', s->size);
}

/* The byte-wise states, which know the very place of a fault. */
static void check_walk(const sequence *s) {
    fws_utf8 state = {0, 0, 0};
    if (fws_utf8_walk(&state, s->bytes, 0, s->size) != s->at_end.fault)
        fail("fws_utf8_walk of %02x %02x %02x", s->bytes[0], s->bytes[1], s->bytes[2]);
}

/* Across this turn, with `before` bytes before it. */
static void check_turn(const fws_kernels *level, uint8_t *room, const sequence *s, size_t turn,
                       size_t before) {
    size_t n = turn - before + s->size;
    check_at(level, room, s, turn - before, ROOM);
    if (s->size < 3) check_at(level, room + ROOM - n, s, turn - before, n);
}

/* Room is ASCII in front of a guard. `i` numbers the sequences. */
static void check_sequence(const fws_kernels *level, uint8_t *room, sequence *s, uint32_t i) {
    s->bytes[s->size] = 'a';
    s->before_ascii = naive_verdict(s->bytes, s->size + 1);
    s->at_end = naive_verdict(s->bytes, s->size);
    check_walk(s);
    check_at(level, room + ROOM - s->size, s, 0, s->size);
    if (s->size == 3 && s->bytes[0] < 0xC0) {
        /* ASCII before a sequence of 2, or a fault in the first byte: one turn each will do. */
        check_turn(level, room, s, (size_t)16 << i % 3, 1 + i % 2);
        return;
    }
    for (size_t turn = 16; turn <= 64; turn *= 2) {
        if (s->size == 1) check_turn(level, room, s, turn, 0);
        for (size_t before = 1; before < s->size + (s->size == 1); before++)
            check_turn(level, room, s, turn, before);
    }
}

static void check_sequences(const fws_kernels *level) {
    uint8_t *room = arena_end(&two, ROOM);
    sequence s = {{0}, 0, {0, 0, 0, 0}, {0, 0, 0, 0}};
    memset(room, 'a', ROOM);
    now.what = "utf8_prefix of a sequence at a turn";
    for (uint32_t i = 0; i < 1u << 24; i++) {
        s.bytes[0] = (uint8_t)(i >> 16);
        s.bytes[1] = (uint8_t)(i >> 8);
        s.bytes[2] = (uint8_t)i;
        s.size = 3;
        if (i % STRIDE == 0) check_sequence(level, room, &s, i);
        if (i & 0xFF) continue;
        s.size = 2;
        check_sequence(level, room, &s, i);
        if (i & 0xFFFF) continue;
        s.size = 1;
        check_sequence(level, room, &s, i);
    }
}

static void check_level(const fws_kernels *level) {
    check_random(level);
    check_places(level);
    check_sequences(level);
}

int main(void) {
    one = arena_new(TEXT_MAX);
    two = arena_new(TEXT_MAX);
    at_each_level("test_utf8", check_level);
    return 0;
}
