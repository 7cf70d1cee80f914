"""The chart: how busy this server is, as binary messages of six 32-bit floats each.

They are little-endian, as a Float32Array is on every machine that has a browser: the seconds that
the server runs, connections, messages that came and were sent a second, the milliseconds that the
event loop came late, and the processor's share in per cent.
"""

from __future__ import annotations

import asyncio
import struct
import time
from typing import Protocol

CHART = "chart"  # the channel of that name
POINT = struct.Struct("<6f")


class Watcher(Protocol):
    """Who looks at the chart."""

    def show(self, point: bytes) -> None: ...


class Chart:
    """Measure, and show it to those who watch."""

    def __init__(self, interval: float) -> None:
        self.watchers: set[Watcher] = set()
        self.connections = 0
        self.came = 0  # messages since the last point
        self.sent = 0
        self._interval = interval

    async def run(self) -> None:
        """Send a point at each interval, for as long as the server runs."""
        start = last = time.monotonic()
        busy = time.process_time()
        while True:
            await asyncio.sleep(self._interval)
            now, busy_now = time.monotonic(), time.process_time()
            took = now - last
            late = (took - self._interval) * 1000
            share = (busy_now - busy) / took * 100
            rates = self.came / took, self.sent / took
            self.came = self.sent = 0
            last, busy = now, busy_now
            point = POINT.pack(now - start, self.connections, *rates, late, share)
            for watcher in self.watchers:
                watcher.show(point)
