/* Every string of 1 to 4 bytes, 4,311,810,304 of them, against UTF-8's definition: the byte-wise
 * states and every level. And every string of 4 bytes across the turns of vectors and blocks, at
 * every level: across each of them where it begins as a longer code point, and there unmasked on the
 * way as well.
 *
 *   test_utf8_exhaustive [--leads LOW-HIGH] [--level NAME]
 *
 * --leads takes only the strings that begin with these bytes (hexadecimal), so that the work can be
 * split. How many must be valid is known for each first byte.
 */
#include "check.h"
#include "naive.h"
#include "utf8.h"

static const uint64_t STRINGS = 4311810304u, VALID = 385939456u;

static const fws_kernels *levels[FWS_MAX_LEVELS];
static size_t levels_n;

/* --- How many are valid, in closed form ---------------------------------------------------- */

/* Code points whose encoding begins with this byte, and its size. */
static uint64_t points(unsigned lead, unsigned *size) {
    *size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (lead < 0x80) return 1;
    if (lead < 0xC2 || lead > 0xF4) return 0;
    if (lead < 0xE0) return 64;
    if (lead == 0xE0 || lead == 0xED) return 32 * 64;
    if (lead < 0xF0) return 64 * 64;
    return (lead == 0xF0 ? 48u : lead == 0xF4 ? 16u : 64u) * 64 * 64;
}

static uint64_t valid_of_size(unsigned lead, unsigned n);

static uint64_t all_valid_of_size(unsigned n) {
    uint64_t sum = 0;
    if (!n) return 1;
    for (unsigned lead = 0; lead < 256; lead++) sum += valid_of_size(lead, n);
    return sum;
}

static uint64_t valid_of_size(unsigned lead, unsigned n) {
    unsigned size;
    uint64_t first = points(lead, &size);
    return size <= n ? first * all_valid_of_size(n - size) : 0;
}

static uint64_t valid_strings(unsigned low, unsigned high) {
    uint64_t sum = 0;
    for (unsigned lead = low; lead <= high; lead++)
        for (unsigned n = 1; n <= 4; n++) sum += valid_of_size(lead, n);
    return sum;
}

/* --- The strings --------------------------------------------------------------------------- */

/* A string as it grows: the definition's state after each byte, and the first fault. */
typedef struct string {
    uint8_t bytes[4];
    naive states[5];
    size_t fault; /* 4 where there is none */
} string;

_Noreturn static void differs(const fws_kernels *level, const string *s, size_t n,
                              const char *how) {
    char bytes[4 * 3 + 1] = "";
    for (size_t i = 0; i < n; i++) snprintf(bytes + 3 * i, 4, " %02x", s->bytes[i]);
    now.level = level ? level->name : "states";
    fail("%s: %s", bytes + 1, how);
}

/* The byte-wise states, which know the very place of a fault. */
FWS_INLINE void check_states(const string *s, size_t n, int valid) {
    fws_utf8 state = {0, 0, 0};
    size_t end = fws_utf8_walk(&state, s->bytes, 0, n);
    if (end != (s->fault < n ? s->fault : n)) differs(NULL, s, n, "the fault is in another place");
    if (valid != (end == n && !state.wanted)) differs(NULL, s, n, "it ends in another state");
}

FWS_INLINE void check_alone(const fws_kernels *level, const string *s, size_t n, int valid) {
    size_t good = level->utf8_prefix(s->bytes, n);
    if ((good == n) != valid) differs(level, s, n, valid ? "valid, and refused" : "accepted");
    if (good > n || good > s->fault) differs(level, s, n, "the prefix holds the fault");
}

/* Among ASCII, so that `before` of its bytes stand before the turn. */
static void check_turn(const fws_kernels *level, const string *s, size_t turn, size_t before,
                       int valid) {
    static uint8_t room[2 * FWS_BLOCK];
    size_t n = turn < FWS_BLOCK ? FWS_BLOCK : 2 * FWS_BLOCK;
    uint8_t *place = room + turn - before;
    if (!room[0]) memset(room, 'a', sizeof room);
    memcpy(place, s->bytes, 4);
    if ((level->utf8_prefix(room, n) == n) != valid) {
        now.at = turn - before;
        differs(level, s, 4, valid ? "valid, and refused across a turn" : "accepted across a turn");
    }
    memset(place, 'a', 4);
}

