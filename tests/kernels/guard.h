/* Memory in which a kernel cannot go wrong unseen.
 *
 *   | no access |  arena: whole pages          | no access |
 *               | at the start                 |
 *                                 | at the end |
 *
 * A buffer laid at the start or at the end dies of one byte read or written outside. In between,
 * at any alignment, the bytes around a buffer show a write (`arena_intact`); the address sanitizer
 * sees a read as well, since all but the buffer is poisoned. Without mmap there are only writes to
 * see.
 */
#ifndef FWS_GUARD_H
#define FWS_GUARD_H

#include "check.h"

#if defined(__unix__) || defined(__APPLE__)
#define GUARD_PAGES 1
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>
#else
#define GUARD_PAGES 0
#endif

#if CHECK_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(start, size) ((void)(start), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(start, size) ((void)(start), (void)(size))
#endif

typedef struct arena {
    uint8_t *start;
    size_t size;
    size_t at, n; /* the buffer laid last */
} arena;

enum { AROUND = 64, UNTOUCHED = 0xA5 };

#if GUARD_PAGES
#if !CHECK_ASAN
static void died(int signal_number) {
    char where[160];
    (void)signal_number;
    describe(where, sizeof where);
    strcat(where, ": memory outside of the buffer was touched\n");
    if (write(2, where, strlen(where)) < 0) _exit(2);
    _exit(1);
}
#endif

static uint8_t *guarded_pages(size_t *size) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    *size = (*size + page - 1) / page * page;
    uint8_t *all = mmap(NULL, *size + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED) fail("no memory");
    if (mprotect(all + page, *size, PROT_READ | PROT_WRITE)) fail("memory cannot be protected");
#if !CHECK_ASAN
    signal(SIGSEGV, died);
    signal(SIGBUS, died);
#endif
    return all + page;
}
#else
static uint8_t *guarded_pages(size_t *size) {
    uint8_t *all = malloc(*size + 2 * AROUND);
    if (!all) fail("no memory");
    memset(all, UNTOUCHED, *size + 2 * AROUND);
    return all + AROUND;
}
#endif

/* Room for `size` bytes at each alignment below AROUND, with AROUND bytes on both sides. */
SHARED arena arena_new(size_t size) {
    arena a = {NULL, size + 3 * AROUND, 0, 0};
    a.start = guarded_pages(&a.size);
    memset(a.start, UNTOUCHED, a.size);
    ASAN_POISON_MEMORY_REGION(a.start, a.size);
    return a;
}

/* How many bytes around the buffer there are to look at. */
SHARED size_t before_buffer(const arena *a) { return a->at < AROUND ? a->at : AROUND; }
SHARED size_t behind_buffer(const arena *a) {
    size_t room = a->size - a->at - a->n;
    return room < AROUND ? room : AROUND;
}

/* Lay a buffer of n bytes at this place, and protect all else. */
SHARED uint8_t *arena_at(arena *a, size_t at, size_t n) {
    if (at > a->size || n > a->size - at) fail("the arena is too small");
    ASAN_UNPOISON_MEMORY_REGION(a->start + a->at, a->n);
    memset(a->start + a->at, UNTOUCHED, a->n);
    /* The sanitizer thinks in steps of 8 bytes, and leaves a started one as it is. */
    ASAN_POISON_MEMORY_REGION(a->start + a->at / 8 * 8, (a->n + 15) / 8 * 8);
    a->at = at;
    a->n = n;
    ASAN_UNPOISON_MEMORY_REGION(a->start + at, n);
    return a->start + at;
}

SHARED uint8_t *arena_start(arena *a, size_t n) { return arena_at(a, 0, n); }
SHARED uint8_t *arena_end(arena *a, size_t n) { return arena_at(a, a->size - n, n); }

/* Lay a buffer with this address modulo AROUND, with AROUND bytes before it. */
SHARED uint8_t *arena_aligned(arena *a, size_t alignment, size_t n) {
    size_t start = (size_t)((uintptr_t)a->start % AROUND);
    return arena_at(a, 2 * AROUND + alignment - start, n);
}

/* Fail where something was written around the buffer. */
SHARED void arena_intact(const arena *a) {
#if !CHECK_ASAN /* which has seen it, and does not let us look */
    static uint8_t untouched[AROUND];
    if (!untouched[0]) memset(untouched, UNTOUCHED, AROUND);
    const uint8_t *buffer = a->start + a->at;
    if (memcmp(buffer - before_buffer(a), untouched, before_buffer(a)))
        fail("bytes before the buffer were written");
    if (memcmp(buffer + a->n, untouched, behind_buffer(a)))
        fail("bytes behind the buffer were written");
#else
    (void)a;
#endif
}

#endif
