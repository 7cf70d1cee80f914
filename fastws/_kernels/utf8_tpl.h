/* UTF-8 validation, with unmasking and counting on the way, written once over any vector.
 *
 * After Keiser and Lemire, "Validating UTF-8 in less than one instruction per byte" (2021). Two
 * bytes in a row are looked up by three nibbles: the high and the low one of the byte before, and
 * the high one of this byte. Each lookup gives the faults that its nibble does not rule out; what
 * all three leave is a fault:
 *
 *                before    this
 *   TOO_SHORT    11______  0_______   a lead, then ASCII
 *                11______  11______   or another lead
 *   TOO_LONG     0_______  10______   ASCII, then a continuation
 *   OVERLONG_2   1100000_  10______
 *   OVERLONG_3   11100000  100_____
 *   OVERLONG_4   11110000  1000____
 *   SURROGATE    11101101  101_____
 *   TOO_LARGE    11110100  1001____  and  101_____, and so after any lead above F4
 *   TOO_LARGE_2  11110101+ 1000____  (shares OVERLONG_4's bit: no pair asks for both)
 *   TWO_CONTS    10______  10______   a fault unless this is a third or fourth byte
 *
 * This is a third or fourth byte where the byte two before is at least E0 or the byte three before
 * at least F0. Both tests give their answer in the top bit, where TWO_CONTS stands, and the two
 * must agree: hence the exclusive or.
 *
 * Vocabulary, beside that of mask_tpl.h: v_zero, v_or, v_and3 (of three), v_or_and
 * ((a | b) & c), v_byte (one byte, repeated), v_table
 * (16 bytes), v_lookup (by indexes below 16), v_high_nibble, v_low_nibble, v_sub (saturating),
 * v_prev1, v_prev2, v_prev3 (this vector moved by so many bytes, filled from the one before),
 * v_is_ascii, v_is_zero, v_max, v_chars (how many bytes are not continuations). A level whose
 * vectors are as long as a block, and which can load and store parts of them, defines FWS_PARTS and
 * gives v_load_part, v_store_part and v_part (its first bytes, and zeros behind them).
 */

enum {
    TOO_SHORT = 1 << 0,
    TOO_LONG = 1 << 1,
    OVERLONG_3 = 1 << 2,
    TOO_LARGE = 1 << 3,
    SURROGATE = 1 << 4,
    OVERLONG_2 = 1 << 5,
    OVERLONG_4 = 1 << 6,
    TOO_LARGE_2 = 1 << 6,
    TWO_CONTS = 1 << 7,
    ANY_LOW = TOO_SHORT | TOO_LONG | TWO_CONTS, /* faults that no low nibble rules out */
    BLOCK_VECS = FWS_BLOCK / VEC_SIZE
};

/* FWS_BLOCK bytes. */
typedef struct lines {
    vec v[BLOCK_VECS];
} lines;

/* clang-format off */
static const uint8_t FAULTS_BEFORE_HIGH[16] = {
    TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG,
    TWO_CONTS, TWO_CONTS, TWO_CONTS, TWO_CONTS,
    TOO_SHORT | OVERLONG_2,
    TOO_SHORT,
    TOO_SHORT | OVERLONG_3 | SURROGATE,
    TOO_SHORT | TOO_LARGE | TOO_LARGE_2 | OVERLONG_4};

static const uint8_t FAULTS_BEFORE_LOW[16] = {
    ANY_LOW | OVERLONG_2 | OVERLONG_3 | OVERLONG_4,
    ANY_LOW | OVERLONG_2,
    ANY_LOW,
    ANY_LOW,
    ANY_LOW | TOO_LARGE,
    ANY_LOW | TOO_LARGE | TOO_LARGE_2,
    ANY_LOW | TOO_LARGE | TOO_LARGE_2,
    ANY_LOW | TOO_LARGE | TOO_LARGE_2,
    ANY_LOW | TOO_LARGE | TOO_LARGE_2,
    ANY_LOW | TOO_LARGE | TOO_LARGE_2,
    ANY_LOW | TOO_LARGE | TOO_LARGE_2,
    ANY_LOW | TOO_LARGE | TOO_LARGE_2,
    ANY_LOW | TOO_LARGE | TOO_LARGE_2,
    ANY_LOW | TOO_LARGE | TOO_LARGE_2 | SURROGATE,
    ANY_LOW | TOO_LARGE | TOO_LARGE_2,
    ANY_LOW | TOO_LARGE | TOO_LARGE_2};

