"""Two servers, a Redis that they share and the nginx of the example before them: one system."""

from __future__ import annotations

import http.client
import signal
import ssl
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from live.people import Person
from live.programs import PATIENCE
from live.system import System, running
from websockets.exceptions import ConnectionClosed

CLIENTS = 10


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(tmp_path_factory.mktemp("live")) as system:
        yield system


def test_published_on_one_arrives_on_the_other(system: System) -> None:
    with (
        system.person("ada", system.cookie_for("one")).join("lobby") as ada,
        system.person("bob", system.cookie_for("two")).join("lobby") as bob,
    ):
        assert (ada.node, bob.node) == ("one", "two")
        assert ada.until("presence", count=2)["names"] == ["ada", "bob"]
        for speaker in (ada, bob):
            speaker.publish("lobby", f"{speaker.node} speaks")
            for listener in (ada, bob):
                said = listener.until("message", text=f"{speaker.node} speaks")
                assert said["name"] == speaker.name


def test_both_hear_one_order(system: System) -> None:
    with (
        system.person("ada", system.cookie_for("one")).join("lobby") as ada,
        system.person("bob", system.cookie_for("two")).join("lobby") as bob,
    ):
        for number in range(100):
            ada.publish("lobby", f"ada {number}")
            bob.publish("lobby", f"bob {number}")
        heard = [[who.until("message")["text"] for _ in range(200)] for who in (ada, bob)]
    assert heard[0] == heard[1]
    assert sorted(heard[0]) == sorted(f"{who} {n}" for who in ("ada", "bob") for n in range(100))


def test_a_browser_stays_with_its_server(system: System) -> None:
    trust = ssl.create_default_context(cafile=system.certificate)
    with urllib.request.urlopen(system.address, context=trust) as answer:
        cookie, *attributes = answer.headers["Set-Cookie"].split("; ")
    assert {"Secure", "HttpOnly"} <= {*attributes}
    nodes = set()
    for _ in range(5):
        with system.person("ada", cookie) as ada:
            nodes.add(ada.node)
    assert len(nodes) == 1


def test_a_foreign_page_is_refused_behind_nginx_too(system: System) -> None:
    own, foreign = system.address, "https://evil.example"
    for origin, answer in ((own, 101), (foreign, 403)):
        assert handshake(system, origin) == answer


def handshake(system: System, origin: str) -> int:
    """Give the status of the answer to a WebSocket's request."""
    trust = ssl.create_default_context(cafile=system.certificate)
    place = system.address.removeprefix("https://")
    connection = http.client.HTTPSConnection(place, context=trust, timeout=PATIENCE)
    headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    headers |= {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Origin": origin}
    connection.request("GET", "/ws", headers=headers)
    status = connection.getresponse().status
    connection.close()
    return status


class Counting(threading.Thread):
    """Somebody who says number after number, and hears each before the next."""

    def __init__(self, person: Person) -> None:
        super().__init__()
        self.said = -1  # the last number that was heard by the one who says it
        self._person = person
        self._enough = threading.Event()
        self._more = threading.Condition()

    def run(self) -> None:
        while not self._enough.wait(0.005):
            self._person.publish("lobby", str(self.said + 1))
            self._person.until("message", text=str(self.said + 1))
            with self._more:
                self.said += 1
                self._more.notify_all()

    def wait_for(self, number: int) -> None:
        with self._more:
            assert self._more.wait_for(lambda: self.said >= number, PATIENCE)

    def stop(self) -> int:
        """Give the last number."""
        self._enough.set()
        self.join()
        return self.said


def sent_away(person: Person) -> int | None:
    """Hear what comes until the end; give its code."""
    with pytest.raises(ConnectionClosed):
        while True:
            person.hear()
    return person.connection.close_code


def test_a_server_is_drained(system: System) -> None:
    one, cookie = system.servers["one"], system.cookie_for("one")
    people = [system.person(f"ada {n}", cookie).join("lobby") for n in range(CLIENTS)]
    with system.person("bob", system.cookie_for("two")).join("lobby") as bob, ExitStack() as stack:
        counting = Counting(bob)
        counting.start()
        for person in people:
            person.until("message")
        one.process.send_signal(signal.SIGTERM)
        backs = []
        for person in people:
            assert person.node == "one"
            assert sent_away(person) == 1012
            back = stack.enter_context(system.person(person.name, cookie)).join("lobby")
            assert back.node == "two"
            backs.append((back, counting.said + 2))  # the number behind that one is under way
        one.end()
        counting.wait_for(counting.said + 50)
        last = counting.stop()
        for back, first in backs:
            heard = [int(back.until("message")["text"])]
            assert heard[0] <= first
            while heard[-1] < last:
                heard.append(int(back.until("message")["text"]))
            assert heard == [*range(heard[0], last + 1)]
        bob.say("unsubscribe", channel="lobby")
        bob.say("subscribe", channel="lobby")
        names = bob.until("subscribed")["names"]
    assert names == sorted(["bob", *(person.name for person in people)])
    one.start().wait_for("Redis is there")
    with system.person("ada", system.cookie_for("one")) as ada:
        assert ada.node == "one"


def test_redis_goes_and_comes_back(system: System) -> None:
    seen = {name: len(server.lines) for name, server in system.servers.items()}
    with (
        system.person("ada", system.cookie_for("one")).join("lobby") as ada,
        system.person("bob", system.cookie_for("two")).join("lobby") as bob,
    ):
        system.redis.end()
        for name, server in system.servers.items():
            assert "trying again" in server.wait_for("Redis is away", seen[name])
        for speaker in (ada, bob):
            speaker.publish("lobby", "does anybody hear me?")
            assert speaker.until("error")["reason"] == "not sent: the servers are apart"
        seen = {name: len(server.lines) for name, server in system.servers.items()}
        system.redis.start()
        for name, server in system.servers.items():
            server.wait_for("Redis is there: channels are shared", seen[name])
        for speaker in (ada, bob):
            speaker.publish("lobby", f"{speaker.name} is back")
            for listener in (ada, bob):
                listener.until("message", text=f"{speaker.name} is back")
        # That Redis was away is said once, and not at each try.
    for server in system.servers.values():
        assert sum("Redis is away" in line for line in server.lines) == 1


@pytest.mark.slow
def test_a_server_that_is_killed_is_forgotten(system: System) -> None:
    two = system.servers["two"]
    with system.person("ada", system.cookie_for("one")).join("lobby") as ada:
        with system.person("bob", system.cookie_for("two")).join("lobby") as bob:
            ada.until("presence", count=2)
            two.end(signal.SIGKILL)
            assert sent_away(bob) == 1006
        assert ada.until("presence", count=1)["names"] == ["ada"]
    two.start().wait_for("Redis is there")