/* The same where the text is unmasked on the way. */
static void check_taken_turn(const fws_kernels *level, const string *s, size_t turn, size_t before,
                             int valid) {
    static const uint8_t key[4] = {'a', 'b', 'c', 'd'};
    static uint8_t room[2 * FWS_BLOCK], out[2 * FWS_BLOCK];
    size_t n = turn < FWS_BLOCK ? FWS_BLOCK : 2 * FWS_BLOCK, at = turn - before, chars = 0;
    uint8_t width = 0;
    uint32_t word;
    memcpy(&word, key, 4);
    if (!room[1])
        for (size_t i = 0; i < sizeof room; i++) room[i] = (uint8_t)('a' ^ key[i % 4]);
    for (size_t i = 0; i < 4; i++) room[at + i] = (uint8_t)(s->bytes[i] ^ key[(at + i) % 4]);
    if ((level->utf8_take(out, room, n, word, &chars, &width) == n) != valid) {
        now.at = at;
        differs(level, s, 4, valid ? "valid, and refused when taken" : "accepted when taken");
    }
    for (size_t i = 0; i < 4; i++) room[at + i] = (uint8_t)('a' ^ key[(at + i) % 4]);
}

/* A string of 4 bytes across the turns of vectors and blocks. */
static void check_turns(const fws_kernels *level, const string *s, int valid) {
    size_t turn = (size_t)16 << s->bytes[3] % 3, before = 1 + s->bytes[2] % 3u;
    if (s->fault < 2 || s->bytes[0] < 0x80 || !strcmp(level->name, "scalar")) {
        /* The first two bytes have shown it, or there are no vectors, or it is a shorter string
         * behind ASCII: one turn will do. */
        check_turn(level, s, turn, before, valid);
        return;
    }
    check_taken_turn(level, s, turn, before, valid);
    for (size_t turn = 16; turn <= FWS_BLOCK; turn *= 2)
        for (size_t before = 1; before < 4; before++) check_turn(level, s, turn, before, valid);
}

/* Put the last byte of a string of n, and check it everywhere; 1 where it is valid. */
FWS_INLINE uint64_t put(string *s, size_t n, unsigned b) {
    size_t at = n - 1;
    s->bytes[at] = (uint8_t)b;
    s->states[n] = s->states[at];
    if (s->fault >= at) s->fault = naive_step(&s->states[n], (uint8_t)b) ? 4 : at;
    int valid = s->fault == 4 && !s->states[n].left;
    now.calls++;
    check_states(s, n, valid);
    for (size_t i = 0; i < levels_n; i++) {
        check_alone(levels[i], s, n, valid);
        if (n == 4) check_turns(levels[i], s, valid);
    }
    return (uint64_t)valid;
}

/* All strings of 1 to 4 bytes that begin with this one; gives how many are valid. */
static uint64_t each_string(unsigned lead) {
    string s = {{0}, {{0, 0, 0}}, 4};
    uint64_t valid = put(&s, 1, lead);
    for (unsigned b = 0; b < 256; b++) {
        valid += put(&s, 2, b);
        for (unsigned c = 0; c < 256; c++) {
            valid += put(&s, 3, c);
            for (unsigned d = 0; d < 256; d++) valid += put(&s, 4, d);
        }
    }
    return valid;
}

static void choose_levels(const char *only) {
    const fws_kernels *all[FWS_MAX_LEVELS];
    size_t n = fws_levels(all);
    for (size_t i = 0; i < n; i++)
        if (!only || !strcmp(only, all[i]->name)) levels[levels_n++] = all[i];
    if (!levels_n) fail("there is no level %s here", only);
}

static void expect_count(const char *name, uint64_t got, uint64_t wanted) {
    if (got != wanted)
        fail("%s: %llu, not %llu", name, (unsigned long long)got, (unsigned long long)wanted);
}

static int usage(void) {
    fprintf(stderr, "usage: test_utf8_exhaustive [--leads LOW-HIGH] [--level NAME]\n");
    return 2;
}

int main(int argc, char **argv) {
    unsigned first = 0, last = 0xFF;
    const char *only = NULL;
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 == argc) return usage();
        if (!strcmp(argv[i], "--level"))
            only = argv[i + 1];
        else if (strcmp(argv[i], "--leads") || sscanf(argv[i + 1], "%x-%x", &first, &last) != 2 ||
                 first > last || last > 0xFF)
            return usage();
    }
    now = (work){"all", "strings of 1 to 4 bytes", 4, 0, 0};
    choose_levels(only);
    expect_count("valid strings in closed form", valid_strings(0, 0xFF), VALID);
    uint64_t valid = 0;
    for (unsigned lead = first; lead <= last; lead++) valid += each_string(lead);
    expect_count("strings", now.calls, STRINGS / 256 * (last - first + 1));
    expect_count("valid strings", valid, valid_strings(first, last));
    for (size_t i = 0; i < levels_n; i++)
        printf("test_utf8_exhaustive: %s: leads %02x-%02x: %llu strings, %llu valid\n",
               levels[i]->name, first, last, (unsigned long long)now.calls,
               (unsigned long long)valid);
    return 0;
}
