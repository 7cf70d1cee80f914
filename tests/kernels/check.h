/* What the tests of the kernels share: they go through every level of this machine, and stop at the
 * first fault with the level, the work and the place.
 *
 * Included first: it asks the C library for more than ISO C.
 */
#ifndef FWS_CHECK_H
#define FWS_CHECK_H

#define _DEFAULT_SOURCE 1 /* anonymous memory, signals */

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"

#if defined(__SANITIZE_ADDRESS__)
#define CHECK_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CHECK_ASAN 1
#endif
#endif
#ifndef CHECK_ASAN
#define CHECK_ASAN 0
#endif

/* A program uses some of these only. */
#if defined(__GNUC__)
#define SHARED static __attribute__((unused))
#else
#define SHARED static
#endif

/* What is being done, for the message of a test that fails or dies. */
typedef struct work {
    const char *level, *what;
    size_t size, at;
    uint64_t calls;
} work;

SHARED work now = {"no level", "starting", 0, 0, 0};

SHARED void describe(char *out, size_t size) {
    snprintf(out, size, "FAILED: %s: %s, %lu bytes at %lu", now.level, now.what,
             (unsigned long)now.size, (unsigned long)now.at);
}

_Noreturn SHARED void fail(const char *format, ...) {
    char where[160];
    va_list values;
    describe(where, sizeof where);
    fflush(stdout);
    fprintf(stderr, "%s: ", where);
    va_start(values, format);
    vfprintf(stderr, format, values);
    va_end(values);
    fputc('\n', stderr);
    exit(1);
}

SHARED void expect_size(const char *name, size_t got, size_t wanted) {
    if (got != wanted) fail("%s is %lu, not %lu", name, (unsigned long)got, (unsigned long)wanted);
}

/* Run a test at each level, and say what it did. */
SHARED void at_each_level(const char *program, void (*test)(const fws_kernels *level)) {
    const fws_kernels *levels[FWS_MAX_LEVELS];
    size_t n = fws_levels(levels);
    for (size_t i = 0; i < n; i++) {
        now = (work){levels[i]->name, "starting", 0, 0, 0};
        test(levels[i]);
        printf("%s: %s: %llu checks\n", program, levels[i]->name, (unsigned long long)now.calls);
        fflush(stdout);
    }
}

/* --- Random numbers, the same in every run (xorshift64*) ----------------------------------- */

SHARED uint64_t random_state = 0x9E3779B97F4A7C15u;

SHARED uint64_t random64(void) {
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * 0x2545F4914F6CDD1Du;
}

/* Below limit, which is not 0. */
SHARED size_t random_below(size_t limit) { return (size_t)(random64() >> 33) % limit; }

SHARED void random_bytes(uint8_t *out, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] = (uint8_t)(random64() >> 56);
}

#endif
