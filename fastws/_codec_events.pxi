# What a message decoder gives: small, immutable, made without a Python call.

cdef object TEXT = OPCODES[1]
cdef object BINARY = OPCODES[2]
cdef object CLOSE = OPCODES[8]
cdef object PING = OPCODES[9]
cdef object PONG = OPCODES[10]


@cython.no_gc
@cython.freelist(16)  # its subclasses are of its size, and share it
cdef class _Data:
    cdef object content  # str or bytes; None until it is made

    __match_args__ = ("data",)

    def __init__(self, data):
        if self.content is not None:
            raise AttributeError(f"a {type(self).__name__} cannot be changed")
        self.content = _rules.text_data(data) if type(self) is Text else as_bytes(data)

    def __eq__(self, other):
        if type(other) is not type(self):
            return NotImplemented
        return self.content == (<_Data>other).content

    def __hash__(self):
        return hash((self.opcode, self.content))

    def __repr__(self):
        return _rules.data_repr(self)

    def __reduce__(self):
        return type(self), (self.content,)

    @property
    def data(self) -> str | bytes:  # pragma: no cover - members take its place: make_members()
        """What came: str for text that is wanted so, else bytes."""
        return self.content


@cython.final
@cython.no_gc
cdef class Text(_Data):
    """Text(data)\n--\n\n\
    A text message (RFC 6455 5.6): immutable, hashable, and usable in `match` statements.

    Args:
        data: str, or any buffer, which is copied to bytes.

    Raises:
        TypeError: data is neither str nor a buffer.
    """

    @property
    def opcode(self) -> int:
        """The Opcode that it came with."""
        return TEXT


@cython.final
@cython.no_gc
cdef class Binary(_Data):
    """Binary(data)\n--\n\n\
    A binary message (RFC 6455 5.6): immutable, hashable, and usable in `match` statements.

    Args:
        data: any buffer, which is copied to bytes.

    Raises:
        TypeError: data is not a buffer.
    """

    @property
    def opcode(self) -> int:
        """The Opcode that it came with."""
        return BINARY


@cython.final
@cython.no_gc
cdef class Ping(_Data):
    """Ping(data)\n--\n\n\
    A ping, which asks for a pong with the same data (RFC 6455 5.5.2): immutable, hashable.

    Args:
        data: any buffer, which is copied to bytes.

    Raises:
        TypeError: data is not a buffer.
    """

    @property
    def opcode(self) -> int:
        """The Opcode that it came with."""
        return PING


@cython.final
@cython.no_gc
cdef class Pong(_Data):
    """Pong(data)\n--\n\n\
    A pong, whether it was asked for or not (RFC 6455 5.5.3): immutable, hashable.

    Args:
        data: any buffer, which is copied to bytes.

    Raises:
        TypeError: data is not a buffer.
    """

    @property
    def opcode(self) -> int:
        """The Opcode that it came with."""
        return PONG


@cython.final
@cython.no_gc
cdef class Close:
    """Close(code, reason='')\n--\n\n\
    A close frame, behind which nothing counts (RFC 6455 5.5.1): immutable, hashable.

    Args:
        code: CloseCode, or any int from 0 to 65535; 1005 is that of a frame without a code (RFC
            6455 7.1.5).
        reason: str.

    Raises:
        TypeError: an argument has the wrong type.
        ValueError: the code is out of range.
    """

    cdef int number
    cdef str words  # None until it is made

    __match_args__ = ("code", "reason")

    def __init__(self, code, reason=""):
        if self.words is not None:
            raise AttributeError("a Close cannot be changed")
        self.number = _rules.check_close_code(code)
        self.words = _rules.check_reason(reason)

    def __eq__(self, other):
        if type(other) is not Close:
            return NotImplemented
        return self.number == (<Close>other).number and self.words == (<Close>other).words

    def __hash__(self):
        return hash((CLOSE, self.number, self.words))

    def __repr__(self):
        return _rules.close_repr(self)

    def __reduce__(self):
        return Close, (self.number, self.words)

    @property
    def code(self) -> int:
        """Why the connection closes: int, 1005 where the frame named no code."""
        return self.number

    @property
    def reason(self) -> str:
        """The same in words: str, mostly empty."""
        return self.words

    @property
    def opcode(self) -> int:
        """The Opcode that it came with."""
        return CLOSE


# One each: making an object of a class named here is a call in C, of one in a variable it is not.

cdef inline Text text_event(object content):
    cdef Text event = Text.__new__(Text)
    event.content = content
    return event


cdef inline Binary binary_event(bytes content):
    cdef Binary event = Binary.__new__(Binary)
    event.content = content
    return event


cdef Ping ping_event(bytes content):
    cdef Ping event = Ping.__new__(Ping)
    event.content = content
    return event


cdef Pong pong_event(bytes content):
    cdef Pong event = Pong.__new__(Pong)
    event.content = content
    return event


cdef Close close_event(bytes payload):
    """Make the event of a close frame whose payload was checked."""
    cdef Close event = Close.__new__(Close)
    event.number, event.words = _rules.close_fields(payload)
    return event
