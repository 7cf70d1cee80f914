/* Frame headers against a second reading of RFC 6455 5.2, 5.5 and RFC 7692 6, written from the
 * documents and unlike header.h: it takes the header apart first and goes through the rules then.
 *
 * Every first two bytes, cut everywhere, for each role, for reserved bits, judged and not; extended
 * lengths at their edges; limits at and below the length. What is there of a header ends at memory
 * that nobody may touch.
 */
#include "guard.h"
#include "header.h"

static arena page;

static const uint8_t KEY[4] = {0xDE, 0xAD, 0xBE, 0xEF};

/* --- The second reading -------------------------------------------------------------------- */

/* What stands in the first two bytes. */
typedef struct frame {
    int fin, rsv1, rsv2, rsv3, masked;
    int opcode, short_length;
    size_t length_bytes; /* of the extended length */
    uint64_t length;     /* the extended one too, if it is there */
} frame;

static int bit(uint8_t b, int number_from_left) { return b >> (7 - number_from_left) & 1; }

static frame take_apart(const uint8_t *p, size_t n) {
    frame f = {bit(p[0], 0),
               bit(p[0], 1),
               bit(p[0], 2),
               bit(p[0], 3),
               bit(p[1], 0),
               p[0] % 16,
               p[1] % 128,
               0,
               0};
    f.length = (uint64_t)f.short_length;
    if (f.short_length == 126) f.length_bytes = 2;
    if (f.short_length == 127) f.length_bytes = 8;
    if (f.length_bytes && n >= 2 + f.length_bytes) {
        f.length = 0;
        for (size_t i = 0; i < f.length_bytes; i++) f.length = f.length * 256 + p[2 + i];
    }
    return f;
}

static int is_control(const frame *f) { return f->opcode >= 8; }

static int rsv_allowed(const frame *f, unsigned rsv) {
    if (rsv == FWS_ANY_RSV) return 1;
    if ((f->rsv1 && !(rsv & 0x40)) || (f->rsv2 && !(rsv & 0x20)) || (f->rsv3 && !(rsv & 0x10)))
        return 0;
    /* RFC 7692 6: "Per-Message Compressed" stands on the first fragment of a data message. */
    return !f->rsv1 || f->opcode == 1 || f->opcode == 2;
}

static int start_allowed(const frame *f, const fws_rules *rules) {
    switch (f->opcode) {
        case 0:
        case 1:
        case 2:
        case 8:
        case 9:
        case 10:
            break; /* RFC 6455 11.8 */
        default:
            return 0;
    }
    if (rules->barred & 1u << f->opcode) return 0;
    if (!rsv_allowed(f, rules->rsv)) return 0;
    if (is_control(f) && !f->fin) return 0;
    if (is_control(f) && f->short_length >= 126) return 0;
    if (rules->role == FWS_SERVER && !f->masked) return 0;
    if (rules->role == FWS_CLIENT && f->masked) return 0;
    return 1;
}

/* RFC 6455 5.2: the minimal number of bytes, and the most significant bit is 0. */
static int length_allowed(const frame *f) {
    if (f->length_bytes == 2) return f->length >= 126;
    if (f->length_bytes == 8) return f->length >= 65536 && f->length <= INT64_MAX;
    return 1;
}

static size_t size_of(const frame *f) { return 2 + f->length_bytes + (f->masked ? 4 : 0); }

static fws_verdict judge(const frame *f, size_t n, const fws_rules *rules) {
    if (rules->judge && !start_allowed(f, rules)) return FWS_BROKEN;
    if (n < 2 + f->length_bytes) return FWS_MORE;
    if (rules->judge && !length_allowed(f)) return FWS_BROKEN;
    if (!(rules->spare_control && is_control(f)) && f->length > rules->limit) return FWS_TOO_BIG;
    return n < size_of(f) ? FWS_MORE : FWS_WHOLE;
}

/* --- The two against each other ------------------------------------------------------------ */

_Noreturn static void differs(const uint8_t *p, size_t n, const fws_rules *rules, const char *name,
                              uint64_t got, uint64_t wanted) {
    char bytes[3 * FWS_HEADER_MAX + 1] = "";
    for (size_t i = 0; i < n; i++) snprintf(bytes + 3 * i, 4, "%02x ", p[i]);
    fail("%swith role %d, rsv %02x, judge %d, limit %llu: %s is %llu, not %llu", bytes, rules->role,
         rules->rsv, rules->judge, (unsigned long long)rules->limit, name, (unsigned long long)got,
         (unsigned long long)wanted);
}

/* header.h promises each field from the moment that its bytes are there. */
static void check_fields(const uint8_t *p, size_t n, const fws_rules *rules, const frame *f,
                         const fws_header *h, fws_verdict verdict) {
    int length_there = n >= 2 + f->length_bytes;
    int looked = length_there && (!rules->judge || start_allowed(f, rules));
    uint32_t key = 0;
#define SAME(name, got, wanted) \
    if ((got) != (wanted)) differs(p, n, rules, name, (got), (wanted))
    SAME("first", h->first, p[0]);
    SAME("second", h->second, p[1]);
    SAME("length_known", h->length_known, looked && f->length_bytes);
    if (looked) SAME("length", h->length, f->length);
    SAME("size", h->size, looked || !f->length_bytes ? size_of(f) : 0);
    if (verdict != FWS_WHOLE) return;
    if (f->masked) memcpy(&key, p + 2 + f->length_bytes, 4);
    SAME("key", h->key, key);
}

