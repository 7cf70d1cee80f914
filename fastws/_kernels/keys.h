/* A pool of fresh masking keys for each thread, so that no lock is needed (RFC 6455 5.3).
 *
 * The caller fills it from the operating system's generator. A pool filled before a fork is not
 * used after it: the generation tells.
 */
#ifndef FWS_KEYS_H
#define FWS_KEYS_H

#include "kernels.h"

#if defined(_MSC_VER)
#define FWS_THREAD_LOCAL __declspec(thread)
#else
#define FWS_THREAD_LOCAL _Thread_local
#endif

enum { FWS_KEY_POOL = 4096 }; /* bytes: 1024 keys */

typedef struct fws_key_pool {
    uint8_t bytes[FWS_KEY_POOL];
    size_t left;         /* bytes not handed out yet */
    unsigned generation; /* of the process that filled it */
} fws_key_pool;

static FWS_THREAD_LOCAL fws_key_pool fws_keys;
static unsigned fws_key_generation;

/* The child of a fork calls this, while it has one thread. */
FWS_INLINE void fws_keys_forked(void) { fws_key_generation++; }

FWS_INLINE void fws_keys_fill(const uint8_t *fresh) {
    memcpy(fws_keys.bytes, fresh, FWS_KEY_POOL);
    fws_keys.left = FWS_KEY_POOL;
    fws_keys.generation = fws_key_generation;
}

/* Take one key; 0 where the pool must be filled first. */
FWS_INLINE int fws_keys_take(uint8_t key[4]) {
    if (!fws_keys.left || fws_keys.generation != fws_key_generation) return 0;
    fws_keys.left -= 4;
    memcpy(key, fws_keys.bytes + fws_keys.left, 4);
    return 1;
}

#endif
