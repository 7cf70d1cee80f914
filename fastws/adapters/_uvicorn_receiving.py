"""What a client sends on a WebSocket connection of uvicorn: from the transport to `receive()`.

A decoder gives whole messages, each becomes its dict, and the application takes it from a list. A
future is made only where the application waits. Messages are decoded ahead up to `ws_max_queue`;
the rest stays bytes, until the transport is paused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import (
    Binary,
    Close,
    CodecError,
    InvalidUtf8Error,
    MessageDecoder,
    Opcode,
    Ping,
    Text,
    encode_close,
    encode_frame,
)
from ._uvicorn_flow import READ_MOST
from ._uvicorn_handshake import CONNECTING, ENDED, OPEN, Handshake

if TYPE_CHECKING:
    from asyncio import Future

    Message = dict[str, Any]

__all__ = ["DISCONNECT", "NO_CODE", "Receiving"]

PONG = Opcode.PONG
RECEIVE, DISCONNECT = "websocket.receive", "websocket.disconnect"
NO_CODE = 1005  # RFC 6455 7.1.5: a close frame without a code
BULK = READ_MOST >> 2  # a read of so much tells of more that is coming
BULK_MOST = READ_MOST << 2  # bytes to read at once then


class Receiving(Handshake):
    """The receiving half of one connection."""

    __slots__ = (
        "_bulk",
        "_crowd",
        "_decoder",
        "_farewell",
        "_full",
        "_max_queue",
        "_owed_pong",
        "_waiter",
        "_window",
    )

    def __init__(self, loop: Any, config: Any, server_state: Any, app_state: Any) -> None:
        super().__init__(loop, config, server_state, app_state)
        self._decoder: MessageDecoder | None = None  # from when the application runs
        self._max_queue = max(1, config.ws_max_queue)
        self._full = False  # enough is queued: the decoder keeps the rest
        self._bulk = False  # the last read was large
        self._window = False  # the memory to read into is the decoder's
        self._farewell: list[Message] | None = None  # what comes behind that rest
        self._waiter: Future[None] | None = None  # of the receive() that waits
        self._crowd: list[Future[None]] | None = None  # of those that wait beside it
        self._owed_pong: bytes | None = None

    # --- The transport ---------------------------------------------------------------------------

    def get_buffer(self, sizehint: int) -> memoryview:
        """Give memory to read into: that of a large payload which is coming, else a shared one."""
        decoder = self._decoder
        if self._bulk and decoder is not None:
            self._window = True
            return decoder.get_buffer(BULK_MOST)
        return self._turn.scratch

    def buffer_updated(self, nbytes: int) -> None:
        """Take what was read into the memory."""
        self._bulk = nbytes >= BULK
        if not self._window:
            self.data_received(bytes(self._turn.scratch[:nbytes]))
            return
        self._window = False
        assert self._decoder is not None
        self._decoder.buffer_updated(nbytes)
        if self._full:
            self._pause_reading()
        else:
            self._take()

    def data_received(self, data: bytes) -> None:
        """Take the upgrade request, and what the client sends after it."""
        if self._decoder is None:
            rest = self._read_request(data) if self._state == CONNECTING else None
            if rest is None:
                return
            self._start()
            data = rest
        assert self._decoder is not None
        self._decoder.feed(data)
        if self._full:
            self._pause_reading()
        else:
            self._take()

    def _start(self) -> None:  # pragma: no cover - a class above it has its own
        """Start the decoder and the application, since the request is acceptable."""
        raise NotImplementedError

    def eof_received(self) -> None:
        """Take the end of what the client sends as the end of the connection."""
        if self._state <= OPEN:
            self._state = ENDED
        self._close()

    def resume_writing(self) -> None:
        """Note that the transport takes more."""
        super().resume_writing()
        if self._owed_pong is not None and self._state < ENDED:
            self._write(encode_frame(PONG, self._owed_pong))
        self._owed_pong = None

    # --- What comes from the client --------------------------------------------------------------

    def _take(self) -> None:
        """Queue the messages that have come, and do what control frames ask for."""
        queue = self._queue
        most = self._max_queue
        event: Any
        try:
            for event in self._decoder:  # type: ignore[union-attr]
                kind = type(event)
                if kind is Text:
                    queue.append({"type": RECEIVE, "text": event.data})
                elif kind is Binary:
                    queue.append({"type": RECEIVE, "bytes": event.data})
                else:
                    self._control(event)
                    continue
                if self.close_timer is not None:
                    queue.pop()  # we have closed: only the peer's close frame still counts
                elif len(queue) >= most:
                    self._full = True
                    break
        except CodecError as error:
            self._fail(error)
        if self._waiter is not None and queue:
            self._wake()

    def _control(self, event: Any) -> None:
        kind = type(event)
        if kind is Ping:
            if self._state != OPEN:
                return
            if self._writing_paused:
                self._owed_pong = event.data  # RFC 6455 5.5.3: the latest one is enough
            else:
                self._write(encode_frame(PONG, event.data))
        elif kind is Close:
            self._peer_closed(event)
        else:
            self._pong(event.data)

    def _peer_closed(self, event: Any) -> None:
        """Answer a close frame, or take it as the answer to ours."""
        self._stop_pings()
        if self._state <= OPEN:
            code = event.code
            self._end_queue(code, event.reason)
            self._end_with(encode_close(None if code == NO_CODE else code, event.reason))
        self._close()

    def _fail(self, error: CodecError) -> None:
        """Close because the peer broke a rule."""
        self._stop_pings()
        if self._state > OPEN:
            self._close()
            return
        if isinstance(error, InvalidUtf8Error):
            self.logger.error("Invalid UTF-8 sequence received from client.")
        code, reason = error.close_code, error.reason
        self._end_queue(code, reason)
        self._end_with(encode_close(code, reason))
        self._close()

    def _ping_failed(self, frame: bytes) -> None:
        self._trace("%sWebSocket keepalive ping timeout")
        if self._state == OPEN:  # pragma: no branch - else there are no pings any more
            self._end_with(frame)
            self._close()

    def _end_queue(self, code: int, reason: str) -> None:
        """Tell the application before the transport is closed, so that it can still close too."""
        self._queue.append({"type": DISCONNECT, "code": code, "reason": reason})
        self._wake()

    def _end_with(self, frame: bytes) -> None:
        """Send our close frame, where frames can be sent, and nothing more."""
        if self._state == OPEN:
            self._write(frame)
        self._state = ENDED

    def _queue_last(self, message: Message) -> None:
        """Queue a message behind all that has come."""
        if self._full:
            if self._farewell is None:
                self._farewell = []
            self._farewell.append(message)
        else:
            self._queue.append(message)
            self._wake()

    def _wake(self) -> None:
        """Wake every receive() that waits; mostly there is one at most."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
        if self._crowd is not None:
            crowd, self._crowd = self._crowd, None
            for waiter in crowd:
                if not waiter.done():
                    waiter.set_result(None)

    # --- The application -------------------------------------------------------------------------

    async def receive(self) -> Message:
        """Give the next message to the application, without a wait where it is there."""
        queue = self._queue
        while not queue:
            if self._cork is not None:
                self._flush()
            waiter: Future[None] = self.loop.create_future()
            if self._waiter is None or self._waiter.done():
                self._waiter = waiter
            else:
                crowd = [other for other in self._crowd or () if not other.done()]
                self._crowd = [*crowd, waiter]
            await waiter
        message = queue.pop(0)
        if self._full and len(queue) <= self._max_queue >> 1:
            self._refill()
        return message

    def _refill(self) -> None:
        """Decode what was left undecoded, and read again where that is not too much."""
        self._full = False
        self._take()
        if self._full:
            return
        if self._farewell is not None:
            self._queue += self._farewell
            self._farewell = None
        self._resume_reading()
