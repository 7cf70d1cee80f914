/* Between valid UTF-8 and the characters of a `str`, both ways, written once over any level.
 *
 * A level gives block_latin1, block_ucs2 and block_ucs4. Each reads from src on, where BLOCK_READ
 * bytes may be read, and writes up to BLOCK_WRITE characters to out, of which `moved.chars` count;
 * `moved.bytes` were used up. A block starts at a character, and so has to end behind a whole one.
 *
 * At the end, where a block could write too far, blocks write aside, unless the level defines
 * FWS_LAST_BLOCKS and gives last_latin1 and its like: blocks that write no more than `room`
 * characters. Where one could read too far, it reads a copy with zeros behind it, unless zeros stand
 * there already.
 *
 * For the way back it gives put_latin1, put_ucs2 and put_ucs4: see FWS_ENCODER. Where it has smaller
 * blocks as well, it defines FWS_FEW_BLOCKS and gives few_ of each, PUT_FEW and PUT_FEW_MOST.
 */

#ifdef FWS_LAST_BLOCKS
#define FWS_TAIL(type, block, last) \
    while (out < end) { \
        moved m = last(out, src, (size_t)(end - out)); \
        out += m.chars; \
        src += m.bytes; \
    }
#else
#define FWS_TAIL(type, block, last) \
    type aside[BLOCK_WRITE + BLOCK_READ + BLOCK_WRITE]; \
    size_t left = (size_t)(end - out), done = 0; \
    while (done < left) { \
        moved m = block(aside + done, src); \
        done += m.chars; \
        src += m.bytes; \
    } \
    memcpy(out, aside, left * sizeof *out);
#endif

#define FWS_TRANSCODE(name, type, block, last) \
    static void FWS_NAME(name)(type * out, const uint8_t *src, size_t n, size_t chars, \
                               int padded) { \
        type *const end = out + chars; \
        const uint8_t *const src_end = src + n; \
        size_t readable = padded ? n + FWS_PAD : n, i = 0; \
        /* Where so many characters are left, so many bytes are: no padding is taken for text. */ \
        while (i + BLOCK_READ <= readable && (size_t)(end - out) >= BLOCK_WRITE) { \
            moved m = block(out, src + i); \
            out += m.chars; \
            i += m.bytes; \
        } \
        src += i; \
        /* What is left is shorter than a block, or has fewer characters than one writes. */ \
        uint8_t rest[4 * BLOCK_WRITE + 2 * BLOCK_READ]; \
        if (!padded) { \
            size_t size = (size_t)(src_end - src); \
            memcpy(rest, src, size); \
            memset(rest + size, 0, BLOCK_READ); \
            src = rest; \
        } \
        FWS_TAIL(type, block, last) \
    }

FWS_TRANSCODE(to_latin1, uint8_t, block_latin1, last_latin1)
FWS_TRANSCODE(to_ucs2, uint16_t, block_ucs2, last_ucs2)
FWS_TRANSCODE(to_ucs4, uint32_t, block_ucs4, last_ucs4)

#ifdef FWS_FEW_BLOCKS
#define FWS_PUT_FEW(few) \
    for (; i + PUT_FEW <= n && (size_t)(end - out) >= PUT_FEW_MOST; i += PUT_FEW) \
        out += few(out, src + i);
#else
#define FWS_PUT_FEW(few)
#endif

FWS_ENCODER(from_latin1, uint8_t, put_latin1, few_latin1, fws_put_latin1)
FWS_ENCODER(from_ucs2, uint16_t, put_ucs2, few_ucs2, fws_put_ucs2)
FWS_ENCODER(from_ucs4, uint32_t, put_ucs4, few_ucs4, fws_put_ucs4)
