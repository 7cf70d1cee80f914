/* What the processor is asked, as gcc and clang ask it and as Microsoft's compiler does: the same.
 *
 * The second way is built here with the intrinsics of msvc/intrin.h.
 */
#include "check.h"

#if defined(__x86_64__) || defined(__i386__)

#include "processor.h"

#undef FWS_PROCESSOR_H
#define _MSC_VER 1
#define cpuid microsoft_cpuid
#define saved_state microsoft_saved_state
#include "processor.h"
#undef cpuid
#undef saved_state

enum { EAX, EBX, ECX, EDX, WORDS };

static void check_leaf(uint32_t leaf) {
    uint32_t ours[WORDS], theirs[WORDS];
    now.at = leaf;
    memset(theirs, leaf ? 0 : 0xFF, sizeof theirs);
    cpuid(leaf, ours);
    microsoft_cpuid(leaf, theirs);
    /* The number of the processor that this runs on, which may have changed in between. */
    if (leaf == 1) ours[EBX] = theirs[EBX];
    for (int i = EAX; i < WORDS; i++) expect_size("a word", theirs[i], ours[i]);
    now.calls++;
}

static void check(void) {
    uint32_t leaf1[WORDS];
    now.what = "a leaf";
    check_leaf(0);
    check_leaf(1);
    check_leaf(7);
    now.what = "what is saved";
    cpuid(1, leaf1);
    if (!(leaf1[ECX] >> 27 & 1)) return; /* it may not be asked */
    expect_size("the low half", (uint32_t)microsoft_saved_state(), (uint32_t)saved_state());
    now.calls++;
}

#else

static void check(void) {}

#endif

int main(void) {
    now.level = "any level";
    check();
    printf("test_processor: %llu checks\n", (unsigned long long)now.calls);
    return 0;
}
