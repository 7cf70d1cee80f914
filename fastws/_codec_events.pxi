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
    def data(self) -> bytes:
        return self.content


@cython.final
@cython.no_gc
cdef class Text(_Data):
    @property
    def data(self) -> str | bytes:
        return self.content

    @property
    def opcode(self) -> int:
        return TEXT


@cython.final
@cython.no_gc
cdef class Binary(_Data):
    @property
    def opcode(self) -> int:
        return BINARY


@cython.final
@cython.no_gc
cdef class Ping(_Data):
    @property
    def opcode(self) -> int:
        return PING


@cython.final
@cython.no_gc
cdef class Pong(_Data):
    @property
    def opcode(self) -> int:
        return PONG


@cython.final
@cython.no_gc
cdef class Close:
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
        return self.number

    @property
    def reason(self) -> str:
        return self.words

    @property
    def opcode(self) -> int:
        return CLOSE


cdef inline _Data event_of(type kind, object content):
    cdef _Data event = kind.__new__(kind)
    event.content = content
    return event


cdef object close_of(bytes payload):
    """Make the event of a close frame whose payload was checked."""
    cdef Close event = Close.__new__(Close)
    event.number, event.words = _rules.close_fields(payload)
    return event
