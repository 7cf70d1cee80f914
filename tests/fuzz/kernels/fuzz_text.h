/* Texts that a fuzzer chooses: its bytes as they are, or characters of each range in runs, with one
 * or two faults or none. */
#ifndef FWS_FUZZ_TEXT_H
#define FWS_FUZZ_TEXT_H

#include "fuzz.h"
#include "../../kernels/naive.h"

/* Most texts are small, so that there are many of them; a few reach over the pieces of text.h. */
enum { FUZZ_USUAL = 150, FUZZ_LARGE = 600, FUZZ_LONG = 4500 };

/* Two or three bytes a run: the range and the length, and which character. */
SHARED size_t fuzz_runs(uint8_t *out, size_t most, const uint8_t **data, size_t *size) {
    size_t n = 0;
    while (*size) {
        uint8_t how = fuzz_byte(data, size);
        const range *r = &RANGES[(how & 7) % RANGES_N];
        uint32_t span = r->last - r->first + 1;
        uint32_t c = r->first + (uint32_t)fuzz_number(data, size, span > 256 ? 2 : 1) % span;
        size_t run = how >> 3;
        if (run == 31) run = 32 * (size_t)(1 + fuzz_byte(data, size));
        for (run++; run && n + r->size <= most; run--) n += naive_encode(out + n, c);
    }
    return n;
}

/* Write a text to `out`, which has 8 bytes more than `room`; gives its size. */
SHARED size_t fuzz_text(uint8_t *out, size_t room, const uint8_t *data, size_t size) {
    uint8_t how = fuzz_byte(&data, &size);
    size_t most = how >= 0xFE ? FUZZ_LONG : how >= 0xF0 ? FUZZ_LARGE : FUZZ_USUAL;
    if (most > room) most = room;
    if (how & 1) {
        if (size > most) size = most;
        if (size) memcpy(out, data, size);
        return size;
    }
    size_t places[2] = {0};
    unsigned faults = how >> 1 & 3;
    if (faults == 3) faults = 0;
    for (unsigned i = 0; i < faults; i++) places[i] = fuzz_number(&data, &size, 2);
    uint8_t value = faults ? fuzz_byte(&data, &size) : 0;
    size_t n = fuzz_runs(out, most, &data, &size);
    for (unsigned i = 0; n && i < faults; i++) out[places[i] % n] = value;
    return how & 8 && n ? n - 1 : n;
}

#endif
