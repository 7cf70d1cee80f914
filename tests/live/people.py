"""Somebody who uses the live example from a program: what the page does, without a page."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
import time
import urllib.request
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self, TypeVar

from live.programs import PATIENCE
from websockets.asyncio.client import ClientConnection, connect

T = TypeVar("T")


def get_token(page: str, name: str, trust: ssl.SSLContext | None = None, cookie: str = "") -> str:
    """Ask for a token as the page does."""
    headers = {"Content-Type": "application/json", "Cookie": cookie}
    body = json.dumps({"name": name}).encode()
    asked = urllib.request.Request(f"{page}/token", body, headers)
    with urllib.request.urlopen(asked, context=trust) as answer:
        token: str = json.load(answer)["token"]
        return token


def _run_for_ever() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    return loop


# In a thread, so that tests need not be coroutines. The client of websockets that works with
# threads alone is not taken: two of them use one TLS connection at once, and it hangs now and then.
LOOP = _run_for_ever()


def wait(work: Coroutine[Any, Any, T]) -> T:
    """Run it in that thread; give its result."""
    return asyncio.run_coroutine_threadsafe(work, LOOP).result()


class Person:
    """One connection; it answers pings by itself."""

    def __init__(
        self, page: str, name: str, *, certificate: Path | None = None, cookie: str = "", **how: Any
    ) -> None:
        self.name = name
        trust = ssl.create_default_context(cafile=certificate) if certificate else None
        token = get_token(page, name, trust, cookie)
        how = {"compression": None, "max_size": None, "ping_interval": None, "ssl": trust} | how
        address = f"{page.replace('http', 'ws', 1)}/ws?token={token}"
        self.connection = wait(self._connect(address, {"Cookie": cookie}, how))
        self.node: str = self.until("welcome")["node"]

    async def _connect(self, address: str, headers: Any, how: Any) -> ClientConnection:
        self._open = AsyncExitStack()
        opening = connect(address, additional_headers=headers, **how)
        return await self._open.enter_async_context(opening)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        wait(self._open.aclose())

    def say(self, kind: str, **fields: Any) -> None:
        """Send a message of this type."""
        wait(self.connection.send(json.dumps({"type": kind, **fields})))

    def publish(self, channel: str, text: str) -> None:
        self.say("publish", channel=channel, text=text)

    def join(self, channel: str) -> Self:
        """Subscribe, and wait until that is so."""
        self.say("subscribe", channel=channel)
        self.until("subscribed", channel=channel)
        return self

    def hear(self, timeout: float = PATIENCE) -> dict[str, Any] | bytes:
        """Give the next message; a point of the chart is bytes."""
        said = wait(asyncio.wait_for(self.connection.recv(), timeout))
        if isinstance(said, bytes):
            return said
        message: dict[str, Any] = json.loads(said)
        return message

    def until(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Give the next message of this type that has these fields; others are passed over."""
        deadline = time.monotonic() + PATIENCE
        while True:
            message = self.hear(max(0.0, deadline - time.monotonic()))
            if not isinstance(message, bytes) and message["type"] == kind:
                if fields.items() <= message.items():
                    return message
