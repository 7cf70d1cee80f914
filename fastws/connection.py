"""One WebSocket connection behind its handshake, without any I/O (RFC 6455 5 to 7).

The host moves the bytes, and does the opening handshake with `fastws.handshake`. Then:

    connection = Connection("server", deflate=deflate)
    connection.feed(data)                       # what the transport read
    for event in connection:                    # Text, Binary, Ping, Pong, Close
        transport.write(connection.send_text("..."))
    transport.write(connection.data_to_send())  # in every case, after an error too
    if connection.should_close:
        transport.close()

What the protocol itself owes the peer is gathered for `data_to_send()`: pongs, the answer to a
close, the close frame after an error. What the host calls for, it gets back to write at once,
behind the pongs still owed: a ping inside a message in fragments is answered before the message.
"""

from __future__ import annotations

from ._backend import codec
from ._rules import not_a_buffer, text_data
from ._types import RSV1, CloseCode, CodecError, ConnectionClosedError, Opcode, State

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal, SupportsIndex, TypeAlias

    from _typeshed import ReadableBuffer

    from ._codec import (
        Binary,
        Close,
        MessageDecoder,
        Ping,
        Pong,
        Text,
        encode_close,
        encode_frame,
    )
    from .deflate import Deflate, PreparedMessage

    Event: TypeAlias = Text | Binary | Ping | Pong | Close
else:
    Binary = codec.Binary
    Close = codec.Close
    MessageDecoder = codec.MessageDecoder
    Ping = codec.Ping
    Text = codec.Text
    encode_close = codec.encode_close
    encode_frame = codec.encode_frame

__all__ = ["Connection"]

# Pongs that wait to be sent. A peer that pings and never reads must not fill our memory; RFC 6455
# 5.5.3 lets the oldest go unanswered. At 131 bytes each, these are 8 KiB.
MAX_PONGS = 64

OPEN, CLOSING, CLOSED = State.OPEN, State.CLOSING, State.CLOSED
CONTINUATION, TEXT, BINARY = Opcode.CONTINUATION, Opcode.TEXT, Opcode.BINARY
PING, PONG = Opcode.PING, Opcode.PONG


