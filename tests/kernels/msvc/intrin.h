/* Of the header of Microsoft's compiler what processor.h takes from it, for gcc and clang. */
#ifndef TESTS_INTRIN_H
#define TESTS_INTRIN_H

#include <cpuid.h>

/* Some compilers' cpuid.h has the first as well. */
#define __cpuidex made_up_cpuidex
#define _xgetbv made_up_xgetbv

static void made_up_cpuidex(int v[4], int leaf, int part) {
    __cpuid_count(leaf, part, v[0], v[1], v[2], v[3]);
}

static unsigned long long made_up_xgetbv(unsigned which) {
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(which));
    return (unsigned long long)high << 32 | low;
}

#endif
