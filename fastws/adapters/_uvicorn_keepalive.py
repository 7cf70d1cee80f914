"""Pings that keep a connection of uvicorn alive, and find out where it is dead.

One timer at a time: it runs up to the next ping, or while a pong is due.
"""

from __future__ import annotations

from random import getrandbits
from typing import TYPE_CHECKING

from .. import Opcode, encode_close, encode_frame
from ._uvicorn_flow import Flow

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, TimerHandle

__all__ = ["Keepalive"]

PING = Opcode.PING
TIMEOUT_CODE = 1011
TIMEOUT_REASON = "keepalive ping timeout"


class Keepalive(Flow):
    """The pings of one connection."""

    __slots__ = ("_pending_ping", "ping_interval", "ping_sent_at", "ping_timeout", "ping_timer")

    def __init__(
        self, loop: AbstractEventLoop, interval: float | None, timeout: float | None
    ) -> None:
        super().__init__(loop)
        self.ping_interval = interval
        self.ping_timeout = timeout
        self.ping_timer: TimerHandle | None = None
        self.ping_sent_at = 0.0
        self._pending_ping: bytes | None = None

    def _start_pings(self) -> None:
        if self.ping_interval:
            self.ping_timer = self.loop.call_later(self.ping_interval, self._ping)

    def _stop_pings(self) -> None:
        if self.ping_timer is not None:
            self.ping_timer.cancel()
            self.ping_timer = None
        self._pending_ping = None

    def _ping(self) -> None:
        """Send a ping whose payload no stale or unasked pong has."""
        self._pending_ping = getrandbits(32).to_bytes(4, "big")
        self.ping_sent_at = self.loop.time()
        self._write(encode_frame(PING, self._pending_ping))
        if self.ping_timeout is None:
            assert self.ping_interval is not None
            self.ping_timer = self.loop.call_later(self.ping_interval, self._ping)
        else:
            self.ping_timer = self.loop.call_later(self.ping_timeout, self._pong_is_late)

    def _pong(self, payload: bytes) -> None:
        """Take a pong; where it answers our ping, wait for the next one."""
        if payload != self._pending_ping:
            return
        self._pending_ping = None
        if self.ping_timeout is not None and self.ping_timer is not None:
            assert self.ping_interval is not None
            self.ping_timer.cancel()
            due = max(self.ping_sent_at + self.ping_interval, self.loop.time())
            self.ping_timer = self.loop.call_at(due, self._ping)

    def _pong_is_late(self) -> None:
        if self._reading_paused:
            # The pong may well lie behind the messages that the application does not take.
            assert self.ping_timeout is not None
            self.ping_timer = self.loop.call_later(self.ping_timeout, self._pong_is_late)
            return
        self.ping_timer = None
        self._pending_ping = None
        self._ping_failed(encode_close(TIMEOUT_CODE, TIMEOUT_REASON))

    def _ping_failed(self, frame: bytes) -> None:  # pragma: no cover - a class above has its own
        """End a connection whose peer does not answer; `frame` is the close frame for it."""
        raise NotImplementedError
