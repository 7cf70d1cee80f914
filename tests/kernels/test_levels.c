/* Which levels run here, against what the compiler's own run-time library says of the processor. */
#include "check.h"

static int expected(const char *names[FWS_MAX_LEVELS]) {
    int n = 0;
#if defined(__GNUC__) && (defined(__x86_64__) || defined(__i386__))
    __builtin_cpu_init();
    int avx2 = __builtin_cpu_supports("avx2");
#if defined(__x86_64__)
    if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi") &&
        __builtin_cpu_supports("avx512vbmi2"))
        names[n++] = "avx512";
#endif
    if (avx2) names[n++] = "avx2";
    if (__builtin_cpu_supports("ssse3") && __builtin_cpu_supports("sse4.1") &&
        __builtin_cpu_supports("popcnt"))
        names[n++] = "sse4";
#elif defined(__aarch64__) && !defined(__AARCH64EB__)
    names[n++] = "neon";
#endif
    names[n++] = "scalar";
    return n;
}

static void check_whole(const fws_kernels *level) {
    now.what = "a level without one of its kernels";
    if (!level->name || !level->mask || !level->utf8_prefix || !level->utf8_take || !level->ascii ||
        !level->to_latin1 || !level->to_ucs2 || !level->to_ucs4 || !level->from_latin1 ||
        !level->from_ucs2 || !level->from_ucs4)
        fail("a kernel is missing");
    now.calls++;
}

int main(void) {
    const fws_kernels *levels[FWS_MAX_LEVELS], *again[FWS_MAX_LEVELS];
    const char *names[FWS_MAX_LEVELS];
    size_t n = fws_levels(levels), wanted = (size_t)expected(names);
    printf("test_levels:");
    for (size_t i = 0; i < n; i++) printf(" %s", levels[i]->name);
    printf("\n");
    now.what = "levels of this processor";
    expect_size("the number of levels", n, wanted);
    expect_size("their number when asked again", fws_levels(again), n);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(levels[i]->name, names[i]))
            fail("level %lu is %s, not %s", (unsigned long)i, levels[i]->name, names[i]);
        if (levels[i] != again[i]) fail("asked again, %s is another one", levels[i]->name);
    }
    at_each_level("test_levels", check_whole);
    return 0;
}
