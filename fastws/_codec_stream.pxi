# The stream under every decoder of the compiled back end: chunks in, headers read, payloads filled.
#
# A chunk is held, never copied, and walked by a pointer. Only a header that a chunk cuts in two is
# put together aside. A payload that is there whole goes from the chunk to its object in one step;
# one that is not starts with what has come and doubles, so that a declared length takes no memory.
#
# A payload under construction is `bytes`, or for text a `str`: while all of that is ASCII, the
# unmasking pass writes to its final place, and there is no other; behind the first other byte, a
# piece is unmasked aside and transcoded to its place at once. A fragmented message goes on in the
# same object from frame to frame.

cdef enum:
    SCRATCH = 65536  # bytes that get_buffer() hands out
    LARGE = 16384  # what a payload must lack to be read into directly
    FIRST = 4096  # the least that is taken for a payload in parts
    NEAR = 17  # once a part of this size has come, all the room is taken: no copies any more

cdef enum Kind:
    RAW  # bytes, not looked at
    UTF8  # bytes, checked as UTF-8
    ASCII  # a str, which has been ASCII so far
    WIDE  # a str, which is not

# What is done with a stream now. A step calls Python here and there, and there another thread, or
# the inflater, may come back to the same stream: it is refused a step of its own.
cdef enum Step:
    IDLE
    INSIDE  # a step has begun
    LOST  # one failed in the midst, mostly for memory: with a frame, the place may be lost


