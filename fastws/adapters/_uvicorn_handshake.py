"""The opening handshake of a WebSocket connection of uvicorn, and every way to refuse it.

uvicorn hands over the upgrade request as its HTTP parser read it; h11, which uvicorn brings, reads
it again and writes every answer, so that nothing malformed leaves by way of a header.
"""

from __future__ import annotations

import logging
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import h11
from uvicorn.logging import TRACE_LOG_LEVEL
from uvicorn.protocols.utils import get_client_addr, get_path_with_query_string

from ..deflate import PerMessageDeflate
from ..handshake import HandshakeError, check_request, response_headers
from ._uvicorn_keepalive import Keepalive

if TYPE_CHECKING:
    from ..deflate import Deflate

__all__ = ["CLOSING", "CONNECTING", "DENYING", "ENDED", "OPEN", "Handshake"]

CONNECTING = 0  # the application has not accepted yet
DENYING = 1  # it is sending a response that denies the handshake
OPEN = 2
CLOSING = 3  # it has closed or denied; it must send nothing more
ENDED = 4  # the peer closed, broke a rule or vanished, or the server ends: sending raises

# What uvicorn's own classes ask of the extension; small windows, because there are many of them.
DEFLATE = PerMessageDeflate(server_max_window_bits=12, client_max_window_bits=12, mem_level=5)
PLAIN_TEXT = (b"content-type", b"text/plain; charset=utf-8")
CLOSE = (b"connection", b"close")
UNUSED_STATUS = "Invalid HTTP status code '%d' in response."


