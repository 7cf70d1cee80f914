"""The names that both back ends share: opcodes, close codes, states, headers and errors.

Nothing here is hot. `Frame` is not here: each back end has its own, since making one is hot.
"""

from enum import IntEnum
from operator import itemgetter

TYPE_CHECKING = False

__all__ = [
    "RSV1",
    "RSV2",
    "RSV3",
    "CloseCode",
    "CodecError",
    "ConnectionClosedError",
    "FrameHeader",
    "InvalidUtf8Error",
    "Opcode",
    "PayloadTooBigError",
    "ProtocolError",
    "State",
]


class Opcode(IntEnum):
    """What a frame carries (RFC 6455 5.2).

    Attributes:
        CONTINUATION: 0, the next part of a message in fragments.
        TEXT: 1, a text message, or its first part.
        BINARY: 2, a binary message, or its first part.
        CLOSE: 8, the end of the connection.
        PING: 9, a question whether the other side is there.
        PONG: 10, the answer.
    """

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


class CloseCode(IntEnum):
    """Why a connection was closed (RFC 6455 7.4.1 and the IANA registry).

    1005, 1006 and 1015 are for reports to the application: they never stand in a close frame.

    Attributes:
        NORMAL_CLOSURE: 1000, what the connection was for is done.
        GOING_AWAY: 1001, a server goes down, or a browser leaves the page.
        PROTOCOL_ERROR: 1002, the other side breaks the protocol.
        UNSUPPORTED_DATA: 1003, a kind of data that is not taken.
        NO_STATUS_RECEIVED: 1005, the close frame had no code.
        ABNORMAL_CLOSURE: 1006, there was no close frame.
        INVALID_PAYLOAD: 1007, text that is not UTF-8, or the like.
        POLICY_VIOLATION: 1008, a message against the rules of the application.
        MESSAGE_TOO_BIG: 1009, a message larger than what is taken.
        MANDATORY_EXTENSION: 1010, the server did without an extension that the client needs.
        INTERNAL_ERROR: 1011, something went wrong on this side.
        SERVICE_RESTART: 1012, the service restarts.
        TRY_AGAIN_LATER: 1013, the server is overloaded.
        BAD_GATEWAY: 1014, the server behind this one gave no valid answer.
        TLS_HANDSHAKE: 1015, the TLS handshake failed.
    """

    NORMAL_CLOSURE = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    UNSUPPORTED_DATA = 1003
    NO_STATUS_RECEIVED = 1005
    ABNORMAL_CLOSURE = 1006
    INVALID_PAYLOAD = 1007
    POLICY_VIOLATION = 1008
    MESSAGE_TOO_BIG = 1009
    MANDATORY_EXTENSION = 1010
    INTERNAL_ERROR = 1011
    SERVICE_RESTART = 1012
    TRY_AGAIN_LATER = 1013
    BAD_GATEWAY = 1014
    TLS_HANDSHAKE = 1015


class State(IntEnum):
    """Where a connection stands (the `readyState` of browsers).

    Attributes:
        CONNECTING: 0, before the handshake is over.
        OPEN: 1, messages can be sent.
        CLOSING: 2, a close frame is under way.
        CLOSED: 3, it is over.
    """

    CONNECTING = 0
    OPEN = 1
    CLOSING = 2
    CLOSED = 3


RSV1 = 0x40
"""The first reserved bit, as it stands in a frame's first byte (RFC 6455 5.2).

permessage-deflate sets it on the first frame of a compressed message (RFC 7692 6)."""
RSV2 = 0x20
"""The second reserved bit (RFC 6455 5.2), of which no extension makes use."""
RSV3 = 0x10
"""The third reserved bit (RFC 6455 5.2), of which no extension makes use."""

if TYPE_CHECKING:
    from typing import NamedTuple

    class FrameHeader(NamedTuple):
        fin: bool
        rsv: int
        opcode: int
        masked: bool
        mask: bytes | None
        payload_length: int
        header_length: int

else:
    # collections.namedtuple makes the like, but importing it takes longer than all of fastws.
    class FrameHeader(tuple):
        """A frame's header, read (RFC 6455 5.2): a named tuple.

        Attributes:
            fin: bool, the last frame of its message.
            rsv: int, the reserved bits that are set (RSV1, RSV2, RSV3).
            opcode: Opcode, or the plain int of a reserved one.
            masked: bool, whether the payload is masked.
            mask: the masking key, 4 bytes, or None.
            payload_length: int, bytes of payload to follow, up to 2 ** 63 - 1.
            header_length: int, bytes of the header itself, 2 to 14.
        """

        __slots__ = ()
        _fields = __match_args__ = (
            "fin",
            "rsv",
            "opcode",
            "masked",
            "mask",
            "payload_length",
            "header_length",
        )

        def __new__(_cls, fin, rsv, opcode, masked, mask, payload_length, header_length):
            fields = (fin, rsv, opcode, masked, mask, payload_length, header_length)
            return tuple.__new__(_cls, fields)

        @classmethod
        def _make(cls, iterable):
            return cls(*iterable)

        def _replace(self, **changes):
            return type(self)(**{**self._asdict(), **changes})

        __replace__ = _replace

        def _asdict(self):
            return dict(zip(self._fields, self, strict=True))

        def __getnewargs__(self):
            return tuple(self)

        def __repr__(self):
            fields = ", ".join([f"{name}={value!r}" for name, value in self._asdict().items()])
            return f"FrameHeader({fields})"

    for _place, _name in enumerate(FrameHeader._fields):
        setattr(FrameHeader, _name, property(itemgetter(_place), doc=f"Field {_place}."))


class CodecError(Exception):
    """The peer's bytes break the protocol (RFC 6455 7.1.7).

    Attributes:
        close_code: int, the code to send in the close frame (RFC 6455 7.4.1).
        reason: str, what is wrong, short enough for a close frame (at most 123 bytes).
    """

    close_code: int = CloseCode.PROTOCOL_ERROR

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


class ProtocolError(CodecError):
    """The framing is broken: close code 1002 (RFC 6455 7.4.1)."""

    close_code = CloseCode.PROTOCOL_ERROR


class InvalidUtf8Error(CodecError):
    """Text is not UTF-8: close code 1007 (RFC 6455 8.1, 7.4.1)."""

    close_code = CloseCode.INVALID_PAYLOAD


class PayloadTooBigError(CodecError):
    """A payload is larger than what was agreed to: close code 1009 (RFC 6455 7.4.1)."""

    close_code = CloseCode.MESSAGE_TOO_BIG


class ConnectionClosedError(Exception):
    """The connection is not open any more: nothing can be sent (RFC 6455 5.5.1).

    Attributes:
        code: int, the close code it ended with; None where our own close frame waits for its
            answer.
        reason: str, the reason beside it, often empty.
    """

    def __init__(self, code: int | None = None, reason: str = "") -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason

    def __str__(self) -> str:
        if self.code is None:
            return "the connection is being closed"
        return f"the connection was closed with code {self.code}" + (
            f": {self.reason}" if self.reason else ""
        )
