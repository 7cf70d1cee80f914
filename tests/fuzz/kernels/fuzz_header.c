/* Headers read under rules that a fuzzer chooses, cut everywhere, and written, against the second
 * reading of the RFC. */
#include "fuzz.h"
#include "../../kernels/test_header.c"

static fws_rules any_rules(const uint8_t **data, size_t *size) {
    uint8_t how = fuzz_byte(data, size);
    fws_rules rules = {
        .barred = (uint16_t)fuzz_number(data, size, 1),
        .role = how % 3,
        .rsv = how & 4 ? FWS_ANY_RSV : how & 0x70,
        .judge = !(how & 8),
        .spare_control = how >> 7,
    };
    how = fuzz_byte(data, size);
    rules.limit = how & 1 ? LENGTHS[(how >> 1) % LENGTHS_N] : fuzz_number(data, size, how % 9);
    return rules;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!page.start) page = arena_new(FWS_HEADER_MAX);
    now = (work){"any level", "fws_header_read", 0, 0, 0};
    const fws_rules rules = any_rules(&data, &size);
    uint8_t first = fuzz_byte(&data, &size), header[FWS_HEADER_MAX] = {first};
    size_t n = size < FWS_HEADER_MAX ? size : FWS_HEADER_MAX - 1;
    memcpy(header + 1, data, n);
    for (size_t cut = 0; cut <= n + 1; cut++) {
        uint8_t *p = arena_end(&page, cut);
        if (cut) memcpy(p, header, cut);
        check_read(p, cut, &rules);
    }
    now.what = "fws_header_write";
    uint64_t length = fuzz_number(&data, &size, first % 9) >> 1; /* INT64_MAX at most */
    check_write(first, length, first & 1 ? header + 1 : NULL);
    return 0;
}