static const uint8_t FAULTS_THIS_HIGH[16] = {
    TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
    TOO_LONG | OVERLONG_2 | TWO_CONTS | OVERLONG_3 | TOO_LARGE_2 | OVERLONG_4,
    TOO_LONG | OVERLONG_2 | TWO_CONTS | OVERLONG_3 | TOO_LARGE,
    TOO_LONG | OVERLONG_2 | TWO_CONTS | SURROGATE | TOO_LARGE,
    TOO_LONG | OVERLONG_2 | TWO_CONTS | SURROGATE | TOO_LARGE,
    TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT};

/* A block that ends in more than this ends inside a code point. */
static const uint8_t CLOSED_END[FWS_BLOCK] = {
    255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
    255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
    255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
    255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0xEF, 0xDF, 0xBF};
/* clang-format on */

typedef struct carry {
    vec before;   /* the vector before this block */
    vec open;     /* not zero where it ended inside a code point */
    vec largest;  /* byte, in each place, where they are counted */
    size_t chars; /* characters begun */
    /* Constants, kept in registers: */
    vec before_high, before_low, this_high, third, fourth, two_conts;
} carry;

FWS_INLINE void start(carry *c) {
    c->before = c->open = c->largest = v_zero();
    c->chars = 0;
    c->before_high = v_table(FAULTS_BEFORE_HIGH);
    c->before_low = v_table(FAULTS_BEFORE_LOW);
    c->this_high = v_table(FAULTS_THIS_HIGH);
    c->third = v_byte(0xE0 - 0x80);
    c->fourth = v_byte(0xF0 - 0x80);
    c->two_conts = v_byte(TWO_CONTS);
    V_KEEP(c->before_high);
    V_KEEP(c->before_low);
    V_KEEP(c->this_high);
    V_KEEP(c->third);
    V_KEEP(c->fourth);
    V_KEEP(c->two_conts);
}

FWS_INLINE vec utf8_faults(const carry *c, vec in, vec before) {
    vec prev1 = v_prev1(in, before);
    vec pairs = v_and3(v_lookup(c->before_high, v_high_nibble(prev1)),
                       v_lookup(c->before_low, v_low_nibble(prev1)),
                       v_lookup(c->this_high, v_high_nibble(in)));
    vec third = v_sub(v_prev2(in, before), c->third);
    vec fourth = v_sub(v_prev3(in, before), c->fourth);
    return v_xor(v_or_and(third, fourth, c->two_conts), pairs);
}

typedef enum block { BLOCK_FAULT, BLOCK_ASCII, BLOCK_UTF8 } block;

/* Judge the next block: BLOCK_FAULT where it cannot follow what came before. */
FWS_INLINE block utf8_block(const lines *in, carry *c, int count) {
    vec all = in->v[0];
    for (int i = 1; i < BLOCK_VECS; i++) all = v_or(all, in->v[i]);
    vec before = c->before;
    c->before = in->v[BLOCK_VECS - 1];
    if (v_is_ascii(all)) {
        int closed = v_is_zero(c->open);
        c->open = v_zero();
        c->chars += FWS_BLOCK;
        return closed ? BLOCK_ASCII : BLOCK_FAULT;
    }
    if (count) {
        for (int i = 0; i < BLOCK_VECS; i++) {
            c->chars += v_chars(in->v[i]);
            c->largest = v_max(c->largest, in->v[i]);
        }
    }
    vec fault = utf8_faults(c, in->v[0], before);
    for (int i = 1; i < BLOCK_VECS; i++)
        fault = v_or(fault, utf8_faults(c, in->v[i], in->v[i - 1]));
    c->open = v_sub(in->v[BLOCK_VECS - 1], v_load(CLOSED_END + FWS_BLOCK - VEC_SIZE));
    return v_is_zero(fault) ? BLOCK_UTF8 : BLOCK_FAULT;
}

/* In all of these, `dst` is NULL where the bytes are not masked and stay where they are; otherwise
 * they are unmasked to there. */

