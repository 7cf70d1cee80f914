/* Which levels are offered on processors that are not at hand: dispatch.c above a made-up one.
 *
 * A level is there where each of its bits is (Intel's manual, volume 2 at CPUID and volume 1 at
 * XCR0), and only there. What a processor says of a leaf that it does not have is not to be believed,
 * and XCR0 is not to be read where the operating system did not allow it.
 */
#define FWS_PROCESSOR_H /* in its place stands what is below */
#define fws_levels levels_there
#define fws_places places_there
#include "check.h"

#if defined(__x86_64__) || defined(__i386__)

enum { ALL_ONES = 0xFF };

/* The words that are asked for. */
enum { LEAF1_ECX, LEAF7_EBX, LEAF7_ECX, XCR0, WORDS };

static uint32_t leaves;
static uint32_t word[WORDS];

static void cpuid(uint32_t leaf, uint32_t r[4]) {
    memset(r, leaf > leaves ? ALL_ONES : 0, 4 * sizeof *r);
    if (!leaf) r[0] = leaves;
    if (leaf > leaves) return;
    if (leaf == 1) r[2] = word[LEAF1_ECX];
    if (leaf == 7) r[1] = word[LEAF7_EBX];
    if (leaf == 7) r[2] = word[LEAF7_ECX];
}

static uint64_t saved_state(void) {
    if (!leaves || !(word[LEAF1_ECX] >> 27 & 1)) fail("XCR0 is read, which is not allowed");
    return word[XCR0];
}

#endif

#include "dispatch.c"

static void check_places(void) {
    const fws_kernels *levels[FWS_MAX_LEVELS];
    fws_levels(levels);
    now.what = "the table of places";
    for (unsigned bits = 0; bits < 256; bits++) {
        unsigned n = 0;
        for (unsigned place = 0; place < 8; place++) {
            if (!(bits & 1u << place)) continue;
            expect_size("a place", fws_places.at[bits][n++], place);
        }
        expect_size("their number", fws_places.count[bits], n);
        now.calls++;
    }
}

#if defined(__x86_64__) || defined(__i386__)

typedef struct need {
    int word, bit;
    const char *by; /* the worst level that needs it; better ones do so, too */
} need;

static const need NEEDS[] = {
    {LEAF1_ECX, 9, "sse4"},    /* SSSE3 */
    {LEAF1_ECX, 19, "sse4"},   /* SSE4.1 */
    {LEAF1_ECX, 23, "sse4"},   /* POPCNT */
    {LEAF1_ECX, 27, "avx2"},   /* OSXSAVE */
    {XCR0, 1, "avx2"},         /* the registers of SSE */
    {XCR0, 2, "avx2"},         /* the upper halves of those of AVX */
    {LEAF7_EBX, 5, "avx2"},    /* AVX2 */
    {XCR0, 5, "avx512"},       /* masks */
    {XCR0, 6, "avx512"},       /* the upper halves of the first 16 registers */
    {XCR0, 7, "avx512"},       /* all of the others */
    {LEAF7_EBX, 16, "avx512"}, /* F */
    {LEAF7_EBX, 30, "avx512"}, /* BW */
    {LEAF7_EBX, 31, "avx512"}, /* VL */
    {LEAF7_ECX, 1, "avx512"},  /* VBMI */
    {LEAF7_ECX, 6, "avx512"},  /* VBMI2 */
};
enum { NEEDS_N = sizeof NEEDS / sizeof *NEEDS };

/* Worst first: each needs what the one before it needs. 32-bit code has no AVX-512. */
static const char *const NAMES[] = {"sse4", "avx2", "avx512"};
enum { NAMES_N = sizeof(void *) == 8 ? 3 : 2 };

static int is_there(const need *n) {
    uint32_t leaf = n->word == LEAF1_ECX || n->word == XCR0 ? 1 : 7;
    return leaves >= leaf && word[n->word] >> n->bit & 1;
}

static size_t expected(void) {
    for (size_t level = 0; level < NAMES_N; level++)
        for (size_t i = 0; i < NEEDS_N; i++)
            if (!strcmp(NEEDS[i].by, NAMES[level]) && !is_there(&NEEDS[i])) return level;
    return NAMES_N;
}

/* Gives how many levels are there, above the portable one. */
static size_t check_levels(void) {
    const fws_kernels *levels[FWS_MAX_LEVELS];
    size_t wanted = expected();
    expect_size("the number of levels", fws_levels(levels), wanted + 1);
    for (size_t i = 0; i < wanted; i++)
        if (strcmp(levels[i]->name, NAMES[wanted - 1 - i]))
            fail("level %lu is %s", (unsigned long)i, levels[i]->name);
    if (strcmp(levels[wanted]->name, "scalar")) fail("the portable level is not the last");
    now.calls++;
    return wanted;
}

static void set_all(uint32_t value) {
    for (int i = 0; i < WORDS; i++) word[i] = value;
}

/* All bits but one, and the bits that are needed but one. */
static void check_each_bit(void) {
    now.what = "a processor that lacks one bit";
    for (size_t i = 0; i <= NEEDS_N; i++) {
        set_all(UINT32_MAX);
        if (i < NEEDS_N) word[NEEDS[i].word] ^= 1u << NEEDS[i].bit;
        check_levels();
        set_all(0);
        for (size_t j = 0; j < NEEDS_N; j++)
            if (i != j) word[NEEDS[j].word] |= 1u << NEEDS[j].bit;
        check_levels();
    }
}

static void check_random(void) {
    size_t found[NAMES_N + 1] = {0};
    now.what = "a processor drawn by lot";
    for (int i = 0; i < 20000; i++) {
        for (int j = 0; j < WORDS; j++) word[j] = (uint32_t)random64();
        for (size_t j = 0; j < NEEDS_N; j++)
            if (random_below(12)) word[NEEDS[j].word] |= 1u << NEEDS[j].bit;
        leaves = (uint32_t)random_below(10);
        found[check_levels()]++;
    }
    for (size_t i = 0; i <= NAMES_N; i++)
        if (found[i] < 100) fail("%lu levels are hardly ever there", (unsigned long)i);
}

static void check_processors(void) {
    for (leaves = 0; leaves < 30; leaves++) check_each_bit();
    check_random();
}

#else
static void check_processors(void) {}
#endif

int main(void) {
    now = (work){"any level", "starting", 0, 0, 0};
    check_processors();
    check_places();
    printf("test_dispatch: %llu checks\n", (unsigned long long)now.calls);
    return 0;
}