class Handshake(Keepalive):
    """The opening handshake of one connection, as a server does it."""

    __slots__ = (
        "_answer",
        "_denial",
        "_extensions",
        "_http",
        "_state",
        "app_state",
        "client",
        "config",
        "default_headers",
        "deflate",
        "logger",
        "root_path",
        "scheme",
        "scope",
        "server",
    )

    def __init__(self, loop: Any, config: Any, server_state: Any, app_state: Any) -> None:
        super().__init__(loop, config.ws_ping_interval, config.ws_ping_timeout)
        self.config = config
        self.logger = logging.getLogger("uvicorn.error")
        self.root_path: str = config.root_path
        self.app_state: dict[str, Any] = app_state
        self.default_headers: list[tuple[bytes, bytes]] = server_state.default_headers
        self.server: tuple[str, int | None] | None = None
        self.client: tuple[str, int] | None = None
        self.scheme = "ws"
        self.scope: dict[str, Any] = {}
        self.deflate: Deflate | None = None
        self._state = CONNECTING
        limit = config.h11_max_incomplete_event_size
        most = {} if limit is None else {"max_incomplete_event_size": limit}
        self._http: Any = h11.Connection(h11.SERVER, **most)  # until the handshake is over
        self._answer: list[tuple[str, str]] = []  # headers of the response that accepts
        self._denial: tuple[int, list[tuple[bytes, bytes]]] | None = None  # not sent yet

    # --- The request -----------------------------------------------------------------------------

    def _read_request(self, data: bytes) -> bytes | None:
        """Take bytes of the request; give what came behind it once it is whole and acceptable."""
        try:
            self._http.receive_data(data)
            event = self._http.next_event()
        except h11.RemoteProtocolError as error:
            self._refuse(HandshakeError(400, str(error)))
            return None
        if type(event) is not h11.Request:
            return None
        try:
            self._accept_request(event)
        except HandshakeError as error:
            self._refuse(error)
            return None
        self._http.next_event()  # the end of the request, which shows what came behind it
        rest: bytes = self._http.trailing_data[0]
        return rest

    def _accept_request(self, event: Any) -> None:
        headers = list(event.headers)
        request = check_request(event.method, headers, http_version=event.http_version)
        extension = None
        if self.config.ws_per_message_deflate:
            accepted = DEFLATE.accept(request.extensions)
            if accepted is not None:
                extension, self.deflate = accepted
        self._answer = response_headers(request, extensions=extension)
        raw_path, _, query_string = event.target.partition(b"?")
        self.scope = {
            "type": "websocket",
            "asgi": {"version": self.config.asgi_version, "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": self.scheme,
            "server": self.server,
            "client": self.client,
            "root_path": self.root_path,
            "path": self.root_path + unquote(raw_path.decode("ascii")),
            "raw_path": self.root_path.encode("ascii") + raw_path,
            "query_string": query_string,
            "headers": headers,
            "subprotocols": list(request.subprotocols),
            "state": self.app_state.copy(),
            "extensions": {"websocket.http.response": {}},
        }

    def _refuse(self, error: HandshakeError) -> None:
        """Answer a request that opens no WebSocket; the application does not hear of it."""
        headers = [(name.encode(), value.encode()) for name, value in error.headers]
        body = f"Failed to open a WebSocket connection: {error.reason}.\n".encode()
        self._state = CLOSING
        self._respond(error.status, headers, body)
        self._close()

    # --- The answer ------------------------------------------------------------------------------

    def _accept(self, message: dict[str, Any]) -> None:
        """Send the response that opens the connection."""
        self._log_answer("[accepted]")
        headers: list[tuple[bytes, bytes]] = [
            (name.encode(), value.encode()) for name, value in self._answer
        ]
        headers += self.default_headers
        headers += [(name, value) for name, value in message.get("headers", ())]
        subprotocol = message.get("subprotocol")
        if subprotocol:
            headers.append((b"Sec-WebSocket-Protocol", subprotocol.encode()))
        if self.transport.is_closing():
            self._state = ENDED
            return
        self._send_event(
            h11.InformationalResponse(
                status_code=101, headers=headers, reason=b"Switching Protocols"
            )
        )
        self._state = OPEN
        self._http = None
        self._answer = []
        self.logger.info("connection open")
        self._start_pings()

    def _reject(self) -> None:
        """Answer 403, for an application that closes what it has not accepted."""
        self._log_answer("403")
        self._state = CLOSING
        self._respond(403, [], b"")
        self._close()

    def _start_denial(self, message: dict[str, Any]) -> None:
        """Take the start of a response; its length may show with its body."""
        status = message["status"]
        if not 100 <= status < 600:
            raise RuntimeError(UNUSED_STATUS % status)
        self._log_answer(str(status))
        self._denial = status, [(name, value) for name, value in message.get("headers", ())]
        self._state = DENYING

    def _go_on_denial(self, message: dict[str, Any]) -> bool:
        """Send a part of the response's body; tell whether it was the last."""
        body, more = message.get("body", b""), message.get("more_body", False)
        if self._denial is None:
            self._send_event(h11.Data(data=body))
            if not more:
                self._send_event(h11.EndOfMessage())
        else:
            status, headers = self._denial
            self._denial = None
            self._respond(status, headers, body, more)
        return not more

    def _end_denial(self) -> None:
        """Send the start of a response whose body the application never sent."""
        if self._denial is not None:
            status, headers = self._denial
            self._denial = None
            self._respond(status, headers, b"", more=True)

    def _fail_handshake(self) -> None:
        """Answer 500, where the application has not begun to answer."""
        if self._state == CONNECTING and self._http is not None:
            self._state = CLOSING
            self._respond(500, [], b"Internal Server Error")

    def _respond(
        self, status: int, headers: list[tuple[bytes, bytes]], body: bytes, more: bool = False
    ) -> None:
        """Send a response, and its body as far as it is there."""
        named = {name.lower() for name, _ in headers}
        usual = [(b"date", formatdate(usegmt=True).encode()), CLOSE, PLAIN_TEXT]
        if not more:
            usual.append((b"content-length", str(len(body)).encode()))
        headers = headers + [pair for pair in usual if pair[0] not in named]
        try:
            phrase = HTTPStatus(status).phrase
        except ValueError:
            phrase = ""
        self._send_event(h11.Response(status_code=status, headers=headers, reason=phrase.encode()))
        self._send_event(h11.Data(data=body))
        if not more:
            self._send_event(h11.EndOfMessage())
        self.logger.info("connection rejected (%d %s)", status, phrase)

    def _send_event(self, event: Any) -> None:
        data = self._http.send(event)
        if data:
            self._write(data)

    def _log_answer(self, answer: str) -> None:
        self.logger.info(
            '%s - "WebSocket %s" %s',
            get_client_addr(self.scope),  # type: ignore[arg-type]
            get_path_with_query_string(self.scope),  # type: ignore[arg-type]
            answer,
        )

    def _trace(self, text: str) -> None:
        """Log as uvicorn does, for those who trace it."""
        if self.logger.level <= TRACE_LOG_LEVEL:
            host, port = self.client or ("", 0)
            self.logger.log(TRACE_LOG_LEVEL, text, f"{host}:{port} - " if host else "")
