# The stream under every decoder of the compiled back end: chunks in, headers read, payloads filled.
#
# A chunk is held, never copied, and walked by a pointer. Only a header that a chunk cuts in two is
# put together aside. A payload that is there whole goes from the chunk to its `bytes` in one step;
# one that is not starts with what has come and doubles, so that a declared length takes no memory.

cdef enum:
    SCRATCH = 65536  # bytes that get_buffer() hands out
    LARGE = 16384  # what a payload must lack to be read into directly
    FIRST = 4096  # the least that is taken for a payload in parts


@cython.final
@cython.no_gc
cdef class Window:
    """The memory that a memoryview of get_buffer() shows; it lives as long as the view."""

    cdef PyObject *owner  # bytes under construction
    cdef char *start
    cdef Py_ssize_t size

    def __getbuffer__(self, Py_buffer *view, int flags):
        PyBuffer_FillInfo(view, self, self.start, self.size, False, flags)

    def __dealloc__(self):
        Py_XDECREF(self.owner)


cdef Window window_on(PyObject *owner, Py_ssize_t start):
    cdef Window window = Window.__new__(Window)
    Py_INCREF(owner)
    window.owner = owner
    window.start = PyBytes_Data(owner) + start
    window.size = PyBytes_Size(owner) - start
    return window


@cython.no_gc
cdef class Stream:
    cdef bytes chunk  # what is read now
    cdef const uint8_t *at
    cdef const uint8_t *end
    cdef object queue  # a deque of the chunks that came after it, or None
    cdef Py_ssize_t queued  # their bytes

    cdef fws_rules rules
    cdef fws_header head
    cdef bint in_frame  # the header is whole, the payload is not handed out
    cdef uint8_t cut[FWS_HEADER_MAX]  # the start of a header that is not whole yet
    cdef uint8_t cut_size

    cdef PyObject *payload  # bytes under construction, or NULL
    cdef Py_ssize_t filled  # of them, bytes that have come
    cdef Py_ssize_t unmasked  # and bytes that are plain

    cdef Window window  # handed out by get_buffer()
    cdef object view
    cdef object error  # the CodecError that ended the stream

    def __dealloc__(self):
        Py_XDECREF(self.payload)

    # --- Input ---

    def feed(self, data) -> None:
        cdef bytes chunk = as_bytes(data)
        if self.error is not None:
            return
        if self.window is not None and self.window.owner == self.payload:
            # The view's holder may still write there: leave it that memory.
            self.move_payload(PyBytes_Size(self.payload))
        self.append(chunk, PyBytes_GET_SIZE(chunk))

    cdef int append(self, bytes chunk, Py_ssize_t size) except -1:
        """Take the first `size` bytes of a chunk."""
        if not size:
            return 0
        if self.at == self.end and self.queue is None:
            self.begin(chunk, size)
            return 0
        if size != PyBytes_GET_SIZE(chunk):
            chunk = chunk[:size]
        if self.queue is None:
            self.queue = _deque()
        self.queue.append(chunk)
        self.queued += size
        return 0

    cdef void begin(self, bytes chunk, Py_ssize_t size) noexcept:
        self.chunk = chunk
        self.at = <const uint8_t *>PyBytes_AS_STRING(chunk)
        self.end = self.at + size

    cdef bint more(self) except -1:
        """Go on to the next chunk; False where there is none."""
        cdef bytes chunk
        if self.queue is None:
            self.chunk = None
            self.at = self.end = NULL
            return False
        chunk = self.queue.popleft()
        if not self.queue:
            self.queue = None
        self.queued -= PyBytes_GET_SIZE(chunk)
        self.begin(chunk, PyBytes_GET_SIZE(chunk))
        return True

    # --- Reading into place ---

    def get_buffer(self, sizehint=-1):
        cdef Py_ssize_t size = sizehint
        cdef Py_ssize_t lacking = 0
        cdef PyObject *scratch
        if self.in_frame and self.at == self.end and self.queue is None:
            lacking = <Py_ssize_t>self.head.length - self.filled
        if lacking >= LARGE:
            self.reserve(self.filled + min(lacking, SCRATCH))
            window = window_on(self.payload, self.filled)
        else:
            scratch = PyBytes_New(NULL, size if size > 0 else SCRATCH)
            window = window_on(scratch, 0)
            Py_XDECREF(scratch)
        self.view = memoryview(window)
        self.window = window
        return self.view

    def buffer_updated(self, nbytes) -> None:
        cdef Py_ssize_t size = nbytes
        cdef Window window = self.window
        if window is None:
            raise RuntimeError("get_buffer() was not called")
        if not 0 <= size <= window.size:
            raise ValueError(f"nbytes must be from 0 to {window.size}, not {size}")
        view, self.view, self.window = self.view, None, None
        try:
            view.release()
        except BufferError:
            pass  # still exported by its holder, whose window keeps the memory alive
        if self.error is not None:
            return
        if window.owner == self.payload:
            self.filled += size
        elif window.start == PyBytes_Data(window.owner):
            self.append(<bytes>window.owner, size)
        else:  # the payload moved away from under the view
            self.append(PyBytes_FromStringAndSize(window.start, size), size)

    # --- The frame in progress ---

    cdef int reserve(self, Py_ssize_t size) except -1:
        """Make room for `size` bytes of the payload."""
        cdef Py_ssize_t room = PyBytes_Size(self.payload) if self.payload else 0
        if size <= room:
            return 0
        room = min(<Py_ssize_t>self.head.length, max(size, room * 2, FIRST))
        if self.payload == NULL:
            self.payload = PyBytes_New(NULL, room)
        elif Py_REFCNT(self.payload) > 1:
            self.move_payload(room)  # a view of it is still held
        else:
            self.resize(room)
        return 0

    cdef int resize(self, Py_ssize_t room) except -1:
        try:
            _PyBytes_Resize(&self.payload, room)
        except MemoryError:
            self.stop(_rules.out_of_memory(self.head.length))
            raise
        return 0

    cdef int move_payload(self, Py_ssize_t room) except -1:
        cdef PyObject *moved = PyBytes_New(NULL, room)
        memcpy(PyBytes_Data(moved), PyBytes_Data(self.payload), self.filled)
        Py_XDECREF(self.payload)
        self.payload = moved
        return 0

    cdef bytes gather(self):
        """Take what has come of the payload; give it where it is whole, else None."""
        cdef Py_ssize_t length = self.head.length
        cdef Py_ssize_t size
        cdef bytes whole
        while True:
            self.unmask()
            size = min(self.end - self.at, length - self.filled)
            if size:
                self.reserve(self.filled + size)
                copy_unmasked(
                    &self.head,
                    <uint8_t *>PyBytes_Data(self.payload) + self.filled,
                    self.at,
                    size,
                    self.filled,
                )
                self.at += size
                self.filled += size
                self.unmasked = self.filled
            if self.filled == length:
                break
            if not self.more():
                return None
        whole = <bytes>self.payload
        Py_CLEAR(self.payload)
        self.filled = self.unmasked = 0
        return whole

    cdef void unmask(self) noexcept:
        """Unmask, where it lies, what was read into the payload directly."""
        cdef uint8_t *start = <uint8_t *>PyBytes_Data(self.payload) + self.unmasked
        if self.unmasked < self.filled and self.head.second & 0x80:
            fws_mask(
                kernels,
                start,
                start,
                self.filled - self.unmasked,
                fws_key_phase(self.head.key, self.unmasked),
            )
        self.unmasked = self.filled

    cdef bint read_cut_header(self) except -1:
        """Read a header that the end of a chunk cuts; False where bytes are missing."""
        cdef fws_verdict verdict
        cdef Py_ssize_t size
        while True:
            size = min(self.end - self.at, FWS_HEADER_MAX - self.cut_size)
            if size:
                memcpy(self.cut + self.cut_size, self.at, size)
            verdict = fws_header_read(self.cut, self.cut_size + size, &self.rules, &self.head)
            if verdict == FWS_WHOLE:
                self.at += self.head.size - self.cut_size
                self.cut_size = 0
                self.in_frame = True
                return True
            if verdict != FWS_MORE:
                self.fail(verdict)
            self.cut_size += size
            if not self.more():
                return False

    # --- The end ---

    cdef int fail(self, fws_verdict verdict) except -1:
        if verdict == FWS_BROKEN:
            self.stop(header_error(&self.head, &self.rules))
        else:
            self.stop(_rules.payload_too_big(self.head.length, self.rules.limit))
        raise _rules.again(self.error)

    cdef void stop(self, object error) noexcept:
        """Enter the state that nothing leaves, and let go of all input."""
        self.error = error
        self.chunk = None
        self.at = self.end = NULL
        self.queue = None
        self.queued = 0
        self.cut_size = 0
        self.in_frame = False
        Py_CLEAR(self.payload)
        self.filled = self.unmasked = 0

    # --- What there is to see ---

    @property
    def buffered(self) -> int:
        cdef Py_ssize_t size = self.cut_size + (self.end - self.at) + self.queued
        return size + self.head.size + self.filled if self.in_frame else size

    @property
    def header(self) -> FrameHeader | None:
        if self.in_frame or (self.error is not None and self.head.size):
            return header_of(&self.head, self.in_frame)
        return None

    @property
    def partial_header(self) -> bytes:
        return PyBytes_FromStringAndSize(<char *>self.cut, self.cut_size)