FWS_INLINE lines take_block(uint8_t *dst, const uint8_t *src, vec key) {
    lines in;
    for (int i = 0; i < BLOCK_VECS; i++) {
        in.v[i] = v_load(src + i * VEC_SIZE);
        if (!dst) continue;
        in.v[i] = v_xor(in.v[i], key);
        v_store(dst + i * VEC_SIZE, in.v[i]);
    }
    return in;
}

/* The last bytes, fewer than a block, with zeros behind them. */
#ifdef FWS_PARTS
FWS_INLINE lines take_rest(uint8_t *dst, const uint8_t *src, size_t n, vec key) {
    lines in = {{v_load_part(src, n)}};
    if (dst) {
        in.v[0] = v_part(v_xor(in.v[0], key), n);
        v_store_part(dst, in.v[0], n);
    }
    return in;
}
#else
FWS_INLINE lines take_rest(uint8_t *dst, const uint8_t *src, size_t n, vec key) {
    uint8_t rest[FWS_BLOCK] = {0};
    memcpy(rest, src, n);
    if (dst) {
        take_block(rest, rest, key);
        memcpy(dst, rest, n);
        memset(rest + n, 0, FWS_BLOCK - n);
    }
    return take_block(NULL, rest, key);
}
#endif

/* How many bytes from i on are ASCII, in steps of four vectors. */
FWS_INLINE size_t ascii_run(uint8_t *dst, const uint8_t *src, size_t i, size_t n, vec key) {
    size_t start = i;
    for (; i + 4 * VEC_SIZE <= n; i += 4 * VEC_SIZE) {
        vec in[4];
        for (int k = 0; k < 4; k++) {
            in[k] = v_load(src + i + (size_t)k * VEC_SIZE);
            if (dst) in[k] = v_xor(in[k], key);
        }
        if (!v_is_ascii(v_or(v_or(in[0], in[1]), v_or(in[2], in[3])))) break;
        if (!dst) continue;
        for (int k = 0; k < 4; k++) v_store(dst + i + (size_t)k * VEC_SIZE, in[k]);
    }
    return i - start;
}

FWS_INLINE size_t utf8_scan(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key, carry *c,
                            int count) {
    const uint8_t *plain = dst ? dst : src;
    const vec k = v_key(key);
    size_t i = 0;
    start(c);
    while (i + FWS_BLOCK <= n) {
        lines in = take_block(dst ? dst + i : NULL, src + i, k);
        block kind = utf8_block(&in, c, count);
        if (kind == BLOCK_FAULT) return i - fws_utf8_open(plain, i);
        i += FWS_BLOCK;
        if (kind == BLOCK_ASCII) {
            /* Behind ASCII, `before` needs to hold nothing but ASCII: it may stay as it is. */
            size_t run = ascii_run(dst, src, i, n, k);
            c->chars += run;
            i += run;
        }
    }
    if (i < n) {
        /* The zeros behind the rest are ASCII: they show a code point that was left open. */
        lines in = take_rest(dst ? dst + i : NULL, src + i, n - i, k);
        if (utf8_block(&in, c, count) == BLOCK_FAULT) return i - fws_utf8_open(plain, i);
        c->chars -= FWS_BLOCK - (n - i);
    } else if (!v_is_zero(c->open)) {
        return i - fws_utf8_open(plain, i);
    }
    return n;
}

static size_t FWS_NAME(utf8_prefix)(const uint8_t *src, size_t n) {
    carry c;
    return utf8_scan(NULL, src, n, 0, &c, 0);
}

static size_t FWS_NAME(utf8_take)(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key,
                                  size_t *chars, uint8_t *width) {
    carry c;
    size_t good = utf8_scan(dst, src, n, key, &c, 1);
    if (good == n) {
        uint8_t found = v_is_zero(v_sub(c.largest, v_byte(0x7F)))   ? FWS_ASCII
                        : v_is_zero(v_sub(c.largest, v_byte(0xC3))) ? FWS_LATIN
                        : v_is_zero(v_sub(c.largest, v_byte(0xEF))) ? FWS_UCS2
                                                                    : FWS_UCS4;
        if (found > *width) *width = found;
        *chars += c.chars;
    }
    return good;
}
