/* What the places of a build with mutants ask: which one is in force, and note that they were come
 * by. See core.py. */
#ifndef FWS_MUTATION_H
#define FWS_MUTATION_H

extern __attribute__((visibility("default"))) int fws_mutant;
extern __attribute__((visibility("default"))) unsigned char fws_reached[];

static inline int fws_is(int number, int place) {
    fws_reached[place] = 1;
    return fws_mutant == number;
}

/* True, false, or inverted: the three numbers from `first` on. */
static inline int fws_condition(int first, int value) {
    fws_reached[first] = 1;
    switch (fws_mutant - first) {
        case 0:
            return 1;
        case 1:
            return 0;
        case 2:
            return !value;
        default:
            return value;
    }
}

/* Part of an `and` or `or`, taken out or inverted. */
static inline int fws_part(int first, int value, int without) {
    fws_reached[first] = 1;
    return fws_mutant == first ? without : fws_mutant == first + 1 ? !value : value;
}

static inline int fws_kept(int first) { return !fws_is(first, first); }

#endif
