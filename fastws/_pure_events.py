"""Events in plain Python: what a stream of messages is made of, as small immutable values."""

from __future__ import annotations

from ._pure_kernels import as_bytes
from ._rules import check_close_code, check_reason, close_repr, data_repr, text_data
from ._types import Opcode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar

    from _typeshed import ReadableBuffer


class Draft:
    """A message that can still be written: the decoder fills it and then makes it an event."""

    __slots__ = {"data": "What came: str for text that is wanted so, else bytes."}

    data: Any


class CloseDraft:
    """The same of a close frame."""

    __slots__ = {
        "code": "Why the connection closes: int, 1005 where the frame named no code.",
        "reason": "The same in words: str, mostly empty.",
    }

    code: int
    reason: str


class Event:
    """What all events have in common."""

    __slots__ = ()
    __match_args__: ClassVar[tuple[str, ...]]
    _opcode: ClassVar[Opcode]

    def __init_subclass__(cls) -> None:
        if cls.__module__ != __name__:
            name = cls.__mro__[1].__name__
            raise TypeError(f"type {name!r} is not an acceptable base type")

    @property
    def opcode(self) -> Opcode:
        """The Opcode that it came with."""
        return self._opcode

    def _check_new(self) -> None:
        if hasattr(self, self.__match_args__[0]):
            raise AttributeError(f"a {type(self).__name__} cannot be changed")

    def _fields(self) -> tuple[Any, ...]:
        return tuple([getattr(self, name) for name in self.__match_args__])

    def __setattr__(self, name: str, value: object) -> None:
        kind = type(self).__name__
        raise AttributeError(f"attribute {name!r} of {kind!r} objects is not writable")

    def __delattr__(self, name: str) -> None:
        kind = type(self).__name__
        raise AttributeError(f"attribute {name!r} of {kind!r} objects is not writable")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, type(self)):  # the kinds of events have no subclasses
            return NotImplemented
        return self._fields() == other._fields()

    def __hash__(self) -> int:
        return hash((self._opcode, *self._fields()))

    def __repr__(self) -> str:
        return data_repr(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._fields()


class Text(Event, Draft):
    """A text message (RFC 6455 5.6): immutable, hashable, and usable in `match` statements.

    Args:
        data: str, or any buffer, which is copied to bytes.

    Raises:
        TypeError: data is neither str nor a buffer.
    """

    __slots__ = ()
    __match_args__ = ("data",)
    _opcode = Opcode.TEXT

    def __init__(self, data: str | ReadableBuffer) -> None:
        self._check_new()
        object.__setattr__(self, "data", text_data(data))


class BytesEvent(Event, Draft):
    """What the events that always carry bytes have in common."""

    __slots__ = ()
    __match_args__ = ("data",)

    def __init__(self, data: ReadableBuffer) -> None:
        self._check_new()
        object.__setattr__(self, "data", as_bytes(data))


class Binary(BytesEvent):
    """A binary message (RFC 6455 5.6): immutable, hashable, and usable in `match` statements.

    Args:
        data: any buffer, which is copied to bytes.

    Raises:
        TypeError: data is not a buffer.
    """

    __slots__ = ()
    _opcode = Opcode.BINARY


class Ping(BytesEvent):
    """A ping, which asks for a pong with the same data (RFC 6455 5.5.2): immutable, hashable.

    Args:
        data: any buffer, which is copied to bytes.

    Raises:
        TypeError: data is not a buffer.
    """

    __slots__ = ()
    _opcode = Opcode.PING


class Pong(BytesEvent):
    """A pong, whether it was asked for or not (RFC 6455 5.5.3): immutable, hashable.

    Args:
        data: any buffer, which is copied to bytes.

    Raises:
        TypeError: data is not a buffer.
    """

    __slots__ = ()
    _opcode = Opcode.PONG


class Close(Event, CloseDraft):
    """A close frame, behind which nothing counts (RFC 6455 5.5.1): immutable, hashable.

    Args:
        code: CloseCode, or any int from 0 to 65535; 1005 is that of a frame without a code (RFC
            6455 7.1.5).
        reason: str.

    Raises:
        TypeError: an argument has the wrong type.
        ValueError: the code is out of range.
    """

    __slots__ = ()
    __match_args__ = ("code", "reason")
    _opcode = Opcode.CLOSE

    def __init__(self, code: int, reason: str = "") -> None:
        self._check_new()
        number = int(check_close_code(code))
        object.__setattr__(self, "reason", check_reason(reason))
        object.__setattr__(self, "code", number)

    def __repr__(self) -> str:
        return close_repr(self)
