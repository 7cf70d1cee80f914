"""Each attack of the example's script gets the answer that the guide names; others notice nothing.

The guide's table of close codes is what is expected here, and the script's own column has to agree.
"""

from __future__ import annotations

import asyncio
import importlib.util
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from live.people import Person
from live.programs import EXAMPLE, PATIENCE, Server

SHORT = ["--ping-interval", 2, "--ping-timeout", 1, "--hello-timeout", 1, "--token-age", 2]
LONGEST = 2.0  # seconds that a bystander may wait, on a machine that others use too
GUIDE = {
    "a page from elsewhere (Origin)": "HTTP 403",
    "no token at all": "1008",
    "a token that was made up": "1008",
    "a token that has expired": "1008",
    "a message of 10 MB": "1009",
    "1000 messages in a second": "1008",
    "1000 connections from one address": "1013",
    "text that is not UTF-8": "1007",
    "a bomb: 100 MB compressed to 100 KB": "1009",
    "a frame that is not masked": "1002",
    "a message that nobody knows": "1008",
    "half-open: pings are not answered": "1011",
}

_spec = importlib.util.spec_from_file_location("attack_of_the_example", EXAMPLE / "attack.py")
assert _spec and _spec.loader
attack: Any = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(attack)


class Bystander(threading.Thread):
    """Someone at another address who talks to himself, and measures how long that takes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.person = Person(page, "bystander", local_addr=("127.0.0.2", 0)).join("lobby")
        self.said = self.heard = 0
        self.longest = 0.0
        self.talking = threading.Event()
        self.enough = threading.Event()

    def run(self) -> None:
        with self.person as person:
            while not self.enough.wait(0.05):
                self.said += 1
                start = time.monotonic()
                person.publish("lobby", f"still here {self.said}")
                person.until("message", text=f"still here {self.said}")
                self.heard += 1
                self.longest = max(self.longest, time.monotonic() - start)
                self.talking.set()


@pytest.fixture(scope="module")
def page() -> Iterator[str]:
    with Server(*SHORT) as server:
        yield server.page


@pytest.fixture
def bystander(page: str) -> Iterator[Bystander]:
    bystander = Bystander(page)
    bystander.start()
    yield bystander
    bystander.enough.set()
    bystander.join()


def test_the_script_and_the_guide_name_the_same() -> None:
    assert {name: answer for name, (answer, _) in attack.ATTACKS.items()} == GUIDE


@pytest.mark.parametrize("name", GUIDE)
def test_refused(name: str, page: str, bystander: Bystander) -> None:
    _, run = attack.ATTACKS[name]
    assert bystander.talking.wait(PATIENCE)
    assert asyncio.run(run(page)) == GUIDE[name]
    bystander.enough.set()
    bystander.join()
    assert bystander.said == bystander.heard
    assert bystander.longest < LONGEST
