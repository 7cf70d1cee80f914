"""The server in examples/own_server.py serves real clients: websockets, and a bare socket."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from helpers import make_frame
from programs import (
    EXAMPLES,
    KEY,
    REQUEST,
    answer_to,
    see_early_frames_answered,
    see_requests_refused,
    serving,
)

client = pytest.importorskip("websockets.sync.client")
exceptions = pytest.importorskip("websockets.exceptions")
pytest.importorskip("h11")

PROGRAM = EXAMPLES / "own_server.py"
MESSAGES = ["hello", "", "Grüße, 世界 🌍" * 50, b"", bytes(range(256)), os.urandom(1_000_000)]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serving(PROGRAM) as address:
        yield address


def test_the_example_is_short() -> None:
    assert len(PROGRAM.read_text("utf-8").splitlines()) < 120


@pytest.mark.parametrize("compression", ["deflate", None])
def test_messages_come_back(address: str, compression: str | None) -> None:
    with client.connect(address, compression=compression, max_size=None) as connection:
        assert [str(e.name) for e in connection.protocol.extensions] == (
            ["permessage-deflate"] if compression else []
        )
        for message in MESSAGES:
            connection.send(message)
            assert connection.recv() == message
        connection.send(["in ", "three ", "parts"])
        assert connection.ping().wait(20)
        assert connection.recv() == "in three parts"
        connection.close(3000, "enough")
    assert connection.close_code == 3000


def test_a_message_that_is_too_big_ends_it(address: str) -> None:
    with client.connect(address, compression=None) as connection:
        connection.send(bytes((1 << 20) + 1))
        with pytest.raises(exceptions.ConnectionClosedError) as caught:
            connection.recv()
    assert caught.value.rcvd.code == 1009
    assert caught.value.rcvd.reason == "message of 1048577 bytes exceeds the limit of 1048576 bytes"


def test_who_is_told_to_stop_may_still_send(address: str) -> None:
    """The goodbye is read by a client that sends all of its 10 MB before it reads."""
    with client.connect(address, compression=None) as connection:
        connection.send(bytes(10_000_000))
        with pytest.raises(exceptions.ConnectionClosedError) as caught:
            connection.recv(timeout=20)
    assert caught.value.rcvd.code == 1009


def test_frames_may_come_with_the_request(address: str) -> None:
    see_early_frames_answered(address)


def test_other_requests_are_refused(address: str) -> None:
    see_requests_refused(address)


HEARTBEAT = 0.5


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of the same server, whose heart beats faster."""
    program: Path = tmp_path_factory.mktemp("own") / "server.py"
    text = PROGRAM.read_text("utf-8")
    assert "heartbeat = 20.0" in text
    program.write_text(text.replace("heartbeat = 20.0", f"heartbeat = {HEARTBEAT}"), "utf-8")
    with serving(program) as address:
        yield address


@pytest.mark.parametrize("request_", [REQUEST[:-2], b""], ids=["half", "none"])
def test_who_does_not_finish_a_request_is_dropped(impatient: str, request_: bytes) -> None:
    start = time.monotonic()
    with suppress(ConnectionError):  # as the system tells of an end without a goodbye
        assert answer_to(impatient, request_) == b""
    assert time.monotonic() - start >= HEARTBEAT


def test_who_does_not_answer_a_ping_is_dropped(impatient: str) -> None:
    start = time.monotonic()
    said = answer_to(impatient, REQUEST + make_frame(1, b"hello", mask=KEY))
    frames = said.partition(b"\r\n\r\n")[2]
    assert frames == make_frame(1, b"hello") + make_frame(9)
    assert time.monotonic() - start >= 2 * HEARTBEAT


def test_who_answers_pings_stays(impatient: str) -> None:
    with client.connect(impatient, ping_interval=None) as connection:
        time.sleep(4 * HEARTBEAT)
        connection.send("still here")
        assert connection.recv(timeout=20) == "still here"


def test_who_takes_no_answers_is_read_no_further(address: str) -> None:
    """What a client sends would wait in the server's memory, if that went on reading."""
    frame = make_frame(2, bytes(1 << 20), mask=KEY)
    place = urlsplit(address)
    with socket.create_connection((place.hostname, place.port or 0), timeout=2) as connection:
        connection.sendall(REQUEST)
        with pytest.raises(TimeoutError):
            for _ in range(100):
                connection.sendall(frame)
