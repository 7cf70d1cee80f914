"""One client's connection: what it sends, checked, and what it is sent, in a queue that has an end.

Text messages wait in order, and a client that lets too many wait is dropped with 1013. Of the
chart's points the last alone waits: an old one is of no use.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from typing import Any, Protocol

import pydantic
from starlette.websockets import WebSocket

from .limits import Rate
from .messages import REQUEST, Ping, Publish, Request, Subscribe, Unsubscribe, complaint
from .settings import Settings

POLICY, UNSUPPORTED, TRY_LATER = 1008, 1003, 1013  # RFC 6455 7.4.1, and IANA's registry


class Goodbye(Exception):
    """The connection is to be closed with this code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code, self.reason = code, reason


class Room(Protocol):
    """What a session wants of the hub."""

    def subscribe(self, session: Session, channel: str) -> None: ...
    def unsubscribe(self, session: Session, channel: str) -> None: ...
    def publish(self, session: Session, channel: str, text: str) -> None: ...
    def count_in(self) -> None: ...
    def count_out(self) -> None: ...


class Session:
    """One client that has shown its token."""

    def __init__(self, websocket: WebSocket, name: str, room: Room, settings: Settings) -> None:
        self.name = name
        self.channels: set[str] = set()
        self._websocket = websocket
        self._room = room
        self._settings = settings
        self._rate = Rate(settings.messages_per_second, settings.burst)
        self._queue: deque[str] = deque()
        self._queued = 0  # characters in it
        self._point: bytes | None = None
        self._wake = asyncio.Event()
        self._slow = asyncio.Event()

    # --- What it is sent -------------------------------------------------------------------------

    def send(self, text: str) -> None:
        """Queue a message; where too many wait, it is the end of the session."""
        self._queue.append(text)
        self._queued += len(text)
        settings = self._settings
        if len(self._queue) > settings.backlog or self._queued > settings.backlog_size:
            self._slow.set()
        self._wake.set()

    def tell(self, kind: str, **fields: Any) -> None:
        """Queue a message of this type."""
        self.send(json.dumps({"type": kind, **fields}))

    def show(self, point: bytes) -> None:
        """Queue a point of the chart, in the place of one that still waits."""
        self._point = point
        self._wake.set()

    async def _write(self) -> None:
        """Send what is queued; send() returns when the transport takes more."""
        send = self._websocket.send
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue or self._point is not None:
                if self._queue:
                    text = self._queue.popleft()
                    self._queued -= len(text)
                    await send({"type": "websocket.send", "text": text})
                else:
                    point, self._point = self._point, None
                    await send({"type": "websocket.send", "bytes": point})
                self._room.count_out()

    async def _give_up(self) -> None:
        await self._slow.wait()
        raise Goodbye(TRY_LATER, "does not keep up with what it subscribed to")

    # --- What it sends ---------------------------------------------------------------------------

    async def _read(self) -> None:
        while (message := await self._websocket.receive())["type"] == "websocket.receive":
            self._room.count_in()
            if not self._rate.take():
                raise Goodbye(POLICY, "too many messages")
            text = message.get("text")
            if text is None:
                raise Goodbye(UNSUPPORTED, "binary messages go the other way only")
            try:
                self._do(REQUEST.validate_json(text))
            except pydantic.ValidationError as error:
                raise Goodbye(POLICY, complaint(error)) from None

    def _do(self, request: Request) -> None:
        match request:
            case Ping(sent=sent):
                self.tell("pong", sent=sent)
            case Publish(channel=channel, text=text):
                if channel in self.channels:
                    self._room.publish(self, channel, text)
                else:
                    self.tell("error", channel=channel, reason="subscribe before you publish")
            case Subscribe(channel=channel):
                if channel in self.channels:
                    return
                if len(self.channels) >= self._settings.channels_per_connection:
                    raise Goodbye(POLICY, "too many channels")
                self._room.subscribe(self, channel)
            case Unsubscribe(channel=channel):
                if channel in self.channels:
                    self._room.unsubscribe(self, channel)

    async def run(self) -> None:
        """Serve the client until either side ends; Goodbye says how we do."""
        works = [asyncio.create_task(work()) for work in (self._read, self._write, self._give_up)]
        try:
            done, _ = await asyncio.wait(works, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for work in works:
                work.cancel()
            await asyncio.gather(*works, return_exceptions=True)
            for channel in list(self.channels):
                self._room.unsubscribe(self, channel)
        for work in done:
            work.result()
