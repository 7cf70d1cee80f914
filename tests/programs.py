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
from processes import ROOT

EXAMPLES = Path(__file__).parent.parent / "examples"
REQUEST = (
    b"GET / HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


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
