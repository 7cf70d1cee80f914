"""Messages in plain Python: fragments joined, text checked as it comes (RFC 6455 5.4 to 5.6).

A message in one frame that is there whole is unmasked and decoded where it is read. What comes in
parts goes through `Stream`, frame by frame; the frames of a message are gathered in one growing
buffer, so that a flood of fragments holds no more than their bytes. Text is checked as far as it
has come, and decoded once, at its end.
"""

from __future__ import annotations

from io import BytesIO

from ._pure_events import Binary, Close, CloseDraft, Draft, Ping, Pong, Text
from ._pure_kernels import BETWEEN, allowed, as_bytes, go_on, header_of, walk, xor
from ._pure_stream import IDLE, INSIDE, OUTSIDE, Stream
from ._rules import (
    BARRED_BETWEEN,
    BARRED_INSIDE,
    MAX_HELD,
    ROLE_NAMES,
    again,
    check_fragments,
    check_limit,
    check_role,
    check_text,
    close_error,
    close_fields,
    invalid_utf8,
    message_too_big,
    too_many_fragments,
    truncated_utf8,
)
from ._types import RSV1, CodecError, Opcode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal, NoReturn, Protocol, Self, TypeAlias

    from ._pure_kernels import Utf8State

    Event: TypeAlias = Text | Binary | Ping | Pong | Close

    class Inflates(Protocol):
        """What is asked of `fastws.deflate.Deflate`."""

        def decompress(self, payload: bytes, *, limit: int, fin: bool) -> bytes: ...


KINDS = {1: Text, 2: Binary, 9: Ping, 10: Pong}
WHOLE = {0x81: Text, 0x82: Binary}  # by first byte: messages in one frame
TEXT_WHOLE = 0x81

barred_tables: dict[tuple[int, int], bytes] = {}


def allowed_now(rsv: int, barred: int) -> bytes:
    """Give, by first byte, 1 where it keeps all rules and its opcode is not barred."""
    table = barred_tables.get((rsv, barred))
    if table is None:
        now = [ok and not barred >> (first & 0x0F) & 1 for first, ok in enumerate(allowed(rsv))]
        table = barred_tables[rsv, barred] = bytes(now)
    return table


