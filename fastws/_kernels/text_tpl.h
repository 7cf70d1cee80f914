/* Transcoding of valid UTF-8 to the characters of a `str`, written once over any level.
 *
 * A level gives block_latin1, block_ucs2 and block_ucs4. Each reads from src on, where BLOCK_READ
 * bytes may be read, and writes up to BLOCK_WRITE characters to out, of which `moved.chars` count;
 * `moved.bytes` were used up. A block starts at a character or behind one, where leading
 * continuations are passed over.
 *
 * At the end, where a block could read or write too far, it works on copies.
 */

#define FWS_TRANSCODE(name, type, block)                                                    \
    static void FWS_NAME(name)(type * out, const uint8_t *src, size_t n, size_t chars) {    \
        type *const end = out + chars;                                                      \
        size_t i = 0;                                                                       \
        while (i + BLOCK_READ <= n && (size_t)(end - out) >= BLOCK_WRITE) {                 \
            moved m = block(out, src + i);                                                  \
            out += m.chars;                                                                 \
            i += m.bytes;                                                                   \
        }                                                                                   \
        /* What is left is shorter than a block, or has fewer characters than one writes. */ \
        uint8_t rest[4 * BLOCK_WRITE + 2 * BLOCK_READ];                                     \
        type last[BLOCK_WRITE + BLOCK_READ + BLOCK_WRITE];                                  \
        size_t left = (size_t)(end - out), done = 0;                                        \
        memcpy(rest, src + i, n - i);                                                       \
        memset(rest + (n - i), 0, BLOCK_READ);                                              \
        for (size_t at = 0; done < left;) {                                                 \
            moved m = block(last + done, rest + at);                                        \
            done += m.chars;                                                                \
            at += m.bytes;                                                                  \
        }                                                                                   \
        memcpy(out, last, left * sizeof *out);                                              \
    }

FWS_TRANSCODE(to_latin1, uint8_t, block_latin1)
FWS_TRANSCODE(to_ucs2, uint16_t, block_ucs2)
FWS_TRANSCODE(to_ucs4, uint32_t, block_ucs4)
