"""The channels of one server: who is in them here, and who on the other servers.

What is published goes over the bus and comes back to every server, this one included, so that all
see the same order. Who is present is told when it changes, a few times a second at most, and now
and again in full, so that a server which came late, or vanished, is noticed.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict
from typing import Any

from .bus import LocalBus, RedisBus
from .chart import CHART, Chart
from .session import Session
from .settings import Settings

SETTLE = 0.2  # seconds to collect who comes and goes
TELL = 5.0  # seconds between two full accounts
FORGET = 3 * TELL  # a server that is silent for so long is gone
NAMES = 50  # at most are told of a channel, with the number of all


class Hub:
    """Every channel of a server."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.chart = Chart(settings.chart_interval)
        self._here: defaultdict[str, set[Session]] = defaultdict(set)
        self._there: dict[str, tuple[float, dict[str, Any]]] = {}  # by server: until, channels
        self._changed: set[str] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self.bus: LocalBus | RedisBus = (
            RedisBus(settings.redis, self._deliver) if settings.redis else LocalBus(self._deliver)
        )
        self.bus.on_return = self._announce

    async def start(self) -> None:
        """Start the bus, the chart, and the accounts of who is present."""
        await self.bus.start()
        for work in (self.chart.run, self._settle, self._retell):
            self._tasks.append(asyncio.create_task(work()))

    async def stop(self) -> None:
        """Say that this server is gone, and stop."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._send("gone")
        await self.bus.stop()

    # --- What sessions ask for -------------------------------------------------------------------

    def subscribe(self, session: Session, channel: str) -> None:
        """Put a session into a channel, and tell it who is there."""
        session.channels.add(channel)
        if channel == CHART:
            self.chart.watchers.add(session)
            session.tell("subscribed", channel=channel, count=0, names=[])
            return
        self._here[channel].add(session)
        self._changed.add(channel)
        session.tell("subscribed", channel=channel, **self._present(channel))

    def unsubscribe(self, session: Session, channel: str) -> None:
        """Take a session out of a channel."""
        session.channels.discard(channel)
        if channel == CHART:
            self.chart.watchers.discard(session)
        else:
            self._here[channel].discard(session)
            self._changed.add(channel)
        session.tell("unsubscribed", channel=channel)

    def publish(self, session: Session, channel: str, text: str) -> None:
        """Send a text to all that are in a channel, on every server."""
        said = {"channel": channel, "name": session.name, "text": text, "at": time.time()}
        if channel == CHART:
            session.tell("error", channel=channel, reason="this channel has nothing but the chart")
        elif not self._send("message", **said):
            session.tell("error", channel=channel, reason="not sent: the servers are apart")

    def count_in(self) -> None:
        """Count a message that came."""
        self.chart.came += 1

    def count_out(self) -> None:
        """Count a message that was sent."""
        self.chart.sent += 1

    # --- The other servers -----------------------------------------------------------------------

    def _send(self, kind: str, **fields: Any) -> bool:
        text = json.dumps({"type": kind, "node": self.settings.node, **fields})
        return self.bus.send(text.encode())

    def _deliver(self, data: bytes) -> None:
        """Take what a server sent: this one or another."""
        message = json.loads(data)
        kind, node = message["type"], message["node"]
        if kind == "message":
            text = data.decode()  # as it is: written once for all servers and all clients
            for session in self._here.get(message["channel"], ()):
                session.send(text)
        elif node != self.settings.node:
            _, before = self._there.pop(node, (0.0, {}))
            after = message.get("channels", {})
            if kind == "present":
                self._there[node] = time.monotonic() + FORGET, after
                if not before and message.get("asks"):
                    self._announce(asks=False)
            self._changed.update(c for c in before.keys() | after if before.get(c) != after.get(c))

    def _announce(self, asks: bool = True) -> None:
        """Tell the other servers who is here, and ask them back."""
        channels = {name: self._count(name) for name, here in self._here.items() if here}
        self._send("present", channels=channels, asks=asks)

    # --- Who is present --------------------------------------------------------------------------

    def _count(self, channel: str) -> dict[str, Any]:
        here = self._here[channel]
        return {"count": len(here), "names": sorted({s.name for s in here})[:NAMES]}

    def _present(self, channel: str) -> dict[str, Any]:
        counts = [self._count(channel)]
        counts += [there[channel] for _, there in self._there.values() if channel in there]
        names = sorted({name for count in counts for name in count["names"]})
        return {"count": sum(count["count"] for count in counts), "names": names[:NAMES]}

    async def _settle(self) -> None:
        """Tell who is present where that has changed."""
        while True:
            await asyncio.sleep(SETTLE)
            changed, self._changed = self._changed, set()
            if not changed:
                continue
            self._announce(asks=False)
            for channel in changed:
                present = self._present(channel)
                text = json.dumps({"type": "presence", "channel": channel, **present})
                for session in self._here[channel]:
                    session.send(text)
                if not self._here[channel]:
                    del self._here[channel]

    async def _retell(self) -> None:
        """Tell the other servers in full now and again, and forget those that are silent."""
        while True:
            await asyncio.sleep(TELL)
            for node, (until, channels) in list(self._there.items()):
                if until < time.monotonic():
                    del self._there[node]
                    self._changed.update(channels)
            self._announce(asks=False)