static fws_verdict check_read(const uint8_t *p, size_t n, const fws_rules *rules) {
    fws_header h = {0, 0x55555555, 0x55, 0x55, 0x55, 0x55};
    now.calls++;
    now.size = n;
    fws_verdict got = fws_header_read(p, n, rules, &h);
    if (n < 2) {
        SAME("the verdict", (unsigned)got, (unsigned)FWS_MORE);
        return got;
    }
    frame f = take_apart(p, n);
    SAME("the verdict", (unsigned)got, (unsigned)judge(&f, n, rules));
    check_fields(p, n, rules, &f, &h, got);
    return got;
#undef SAME
}

/* --- All headers --------------------------------------------------------------------------- */

static const uint8_t RSV[] = {0, 0x10, 0x30, 0x40, 0x70, FWS_ANY_RSV};
static const uint64_t LENGTHS[] = {0,
                                   1,
                                   125,
                                   126,
                                   127,
                                   0xFFFF,
                                   0x10000,
                                   INT32_MAX,
                                   (uint64_t)INT32_MAX + 1,
                                   UINT32_MAX,
                                   (uint64_t)UINT32_MAX + 1,
                                   (uint64_t)1 << 40,
                                   (uint64_t)1 << 62,
                                   INT64_MAX,
                                   (uint64_t)INT64_MAX + 1,
                                   UINT64_MAX};
enum { LENGTHS_N = sizeof LENGTHS / sizeof *LENGTHS, RSV_N = sizeof RSV };

/* Check what there is of a header of `size` bytes, cut everywhere, under these rules. */
static void check_cuts(const uint8_t *header, size_t size, fws_rules rules) {
    for (size_t n = 0; n <= size; n++) {
        uint8_t *p = arena_end(&page, n);
        if (n) memcpy(p, header, n);
        for (uint8_t role = 0; role <= FWS_CLIENT; role++) {
            for (size_t i = 0; i < RSV_N; i++) {
                rules.role = role;
                rules.rsv = RSV[i];
                check_read(p, n, &rules);
            }
        }
    }
}

static void check_limits(const uint8_t *header, size_t size, uint64_t length) {
    const uint64_t limits[] = {UINT64_MAX, length, length - (length > 0), 0, 1 << 20};
    const uint16_t barred[] = {0x0000, 0x0006, 0x0001, 0xFFFF, 0x0700}; /* by turns */
    for (size_t i = 0; i < 5; i++) {
        fws_rules rules = {.limit = limits[i]};
        check_cuts(header, size, rules);
        rules.judge = 1;
        check_cuts(header, size, rules);
        rules.barred = barred[(i + header[0] + size) % 5];
        rules.spare_control = (uint8_t)(i & 1);
        check_cuts(header, size, rules);
    }
}

static void check_start(uint8_t first, uint8_t second) {
    uint8_t header[FWS_HEADER_MAX] = {first, second};
    size_t wide = second % 128 < 126 ? 0 : second % 128 == 126 ? 2 : 8;
    size_t size = 2 + wide + (second >= 128 ? 4 : 0);
    memcpy(header + 2 + wide, KEY, size > 2 + wide ? 4 : 0);
    if (!wide) {
        check_limits(header, size, second % 128);
        return;
    }
    for (size_t i = 0; i < LENGTHS_N; i++) {
        uint64_t length = LENGTHS[i];
        if (wide == 2 && length > 0xFFFF) break;
        for (size_t at = 0; at < wide; at++)
            header[2 + at] = (uint8_t)(length >> 8 * (wide - 1 - at));
        check_limits(header, size, length);
    }
}

/* --- Known attacks ------------------------------------------------------------------------- */

typedef struct attack {
    const char *name, *hex;
    fws_verdict judged, unjudged; /* with a limit of 1 MiB */
} attack;

