"""Who subscribed to what: the part of a pub/sub server that is the same under every library.

Clients send JSON in text messages, and get JSON:

    {"type": "subscribe", "channel": "news"}              {"type": "subscribed", "channel": "news"}
    {"type": "unsubscribe", "channel": "news"}            {"type": "unsubscribed", ...}
    {"type": "publish", "channel": "news", "text": "hi"}  to all who subscribed:
                                            {"type": "message", "channel": "news", "text": "hi"}
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Hashable
from typing import Any, Generic, TypeVar

# Close codes of this application. The protocol's own for the same are 1008 and 1003, but under
# daphne an application may close with none but 1000 and those from 3000 on.
NOT_FOR_US = 4008  # a message that asks for nothing that there is
WRONG_KIND = 4003  # bytes, where text is spoken
BACKLOG = 100  # messages that wait for one client

Member = TypeVar("Member", bound=Hashable)


class BadMessage(ValueError):
    """What a client sent is none of the three."""


class Channels(Generic[Member]):
    """The channels that somebody subscribed to; a member is whatever the server sends to."""

    def __init__(self) -> None:
        self._members: dict[str, set[Member]] = {}

    def take(self, member: Member, text: str) -> tuple[str, Collection[Member]]:
        """Do what a message asks for; give what is to be sent then, and to whom.

        Raises:
            BadMessage: nothing can be done.
        """
        match parse(text):
            case {"type": "subscribe", "channel": str(channel)}:
                self._members.setdefault(channel, set()).add(member)
                return json.dumps({"type": "subscribed", "channel": channel}), [member]
            case {"type": "unsubscribe", "channel": str(channel)}:
                self._remove(member, channel)
                return json.dumps({"type": "unsubscribed", "channel": channel}), [member]
            case {"type": "publish", "channel": str(channel), "text": str(words)}:
                message = {"type": "message", "channel": channel, "text": words}
                return json.dumps(message), self._members.get(channel, set()).copy()
        raise BadMessage("not subscribe, unsubscribe or publish")

    def leave(self, member: Member) -> None:
        """Take a member out of all channels."""
        for channel in list(self._members):
            self._remove(member, channel)

    def _remove(self, member: Member, channel: str) -> None:
        members = self._members.get(channel, set())
        members.discard(member)
        if not members:  # a channel that nobody listens to takes no memory
            self._members.pop(channel, None)


class Outbox(asyncio.Queue[str]):
    """What waits for one client, so that a slow one holds nobody up: it misses the oldest."""

    def __init__(self) -> None:
        super().__init__(BACKLOG)

    def put_latest(self, text: str) -> None:
        """Add a message, in the place of the oldest if need be."""
        if self.full():
            self.get_nowait()
        self.put_nowait(text)


def parse(text: str) -> Any:
    """Read JSON, however broken."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise BadMessage("not JSON") from None
