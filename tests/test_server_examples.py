"""The programs of docs/server.md do what they say: each is started, and real clients talk to it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from helpers import make_frame
from processes import ROOT
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

SERVER = EXAMPLES / "server"
ECHOES = ("frames.py", "messages.py", "buffered.py", "threads.py")
MESSAGES = ["hello", "", "Grüße, 世界 🌍" * 50, b"", bytes(range(256)), os.urandom(700_000)]


@pytest.fixture(scope="module", params=ECHOES)
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    with serving(SERVER / request.param) as address:
        yield address


def test_messages_come_back(address: str) -> None:
    with client.connect(address, compression=None, max_size=None) as connection:
        for message in MESSAGES:
            connection.send(message)
            assert connection.recv() == message
        connection.send(["in ", "three ", "parts"])
        assert connection.ping(b"there?").wait(20)
        assert connection.recv() == "in three parts"
        connection.close(3000, "enough")
    assert connection.close_code == 3000


def test_frames_may_come_with_the_request_and_in_any_pieces(address: str) -> None:
    see_early_frames_answered(address)


@pytest.mark.parametrize(
    ("broken", "code", "reason"),
    [
        (b"\x83\x80" + KEY, 1002, b"reserved opcode 0x3"),
        (b"\x81\x01a", 1002, b"frame from the client is not masked"),
    ],
    ids=["opcode", "mask"],
)
def test_an_error_is_told_behind_what_came_before_it(
    address: str, broken: bytes, code: int, reason: bytes
) -> None:
    before = make_frame(2, b"whole", mask=KEY)
    said = answer_to(address, REQUEST + before + broken + before)
    end = make_frame(8, code.to_bytes(2, "big") + reason)
    assert said.partition(b"\r\n\r\n")[2] == make_frame(2, b"whole") + end


def test_requests_that_open_no_websocket_are_refused(address: str) -> None:
    see_requests_refused(address)


def test_text_is_checked_by_all_that_know_messages() -> None:
    frame = make_frame(1, b"bad \xff", mask=KEY)
    for name in ECHOES[1:]:
        with serving(SERVER / name) as address:
            said = answer_to(address, REQUEST + frame).partition(b"\r\n\r\n")[2]
        assert said[:1] == b"\x88"
        assert said[2:4] == (1007).to_bytes(2, "big"), name


def test_a_large_message_comes_back() -> None:
    message = os.urandom(5_000_000)
    with (
        serving(SERVER / "buffered.py") as address,
        client.connect(address, compression=None, max_size=None) as connection,
    ):
        connection.send(message)
        assert connection.recv() == message


def test_broadcast_reaches_everyone() -> None:
    with serving(SERVER / "broadcast.py") as address, ExitStack() as stack:
        everyone = []
        for number in range(5):
            newcomer = stack.enter_context(client.connect(address))
            newcomer.ping().wait(20)  # the server knows of it
            everyone.append(newcomer)
            newcomer.send(f"{number}: Grüße")
            for receiver in everyone:
                assert receiver.recv(timeout=20) == f"{number}: Grüße"
        everyone[0].close()
        everyone[1].send(b"bytes")
        assert everyone[4].recv(timeout=20) == b"bytes"


@pytest.mark.parametrize("there", [True, False], ids=["with fastws", "without"])
def test_a_dependency_may_be_optional(there: bool) -> None:
    hide = "" if there else "sys.modules['fastws'] = None; "
    code = f"import runpy, sys; {hide}runpy.run_path('optional.py', run_name='__main__')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=SERVER,
        env={**os.environ, "PYTHONPATH": ROOT, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    text, valid, by = done.stdout.strip().split(", ")
    assert (text, valid) == ("Grüße", "valid: True")
    assert by.startswith("by fastws.") if there else by == "by __main__"
