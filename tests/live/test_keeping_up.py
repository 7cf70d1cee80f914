"""Who answers no pings is dropped in time, and who does not read: the others notice nothing."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from typing import Any

import pytest
from helpers import make_frame
from live.people import Person, get_token
from live.programs import PATIENCE, Server
from websockets.exceptions import ConnectionClosed

INTERVAL, TIMEOUT = 1.0, 0.5  # of pings, in seconds
BULK = "x" * 60_000
MANY = 200


def enter_silently(page: str, token: str) -> socket.socket:
    """Open a WebSocket by hand: nobody will answer pings on it."""
    host, _, port = page.removeprefix("http://").partition(":")
    sock = socket.create_connection((host, int(port)), timeout=PATIENCE)
    sock.sendall(
        f"GET /ws?token={token} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    return sock


def all_that_comes(sock: socket.socket) -> bytes:
    """Read until the server closes."""
    said = b""
    while part := sock.recv(65536):
        said += part
    return said


def test_pings_that_are_not_answered() -> None:
    with Server("--ping-interval", INTERVAL, "--ping-timeout", TIMEOUT) as server:
        with Person(server.page, "who answers").join("lobby") as answers:
            start = time.monotonic()
            with enter_silently(server.page, get_token(server.page, "who does not")) as silent:
                said = all_that_comes(silent)
            took = time.monotonic() - start
            assert answers.until("presence", channel="lobby")["count"] == 1
            answers.publish("lobby", "still here")
            answers.until("message", text="still here")
    ping = said.index(b"\x89\x04")
    end = said.index(make_frame(8, (1011).to_bytes(2, "big") + b"keepalive ping timeout"))
    assert ping < end
    assert INTERVAL + TIMEOUT - 0.1 < took < INTERVAL + TIMEOUT + 3


def test_pings_that_are_answered_keep_a_connection() -> None:
    with Server("--ping-interval", 0.2, "--ping-timeout", 0.2) as server:
        with Person(server.page, "ada").join("lobby") as ada:
            deadline = time.monotonic() + 2
            while (left := deadline - time.monotonic()) > 0:
                try:
                    ada.hear(left)
                except TimeoutError:
                    break
            ada.publish("lobby", "after ten pings")
            ada.until("message", text="after ten pings")


@contextmanager
def slow_and_quick(*options: object) -> Iterator[tuple[Person, Person]]:
    """Give someone who does not read until he is asked to, and someone who goes on."""
    free = ["--messages-per-second", 10_000, "--burst", 10_000]
    with Server(*free, *options) as server, ExitStack() as stack:
        quick = stack.enter_context(Person(server.page, "quick").join("lobby"))
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        sock.connect(("127.0.0.1", server.port))
        slow = Person(server.page, "slow", sock=sock, max_queue=1)
        yield stack.enter_context(slow.join("lobby")), quick


def flood(quick: Person) -> None:
    """Publish more than any buffer takes, and hear each before the next: that is to keep up."""
    for number in range(MANY):
        quick.publish("lobby", f"{number} {BULK}")
        quick.until("message", text=f"{number} {BULK}")


def test_who_lets_too_much_wait_is_dropped() -> None:
    with slow_and_quick("--backlog", 20) as (slow, quick):
        flood(quick)
        heard = []
        with pytest.raises(ConnectionClosed):
            while True:
                heard.append(slow.hear())
        assert slow.connection.close_code == 1013
        assert slow.connection.close_reason == "does not keep up with what it subscribed to"
        # What it was sent until then is whole and in order.
        texts = [said["text"] for said in heard if said["type"] == "message"]
        assert 0 < len(texts) < MANY
        assert texts == [f"{number} {BULK}" for number in range(len(texts))]
        quick.say("unsubscribe", channel="lobby")
        quick.say("subscribe", channel="lobby")
        assert quick.until("subscribed")["count"] == 1


def test_stale_points_are_skipped() -> None:
    enough = ["--backlog", 2 * MANY, "--backlog-size", 2 * MANY * len(BULK)]
    with slow_and_quick(*enough, "--chart-interval", 0.02) as (slow, quick):
        slow.say("subscribe", channel="chart")
        flood(quick)
        quick.say("subscribe", channel="chart")
        points = [second for _ in range(100) if (second := second_of(quick.hear()))]
        stuck = points[-1] - points[0]
        # All that was published comes, but of the points those from before, and the last.
        texts, seconds = [], [0.0]
        while len(texts) < MANY or seconds[-1] <= points[-1]:
            said = slow.hear()
            if isinstance(said, bytes):
                seconds.append(second_of(said))
            elif said["type"] == "message":
                texts.append(said["text"])
        assert texts == [f"{number} {BULK}" for number in range(MANY)]
        assert max(after - before for before, after in pairwise(seconds[1:])) > stuck
        assert max(after - before for before, after in pairwise(points)) < stuck


def second_of(said: bytes | dict[str, Any]) -> float:
    """Give the first number of a point of the chart; 0 for anything else."""
    return struct.unpack("<6f", said)[0] if isinstance(said, bytes) else 0.0