class Connection:
    """The state of one connection: feed it, iterate, and write what it gives.

    It starts open: State.CONNECTING is for hosts, whose handshake comes before. It is

    - OPEN until either side closes or a rule is broken;
    - CLOSING while a close frame is under way: ours, until the peer's answer is read; or our answer
      to the peer's, or ours after an error, until `data_to_send()` has handed it over;
    - CLOSED from then on, and at once where the transport ends.

    Nothing can be sent unless it is OPEN. Messages and pings that come between our close frame and
    the peer's are still delivered, but no pong is owed any more.

    Iterating gives what is whole, in order, and may be taken up again after more feeding. Where the
    peer breaks a rule, the events before that place come first, then its CodecError is raised, now
    and on every later iteration; `data_to_send()` has the close frame with the error's code and
    reason. No more input is processed then, nor behind a close frame (RFC 6455 7.1.7, 1.4).

    Args:
        role: "server" or "client", which of the two this side is. A client masks what it sends.
        max_message_size: the largest message to take, in bytes, inflated or not; None for no limit
            but what one object can hold.
        max_fragments: the most frames of one message to take, or None for no limit.
        deflate: a `fastws.deflate.Deflate` where permessage-deflate was negotiated, else None.
        auto_pong: answer pings. With False that is left to the caller.
        text: "str", or "bytes" to get text undecoded.
        validate_utf8: False with text="bytes" leaves the text that comes unchecked.

    Raises:
        TypeError, ValueError: an argument has the wrong type, or is out of range.
    """

    __slots__ = (
        "_auto_pong",
        "_code",
        "_compressing",
        "_decoder",
        "_deflate",
        "_eof",
        "_mask",
        "_owed",
        "_reason",
        "_state",
        "_unfinished",
    )

    def __init__(
        self,
        role: Literal["server", "client"],
        *,
        max_message_size: int | None = 1 << 20,
        max_fragments: int | None = 1 << 17,
        deflate: Deflate | None = None,
        auto_pong: bool = True,
        text: Literal["str", "bytes"] = "str",
        validate_utf8: bool = True,
    ) -> None:
        if role not in ("server", "client"):
            raise ValueError(f'role must be "server" or "client", not {role!r}')
        self._decoder = MessageDecoder(
            role,
            max_message_size=max_message_size,
            max_fragments=max_fragments,
            text=text,
            validate_utf8=validate_utf8,
            deflate=deflate,
        )
        self._deflate = deflate
        self._auto_pong = bool(auto_pong)
        self._mask = True if role == "client" else None  # True: each frame takes a fresh key
        self._state = OPEN
        self._code: int | None = None  # of the peer's close frame, or of its error
        self._reason = ""
        self._eof = False
        self._owed: list[bytes] = []
        self._unfinished = 0  # the opcode of the message that is being sent in fragments, or 0
        self._compressing = False  # whether it is compressed

    def __repr__(self) -> str:
        return f"<Connection {self.role} {self._state.name}>"

    # --- How it stands ---------------------------------------------------------------------------

    @property
    def role(self) -> Literal["server", "client"]:
        """Which of the two this side is."""
        return "server" if self._mask is None else "client"

    @property
    def state(self) -> State:
        """Where the connection stands."""
        return self._state

    @property
    def close_code(self) -> int | None:
        """How it ended; None while that is open.

        The code of the peer's close frame, 1005 where that was empty; the code of the error where
        the peer broke a rule; 1006 where the transport ended without either (RFC 6455 7.1.5).
        """
        if self._code is None and self._eof:
            return CloseCode.ABNORMAL_CLOSURE.value
        return self._code

    @property
    def close_reason(self) -> str | None:
        """The reason that belongs to `close_code`, often empty; None while that is None."""
        return None if self.close_code is None else self._reason

    @property
    def should_close(self) -> bool:
        """Whether the host is to close the transport, once it has written what it was given.

        A client leaves that to the server (RFC 6455 7.1.1): there this is True only after
        `feed_eof()`. A client's host closes on its own where the server takes too long once the
        state is CLOSED.
        """
        return self._state is CLOSED and (self._eof or self._mask is None)

    @property
    def buffered(self) -> int:
        """Bytes that are held of a message or frame that is not whole."""
        return self._decoder.buffered

    # --- Receiving -------------------------------------------------------------------------------

    def feed(self, data: ReadableBuffer) -> None:
        """Take bytes from the transport; what is in them shows when iterating.

        Args:
            data: any buffer. `bytes` are held, others copied.

        Raises:
            TypeError: data is not a buffer.
        """
        self._decoder.feed(data)

    def get_buffer(self, sizehint: int = -1) -> memoryview:
        """Give memory to read into, as asyncio.BufferedProtocol has it.

        Args:
            sizehint: the bytes wanted; 64 KiB where it is not positive.
        """
        return self._decoder.get_buffer(sizehint)

    def buffer_updated(self, nbytes: int) -> None:
        """Take the bytes that were read into the last `get_buffer()`.

        Args:
            nbytes: how many, counted from the buffer's first byte.

        Raises:
            ValueError: nbytes is negative, or more than there was room for.
            RuntimeError: get_buffer() was not called.
        """
        self._decoder.buffer_updated(nbytes)

    def feed_eof(self) -> None:
        """Note that the transport ended, however it did; call it when all was read and iterated.

        The connection is CLOSED. What is owed already can still be taken, for a peer that closed
        its own direction only.
        """
        self._eof = True
        self._state = CLOSED

    def __iter__(self) -> Iterator[Event]:
        """Iterate over the events that are whole.

        Raises:
            CodecError: while iterating: the peer broke a rule, here or earlier.
        """
        try:
            for event in self._decoder:
                kind = type(event)
                if kind is not Text and kind is not Binary:
                    self._control(event)
                yield event
        except CodecError as error:
            if self._code is None:
                self._end(error.close_code, error.reason, error.close_code, error.reason)
            raise

    def _control(self, event: Event) -> None:
        """Do what a control frame asks for (RFC 6455 5.5)."""
        if type(event) is Close:
            code = event.code
            echo = None if code == CloseCode.NO_STATUS_RECEIVED else code
            self._end(code, event.reason, echo, "")
        elif self._state is OPEN and self._auto_pong and type(event) is Ping:
            owed = self._owed
            if len(owed) == MAX_PONGS:
                del owed[:1]
            owed.append(encode_frame(PONG, event.data, mask=self._mask))

    def _end(self, code: int, reason: str, own_code: int | None, own_reason: str) -> None:
        """Note how the connection ended; owe our close frame, unless there was one."""
        self._code, self._reason = int(code), reason
        if self._state is OPEN:
            self._owed.append(encode_close(own_code, own_reason, mask=self._mask))
            self._state = CLOSING
        else:
            self._state = CLOSED

    # --- Sending ---------------------------------------------------------------------------------

    def data_to_send(self) -> bytes:
        """Take the bytes that the protocol owes the peer; b"" where there are none.

        Call it after iterating, also after an error. What is not taken does not grow: of the pongs
        the latest 64 wait. So a host whose transport takes no more just leaves them here.
        """
        owed = self._owed
        if not owed:
            return b""
        taken = []
        try:
            while owed:  # one by one: a thread that writes may take them as well
                taken.append(owed.pop(0))
        except IndexError:  # pragma: no cover - another thread took the last one meanwhile
            pass
        data = b"".join(taken)
        if self._code is not None:  # the last of them was our close frame
            self._state = CLOSED
        return data

    def send_text(self, data: str | ReadableBuffer, *, fin: bool = True) -> bytes:
        """Give the frame of a text message, compressed where that was agreed and pays.

        Args:
            data: the text; or a buffer that holds it as UTF-8, which is not checked.
            fin: False where the message goes on: the next `send_text()` continues it.

        Raises:
            ConnectionClosedError: the connection is not open.
            TypeError: data is neither str nor a buffer.
            ValueError: a binary message is not finished; or the str has lone surrogates.
        """
        if fin and self._state is OPEN and not (self._deflate or self._unfinished or self._owed):
            return encode_frame(TEXT, data, mask=self._mask)
        return self._fragment(TEXT, data, fin)

    def send_bytes(self, data: ReadableBuffer, *, fin: bool = True) -> bytes:
        """Give the frame of a binary message, compressed where that was agreed and pays.

        Args:
            data: any buffer.
            fin: False where the message goes on: the next `send_bytes()` continues it.

        Raises:
            ConnectionClosedError: the connection is not open.
            TypeError: data is not a buffer.
            ValueError: a text message is not finished.
        """
        if isinstance(data, str):
            raise not_a_buffer(data)
        if fin and self._state is OPEN and not (self._deflate or self._unfinished or self._owed):
            return encode_frame(BINARY, data, mask=self._mask)
        return self._fragment(BINARY, data, fin)

    def send_prepared(self, message: PreparedMessage) -> bytes:
        """Give the frame of a message that goes to many connections.

        A client has to mask every frame anew, so there nothing is gained.

        Args:
            message: a `fastws.deflate.PreparedMessage`.

        Raises:
            ConnectionClosedError: the connection is not open.
            ValueError: a message is not finished.
        """
        self._check_open()
        if self._unfinished:
            raise self._unfinished_error()
        if self._mask:
            return self._fragment(message.opcode, message.payload, True)
        return self._behind_pongs(message.frame(self._deflate))

    def ping(self, data: str | ReadableBuffer = b"") -> bytes:
        """Give a ping frame, which the peer is to answer with the same data (RFC 6455 5.5.2).

        Args:
            data: at most 125 bytes; a str is sent as UTF-8.

        Raises:
            ConnectionClosedError: the connection is not open.
            TypeError, ValueError: data is neither str nor a buffer, or too long.
        """
        self._check_open()
        return self._behind_pongs(encode_frame(PING, data, mask=self._mask))

    def pong(self, data: str | ReadableBuffer = b"") -> bytes:
        """Give a pong frame, asked for or not (RFC 6455 5.5.3).

        Args:
            data: at most 125 bytes; a str is sent as UTF-8.

        Raises:
            ConnectionClosedError: the connection is not open.
            TypeError, ValueError: data is neither str nor a buffer, or too long.
        """
        self._check_open()
        return self._behind_pongs(encode_frame(PONG, data, mask=self._mask))

    def close(self, code: SupportsIndex | None = 1000, reason: str = "") -> bytes:
        """Start the closing handshake: give the close frame, behind the pongs still owed.

        Args:
            code: one that may be sent (RFC 6455 7.4), or None to give no reason at all.
            reason: at most 123 bytes of UTF-8.

        Raises:
            ConnectionClosedError: the connection is not open.
            TypeError, ValueError: the code may not be sent, or the reason is too long.
        """
        self._check_open()
        data = self._behind_pongs(encode_close(code, reason, mask=self._mask))
        self._state = CLOSING
        return data

    def _behind_pongs(self, frame: bytes) -> bytes:
        """Give a frame behind the pongs that are owed: RFC 6455 5.5.2 wants those soon."""
        return self.data_to_send() + frame if self._owed else frame

    def _check_open(self) -> None:
        if self._state is not OPEN:
            raise ConnectionClosedError(self.close_code, self._reason)

    def _unfinished_error(self) -> ValueError:
        kind = "text" if self._unfinished == TEXT else "binary"
        return ValueError(f"a {kind} message is not finished")

    def _fragment(self, opcode: int, data: str | ReadableBuffer, fin: bool) -> bytes:
        """Give a frame of a message that is compressed, or that is not in one frame."""
        self._check_open()
        first = not self._unfinished
        if not first and self._unfinished != opcode:
            raise self._unfinished_error()
        compressing, deflate = self._compressing, self._deflate
        if deflate is not None:
            payload = text_data(data)
            if isinstance(payload, str):
                payload = payload.encode()
            if first:
                # Of a message in fragments the size is not known yet.
                compressing = not fin or len(payload) >= deflate.threshold
            data = deflate.compress(payload, fin=fin) if compressing else payload
        rsv = RSV1 if first and compressing else 0
        try:
            frame = encode_frame(
                opcode if first else CONTINUATION, data, fin=fin, rsv=rsv, mask=self._mask
            )
        except MemoryError:  # pragma: no cover - test_allocations.py, which no tracer may watch
            if deflate is not None:
                deflate.forget()
            raise
        self._unfinished = 0 if fin else opcode
        self._compressing = compressing  # asked for where the message goes on
        return self._behind_pongs(frame)
