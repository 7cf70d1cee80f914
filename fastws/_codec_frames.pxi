# Frames, and the decoder that gives them one by one (RFC 6455 5.2).

@cython.final
@cython.no_gc
@cython.freelist(16)
cdef class Frame:
    """Frame(opcode, payload, fin=True, rsv=0, masked=False)\n--\n\n\
    One frame (RFC 6455 5.2): immutable, hashable, and usable in `match` statements.

    Two frames are equal when opcode, payload, fin and rsv are; how they were masked does not count.

    Args:
        opcode: Opcode, or any int from 0 to 15.
        payload: bytes, unmasked; another buffer is copied.
        fin: bool, the last frame of its message.
        rsv: int, the reserved bits that are set (RSV1, RSV2, RSV3).
        masked: bool, whether the frame came masked.

    Raises:
        TypeError: an argument has the wrong type.
        ValueError: opcode or rsv is out of range.
    """

    cdef uint8_t first  # as it stood in the header
    cdef bint is_masked
    cdef bytes content

    __match_args__ = ("opcode", "payload", "fin", "rsv")

    def __init__(self, opcode, payload, fin=True, rsv=0, masked=False):
        if self.content is not None:
            raise AttributeError("a Frame cannot be changed")
        self.first = _rules.frame_start(opcode, fin, rsv)
        self.is_masked = masked
        self.content = as_bytes(payload)

    @property
    def opcode(self) -> int:
        """Opcode, or the plain int of a reserved one."""
        return OPCODES[self.first & 0x0F]

    @property
    def payload(self) -> bytes:  # pragma: no cover - a member takes its place: make_members()
        """The payload, unmasked: bytes."""
        return self.content

    @property
    def fin(self) -> bool:
        """Whether this is the last frame of its message: bool."""
        return self.first >> 7 == 1

    @property
    def rsv(self) -> int:
        """The reserved bits that are set: int, of RSV1, RSV2 and RSV3."""
        return self.first & 0x70

    @property
    def masked(self) -> bool:
        """Whether the frame came masked: bool."""
        return self.is_masked

    def __eq__(self, other):
        cdef Frame that
        if type(other) is not Frame:
            return NotImplemented
        that = other
        return self.first == that.first and self.content == that.content

    def __hash__(self):
        return hash((self.opcode, self.payload, self.fin, self.rsv))

    def __repr__(self):
        return _rules.frame_repr(self)

    def __reduce__(self):
        return Frame, (self.opcode, self.payload, self.fin, self.rsv, self.masked)


@cython.no_gc
cdef class FrameDecoder(_Stream):
    """FrameDecoder(role, *, max_payload_size=1048576, rsv=0, strict=True)\n--\n\n\
    Cut a stream of bytes into frames (RFC 6455 5.2): feed it, then iterate.

    Iterating gives every frame that is there whole, in order, and may be taken up again after more
    feeding. Parsing happens as the loop asks: a loop that stops stops the work. Fragments are not
    joined, and frames behind a close frame are still given.

    A CodecError is raised where the stream breaks, after all frames before that place, and again
    on every later step. It is found on the header, before memory is taken for the payload.

    Args:
        role: who reads. "server" wants masked frames, "client" unmasked ones, None takes either.
        max_payload_size: int, the largest payload of one frame in bytes, or None for no limit but
            what one `bytes` can hold. The attribute may be set: it holds from the next header on.
        rsv: int, the reserved bits that an extension in use has given a meaning.
        strict: bool. False frames without judging: any opcode, reserved bits, masking and form of
            length; only max_payload_size holds then.

    Raises:
        TypeError: an argument has the wrong type.
        ValueError: an argument is out of range.
        ProtocolError: when iterating: a header breaks a rule (close code 1002).
        PayloadTooBigError: when iterating: a payload is over the limit (close code 1009).
    """

    def __init__(self, role, *, max_payload_size=1 << 20, rsv=0, strict=True):
        cdef fws_rules rules = self.rules
        rules.role = _rules.check_role(role)
        rules.limit = _rules.check_limit(max_payload_size, _rules.MAX_HELD)
        rules.rsv = _rules.check_rsv(rsv)
        rules.judge = bool(strict)
        with cython.critical_section(self):
            self.rules = rules
            self.exact = True

    def __iter__(self):
        return self

    def __next__(self):
        cdef PyObject *found
        with cython.critical_section(self):
            begin_step(self)
            found = (<PyObject *(*)(FrameDecoder) noexcept>next_frame)(self)
            end_step(self, found)
        if found == <PyObject *>None:
            Py_XDECREF(found)  # before Python 3.12, None is counted
            raise StopIteration
        return given(found)

    @property
    def max_payload_size(self) -> int:
        """The largest payload in bytes: int, from the next header on."""
        return self.rules.limit

    @max_payload_size.setter
    def max_payload_size(self, value):
        cdef uint64_t limit = _rules.check_limit(value, _rules.MAX_HELD)
        with cython.critical_section(self):
            self.rules.limit = limit

    @property
    def role(self) -> str | None:
        """Who reads: "server", "client" or None."""
        return _rules.ROLE_NAMES[self.rules.role]

    @property
    def rsv(self) -> int:
        """The reserved bits that are allowed: int."""
        return self.rules.rsv

    @property
    def strict(self) -> bool:
        """Whether headers are judged."""
        return self.rules.judge == 1


cdef inline object next_frame(FrameDecoder self):
    """Give the next frame; None where bytes of it are missing."""
    cdef bytes payload
    cdef Frame frame
    if self.ended:
        raise _rules.again(self.error)
    if not next_header(self):
        return None
    if self.payload.object == NULL and self.end - self.at >= <Py_ssize_t>self.head.length:
        payload = payload_there(self)
    elif self.gather():
        payload = self.release()
    else:
        return None
    self.in_frame = False
    frame = Frame.__new__(Frame)
    frame.first = self.head.first
    frame.is_masked = self.head.second >> 7
    frame.content = payload
    return frame
