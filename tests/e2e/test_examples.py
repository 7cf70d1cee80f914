"""The servers of examples/echo, started by the commands of its README.md, serve real clients.

Each is a real process under `fastws run`, and is asked how many frames the adapter of its library
has read and written meanwhile: the work has to be ours.
"""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from e2e.example_servers import FOLDER, LIBRARIES, Server, commands, running

client = pytest.importorskip("websockets.sync.client")
exceptions = pytest.importorskip("websockets.exceptions")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="asks servers over Unix sockets"),
]

LARGE = os.urandom(300_000)  # large enough for aiohttp, whose small frames we leave to it
MESSAGES = ["hello", "", "Grüße, 世界 🌍" * 50, b"", bytes(range(256)), LARGE, "é" * 200_000]
FRAGMENTS = (["in ", "", "three ", "parts"], [b"in ", b"two"])
# What the hosts do by themselves, fastws or not: answer each close code with 1000; end broken text
# without a close frame.
SAYS_1000 = {"aiohttp", "autobahn"}
HANGS_UP = {"tornado", "wsproto", "autobahn"}
# Where all that a client does not read waits in the server's memory: by the broadcast() of
# websockets, and by Twisted's transports under daphne.
KEEPS_ALL = {"websockets", "daphne"}


class Case(NamedTuple):
    """A server that runs under a host."""

    server: Server
    host: str

    @property
    def library(self) -> str:
        """Say whose adapter does the work."""
        return LIBRARIES[self.host]


def started(kind: str, host: str) -> Iterator[Case]:
    pytest.importorskip(host)
    with running(commands()[kind][host], LIBRARIES[host]) as server:
        yield Case(server, host)


@pytest.fixture(scope="module", params=LIBRARIES)
def echo(request: pytest.FixtureRequest) -> Iterator[Case]:
    yield from started("echo", request.param)


@pytest.fixture(scope="module", params=LIBRARIES)
def pubsub(request: pytest.FixtureRequest) -> Iterator[Case]:
    yield from started("pubsub", request.param)


def told_at_work(server: Server) -> Counter[str]:
    """Give the counters of a server that has our adapter in."""
    states, counters = server.told()
    # A process that only looks after its workers never imports the library: hypercorn's.
    assert {"on"} <= states <= {"on", "waiting"}
    return counters


def connect(url: str, **options: Any) -> Any:
    return client.connect(url, max_size=None, open_timeout=30, **options)


def test_the_readme_has_each_host_and_each_program() -> None:
    assert {kind: {*rows} for kind, rows in commands().items()} == {
        kind: {*LIBRARIES} for kind in ("echo", "pubsub")
    }
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    for program in FOLDER.glob("*.py"):
        assert program.name in text or f"{program.stem}:app" in text
        assert "import fastws" not in program.read_text(encoding="utf-8")


# --- Echo ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("compression", ["deflate", None])
def test_messages_come_back_and_the_work_is_ours(echo: Case, compression: str | None) -> None:
    before = told_at_work(echo.server)
    # daphne sends nothing where a message is empty.
    messages = [message for message in MESSAGES if message or echo.library != "autobahn"]
    with connect(echo.server.url, compression=compression) as connection:
        for message in messages:
            connection.send(message)
            assert connection.recv(timeout=30) == message
        for parts in FRAGMENTS:
            connection.send(parts)
            assert connection.recv(timeout=30) == type(parts[0])().join(parts)
        assert connection.ping(b"there?").wait(30)
    counted = echo.server.told()[1] - before
    answers = len(messages) + len(FRAGMENTS)
    if echo.library == "aiohttp":
        # Messages from 256 KiB on, which do not come compressed.
        assert counted["decoded"] == (0 if compression else 2)
    elif echo.library == "wsproto" and compression:
        # With an extension it reads and writes frames itself, and has us unmask them.
        assert counted["masked"] > answers
    else:
        assert counted["decoded"] > answers  # the fragments, and the ping
        assert counted["encoded"] >= answers


@pytest.mark.parametrize(("code", "reason"), [(1000, "bye"), (3000, "enough"), (4999, "")])
def test_the_close_code_of_the_client_comes_back(echo: Case, code: int, reason: str) -> None:
    with connect(echo.server.url) as connection:
        connection.send("hello")
        assert connection.recv(timeout=30) == "hello"
        connection.close(code, reason)
    expected = 1000 if echo.library in SAYS_1000 else code
    assert connection.protocol.close_rcvd.code == expected


def test_text_that_is_not_utf8_ends_with_1007(echo: Case) -> None:
    with connect(echo.server.url, compression=None) as connection:
        connection.send(b"bad \xff", text=True)  # one frame: none follows a hang-up
        with pytest.raises(exceptions.ConnectionClosed):
            connection.recv(timeout=30)
    if echo.library in HANGS_UP:
        assert connection.protocol.close_rcvd is None
    else:
        assert connection.protocol.close_rcvd.code == 1007


