/* What a build for coverage notes: lines that were come by, and conditions that were true or false.
 *
 * The marks are a file in memory, shared by all processes that the tests start: what is noted stays,
 * however a process ends. See cython_layer.py.
 */
#ifndef FWS_MARKS_H
#define FWS_MARKS_H

extern __attribute__((visibility("hidden"))) unsigned char *fws_marks;

static inline void fws_line(int place) { fws_marks[place] = 1; }

/* True is noted at `place`, false behind it. */
static inline int fws_condition(int place, int value) {
    fws_marks[place + !value] = 1;
    return value;
}

#endif
