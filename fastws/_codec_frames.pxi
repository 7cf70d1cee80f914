# Frames, and the decoder that gives them one by one (RFC 6455 5.2).

@cython.final
@cython.no_gc
@cython.freelist(16)
cdef class Frame:
    cdef uint8_t first  # as it stood in the header
    cdef readonly bint masked
    cdef readonly bytes payload

    __match_args__ = ("opcode", "payload", "fin", "rsv")

    def __init__(self, opcode, payload, fin=True, rsv=0, masked=False):
        if self.payload is not None:
            raise AttributeError("a Frame cannot be changed")
        self.first = _rules.frame_start(opcode, fin, rsv)
        self.masked = masked
        self.payload = as_bytes(payload)

    @property
    def opcode(self) -> int:
        return OPCODES[self.first & 0x0F]

    @property
    def fin(self) -> bool:
        return self.first >> 7 == 1

    @property
    def rsv(self) -> int:
        return self.first & 0x70

    def __eq__(self, other):
        cdef Frame that
        if type(other) is not Frame:
            return NotImplemented
        that = other
        return self.first == that.first and self.payload == that.payload

    def __hash__(self):
        return hash((self.opcode, self.payload, self.fin, self.rsv))

    def __repr__(self):
        return _rules.frame_repr(self)

    def __reduce__(self):
        return Frame, (self.opcode, self.payload, self.fin, self.rsv, self.masked)


@cython.no_gc
cdef class FrameDecoder(Stream):
    def __init__(self, role, *, max_payload_size=1 << 20, rsv=0, strict=True):
        self.rules.role = _rules.check_role(role)
        self.rules.limit = _rules.check_limit(max_payload_size, _rules.MAX_HELD)
        self.rules.rsv = _rules.check_rsv(rsv)
        self.rules.judge = bool(strict)
        self.exact = True

    def __iter__(self):
        return self

    def __next__(self):
        cdef bytes payload
        cdef Frame frame
        if self.error is not None:
            raise _rules.again(self.error)
        if not next_header(self):
            raise StopIteration
        if self.payload == NULL and self.end - self.at >= <Py_ssize_t>self.head.length:
            payload = payload_there(self)
        elif self.gather():
            payload = self.release()
        else:
            raise StopIteration
        self.in_frame = False
        frame = Frame.__new__(Frame)
        frame.first = self.head.first
        frame.masked = self.head.second >> 7
        frame.payload = payload
        return frame

    @property
    def max_payload_size(self) -> int:
        return self.rules.limit

    @max_payload_size.setter
    def max_payload_size(self, value):
        self.rules.limit = _rules.check_limit(value, _rules.MAX_HELD)

    @property
    def role(self) -> str | None:
        return _rules.ROLE_NAMES[self.rules.role]

    @property
    def rsv(self) -> int:
        return self.rules.rsv

    @property
    def strict(self) -> bool:
        return self.rules.judge == 1
