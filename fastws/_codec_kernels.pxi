# The kernels, as Cython sees them.

cdef extern from "_kernels/kernels.h" nogil:
    ctypedef struct fws_kernels:
        const char *name

    enum:
        FWS_MAX_LEVELS

    enum:
        FWS_LATIN

    size_t fws_levels(const fws_kernels **levels)
    uint32_t fws_load32(const uint8_t *p)
    void fws_store32(uint8_t *p, uint32_t v)
    uint32_t fws_key_phase(uint32_t key, size_t phase)
    void fws_mask(
        const fws_kernels *level, uint8_t *dst, const uint8_t *src, size_t n, uint32_t key
    )

cdef extern from "_kernels/utf8.h" nogil:
    ctypedef struct fws_utf8:
        uint8_t wanted
        uint8_t low, high

    bint fws_utf8_valid(const fws_kernels *level, const uint8_t *src, size_t n)
    size_t fws_utf8_feed(const fws_kernels *level, fws_utf8 *s, const uint8_t *src, size_t n)

cdef extern from "_kernels/text.h" nogil:
    ctypedef struct fws_text:
        size_t chars
        uint8_t width
        fws_utf8 utf8

    enum:
        FWS_PIECE
        FWS_SCRATCH

    bint fws_looks_ascii(const uint8_t *src, size_t n, uint32_t key)
    size_t fws_ascii(
        const fws_kernels *level, uint8_t *dst, const uint8_t *src, size_t n, uint32_t key
    )
    size_t fws_text_take(
        const fws_kernels *level,
        fws_text *t,
        uint8_t *dst,
        const uint8_t *src,
        size_t n,
        uint32_t key,
    )
    void fws_text_write(
        const fws_kernels *level,
        uint8_t width,
        void *out,
        size_t chars,
        const uint8_t *src,
        size_t n,
        bint padded,
    )
    size_t fws_char_size(uint8_t width)
    size_t fws_text_whole(const fws_text *t)
    size_t fws_piece_take(
        const fws_kernels *level,
        fws_text *t,
        uint8_t *scratch,
        const uint8_t *src,
        size_t n,
        uint32_t key,
        size_t *size,
    )
    void fws_widen(void *out, uint8_t width, const void *src, uint8_t src_width, size_t n)

cdef extern from "_kernels/encode.h" nogil:
    size_t FWS_NO_UTF8
    size_t fws_encoded_size(int width, const void *src, size_t n)
    void fws_encode(
        const fws_kernels *level,
        uint8_t *out,
        size_t size,
        int width,
        const void *src,
        size_t n,
        const uint8_t *key,
    )

cdef extern from "_kernels/header.h" nogil:
    enum:
        FWS_ANY_RSV
        FWS_CONTROL_MAX
        FWS_HEADER_MAX

    ctypedef enum fws_verdict:
        FWS_WHOLE
        FWS_MORE
        FWS_BROKEN
        FWS_TOO_BIG

    ctypedef struct fws_rules:
        uint64_t limit
        uint16_t barred
        uint8_t role
        uint8_t rsv
        uint8_t judge
        uint8_t spare_control

    ctypedef struct fws_header:
        uint64_t length
        uint32_t key
        uint8_t first
        uint8_t second
        uint8_t size
        uint8_t length_known

    fws_verdict fws_header_read(
        const uint8_t *p, size_t n, const fws_rules *rules, fws_header *h
    )
    size_t fws_header_size(uint64_t length, bint masked)
    size_t fws_header_write(uint8_t *out, uint8_t first, uint64_t length, const uint8_t *key)

cdef extern from "_kernels/keys.h" nogil:
    enum:
        FWS_KEY_POOL

    void fws_keys_forked()
    void fws_keys_fill(const uint8_t *fresh)
    bint fws_keys_take(uint8_t *key)