static const attack ATTACKS[] = {
    {"a length of all bits", "827fffffffffffffffff", FWS_BROKEN, FWS_TOO_BIG},
    {"the same, masked", "82ffffffffffffffffff", FWS_BROKEN, FWS_TOO_BIG},
    {"a length of the top bit", "827f8000000000000000", FWS_BROKEN, FWS_TOO_BIG},
    {"the largest length", "827f7fffffffffffffff", FWS_TOO_BIG, FWS_TOO_BIG},
    {"a reserved opcode", "0affffffffffffffffffeb0e8f00", FWS_BROKEN, FWS_TOO_BIG},
    {"2^31 - 1, before the key", "82ff000000007fffffff", FWS_TOO_BIG, FWS_TOO_BIG},
    {"2^31, before the key", "82ff0000000080000000", FWS_TOO_BIG, FWS_TOO_BIG},
    {"2^32 - 1, before the key", "82ff00000000ffffffff", FWS_TOO_BIG, FWS_TOO_BIG},
    {"2^32, before the key", "82ff0000000100000000", FWS_TOO_BIG, FWS_TOO_BIG},
    {"2^40", "827f0000010000000000", FWS_TOO_BIG, FWS_TOO_BIG},
    {"2^62", "827f4000000000000000", FWS_TOO_BIG, FWS_TOO_BIG},
    {"2^62, a byte short", "827f40000000000000", FWS_MORE, FWS_MORE},
    {"125 in 16 bits", "827e007d", FWS_BROKEN, FWS_WHOLE},
    {"126 in 16 bits", "827e007e", FWS_WHOLE, FWS_WHOLE},
    {"125 in 16 bits, before the key", "82fe007d", FWS_BROKEN, FWS_MORE},
    {"65535 in 64 bits", "827f000000000000ffff", FWS_BROKEN, FWS_WHOLE},
    {"65536 in 64 bits", "827f0000000000010000", FWS_WHOLE, FWS_WHOLE},
    {"0 in 64 bits, before the key", "82ff0000000000000000", FWS_BROKEN, FWS_MORE},
    {"a long ping, before its length", "897e", FWS_BROKEN, FWS_MORE},
    {"half a close", "0800", FWS_BROKEN, FWS_WHOLE},
};

static size_t from_hex(uint8_t *out, const char *hex) {
    size_t n = strlen(hex) / 2;
    for (size_t i = 0; i < n; i++) {
        char byte[3] = {hex[2 * i], hex[2 * i + 1], 0};
        out[i] = (uint8_t)strtoul(byte, NULL, 16);
    }
    return n;
}

static void check_attacks(void) {
    for (size_t i = 0; i < sizeof ATTACKS / sizeof *ATTACKS; i++) {
        const attack *a = &ATTACKS[i];
        uint8_t bytes[FWS_HEADER_MAX];
        size_t n = from_hex(bytes, a->hex);
        uint8_t *p = memcpy(arena_end(&page, n), bytes, n);
        now.what = a->name;
        fws_rules rules = {.limit = 1 << 20, .judge = 1};
        expect_size("the verdict", check_read(p, n, &rules), a->judged);
        rules.judge = 0;
        expect_size("the verdict of the lenient", check_read(p, n, &rules), a->unjudged);
    }
}

/* --- Written and read again ---------------------------------------------------------------- */

static void check_read_again(const uint8_t *p, size_t size, uint8_t first, uint64_t length,
                             const uint8_t *key) {
    const fws_rules rules = {.limit = UINT64_MAX, .rsv = FWS_ANY_RSV};
    fws_header h = {0, 0, 0, 0, 0, 0};
    expect_size("the verdict", fws_header_read(p, size, &rules, &h), FWS_WHOLE);
    expect_size("the size read", h.size, size);
    expect_size("the first byte read", h.first, first);
    expect_size("the mask bit read", h.second >> 7, key != NULL);
    if (h.length != length) fail("another length is read");
    if (key && memcmp(&h.key, key, 4)) fail("another key is read");
    if (!key && h.key) fail("a key is read where there is none");
}

static void check_write(uint8_t first, uint64_t length, const uint8_t *key) {
    size_t size = length <= 125 ? 2 : length <= 0xFFFF ? 4 : 10;
    if (key) size += 4;
    now.size = size;
    expect_size("fws_header_size", fws_header_size(length, key != NULL), size);
    uint8_t *out = arena_end(&page, size);
    expect_size("fws_header_write", fws_header_write(out, first, length, key), size);
    arena_intact(&page);
    check_read_again(out, size, first, length, key);
    /* In the shortest form, and so allowed wherever its first byte is. */
    fws_rules rules = {
        .limit = INT64_MAX, .role = key ? FWS_SERVER : FWS_CLIENT, .rsv = FWS_ANY_RSV, .judge = 1};
    frame f = take_apart(out, size);
    fws_verdict allowed = start_allowed(&f, &rules) ? FWS_WHOLE : FWS_BROKEN;
    expect_size("the verdict of the peer", check_read(out, size, &rules), allowed);
}

static void check_writes(void) {
    static const uint64_t lengths[] = {0,        1,       125,        126,
                                       127,      255,     256,        65535,
                                       65536,    1 << 24, UINT32_MAX, (uint64_t)UINT32_MAX + 1,
                                       INT64_MAX};
    now.what = "fws_header_write";
    for (unsigned first = 0; first < 256; first++) {
        for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
            check_write((uint8_t)first, lengths[i], NULL);
            check_write((uint8_t)first, lengths[i], KEY);
        }
    }
}

int main(void) {
    page = arena_new(FWS_HEADER_MAX);
    now = (work){"any level", "fws_header_read", 0, 0, 0};
    for (unsigned start = 0; start < 1u << 16; start++)
        check_start((uint8_t)(start >> 8), (uint8_t)start);
    check_attacks();
    check_writes();
    printf("test_header: %llu checks\n", (unsigned long long)now.calls);
    return 0;
}
