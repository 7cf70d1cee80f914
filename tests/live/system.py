"""A whole system: two servers of the example, "one" and "two", their Redis, nginx before them."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from live.people import Person
from live.programs import PATIENCE, Program, Server, nginx, redis


@dataclass
class System:
    """What runs, and where to find it."""

    servers: dict[str, Server]
    redis: Program
    address: str
    certificate: Path

    def person(self, name: str, cookie: str = "") -> Person:
        """Connect through nginx; `cookie` chooses the server."""
        return Person(self.address, name, certificate=self.certificate, cookie=cookie)

    def cookie_for(self, node: str) -> str:
        """Find a cookie that leads to this server."""
        deadline = time.monotonic() + PATIENCE
        for number in itertools.count():
            cookie = f"sticky=visitor-{number}"
            with self.person("who seeks", cookie) as seeker:
                if seeker.node == node:
                    return cookie
            assert time.monotonic() < deadline, f"nginx leads nobody to {node}"
        raise AssertionError


@contextmanager
def running(folder: Path) -> Iterator[System]:
    """Start all of it."""
    shared, url = redis(folder)
    options = ["--redis", url, "--max-connections", 100]
    options += ["--messages-per-second", 1000, "--burst", 1000]
    with (
        shared,
        Server("--node", "one", *options) as one,
        Server("--node", "two", *options) as two,
        nginx(folder, one, two) as address,
    ):
        for server in (one, two):
            server.wait_for("Redis is there")
        yield System({"one": one, "two": two}, shared, address, folder / "live.crt")
