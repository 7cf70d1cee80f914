"""The WebSocket protocol class for uvicorn: between asyncio's transport and the ASGI application.

Nothing stands between the two but what ASGI asks for: no task, queue or frame object of its own.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.utils import (
    ClientDisconnected,
    get_local_addr,
    get_remote_addr,
    is_ssl,
)

from .. import RSV1, MessageDecoder, Opcode, encode_close, encode_frame
from ._uvicorn_handshake import CLOSING, CONNECTING, DENYING, ENDED, OPEN
from ._uvicorn_receiving import DISCONNECT, NO_CODE, Receiving

if TYPE_CHECKING:
    from asyncio import Task

    Message = dict[str, Any]

__all__ = ["WebSocketProtocol"]

TEXT, BINARY = Opcode.TEXT, Opcode.BINARY
SHUTDOWN_CODE = 1012
SHUTDOWN_GRACE = 2.0  # seconds for clients to answer the close frame of a server that ends


class WebSocketProtocol(Receiving):
    """One WebSocket connection of uvicorn.

    Args:
        config: the server's `uvicorn.Config`.
        server_state: the server's `uvicorn.server.ServerState`.
        app_state: what the application's lifespan left in its state.
    """

    __slots__ = ("app", "connections", "tasks")

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
        self._denial = None
        self._let_go()
        if accepted:
            self.logger.info("connection closed")

    def _start(self) -> None:
        """Start the decoder and the application, since the request is acceptable."""
        self._decoder = MessageDecoder(
            "server", max_message_size=self.config.ws_max_size, deflate=self.deflate
        )
        self._queue.append({"type": "websocket.connect"})
        task = self.loop.create_task(self.run_asgi())
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

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
        self._end_denial()
        if self.close_timer is None:
            self._stop_pings()
            self._close()

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

    def _compressed(self, opcode: Opcode, data: Any) -> bytes:
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
            # Closing what is about to close is no fault of the application, as in uvicorn.
            if kind == "websocket.close" and not self._lost:
                return
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
        self._fail_handshake()
        self._state = ENDED
        self._close()