cdef inline void copy_unmasked(
    const fws_header *head, uint8_t *dst, const uint8_t *src, Py_ssize_t size, Py_ssize_t phase
) noexcept:
    if head.second & 0x80:
        fws_mask(kernels, dst, src, size, fws_key_phase(head.key, phase))
    else:
        memcpy(dst, src, size)


cdef inline bint next_header(Stream self) except -1:
    """Come to the start of a payload; False where bytes are missing."""
    cdef fws_verdict verdict
    if self.in_frame:
        return True
    if self.cut_size:
        return self.read_cut_header()
    verdict = fws_header_read(self.at, self.end - self.at, &self.rules, &self.head)
    if verdict == FWS_WHOLE:
        self.at += self.head.size
        self.in_frame = True
        return True
    if verdict == FWS_MORE:
        return self.read_cut_header()
    return self.fail(verdict)


cdef inline bytes next_payload(Stream self):
    """Give the payload of the frame in progress, or None where bytes are missing."""
    cdef Py_ssize_t length = self.head.length
    cdef bytes whole
    if self.payload == NULL and self.end - self.at >= length:
        whole = PyBytes_FromStringAndSize(NULL, length)
        copy_unmasked(&self.head, <uint8_t *>PyBytes_AS_STRING(whole), self.at, length, 0)
        self.at += length
    else:
        whole = self.gather()
    if whole is not None:
        self.in_frame = False
    return whole
