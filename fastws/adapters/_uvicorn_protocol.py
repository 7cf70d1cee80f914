"""The WebSocket protocol class for uvicorn: between asyncio's transport and the ASGI application.

Nothing stands between the two but what ASGI asks for: a decoder gives whole messages, each becomes
its dict, and the application's `receive()` takes it from a list. A future is made only where the
application waits. Messages are decoded ahead up to `ws_max_queue`; the rest stays bytes, until the
transport is paused.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from uvicorn.logging import TRACE_LOG_LEVEL
from uvicorn.protocols.utils import (
    ClientDisconnected,
    get_local_addr,
    get_remote_addr,
    is_ssl,
)

from .. import (
    RSV1,
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
from ._uvicorn_handshake import CLOSING, CONNECTING, DENYING, ENDED, OPEN, Handshake

if TYPE_CHECKING:
    from asyncio import Future, Task

    Message = dict[str, Any]

__all__ = ["WebSocketProtocol"]

TEXT, BINARY, PONG = Opcode.TEXT, Opcode.BINARY, Opcode.PONG
RECEIVE, DISCONNECT = "websocket.receive", "websocket.disconnect"
NO_CODE = 1005  # RFC 6455 7.1.5: a close frame without a code
SHUTDOWN_CODE = 1012
SHUTDOWN_GRACE = 2.0  # seconds for clients to answer the close frame of a server that ends

import os
LARGE = int(os.environ.get("X_LARGE", 16384))
BULK = int(os.environ.get("X_BULK", 65536))
SCRATCH = memoryview(bytearray(65536))  # every connection reads into it: it is taken at once


class WebSocketProtocol(Handshake):
    """One WebSocket connection of uvicorn.

    Args:
        config: the server's `uvicorn.Config`.
        server_state: the server's `uvicorn.server.ServerState`.
        app_state: what the application's lifespan left in its state.
    """

    __slots__ = (
        "_bulk",
        "_crowd",
        "_decoder",
        "_farewell",
        "_full",
        "_max_queue",
        "_owed_pong",
        "_queue",
        "_waiter",
        "_window",
        "app",
        "connections",
        "tasks",
    )

    def __init__(
        self,
        config: Any,
        server_state: Any,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        if not config.loaded:
            config.load()
        super().__init__(_loop or asyncio.get_event_loop(), config, server_state, app_state)
        self.app = config.loaded_app
        self.connections: set[Any] = server_state.connections
        self.tasks: set[Task[None]] = server_state.tasks
        self._decoder: MessageDecoder | None = None
        self._max_queue = max(1, config.ws_max_queue)
        self._queue: list[Message] = []
        self._full = False  # enough is queued: the decoder keeps the rest
        self._bulk = False
        self._window = False
        self._farewell: list[Message] | None = None  # what comes behind that rest
        self._waiter: Future[None] | None = None  # of the receive() that waits
        self._crowd: list[Future[None]] | None = None  # of those that wait beside it
        self._owed_pong: bytes | None = None

    # --- The transport ---------------------------------------------------------------------------

    def connection_made(self, transport: Any) -> None:
        """Take the transport over from the HTTP protocol."""
        self.connections.add(self)
        self.transport = transport
        self.server = get_local_addr(transport)
        self.client = get_remote_addr(transport)
        self.scheme = "wss" if is_ssl(transport) else "ws"
        self._trace("%sWebSocket connection made")

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the application, and let go of everything."""
        self._stop_pings()
        self.connections.discard(self)
        self._trace("%sWebSocket connection lost")
        accepted = self._http is None
        self._queue_last({"type": DISCONNECT, "code": NO_CODE if accepted else 1006})
        self._state = ENDED
        self._let_go()
        if accepted:
            self.logger.info("connection closed")

    def eof_received(self) -> None:
        """Let the transport close itself."""

    def get_buffer(self, sizehint: int) -> memoryview:
        """Give memory to read into: that of a large payload which is coming, else a shared one."""
        decoder = self._decoder
        if self._bulk and decoder is not None:
            self._window = True
            return decoder.get_buffer(BULK)
        return SCRATCH

    def buffer_updated(self, nbytes: int) -> None:
        """Take what was read into the memory."""
        self._bulk = nbytes >= LARGE
        if not self._window:
            self.data_received(bytes(SCRATCH[:nbytes]))
            return
        self._window = False
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

    def _start(self) -> None:
        """Start the application, whose connection this is."""
        self._decoder = MessageDecoder(
            "server", max_message_size=self.config.ws_max_size, deflate=self.deflate
        )
        self._queue.append({"type": "websocket.connect"})
        task = self.loop.create_task(self.run_asgi())
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

    def resume_writing(self) -> None:
        """Note that the transport takes more."""
        super().resume_writing()
        if self._owed_pong is not None and self._state != ENDED:
            self._write(encode_frame(PONG, self._owed_pong))
        self._owed_pong = None

    def _trace(self, text: str) -> None:
        if self.logger.level <= TRACE_LOG_LEVEL:
            prefix = "%s:%d - " % self.client if self.client else ""
            self.logger.log(TRACE_LOG_LEVEL, text, prefix)

    # --- What comes from the client --------------------------------------------------------------

    def _take(self) -> None:
        """Queue the messages that have come, and do what control frames ask for."""
        queue = self._queue
        most = self._max_queue
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
                if self._state >= CLOSING:
                    queue.pop()  # the application has closed, and reads no more messages
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
            self._queue.append({"type": DISCONNECT, "code": code, "reason": event.reason})
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
        self._queue.append({"type": DISCONNECT, "code": code, "reason": reason})
        self._end_with(encode_close(code, reason))
        self._close()

    def _ping_failed(self, frame: bytes) -> None:
        self._trace("%sWebSocket keepalive ping timeout")
        if self._state == OPEN:
            self._end_with(frame)
            self._close()

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

    async def run_asgi(self) -> None:
        """Run the application, and end the connection where it does not."""
        try:
            result = await self.app(self.scope, self.receive, self.send)
        except ClientDisconnected:
            pass
        except BaseException:
            self.logger.exception("Exception in ASGI application\n")
            self._fail_handshake()
        else:
            if self._state == CONNECTING:
                self.logger.error("ASGI callable returned without completing handshake.")
                self._fail_handshake()
            elif result is not None:
                self.logger.error("ASGI callable should return None, but returned '%s'.", result)
        if self._denial is not None:
            self._end_denial()
        if self.close_timer is None:
            self._stop_pings()
            self._close()

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

    async def send(self, message: Message) -> None:
        """Send for the application; wait first where the client does not keep up."""
        if self._writing_paused:
            await self._drain()
        if self._state != OPEN or message["type"] != "websocket.send":
            self._send_other(message)
            return
        data = message.get("bytes")
        if data is not None:
            if self.deflate is not None or isinstance(data, str):
                data = self._compressed(BINARY, data)
            else:
                data = encode_frame(BINARY, data)
        else:
            data = message.get("text")
            if data is None:
                return
            if self.deflate is not None or not isinstance(data, str):
                data = self._compressed(TEXT, data)
            else:
                data = encode_frame(TEXT, data)
        self._write(data)

    def _compressed(self, opcode: int, data: Any) -> bytes:
        """Give the frame of a message, compressed where that pays."""
        if isinstance(data, str) is not (opcode == TEXT):
            raise TypeError(f"a {opcode.name.lower()} message cannot be {type(data).__name__}")
        payload = data.encode() if opcode == TEXT else data
        deflate = self.deflate
        assert deflate is not None
        if memoryview(payload).nbytes < deflate.threshold:
            return encode_frame(opcode, payload)
        return encode_frame(opcode, deflate.compress(payload), rsv=RSV1)

    def _send_other(self, message: Message) -> None:
        """Do what is no message on an open connection."""
        state, kind = self._state, message["type"]
        if state == ENDED:
            raise ClientDisconnected()
        if state == CONNECTING:
            self._answer_request(message)
        elif state == OPEN:
            if kind != "websocket.close":
                raise RuntimeError(
                    "Expected ASGI message 'websocket.send' or 'websocket.close', "
                    f"but got '{kind}'."
                )
            self._start_close(message.get("code", 1000), message.get("reason", "") or "")
        elif state == DENYING:
            if kind != "websocket.http.response.body":
                raise RuntimeError(
                    f"Expected ASGI message 'websocket.http.response.body' but got '{kind}'."
                )
            if self._go_on_denial(message):
                self._state = CLOSING
                self._queue_last({"type": DISCONNECT, "code": 1006})
                self._close()
        else:
            raise RuntimeError(
                f"Unexpected ASGI message '{kind}', after sending 'websocket.close'."
            )

    def _answer_request(self, message: Message) -> None:
        kind = message["type"]
        if kind == "websocket.accept":
            self._accept(message)
        elif kind == "websocket.close":
            self._queue_last({"type": DISCONNECT, "code": 1006})
            self._reject()
        elif kind == "websocket.http.response.start":
            self._start_denial(message)
        else:
            raise RuntimeError(
                "Expected ASGI message 'websocket.accept', 'websocket.close' "
                f"or 'websocket.http.response.start' but got '{kind}'."
            )

    def _start_close(self, code: int | None, reason: str) -> None:
        """Start the closing handshake, and read on for the peer's part of it."""
        if self.transport.is_closing():
            return
        frame = encode_close(code, reason)
        self._queue_last({"type": DISCONNECT, "code": code, "reason": reason})
        self._await_answer(frame, CLOSING, self.close_timeout)

    def _await_answer(self, frame: bytes, state: int, seconds: float) -> None:
        """Send our close frame, and give the peer so long to answer it."""
        self._stop_pings()
        self._write(frame)
        self._state = state
        self._await_close(seconds)
        if self._full:
            self._refill()
        self._resume_reading()

    # --- The server ------------------------------------------------------------------------------

    def shutdown(self) -> None:
        """End the connection because the server ends."""
        self._stop_pings()
        if self._state == OPEN:
            self._queue_last({"type": DISCONNECT, "code": SHUTDOWN_CODE})
            grace = min(SHUTDOWN_GRACE, self.close_timeout)
            self._await_answer(encode_close(SHUTDOWN_CODE), ENDED, grace)
            return
        if self._state == CONNECTING:
            self._fail_handshake()
        self._close()