@cython.no_gc
cdef class _Stream:
    """Chunks in, headers read, payloads put together."""

    cdef bytes chunk  # what is read now
    cdef const uint8_t *at
    cdef const uint8_t *end
    cdef object queue  # a deque of the chunks that came after it, or None
    cdef Py_ssize_t queued  # their bytes

    cdef fws_rules rules
    cdef fws_header head
    cdef bint in_frame  # the header is whole, the payload is not handed out
    cdef bint exact  # the frame's end is the payload's: no room is taken for more
    cdef Kind kind
    cdef uint8_t cut_size
    cdef uint8_t cut[FWS_HEADER_MAX]  # the start of a header that is not whole yet

    cdef Growing payload  # under construction
    cdef Py_ssize_t start  # of this frame in it, in bytes
    cdef Py_ssize_t filled  # bytes of it that have come
    cdef Py_ssize_t done  # and bytes that are unmasked and checked

    cdef _Window window  # handed out by get_buffer()
    cdef object view
    cdef Step step
    cdef bint ended  # nothing is taken any more
    cdef object error  # the CodecError that ended it, or None

    def __dealloc__(self):
        Py_XDECREF(self.payload.object)

    # --- Input ---

    def feed(self, data) -> None:
        """Take the next bytes of the stream.

        Nothing is parsed here: that happens as the loop asks. `bytes` are held, other buffers are
        copied. After an error the bytes are dropped.

        Args:
            data: any buffer, of any size.

        Raises:
            TypeError: data is not a buffer.
        """
        cdef bytes chunk = as_bytes(data)
        with cython.critical_section(self):
            if self.ended:
                return
            if self.window is not None and self.window.owner == self.payload.object:
                # The view's holder may still write there: leave it that memory.
                self.move(self.payload.room, self.filled)
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
            from collections import deque  # imported where it is needed, which is seldom

            queue = deque()
            if self.queue is None:  # still
                self.queue = queue
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
        """Give memory to read the next bytes into (`asyncio.BufferedProtocol.get_buffer`).

        Inside a large payload this is the payload's own memory, unless that is text which has to be
        transcoded on its way there. The view must not be written any more after `buffer_updated()`;
        another call gives another view in place of this one.

        Args:
            sizehint: int, the bytes wanted; 64 KiB where it is not positive.

        Returns:
            A writable memoryview of at least 1 byte.
        """
        cdef Py_ssize_t size = sizehint
        with cython.critical_section(self):
            return self.open_window(size)

    cdef object open_window(self, Py_ssize_t size):
        cdef Py_ssize_t lacking = 0
        cdef bytes scratch
        cdef _Window window = self.window
        self.view = self.window = None
        if window is not None:
            self.leave_to_holder(window)
        if (
            self.in_frame
            and self.kind != WIDE
            and self.at == self.end
            and self.queue is None  # pragma: no branch - the next chunk is begun when one ends
        ):
            lacking = self.start + <Py_ssize_t>self.head.length - self.filled
        if lacking >= LARGE:
            self.reserve(self.filled + min(lacking, SCRATCH))
            size = min(self.payload.room - self.filled, lacking)
            window = window_on(self.payload.object, self.memory() + self.filled, size)
        else:
            size = size if size > 0 else SCRATCH
            scratch = PyBytes_FromStringAndSize(NULL, size)
            window = window_on(<PyObject *>scratch, PyBytes_AS_STRING(scratch), size)
        self.view = memoryview(window)
        self.window = window
        return self.view

    def buffer_updated(self, nbytes) -> None:
        """Take the bytes that were read into the view of `get_buffer()`, and release the view.

        Args:
            nbytes: int, how many, counted from the view's first byte.

        Raises:
            RuntimeError: get_buffer() was not called.
            ValueError: nbytes is negative or more than the view holds.
        """
        count = _index(nbytes)  # which may call anything: this very decoder, too
        with cython.critical_section(self):
            self.close_window(count)

    cdef int close_window(self, object count) except -1:
        cdef _Window window = self.window
        cdef Py_ssize_t size
        cdef bint done = False
        if window is None:
            raise RuntimeError("get_buffer() was not called")
        size = PyNumber_AsSsize_t(count, NULL)
        if not 0 <= size <= window.size:
            raise ValueError(f"nbytes must be from 0 to {window.size}, not {count}")
        view, self.view, self.window = self.view, None, None
        try:
            try:
                view.release()
            except BufferError:
                pass  # still exported by its holder, whose window keeps the memory alive
            if not self.ended:
                self.take_window(window, size)
            done = True
        finally:
            if not done:
                self.step = LOST
        return 0

    cdef int take_window(self, _Window window, Py_ssize_t size) except -1:
        """Take what was read into a window."""
        if window.owner != self.payload.object and PyBytes_CheckExact(<object>window.owner) and (
            window.start == PyBytes_Data(window.owner)
        ):
            self.append(<bytes>window.owner, size)
        elif window.owner == self.payload.object and (
            self.kind != WIDE  # pragma: no branch - such text has left that memory: start_wide()
            and window.start == self.memory() + self.filled  # pragma: no branch - feed() moved it
        ):
            self.filled += size
            self.leave_to_holder(window)
        else:  # the payload moved away from under the view, or is another kind of text now
            self.append(PyBytes_FromStringAndSize(window.start, size), size)
        return 0

    cdef int leave_to_holder(self, _Window window) except -1:
        """Go on in other memory than that of a window that somebody still has a view of.

        Text that is not ASCII has left that memory already: see start_wide().
        """
        if window.owner == self.payload.object and Py_REFCNT(<PyObject *>window) > 1:
            self.move(self.payload.room, self.filled)
        return 0

    # --- The payload under construction ---

    cdef char *memory(self) noexcept:
        if self.kind == ASCII:
            return PyUnicode_RawData(self.payload.object)
        return PyBytes_Data(self.payload.object)

    cdef int prepare(self, Py_ssize_t size) except -1:
        """Make room for the next `size` bytes of the chunk."""
        if self.kind == ASCII and self.filled == 0:
            # Text that is something else from the start need not begin as ASCII.
            if not fws_looks_ascii(self.at, min(size, FWS_PIECE), self.head.key):
                self.kind = WIDE
                start_wide(&self.payload, 0)
        if self.kind == WIDE:
            return 0  # made for each piece, when its characters are counted
        return self.reserve(self.filled + size)

    cdef int reserve(self, Py_ssize_t size) except -1:
        """Make room for `size` bytes of the payload: by doubling, or all of it near the end."""
        cdef Py_ssize_t room, end
        if size <= self.payload.room:
            return 0
        room = max(size, self.payload.room * 2, FIRST)
        if self.exact:
            end = self.start + <Py_ssize_t>self.head.length
            room = end if size > end // NEAR else min(room, end)
        if self.payload.object == NULL:
            if self.kind == ASCII:
                self.payload.object = PyUnicode_Raw(room, 127)
            else:
                self.payload.object = PyBytes_New(NULL, room)
            self.payload.room = room
        elif Py_REFCNT(self.payload.object) > 1:  # pragma: no cover - see leave_to_holder()
            self.move(room, self.filled)
        else:
            self.resize(room)
        return 0

    cdef int resize(self, Py_ssize_t room) except -1:
        try:
            if self.kind == ASCII:
                PyUnicode_Resize(&self.payload.object, room)
            else:
                _PyBytes_Resize(&self.payload.object, room)
        except MemoryError:
            # What has come is gone, mostly with the object. There may be no memory to say so,
            # either: the next step does.
            self.step = LOST
            self.payload.room = 0
            raise
        self.payload.room = room
        return 0

    cdef int move(self, Py_ssize_t room, Py_ssize_t size) except -1:
        """Go on in another object, which takes over the first `size` bytes."""
        cdef PyObject *other
        if self.kind == ASCII:
            other = PyUnicode_Raw(room, 127)
            memcpy(PyUnicode_RawData(other), self.memory(), size)
        else:
            other = PyBytes_New(NULL, room)
            memcpy(PyBytes_Data(other), self.memory(), size)
        Py_XDECREF(self.payload.object)
        self.payload.object = other
        self.payload.room = room
        return 0

    cdef int take(self, const uint8_t *src, Py_ssize_t size) except -1:
        """Unmask and check the next `size` bytes; `src` is NULL where they lie in place."""
        cdef uint32_t key = fws_key_phase(self.head.key, self.done - self.start)
        cdef uint8_t *dst
        cdef Py_ssize_t good = 0
        if self.kind == WIDE:
            return self.take_wide(src, size, key)
        dst = <uint8_t *>self.memory() + self.done
        src = src if src else dst
        if self.kind == ASCII:
            good = fws_ascii(kernels, dst, src, size, key)
            if good < size:
                self.done += good
                return self.leave_ascii(src + good, size - good, fws_key_phase(key, good))
        elif self.kind == UTF8:
            good = fws_text_take(kernels, &self.payload.text, dst, src, size, key)
            if good != size:
                self.stop(_rules.invalid_utf8(self.done + good))
                raise _rules.again(self.error)
        else:
            copy_unmasked(&self.head, dst, src, size, key)
        self.done += size
        self.filled = self.done
        return 0

    cdef int leave_ascii(self, const uint8_t *src, Py_ssize_t size, uint32_t key) except -1:
        """Go on with text that is not ASCII from here on."""
        cdef object kept = <object>self.payload.object  # src may lie in it
        self.kind = WIDE
        start_wide(&self.payload, self.done)
        self.take_wide(src, size, key)
        del kept
        return 0

    cdef int take_wide(self, const uint8_t *src, Py_ssize_t size, uint32_t key) except -1:
        cdef Py_ssize_t stands = self.done + size
        cdef Py_ssize_t end = self.start + <Py_ssize_t>self.head.length
        cdef Py_ssize_t good
        if not self.exact or stands <= end // NEAR:
            end = 0  # a declared length takes no memory
        good = wide_take(&self.payload, src, size, key, self.done, end)
        if good != stands:
            self.stop(_rules.invalid_utf8(good))
            raise _rules.again(self.error)
        self.filled = self.done = stands
        return 0

    cdef bint gather(self) except -1:
        """Take what has come of the frame's payload; False while bytes are missing."""
        cdef Py_ssize_t end = self.start + <Py_ssize_t>self.head.length
        cdef Py_ssize_t size
        cdef const uint8_t *src
        while True:
            if self.done < self.filled:
                self.take(NULL, self.filled - self.done)
            size = min(self.end - self.at, end - self.filled)
            if size:
                self.prepare(size)
                src = self.at
                self.at += size
                self.take(src, size)
            if self.filled == end:
                return True
            if not self.more():
                return False

    cdef object release(self):
        """Give the payload, and be ready for the next one."""
        cdef object whole
        if self.payload.object == NULL:
            whole = "" if self.kind == ASCII else b""
        else:
            if self.filled < self.payload.room:
                self.resize(self.filled)
            whole = <object>self.payload.object
            Py_CLEAR(self.payload.object)
        self.payload.room = self.start = self.filled = self.done = 0
        return whole

    # --- Headers ---

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
            self.stop(self.too_big())
        raise _rules.again(self.error)

    cdef object too_big(self):
        return _rules.payload_too_big(self.head.length, self.rules.limit)

    cdef void stop(self, object error) noexcept:
        """Enter the state that nothing leaves, and let go of all input."""
        self.error = error
        self.ended = True
        self.chunk = None
        self.at = self.end = NULL
        self.queue = None
        self.queued = 0
        self.cut_size = 0
        self.in_frame = False
        Py_CLEAR(self.payload.object)
        self.payload.room = self.start = self.filled = self.done = 0

    # --- What there is to see ---

    cdef Py_ssize_t held(self) noexcept:
        cdef Py_ssize_t size = self.cut_size + (self.end - self.at) + self.queued + self.filled
        return size + self.head.size if self.in_frame else size

    @property
    def buffered(self) -> int:
        """Bytes fed and not yet handed out: int, parsed or not."""
        with cython.critical_section(self):
            return self.held()

    @property
    def header(self) -> FrameHeader | None:
        """The FrameHeader of the frame in progress, or None between frames.

        After an error: the header that broke the stream, without its masking key, where its length
        was read.
        """
        with cython.critical_section(self):
            if self.in_frame or (self.error is not None and self.head.size):
                return header_of(&self.head, self.in_frame)
        return None

    @property
    def partial_header(self) -> bytes:
        """The bytes of a header that is not whole yet, as of the last step of the loop."""
        with cython.critical_section(self):
            return PyBytes_FromStringAndSize(<char *>self.cut, self.cut_size)


