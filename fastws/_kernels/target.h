/* Compile one region of a file for one instruction set, without compiler flags.
 *
 *   #include <immintrin.h>
 *   FWS_TARGET_BEGIN("avx2")
 *   ...functions...
 *   FWS_TARGET_END
 *
 * So the build needs no flags per file, and what stands outside a region stays on the baseline.
 * MSVC compiles every intrinsic anywhere.
 */
#ifndef FWS_TARGET_H
#define FWS_TARGET_H

#define FWS_PRAGMA(text) _Pragma(#text)

#if defined(__clang__)
#define FWS_TARGET_BEGIN(isa) \
    FWS_PRAGMA(clang attribute push(__attribute__((target(isa))), apply_to = function))
#define FWS_TARGET_END _Pragma("clang attribute pop")
#elif defined(__GNUC__)
#define FWS_TARGET_BEGIN(isa) _Pragma("GCC push_options") FWS_PRAGMA(GCC target(isa))
#define FWS_TARGET_END _Pragma("GCC pop_options")
#else
#define FWS_TARGET_BEGIN(isa)
#define FWS_TARGET_END
#endif

/* Keep a vector in its register: GCC would make some constants anew in every turn of a loop. */
#if defined(__GNUC__) && (defined(__x86_64__) || defined(__i386__))
#define V_KEEP(v) __asm__("" : "+v"(v))
#elif defined(__GNUC__) && defined(__aarch64__)
#define V_KEEP(v) __asm__("" : "+w"(v))
#else
#define V_KEEP(v) (void)(v)
#endif

#endif
