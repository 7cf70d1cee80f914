/* Masking at every level against a loop over bytes (RFC 6455 5.3): every length up to 300 and those
 * around the turns of the kernels, every alignment, every phase of the key, to another place and in
 * place, and at both ends of memory that nobody may touch. */
#include "guard.h"

enum { LENGTHS = 301, LARGEST = 65537 };

/* Where wide loops, aligned stores and pages begin and end. */
static const size_t LONG[] = {319, 320, 321, 383, 384,  385,  447,  448,  449,  508, 509,
                              510, 511, 512, 513, 514,  515,  516,  543,  544,  545, 575,
                              576, 577, 607, 639, 640,  641,  703,  704,  705,  767, 768,
                              769, 831, 832, 833, 1023, 1024, 1025, 4095, 4096, 4097};
static const size_t HUGE_ONES[] = {65535, 65536, LARGEST};

static uint8_t plain[LARGEST], masked[LARGEST], key[4];
static arena from, to;

static void compare(const uint8_t *got, size_t n, size_t phase) {
    for (size_t i = 0; i < n; i++) masked[i] = (uint8_t)(plain[i] ^ key[(phase + i) % 4]);
    if (!memcmp(got, masked, n)) return;
    size_t i = 0;
    while (got[i] == masked[i]) i++;
    fail("phase %lu: byte %lu is %02x, not %02x", (unsigned long)phase, (unsigned long)i, got[i],
         masked[i]);
}

/* src and dst were laid in their arenas; they are the same for masking in place. */
static void check(const fws_kernels *level, uint8_t *dst, uint8_t *src, size_t n, size_t phase) {
    uint32_t word;
    random_bytes(key, 4);
    memcpy(&word, key, 4);
    memcpy(src, plain, n);
    now.size = n;
    now.at = (size_t)((uintptr_t)dst % AROUND);
    fws_mask(level, dst, src, n, fws_key_phase(word, phase));
    compare(dst, n, phase);
    arena_intact(&to);
    if (dst != src) {
        arena_intact(&from);
        if (memcmp(src, plain, n)) fail("phase %lu: the source was written", (unsigned long)phase);
    }
    now.calls++;
}

static void check_alignment(const fws_kernels *level, size_t n, size_t alignment) {
    for (size_t phase = 0; phase < 4; phase++) {
        now.what = "mask at an alignment";
        uint8_t *dst = arena_aligned(&to, alignment, n);
        check(level, dst, arena_aligned(&from, (5 * alignment + n) % AROUND, n), n, phase);
        now.what = "mask in place at an alignment";
        dst = arena_aligned(&to, alignment, n);
        check(level, dst, dst, n, phase);
    }
}

static void check_ends(const fws_kernels *level, size_t n) {
    uint8_t *(*const lay[2])(arena *, size_t) = {arena_start, arena_end};
    for (size_t phase = 0; phase < 4; phase++) {
        for (int i = 0; i < 2; i++) {
            now.what = "mask between guards";
            for (int j = 0; j < 2; j++) check(level, lay[i](&to, n), lay[j](&from, n), n, phase);
            now.what = "mask in place between guards";
            uint8_t *dst = lay[i](&to, n);
            check(level, dst, dst, n, phase);
        }
    }
}

static void check_level(const fws_kernels *level) {
    random_bytes(plain, sizeof plain);
    for (size_t n = 0; n < LENGTHS; n++) {
        for (size_t alignment = 0; alignment < AROUND; alignment++)
            check_alignment(level, n, alignment);
        check_ends(level, n);
    }
    for (size_t i = 0; i < sizeof LONG / sizeof *LONG; i++) {
        for (size_t alignment = 0; alignment < AROUND; alignment++)
            check_alignment(level, LONG[i], alignment);
        check_ends(level, LONG[i]);
    }
    for (size_t i = 0; i < sizeof HUGE_ONES / sizeof *HUGE_ONES; i++) {
        for (size_t alignment = 0; alignment < AROUND; alignment += 21)
            check_alignment(level, HUGE_ONES[i], alignment);
        check_ends(level, HUGE_ONES[i]);
    }
}

int main(void) {
    from = arena_new(LARGEST);
    to = arena_new(LARGEST);
    at_each_level("test_mask", check_level);
    return 0;
}
