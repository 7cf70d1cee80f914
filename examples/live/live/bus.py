"""How servers share what is published: not at all, or by Redis.

A bus takes bytes and gives them to every server, the one that sent them included. What one server
has sent comes back to it in the same order.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

TOPIC = "live"
RETRY = 0.5  # seconds between tries to reach Redis again

logger = logging.getLogger("uvicorn.error")
Deliver = Callable[[bytes], None]


class LocalBus:
    """The bus of a server that stands alone."""

    def __init__(self, deliver: Deliver) -> None:
        self._deliver = deliver
        self.on_return: Callable[[], None] = lambda: None
        self.up = True

    async def start(self) -> None:
        """There is nothing to start."""

    async def stop(self) -> None:
        """There is nothing to stop."""

    def send(self, data: bytes) -> bool:
        """Hand it over at once; always True."""
        self._deliver(data)
        return True


class RedisBus:
    """Redis's publish and subscribe; while Redis is away nothing can be sent."""

    def __init__(self, url: str, deliver: Deliver) -> None:
        # Trying again is done here, where it is seen and told.
        self._client = redis.asyncio.Redis.from_url(
            url, socket_connect_timeout=2, health_check_interval=5, retry=Retry(NoBackoff(), 0)
        )
        self._deliver = deliver
        self.on_return: Callable[[], None] = lambda: None  # called whenever Redis is (back) there
        self.up = False
        self._outbox: asyncio.Queue[bytes] = asyncio.Queue(maxsize=10_000)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Start to listen and to send."""
        for work in (self._listen, self._send):
            self._tasks.append(asyncio.create_task(work()))

    async def stop(self) -> None:
        """Send what waits, and stop."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._outbox.join(), 1)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.aclose()

    def send(self, data: bytes) -> bool:
        """Send to every server; False where Redis is away or does not keep up."""
        if not self.up:
            return False
        try:
            self._outbox.put_nowait(data)
        except asyncio.QueueFull:
            return False
        return True

    async def _send(self) -> None:
        while True:
            data = await self._outbox.get()
            try:
                await self._client.publish(TOPIC, data)
            except (RedisError, OSError) as error:
                logger.warning("a message is lost on its way to Redis: %s", error)
            finally:
                self._outbox.task_done()

    async def _listen(self) -> None:
        warned = False
        while True:
            try:
                await self._follow()
            except (RedisError, OSError) as error:
                if self.up or not warned:
                    logger.warning("Redis is away (%s); trying again", error)
                warned = True
                self.up = False
            await asyncio.sleep(RETRY)

    async def _follow(self) -> None:
        """Deliver what comes, until Redis goes away."""
        async with self._client.pubsub() as pubsub:
            await pubsub.subscribe(TOPIC)
            async for message in pubsub.listen():
                if message["type"] == "message":
                    self._deliver(message["data"])
                elif message["type"] == "subscribe":
                    logger.info("Redis is there: channels are shared")
                    self.up = True
                    self.on_return()
