"""`fastws run uvicorn`: fastws reads the frames of the server, and of each of its workers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from processes import ROOT

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

pytest.importorskip("uvicorn")
client = pytest.importorskip("websockets.sync.client")

HERE = Path(__file__).parent


@contextmanager
def uvicorn(*options: str) -> Iterator[tuple[str, int]]:
    """Start uvicorn under fastws; give its address and the process's number."""
    words = ["-m", "fastws", "run", "uvicorn", "uvicorn_app:app", "--app-dir", str(HERE)]
    with subprocess.Popen(
        [sys.executable, *words, "--port", "0", "--no-use-colors", *options],
        env={**os.environ, "PYTHONPATH": ROOT},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr
        try:
            log = []
            for line in process.stderr:
                log.append(line)
                if "running on http://" in line:
                    address = line.partition("http://")[2].split()[0]
                    yield f"ws://{address}", process.pid
                    break
            else:
                pytest.fail("uvicorn did not start: " + "".join(log))
        finally:
            process.terminate()
            process.stderr.read()


def connect(url: str) -> ClientConnection:
    """Connect to a server whose workers may still be on their way."""
    deadline = time.monotonic() + 20
    while True:
        try:
            return cast("ClientConnection", client.connect(url))
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


@pytest.mark.parametrize("options", [[], ["--workers", "2"]], ids=["alone", "workers"])
def test_uvicorn_reads_its_frames_with_fastws(options: list[str]) -> None:
    with uvicorn(*options) as (url, pid), connect(url) as connection:
        for i in range(3):
            connection.send(f"hällo {i}")
            assert connection.recv() == f"hällo {i}"
        connection.send("who?")
        told = json.loads(connection.recv())
    assert (told["decoded"], told["encoded"]) == (4, 3)
    assert (told["pid"] == pid) is not bool(options)