cdef inline int begin_step(_Stream self) except -1:
    """Begin a step; end the stream where the last one did not come to an end of its own."""
    if self.step != IDLE:
        if self.step != LOST:
            raise _rules.in_use()
        self.stop(_rules.out_of_memory(self.head.length))
    self.step = IDLE if self.ended else INSIDE
    return 0


cdef inline void end_step(_Stream self, PyObject *found) noexcept:
    """End a step that found something, or None, or that raises an error: NULL."""
    if found == NULL and not self.ended:
        self.step = LOST
    elif self.step != LOST:  # pragma: no branch - lost within: by a thread that had no memory
        self.step = IDLE


cdef inline object given(PyObject *found):
    """Take over what a step found, or raise its error."""
    return (<object (*)(PyObject *)>same)(found)


cdef inline PyObject *same(PyObject *found) noexcept:
    return found


cdef inline void copy_unmasked(
    const fws_header *head, uint8_t *dst, const uint8_t *src, Py_ssize_t size, uint32_t key
) noexcept:
    if head.second & 0x80:
        fws_mask(kernels, dst, src, size, key)
    elif dst != src:
        memcpy(dst, src, size)


cdef inline bint next_header(_Stream self) except -1:
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


cdef inline bytes payload_there(_Stream self):
    """Take a payload that is in the chunk whole."""
    cdef Py_ssize_t length = self.head.length
    cdef bytes whole = PyBytes_FromStringAndSize(NULL, length)
    copy_unmasked(&self.head, <uint8_t *>PyBytes_AS_STRING(whole), self.at, length, self.head.key)
    self.at += length
    return whole
