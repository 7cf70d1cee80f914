# Messages: fragments joined, text checked as it comes, control frames at once (RFC 6455 5.4-5.6).

@cython.no_gc
cdef class MessageDecoder(_Stream):
    """MessageDecoder(role, *, max_message_size=1048576, max_fragments=131072, \
    text='str', validate_utf8=True, deflate=None)\n--\n\n\
    Turn a stream of bytes into messages (RFC 6455 5.4): feed it, then iterate.

    Iterating gives Text, Binary, Ping, Pong and Close events in the order in which they are whole,
    and may be taken up again after more feeding. Fragments are joined; control frames between them
    come through at once. Text is checked as far as it has come, so that a bad byte shows before
    the frame is whole. Behind a Close nothing counts: what comes is dropped.

    A CodecError is raised where the stream breaks, after all events before that place, and again
    on every later step. Sizes are judged on the header, before memory is taken for the payload.

    Args:
        role: who reads. "server" wants masked frames, "client" unmasked ones, None takes either.
        max_message_size: int, the largest message in bytes, inflated or not, or None for no limit
            but what one object can hold. The attribute may be set: it holds from the next header
            on.
        max_fragments: int, the most frames of one message, or None for no limit.
        text: "str", or "bytes" to get text undecoded.
        validate_utf8: bool. False with text="bytes" leaves text unchecked; a str always is UTF-8.
        deflate: a `fastws.deflate.Deflate` where permessage-deflate was negotiated, else None.

    Raises:
        TypeError: an argument has the wrong type.
        ValueError: an argument is out of range.
        ProtocolError: when iterating: a frame breaks a rule (close code 1002).
        InvalidUtf8Error: when iterating: a text or a close reason is not UTF-8 (close code 1007).
        PayloadTooBigError: when iterating: a message is over a limit (close code 1009).
    """

    cdef Py_ssize_t limit  # on a message
    cdef Py_ssize_t max_frames
    cdef Py_ssize_t frames  # of the message in progress
    cdef uint8_t first  # byte of the message in progress
    cdef bint to_str
    cdef bint check
    cdef bint begun  # the data frame in progress was taken up
    cdef object inflater  # what takes compressed messages, or None
    cdef object inflated  # what it gave of the message in progress: bytes, or a bytearray, or None
    cdef Py_ssize_t inflated_size
    cdef Py_ssize_t wire  # compressed bytes of the message in progress
    cdef PyObject *control  # payload of a control frame that a chunk cuts
    cdef uint8_t control_filled

    def __init__(
        self,
        role,
        *,
        max_message_size=1 << 20,
        max_fragments=1 << 17,
        text="str",
        validate_utf8=True,
        deflate=None,
    ):
        cdef int reader = _rules.check_role(role)
        cdef Py_ssize_t limit = _rules.check_limit(max_message_size, _rules.MAX_HELD)
        cdef Py_ssize_t max_frames = _rules.check_fragments(max_fragments)
        cdef bint to_str = _rules.check_text(text)
        cdef bint check = bool(validate_utf8)
        with cython.critical_section(self):
            self.rules.role = reader
            self.limit = limit
            self.max_frames = max_frames
            self.to_str = to_str
            self.check = check
            self.inflater = deflate
            self.rules.rsv = 0 if deflate is None else RSV1
            self.rules.judge = True
            self.rules.spare_control = True
            self.between()

    def __dealloc__(self):
        Py_XDECREF(self.control)

    def __iter__(self):
        return self

    def __next__(self):
        cdef PyObject *found
        with cython.critical_section(self):
            begin_step(self)
            found = (<PyObject *(*)(MessageDecoder) noexcept>next_event)(self)
            end_step(self, found)
        if found == <PyObject *>None:
            Py_XDECREF(found)  # before Python 3.12, None is counted
            raise StopIteration
        return given(found)

    # --- Data frames ---

    cdef object whole_message(self):
        """Give a message that is one frame, not compressed, and in the chunk whole."""
        cdef Py_ssize_t length = self.head.length
        cdef Py_ssize_t fault = 0
        cdef object content
        self.in_frame = False
        if self.head.first & 0x0F == 2:
            return binary_event(payload_there(self))
        if self.to_str:
            content = text_of(self.at, length, self.head.key, &fault)
            self.at += length
            if content is None:
                self.raise_error(utf8_error(fault, length))
        else:
            content = payload_there(self)
            if self.check and not fws_utf8_valid(
                kernels, <const uint8_t *>PyBytes_AS_STRING(content), length
            ):
                self.raise_error(utf8_error(utf8_fault(content), length))
        return text_event(content)

    cdef object data_frame(self):
        """Go on with a frame of a message; give that where it is whole."""
        if not self.begun:
            self.begin_frame()
        if not self.gather():
            return None
        self.in_frame = self.begun = False
        if self.first & RSV1:
            self.inflate()
        if not self.head.first & 0x80:
            self.inside()
            return None
        return self.whole_at_last()

    cdef int begin_frame(self) except -1:
        cdef uint8_t opcode = self.head.first & 0x0F
        if opcode:
            self.first = self.head.first
            self.frames = 0
            if self.first & RSV1 or opcode == 2 or not (self.to_str or self.check):
                self.kind = RAW
            elif self.to_str:
                self.kind = ASCII
            else:
                self.kind = UTF8
        self.frames += 1
        if self.frames > self.max_frames:
            self.raise_error(_rules.too_many_fragments(self.max_frames))
        self.start = self.filled
        self.exact = self.head.first >> 7
        self.begun = True
        return 0

    cdef object whole_at_last(self):
        """Give the message whose last frame has come."""
        cdef object content
        if self.first & RSV1:
            content = self.all_inflated()
        elif self.kind == ASCII:
            content = self.release()
            if len(content) == 1:
                content = PyUnicode_FromOrdinal(ord(content))  # the shared object
        elif self.kind != RAW:
            content = self.text_at_last()
        else:
            content = self.release()
        self.between()
        return binary_event(content) if self.first & 0x0F == 2 else text_event(content)

    cdef object text_at_last(self):
        cdef object content
        if self.payload.text.utf8.wanted:
            self.raise_error(_rules.truncated_utf8(self.filled))
        if self.kind == UTF8:
            return self.release()
        content = wide_end(&self.payload)
        self.start = self.filled = self.done = 0
        return content

    # --- Compressed messages (RFC 7692) ---

    cdef int inflate(self) except -1:
        """Inflate the frame that has come."""
        cdef bytes plain, packed = self.release()
        cdef Py_ssize_t good
        self.wire += PyBytes_GET_SIZE(packed)
        try:
            plain = as_bytes(
                self.inflater.decompress(
                    packed,
                    limit=max(0, self.limit - self.inflated_size),
                    fin=bool(self.head.first & 0x80),
                )
            )
        except _CodecError as error:
            self.stop(_rules.again(error))
            raise
        if self.first & 0x0F == 1 and (self.to_str or self.check):
            good = fws_utf8_feed(
                kernels,
                &self.payload.text.utf8,
                <const uint8_t *>PyBytes_AS_STRING(plain),
                PyBytes_GET_SIZE(plain),
            )
            if good != PyBytes_GET_SIZE(plain):
                self.raise_error(_rules.invalid_utf8(self.inflated_size + good))
        if self.inflated is None:
            self.inflated = plain  # mostly all of it
        else:
            if type(self.inflated) is bytes:
                self.inflated = bytearray(self.inflated)
            self.inflated += plain
        self.inflated_size += PyBytes_GET_SIZE(plain)
        return 0

    cdef object all_inflated(self):
        cdef bytes plain = bytes(self.inflated)
        cdef Py_ssize_t fault = 0
        self.inflated = None
        self.inflated_size = 0
        if self.first & 0x0F == 2:
            return plain
        if self.payload.text.utf8.wanted:
            self.raise_error(_rules.truncated_utf8(PyBytes_GET_SIZE(plain)))
        if not self.to_str:
            return plain
        return text_of(
            <const uint8_t *>PyBytes_AS_STRING(plain), PyBytes_GET_SIZE(plain), 0, &fault
        )

    # --- Control frames ---

    cdef object control_frame(self):
        """Give a control frame, or None where bytes of it are missing."""
        cdef bytes payload = self.control_payload()
        if payload is None:
            return None
        self.in_frame = False
        if self.head.first & 0x0F == 9:
            return ping_event(payload)
        if self.head.first & 0x0F == 10:
            return pong_event(payload)
        error = _rules.close_error(payload)
        if error is not None:
            self.raise_error(error)
        event = close_event(payload)
        self.stop(None)
        return event

    cdef bytes control_payload(self):
        cdef Py_ssize_t length = self.head.length
        cdef Py_ssize_t size
        cdef bytes whole
        if self.control == NULL:
            if self.end - self.at >= length:
                return payload_there(self)
            self.control = PyBytes_New(NULL, length)
        while True:
            size = min(self.end - self.at, length - self.control_filled)
            if size:
                copy_unmasked(
                    &self.head,
                    <uint8_t *>PyBytes_Data(self.control) + self.control_filled,
                    self.at,
                    size,
                    fws_key_phase(self.head.key, self.control_filled),
                )
                self.at += size
                self.control_filled += size
            if self.control_filled == length:
                break
            if not self.more():
                return None
        whole = <bytes>self.control
        Py_CLEAR(self.control)
        self.control_filled = 0
        return whole

    # --- What may come next ---

    cdef void between(self) noexcept:
        """Expect a new message."""
        self.wire = 0
        self.rules.barred = BARRED_BETWEEN
        self.rules.limit = self.limit

    cdef void inside(self) noexcept:
        """Expect more of this message."""
        self.rules.barred = BARRED_INSIDE
        self.rules.limit = max(0, self.limit - self.filled - self.wire)

    # --- The end ---

    cdef object too_big(self):
        return _rules.message_too_big(self.filled + self.wire + self.head.length, self.limit)

    cdef int raise_error(self, object error) except -1:
        self.stop(error)
        raise _rules.again(error)

    cdef void stop(self, object error) noexcept:
        _Stream.stop(self, error)
        Py_CLEAR(self.control)
        self.control_filled = 0
        self.inflated = None
        self.inflated_size = 0

    # --- What there is to see ---

    @property
    def max_message_size(self) -> int:
        """The largest message in bytes: int, from the next header on."""
        return self.limit

    @max_message_size.setter
    def max_message_size(self, value):
        cdef Py_ssize_t limit = _rules.check_limit(value, _rules.MAX_HELD)
        with cython.critical_section(self):
            self.limit = limit
            self.rules.limit = max(0, self.limit - self.filled - self.wire)

    @property
    def max_fragments(self) -> int:
        """The most frames of one message: int."""
        return self.max_frames

    @property
    def role(self) -> str | None:
        """Who reads: "server", "client" or None."""
        return _rules.ROLE_NAMES[self.rules.role]

    @property
    def text(self) -> str:
        """What text comes as: "str" or "bytes"."""
        return "str" if self.to_str else "bytes"

    @property
    def validate_utf8(self) -> bool:
        """Whether text that comes as bytes is checked."""
        return self.check

    @property
    def deflate(self) -> object:
        """What inflates compressed messages, or None."""
        return self.inflater

    @property
    def buffered(self) -> int:
        with cython.critical_section(self):
            return self.held() + self.control_filled + self.inflated_size


cdef inline object next_event(MessageDecoder self):
    """Give the next event; None where bytes of it are missing, and behind a Close."""
    cdef object event
    while not self.ended:
        if not next_header(self):
            return None
        if self.head.first & 0x08:
            event = self.control_frame()
        elif (
            not self.begun
            and self.head.first & 0xC0 == 0x80
            and self.head.first & 0x0F
            and self.end - self.at >= <Py_ssize_t>self.head.length
        ):
            event = self.whole_message()
        else:
            event = self.data_frame()
        if event is not None or self.in_frame:
            return event
    if self.error is not None:
        raise _rules.again(self.error)
    return None
