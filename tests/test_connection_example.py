"""The server in examples/own_server.py serves real clients: websockets, and a bare socket."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from helpers import cuts, make_frame
from processes import ROOT

client = pytest.importorskip("websockets.sync.client")
exceptions = pytest.importorskip("websockets.exceptions")
pytest.importorskip("h11")

PROGRAM = Path(__file__).parent.parent / "examples" / "own_server.py"
REQUEST = (
    b"GET / HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
KEY = bytes.fromhex("37fa213d")
MESSAGES = ["hello", "", "Grüße, 世界 🌍" * 50, b"", bytes(range(256)), os.urandom(1_000_000)]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Start the server; give its address."""
    if not PROGRAM.exists():
        pytest.skip("an installed package has no examples beside it")
    process = subprocess.Popen(
        [sys.executable, "-u", str(PROGRAM), "--port", "0"],
        env={**os.environ, "PYTHONPATH": ROOT},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    with process, process.stdout:
        try:
            yield process.stdout.readline().removeprefix("listening on ").strip()
        finally:
            process.terminate()


def answer_to(address: str, *pieces: bytes) -> bytes:
    """Write to the server piece by piece; give all it says until it closes."""
    place = urlsplit(address)
    with socket.create_connection((place.hostname, place.port or 0), timeout=20) as connection:
        for piece in pieces:
            connection.sendall(piece)
        said = b""
        while part := connection.recv(65536):
            said += part
    return said


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


def test_frames_may_come_with_the_request(address: str) -> None:
    frames = make_frame(1, b"early", mask=KEY) + make_frame(9, b"?", mask=KEY)
    frames += make_frame(8, b"\x03\xe8", mask=KEY)
    expected = make_frame(1, b"early") + make_frame(10, b"?") + make_frame(8, b"\x03\xe8")
    for pieces in ([REQUEST + frames], cuts(REQUEST + frames, 7)):
        said = answer_to(address, *pieces)
        assert said.startswith(b"HTTP/1.1 101 ")
        assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in said
        assert said.endswith(b"\r\n\r\n" + expected)


def test_other_requests_are_refused(address: str) -> None:
    said = answer_to(address, b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 426 ")
    assert b"Sec-WebSocket-Version: 13\r\n" in said
    assert answer_to(address, REQUEST.replace(b"GET", b"PUT")).startswith(b"HTTP/1.1 405 ")
    assert answer_to(address, b"\x16\x03\x01 nonsense\r\n\r\n").startswith(b"HTTP/1.1 400 ")
