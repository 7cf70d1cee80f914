"""Frames in plain Python, and the decoder that gives them one by one (RFC 6455 5.2)."""

from __future__ import annotations

from ._pure_kernels import LONG, STARTS, as_bytes, from_bytes, xor
from ._pure_stream import IDLE, INSIDE, Stream
from ._rules import (
    MAX_HELD,
    ROLE_NAMES,
    check_limit,
    check_role,
    check_rsv,
    frame_repr,
    frame_start,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal, Self

    from _typeshed import ReadableBuffer


class Draft:
    """A frame that can still be written: the decoder fills it and then makes it a `Frame`."""

    __slots__ = {
        "fin": "Whether this is the last frame of its message: bool.",
        "masked": "Whether the frame came masked: bool.",
        "opcode": "Opcode, or the plain int of a reserved one.",
        "payload": "The payload, unmasked: bytes.",
        "rsv": "The reserved bits that are set: int, of RSV1, RSV2 and RSV3.",
    }

    opcode: int
    payload: bytes
    fin: bool
    rsv: int
    masked: bool


class Frame(Draft):
    """One frame (RFC 6455 5.2): immutable, hashable, and usable in `match` statements.

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

    __slots__ = ()
    __match_args__ = ("opcode", "payload", "fin", "rsv")

    def __init__(
        self,
        opcode: int,
        payload: ReadableBuffer,
        fin: bool = True,
        rsv: int = 0,
        masked: bool = False,
    ) -> None:
        if hasattr(self, "payload"):
            raise AttributeError("a Frame cannot be changed")
        start = STARTS[frame_start(opcode, fin, rsv)]
        content = as_bytes(payload)
        for name, value in zip(("opcode", "fin", "rsv"), start, strict=True):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "masked", bool(masked))
        object.__setattr__(self, "payload", content)

    def __init_subclass__(cls) -> None:
        raise TypeError("type 'Frame' is not an acceptable base type")

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"attribute {name!r} of 'Frame' objects is not writable")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"attribute {name!r} of 'Frame' objects is not writable")

    def __eq__(self, other: object) -> bool:
        if type(other) is not Frame:
            return NotImplemented
        return (
            self.payload == other.payload
            and self.opcode == other.opcode
            and self.fin == other.fin
            and self.rsv == other.rsv
        )

    def __hash__(self) -> int:
        return hash((self.opcode, self.payload, self.fin, self.rsv))

    def __repr__(self) -> str:
        return frame_repr(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return Frame, (self.opcode, self.payload, self.fin, self.rsv, self.masked)


class FrameDecoder(Stream):
    """Cut a stream of bytes into frames (RFC 6455 5.2): feed it, then iterate.

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

    __slots__ = ()

    def __init__(
        self,
        role: Literal["server", "client"] | None,
        *,
        max_payload_size: int | None = 1 << 20,
        rsv: int = 0,
        strict: bool = True,
    ) -> None:
        number = check_role(role)
        limit = check_limit(max_payload_size, MAX_HELD)
        super().__init__(number, limit, check_rsv(rsv), bool(strict))

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Frame:
        if self._step:
            self._enter()
        else:
            self._step = INSIDE
        try:
            at, end = self._at, self._end
            payload = None
            if at + 6 <= end and not self._open:
                chunk = self._chunk
                first = chunk[at]
                second = chunk[at + 1]
                known = self._allowed[first]
                length = self._lengths[second]
                masked = second > 0x7F
                data = at + 2
                if length > 125:
                    # What is rare or broken is left to _take_frame().
                    known = known and length == 126 and not first & 0x08
                    length = chunk[data] << 8 | chunk[data + 1]
                    known = known and length > 125
                    data += 2
                if masked:
                    key = chunk[data : data + 4]
                    data += 4
                stop = data + length
                if known and stop <= end and length <= self._limit:
                    payload = chunk[data:stop]
                    if masked:
                        if length < LONG:
                            payload = (
                                from_bytes(payload, "little")
                                ^ from_bytes((key * ((length + 3) >> 2))[:length], "little")
                            ).to_bytes(length, "little")
                        else:
                            payload = xor(payload, key)
                    self._at = stop
            if payload is None:
                first, masked, payload = self._take_frame()
            frame: Frame = Draft()  # type: ignore[assignment]
            frame.opcode, frame.fin, frame.rsv = STARTS[first]
            frame.masked = masked
            frame.payload = payload
            frame.__class__ = Frame
        except BaseException as error:
            self._leave(error)
            raise
        self._step = IDLE
        return frame

    @property
    def max_payload_size(self) -> int:
        """The largest payload in bytes: int, from the next header on."""
        return self._limit

    @max_payload_size.setter
    def max_payload_size(self, value: int | None) -> None:
        self._limit = check_limit(value, MAX_HELD)

    @property
    def role(self) -> Literal["server", "client"] | None:
        """Who reads: "server", "client" or None."""
        return ROLE_NAMES[self._role]  # type: ignore[return-value]

    @property
    def rsv(self) -> int:
        """The reserved bits that are allowed: int."""
        return self._rsv

    @property
    def strict(self) -> bool:
        """Whether headers are judged."""
        return self._strict
