/* Between valid UTF-8 and the characters of a `str`, both ways, written once over any level.
 *
 * A level gives block_latin1, block_ucs2 and block_ucs4. Each reads from src on, where BLOCK_READ
 * bytes may be read, and writes up to BLOCK_WRITE characters to out, of which `moved.chars` count;
 * `moved.bytes` were used up. A block starts at a character or behind one, where leading
 * continuations are passed over.
 *
 * At the end, where a block could read or write too far, it works on copies.
 *
 * For the way back it gives put_latin1, put_ucs2, put_ucs4 and few_ of each: see FWS_ENCODER.
 */

#define FWS_TRANSCODE(name, type, block) \
    static void FWS_NAME(name)(type * out, const uint8_t *src, size_t n, size_t chars) { \
        type *const end = out + chars; \
        size_t i = 0; \
        while (i + BLOCK_READ <= n && (size_t)(end - out) >= BLOCK_WRITE) { \
            moved m = block(out, src + i); \
            out += m.chars; \
            i += m.bytes; \
        } \
        /* What is left is shorter than a block, or has fewer characters than one writes. */ \
        uint8_t rest[4 * BLOCK_WRITE + 2 * BLOCK_READ]; \
        type last[BLOCK_WRITE + BLOCK_READ + BLOCK_WRITE]; \
        size_t left = (size_t)(end - out), done = 0; \
        memcpy(rest, src + i, n - i); \
        memset(rest + (n - i), 0, BLOCK_READ); \
        for (size_t at = 0; done < left;) { \
            moved m = block(last + done, rest + at); \
            done += m.chars; \
            at += m.bytes; \
        } \
        memcpy(out, last, left * sizeof *out); \
    }

FWS_TRANSCODE(to_latin1, uint8_t, block_latin1)
FWS_TRANSCODE(to_ucs2, uint16_t, block_ucs2)
FWS_TRANSCODE(to_ucs4, uint32_t, block_ucs4)

FWS_ENCODER(from_latin1, uint8_t, put_latin1, few_latin1, fws_put_latin1)
FWS_ENCODER(from_ucs2, uint16_t, put_ucs2, few_ucs2, fws_put_ucs2)
FWS_ENCODER(from_ucs4, uint32_t, put_ucs4, few_ucs4, fws_put_ucs4)
