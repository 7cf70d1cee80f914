"""Start the servers in examples/, and talk to them over a bare socket."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from helpers import cuts, make_frame
from processes import ROOT

EXAMPLES = Path(__file__).parent.parent / "examples"
REQUEST = (
    b"GET / HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
KEY = bytes.fromhex("37fa213d")


@contextmanager
def serving(program: Path) -> Iterator[str]:
    """Start a server on a free port; give its address."""
    if not program.exists():
        pytest.skip("an installed package has no examples beside it")
    process = subprocess.Popen(
        [sys.executable, "-u", str(program), "--port", "0"],
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
    """Write to a server piece by piece; give all it says until it closes."""
    place = urlsplit(address)
    with socket.create_connection((place.hostname, place.port or 0), timeout=20) as connection:
        for piece in pieces:
            connection.sendall(piece)
        said = b""
        while part := connection.recv(65536):
            said += part
    return said


def see_early_frames_answered(address: str) -> None:
    """Send frames right behind the request, in one piece and in small ones."""
    frames = make_frame(1, b"early", mask=KEY) + make_frame(9, b"?", mask=KEY)
    frames += make_frame(8, b"\x03\xe8", mask=KEY)
    expected = make_frame(1, b"early") + make_frame(10, b"?") + make_frame(8, b"\x03\xe8")
    for pieces in ([REQUEST + frames], cuts(REQUEST + frames, 7)):
        said = answer_to(address, *pieces)
        assert said.startswith(b"HTTP/1.1 101 ")
        assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in said
        assert said.endswith(b"\r\n\r\n" + expected)


def see_requests_refused(address: str) -> None:
    """Send requests that open no WebSocket."""
    said = answer_to(address, b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 426 ")
    assert b"Sec-WebSocket-Version: 13\r\n" in said
    assert answer_to(address, REQUEST.replace(b"GET", b"PUT")).startswith(b"HTTP/1.1 405 ")
    assert answer_to(address, b"\x16\x03\x01 nonsense\r\n\r\n").startswith(b"HTTP/1.1 400 ")
