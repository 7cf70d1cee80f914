/* What an x86 processor says of itself (CPUID), and what its operating system saves (XCR0).
 *
 * It stands apart from the judgment in dispatch.c so that tests can put another processor there.
 */
#ifndef FWS_PROCESSOR_H
#define FWS_PROCESSOR_H

#include <stdint.h>

#if defined(_MSC_VER)
#include <intrin.h>
static void cpuid(uint32_t leaf, uint32_t r[4]) {
    int v[4];
    __cpuidex(v, (int)leaf, 0);
    for (int i = 0; i < 4; i++) r[i] = (uint32_t)v[i];
}
static uint64_t saved_state(void) { return _xgetbv(0); }
#else
#include <cpuid.h>
static void cpuid(uint32_t leaf, uint32_t r[4]) { __cpuid_count(leaf, 0, r[0], r[1], r[2], r[3]); }
static uint64_t saved_state(void) {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}
#endif

#endif