class MessageDecoder(Stream):
    """Turn a stream of bytes into messages (RFC 6455 5.4): feed it, then iterate.

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

    __slots__ = (
        "_as_str",
        "_checked",
        "_checking",
        "_checks",
        "_compressed",
        "_deflate",
        "_fragments",
        "_max_fragments",
        "_max_size",
        "_opcode",
        "_parts",
        "_spent",
        "_state",
        "_validate",
    )

    _opcode: int  # of the message in progress, or 0
    _compressed: bool  # whether it is
    _fragments: int  # frames of it that have begun
    _spent: int  # bytes of those that were whole, as they came
    _parts: BytesIO | None  # and their payloads, inflated
    _checking: bool  # whether it is text that is to be checked
    _checked: int  # bytes of it that were
    _state: Utf8State  # behind them

    def __init__(
        self,
        role: Literal["server", "client"] | None,
        *,
        max_message_size: int | None = 1 << 20,
        max_fragments: int | None = 1 << 17,
        text: Literal["str", "bytes"] = "str",
        validate_utf8: bool = True,
        deflate: Inflates | None = None,
    ) -> None:
        number = check_role(role)
        self._max_size = check_limit(max_message_size, MAX_HELD)
        self._max_fragments = check_fragments(max_fragments)
        self._as_str = check_text(text)
        self._validate = bool(validate_utf8)
        self._checks = self._as_str or self._validate
        self._deflate = deflate
        super().__init__(number, self._max_size, 0 if deflate is None else RSV1, True)
        self._begin_message()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Event:
        if self._step:
            self._enter()
        else:
            self._step = INSIDE
        try:
            event = self._whole_message() or self._step_on()
        except BaseException as error:
            self._leave(error)
            raise
        self._step = IDLE
        return event

    def _whole_message(self) -> Event | None:
        """Give a message that is one frame, there and right; None where it is not."""
        at, end = self._at, self._end
        if at + 1 >= end or self._open or self._opcode:
            return None
        chunk = self._chunk
        first = chunk[at]
        second = chunk[at + 1]
        length = self._lengths[second]
        data = at + 2
        if length > 125:
            wide = length == 126 and data + 1 < end
            length = chunk[data] << 8 | chunk[data + 1] if wide else 0
            if length < 126:
                return None
            data += 2
        stop = data + length
        if second > 0x7F:
            stop += 4
        if stop > end or length > self._limit or first not in WHOLE:
            return None
        payload = chunk[stop - length : stop]
        if second > 0x7F:
            payload = xor(payload, chunk[data : data + 4])
        event: Any = Draft()
        event.data = payload
        if first == TEXT_WHOLE and self._checks:
            try:
                text = payload.decode()
            except UnicodeDecodeError:
                return None
            if self._as_str:
                event.data = text
        self._at = stop
        event.__class__ = WHOLE[first]
        return event  # type: ignore[no-any-return]

    # --- Frame by frame --------------------------------------------------------------------------

    def _step_on(self) -> Event:
        """Go on where a message is not there in one piece and one frame.

        Raises:
            CodecError: the stream is broken, here or earlier.
            StopIteration: bytes are missing, or the stream was closed.
        """
        while not self._ended:
            if not self._head:
                if not self._read_header():
                    raise StopIteration
                self._begin_frame()
            payload = self._gather()
            if payload is None:
                raise StopIteration
            head = self._head
            self._end_frame()
            event = self._frame(head, payload)
            if event is not None:
                return event
        if self._error is not None:
            raise again(self._error)
        raise StopIteration

    def _begin_frame(self) -> None:
        """Note what a header, just read, means for the message."""
        first = self._head[0]
        opcode = first & 0x0F
        if opcode & 0x08:
            return
        if opcode:
            self._opcode = opcode
            self._compressed = bool(first & RSV1)
            self._checking = self._checks and opcode == Opcode.TEXT
            self._fragments = 0
            self._bar(BARRED_INSIDE)
        if self._fragments == self._max_fragments:
            self._fail(too_many_fragments(self._max_fragments), self._head)
        self._fragments += 1

    def _frame(self, head: bytes, payload: bytes | bytearray) -> Event | None:
        """Take a whole frame; give the event that it completes, if any."""
        opcode = head[0] & 0x0F
        if opcode == Opcode.CLOSE:
            return self._close(head, bytes(payload))
        if opcode & 0x08:
            return made(opcode, bytes(payload))
        fin = head[0] > 0x7F
        kind = self._opcode
        self._spent += len(payload)
        if self._compressed:
            payload = self._inflate(head, bytes(payload), fin)
        if fin:
            return self._message(kind, head, payload)
        if self._checking:
            self._check(head, payload[self._checked - self._held :])
        if self._parts is None:
            self._parts = BytesIO()
        self._held += self._parts.write(payload)
        self._set_limit()
        return None

    def _message(self, kind: int, head: bytes, payload: bytes | bytearray) -> Event:
        """Give the message that ends with this payload."""
        if self._parts is not None:
            self._parts.write(payload)
            payload = self._parts.getvalue()
        if self._as_str and kind == Opcode.TEXT:
            content = self._decode(head, payload)
            self._begin_message()
            return made(kind, content)
        if self._checking:
            self._check(head, payload[self._checked :])
            if self._state[0]:
                self._fail(truncated_utf8(len(payload)), head)
        self._begin_message()
        return made(kind, bytes(payload))

    def _begin_message(self) -> None:
        """Be ready for a new message."""
        self._opcode = self._fragments = self._spent = self._held = self._checked = 0
        self._compressed = self._checking = False
        self._parts = None
        self._state = BETWEEN
        self._bar(BARRED_BETWEEN)
        self._set_limit()

    def _bar(self, barred: int) -> None:
        self._barred = barred
        self._allowed = allowed_now(self._rsv, barred)

    def _set_limit(self) -> None:
        """Set what the next frame may declare; what is compressed is measured again inflated."""
        self._limit = max(0, self._max_size - self._spent)

    def _too_big(self, first: int, length: int) -> CodecError | None:
        if first & 0x08:
            return None
        return message_too_big(self._spent + length, self._max_size)

    def _close(self, head: bytes, payload: bytes) -> Close:
        error = close_error(payload)
        if error is not None:
            self._fail(error, head)
        event: Any = CloseDraft()
        event.code, event.reason = close_fields(payload)
        event.__class__ = Close
        self._stop(None)
        return event  # type: ignore[no-any-return]

    def _inflate(self, head: bytes, payload: bytes, fin: bool) -> bytes:
        deflate = self._deflate
        assert deflate is not None  # else RSV1 would have been refused
        self._step = OUTSIDE
        try:
            left = max(0, self._max_size - self._held)
            plain = as_bytes(deflate.decompress(payload, limit=left, fin=fin))
        except CodecError as error:
            self._fail(error, head)
        finally:
            if self._step == OUTSIDE:  # pragma: no branch - lost within, for want of memory
                self._step = INSIDE
        return plain

    # --- Text ------------------------------------------------------------------------------------

    def _take(self, piece: bytes) -> bytes:
        plain = Stream._take(self, piece)  # a third of the time of super()
        if self._checking and not self._compressed and not self._head[0] & 0x08:
            self._check(self._head, plain)
        return plain

    def _unmask(self) -> None:
        start = self._plain
        super()._unmask()
        # A control frame is too short to be read into place.
        if self._checking and not self._compressed and self._payload is not None:
            self._check(self._head, self._payload[start : self._plain])

    def _check(self, head: bytes, piece: bytes | bytearray) -> None:
        """Check the next bytes of a text."""
        if not self._state[0] and piece.isascii():
            self._checked += len(piece)
            return
        good, self._state = go_on(bytes(piece), self._state)
        self._checked += good
        if good != len(piece):
            self._fail(invalid_utf8(self._checked), head)

    def _decode(self, head: bytes, data: bytes | bytearray) -> str:
        """Decode a whole text, checked before or not."""
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            fault, _ = walk(bytes(data), error.start, BETWEEN)
        self._fail(truncated_utf8(fault) if fault == len(data) else invalid_utf8(fault), head)

    # --- The end ---------------------------------------------------------------------------------

    def _fail(self, error: CodecError, head: bytes) -> NoReturn:
        """End the stream with an error about the frame with this header."""
        self._broken = header_of(head, self._length, with_key=False)
        self._stop(error)
        raise again(error)

    def _stop(self, error: CodecError | None) -> None:
        super()._stop(error)
        self._parts = None

    # --- What there is to see --------------------------------------------------------------------

    @property
    def max_message_size(self) -> int:
        """The largest message in bytes: int, from the next header on."""
        return self._max_size

    @max_message_size.setter
    def max_message_size(self, value: int | None) -> None:
        self._max_size = check_limit(value, MAX_HELD)
        self._set_limit()

    @property
    def max_fragments(self) -> int:
        """The most frames of one message: int."""
        return self._max_fragments

    @property
    def role(self) -> Literal["server", "client"] | None:
        """Who reads: "server", "client" or None."""
        return ROLE_NAMES[self._role]  # type: ignore[return-value]

    @property
    def text(self) -> Literal["str", "bytes"]:
        """What text comes as: "str" or "bytes"."""
        return "str" if self._as_str else "bytes"

    @property
    def validate_utf8(self) -> bool:
        """Whether text that comes as bytes is checked."""
        return self._validate

    @property
    def deflate(self) -> Inflates | None:
        """What inflates compressed messages, or None."""
        return self._deflate


def made(opcode: int, data: str | bytes) -> Event:
    """Make an event other than a Close."""
    event: Any = Draft()
    event.data = data
    event.__class__ = KINDS[opcode]
    return event  # type: ignore[no-any-return]
