/* A frame's header: read, judged and written (RFC 6455 5.2).
 *
 *   byte 0     FIN RSV1 RSV2 RSV3 opcode(4)
 *   byte 1     MASK length(7); 126: two more bytes of length follow, 127: eight
 *   then       the masking key, 4 bytes, where MASK is set
 *
 * Each rule is checked as soon as its bytes are there: opcode, reserved bits, control frames and
 * masking with byte 1, the length with its last byte. Nothing waits for the key.
 */
#ifndef FWS_HEADER_H
#define FWS_HEADER_H

#include "kernels.h"

enum {
    FWS_HEADER_MAX = 14,   /* 2 + 8 + 4 */
    FWS_ANY_RSV = 0xFF,    /* reserved bits are not judged */
    FWS_CONTROL_MAX = 125, /* RFC 6455 5.5 */
    FWS_SERVER = 1,        /* who reads: a server wants masked frames, */
    FWS_CLIENT = 2         /* a client wants them unmasked, 0 takes either */
};

typedef enum fws_verdict {
    FWS_WHOLE,  /* the header is there and allowed */
    FWS_MORE,   /* more bytes are needed */
    FWS_BROKEN, /* a rule is broken */
    FWS_TOO_BIG /* the payload is larger than the limit */
} fws_verdict;

typedef struct fws_rules {
    uint64_t limit;        /* the largest payload, in bytes */
    uint16_t barred;       /* opcodes that may not come now, one bit each */
    uint8_t role;          /* 0, FWS_SERVER or FWS_CLIENT */
    uint8_t rsv;           /* the reserved bits that an extension uses, or FWS_ANY_RSV */
    uint8_t judge;         /* 0: only the limit holds */
    uint8_t spare_control; /* the limit is not for control frames */
} fws_rules;

typedef struct fws_header {
    uint64_t length; /* bytes of payload */
    uint32_t key;    /* as it stands in memory; 0 where the frame is not masked */
    uint8_t first, second;
    uint8_t size;         /* bytes of the header; 0 while the length is not read */
    uint8_t length_known; /* the extended length was read */
} fws_header;

FWS_INLINE uint64_t fws_big_endian(const uint8_t *p, size_t n) {
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++) v = v << 8 | p[i];
    return v;
}

FWS_INLINE int fws_start_allowed(uint8_t first, uint8_t second, const fws_rules *rules) {
    unsigned opcode = first & 0x0F;
    /* 0, 1, 2, 8, 9 and 10 are defined. */
    if (!((0x0707u & ~(unsigned)rules->barred) >> opcode & 1)) return 0;
    if (first & 0x70) {
        if (first & 0x70 & ~rules->rsv) return 0;
        /* RFC 7692 6: RSV1 only on the first frame of a data message. */
        if (first & 0x40 && rules->rsv != FWS_ANY_RSV && opcode != 1 && opcode != 2) return 0;
    }
    if (opcode & 8 && (!(first & 0x80) || (second & 0x7F) > FWS_CONTROL_MAX)) return 0;
    return !rules->role || second >> 7 == (rules->role == FWS_SERVER);
}

/* Read the header that starts at p, of which n bytes are there. */
FWS_INLINE fws_verdict fws_header_read(const uint8_t *p, size_t n, const fws_rules *rules,
                                       fws_header *h) {
    if (n < 2) return FWS_MORE;
    h->first = p[0];
    h->second = p[1];
    h->length = p[1] & 0x7F;
    h->length_known = 0;
    size_t wide = h->length < 126 ? 0 : h->length == 126 ? 2 : 8;
    size_t at = 2 + wide;
    h->size = (uint8_t)(wide ? 0 : at + (p[1] >> 7) * 4);
    if (rules->judge && !fws_start_allowed(p[0], p[1], rules)) return FWS_BROKEN;
    if (wide) {
        if (n < at) return FWS_MORE;
        uint64_t shortest = wide == 2 ? 126 : 65536;
        h->length = fws_big_endian(p + 2, wide);
        h->length_known = 1;
        h->size = (uint8_t)(at + (p[1] >> 7) * 4);
        if (rules->judge && (h->length < shortest || h->length >> 63)) return FWS_BROKEN;
    }
    if (h->length > rules->limit && !(rules->spare_control && p[0] & 0x08)) return FWS_TOO_BIG;
    if (n < h->size) return FWS_MORE;
    h->key = p[1] >> 7 ? fws_load32(p + at) : 0;
    return FWS_WHOLE;
}

/* Bytes of the header for this length. */
FWS_INLINE size_t fws_header_size(uint64_t length, int masked) {
    return (size_t)(length < 126 ? 2 : length < 65536 ? 4 : 10) + (masked ? 4 : 0);
}

/* Write a header; gives its size. `key` is 4 bytes, or NULL for a frame that is not masked. */
FWS_INLINE size_t fws_header_write(uint8_t *out, uint8_t first, uint64_t length,
                                   const uint8_t *key) {
    uint8_t mask_bit = key ? 0x80 : 0;
    size_t at = 2;
    out[0] = first;
    if (length < 126) {
        out[1] = (uint8_t)(mask_bit | length);
    } else {
        size_t wide = length < 65536 ? 2 : 8;
        out[1] = (uint8_t)(mask_bit | (wide == 2 ? 126 : 127));
        for (size_t i = 0; i < wide; i++) out[2 + i] = (uint8_t)(length >> 8 * (wide - 1 - i));
        at += wide;
    }
    if (key) {
        memcpy(out + at, key, 4);
        at += 4;
    }
    return at;
}

#endif
