/* The pool of masking keys: each key of a filling is handed out once, and none of it after a fork
 * (RFC 6455 5.3: a key must not be foreseen). */
#include "check.h"
#include "keys.h"

enum { KEYS = FWS_KEY_POOL / 4 };

static uint8_t fresh[FWS_KEY_POOL];

/* Fill the pool with keys of which each tells its number. */
static void fill(uint32_t first) {
    for (uint32_t i = 0; i < KEYS; i++) fws_store32(fresh + 4 * i, first + i);
    fws_keys_fill(fresh);
    memset(fresh, 0, sizeof fresh);
}

static void expect_none(const char *when) {
    uint8_t key[4] = {1, 2, 3, 4}, before[4] = {1, 2, 3, 4};
    now.calls++;
    if (fws_keys_take(key)) fail("a key is there %s", when);
    if (memcmp(key, before, 4)) fail("a key is written %s", when);
}

/* Take n keys, none of them twice. */
static void take(uint32_t first, uint32_t n) {
    static uint8_t seen[KEYS];
    memset(seen, 0, sizeof seen);
    for (uint32_t i = 0; i < n; i++) {
        uint8_t key[4];
        now.calls++;
        if (!fws_keys_take(key)) fail("there are only %lu keys", (unsigned long)i);
        uint32_t number = fws_load32(key) - first;
        if (number >= KEYS || seen[number]++) fail("key %lu is wrong", (unsigned long)i);
    }
}

int main(void) {
    now = (work){"any level", "keys", 0, 0, 0};
    expect_none("before the first filling");
    for (uint32_t first = 0; first < 3 * KEYS; first += KEYS) {
        fill(first);
        take(first, KEYS);
        expect_none("when all are handed out");
    }
    fill(0);
    take(0, 10);
    fws_keys_forked();
    expect_none("that was there before a fork");
    fill(KEYS);
    take(KEYS, 10);
    printf("test_keys: %llu checks\n", (unsigned long long)now.calls);
    return 0;
}