def test_the_client_of_the_examples_talks_to_it(echo: Case) -> None:
    done = subprocess.run(
        [sys.executable, FOLDER / "client.py", echo.server.url],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("echoed in") == 5


# --- Publish and subscribe -----------------------------------------------------------------------


MANY = 300  # messages of 100 kB: 100 wait in the program, and some 10 MB in the system


def ask(connection: Any, kind: str, channel: str, **more: str) -> None:
    connection.send(json.dumps({"type": kind, "channel": channel, **more}))


def answer(connection: Any) -> tuple[str, ...]:
    return tuple(json.loads(connection.recv(timeout=30)).values())


def test_what_is_published_reaches_those_who_subscribed(pubsub: Case) -> None:
    before = told_at_work(pubsub.server)
    words = "Grüße 🌍" * 30_000  # large enough for aiohttp
    url = pubsub.server.url
    with connect(url, compression=None) as one, connect(url, compression=None) as two:
        for connection in (one, two):
            ask(connection, "subscribe", "news")
            assert answer(connection) == ("subscribed", "news")
        ask(two, "subscribe", "weather")
        assert answer(two) == ("subscribed", "weather")
        ask(one, "publish", "news", text=words)
        for connection in (one, two):
            assert answer(connection) == ("message", "news", words)
        ask(one, "unsubscribe", "news")
        assert answer(one) == ("unsubscribed", "news")
        ask(one, "publish", "news", text="not for myself")
        ask(one, "publish", "weather", text="nor this")
        ask(one, "publish", "nowhere", text="nobody hears it")
        assert answer(two) == ("message", "news", "not for myself")
        assert answer(two) == ("message", "weather", "nor this")
        ask(one, "subscribe", "end")
        assert answer(one) == ("subscribed", "end")  # nothing else came before it
    counted = pubsub.server.told()[1] - before
    assert counted["decoded"] >= (1 if pubsub.library == "aiohttp" else 9)


def test_those_who_left_are_forgotten(pubsub: Case) -> None:
    with connect(pubsub.server.url) as one:
        with connect(pubsub.server.url) as two:
            ask(two, "subscribe", "leaving")
            assert answer(two) == ("subscribed", "leaving")
        ask(one, "publish", "leaving", text="who hears it?")
        ask(one, "subscribe", "leaving")
        assert answer(one) == ("subscribed", "leaving")
        ask(one, "publish", "leaving", text="I do")
        assert answer(one) == ("message", "leaving", "I do")


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("no JSON", 4008),
        ('{"type": "shout", "channel": "news"}', 4008),
        ('{"type": "publish", "channel": "news", "text": 1}', 4008),
        ('{"type": "subscribe", "channel": ["news"]}', 4008),
        ("[" * 100_000, 4008),
        (b"bytes", 4003),
    ],
    ids=["json", "type", "text", "channel", "depth", "bytes"],
)
def test_what_is_none_of_the_messages_ends_it(pubsub: Case, message: Any, code: int) -> None:
    with connect(pubsub.server.url) as connection:
        connection.send(message)
        with pytest.raises(exceptions.ConnectionClosed):
            connection.recv(timeout=30)
    assert connection.protocol.close_rcvd.code == code


def test_a_client_that_does_not_read_holds_nobody_up(pubsub: Case) -> None:
    """It stops reading, and more is published than fits into all the buffers on the way.

    When it reads again, it gets the latest; what it missed is older.
    """
    words = "x" * 100_000
    url = pubsub.server.url
    slow_one = connect(url, compression=None, max_queue=1, close_timeout=1)
    with slow_one as slow, connect(url) as quick:
        for connection in (slow, quick):
            ask(connection, "subscribe", "flood")
            assert answer(connection) == ("subscribed", "flood")
        for number in range(MANY):
            ask(quick, "publish", "flood", text=f"{number} {words}")
            assert answer(quick) == ("message", "flood", f"{number} {words}")
        got = [-1]
        while got[-1] < MANY - 1:
            _, _, text = answer(slow)
            got.append(int(text.split()[0]))
    assert got == sorted(got)
    assert (len(got) - 1 < MANY) is (pubsub.host not in KEEPS_ALL)


def test_a_channel_that_nobody_listens_to_takes_no_memory() -> None:
    channels = runpy.run_path(str(FOLDER / "channels.py"))["Channels"]()
    for member, name in (("one", "news"), ("one", "weather"), ("two", "news")):
        channels.take(member, json.dumps({"type": "subscribe", "channel": name}))
    publish = json.dumps({"type": "publish", "channel": "news", "text": "hi"})
    assert {*channels.take("three", publish)[1]} == {"one", "two"}
    channels.leave("one")
    assert {*channels.take("three", publish)[1]} == {"two"}
    channels.take("two", json.dumps({"type": "unsubscribe", "channel": "news"}))
    assert {*channels.take("three", publish)[1]} == set()
    assert channels._members == {}
