"""The commands of the example's README do what they say: those that start it, and weigh it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from live.people import Person
from live.programs import EXAMPLE, Program, wait_until_open
from processes import ROOT

NOT_CLONED = (".*", "build", "node_modules", "*.egg-info", "*.so", "_codec.c", "__pycache__")


@pytest.mark.slow
def test_one_command_starts_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("live.programs.PATIENCE", 300.0)  # it compiles, and installs
    clone = tmp_path / "clone"
    shutil.copytree(ROOT, clone, ignore=shutil.ignore_patterns(*NOT_CLONED))
    start = Program(clone / "examples" / "live" / "start.sh", "--port", 0, "--node", "new")
    with start:
        page = start.wait_for("open http://").rpartition(" ")[2]
        wait_until_open(int(page.rpartition(":")[2]))
        with urllib.request.urlopen(page) as answer:
            assert b"<title>Live</title>" in answer.read()
        with Person(page, "ada").join("lobby") as ada:
            assert ada.node == "new"


@pytest.mark.slow
def test_connections_are_held_and_weighed() -> None:
    words = ["--connections", 600, "--seconds", 3, "--ping-interval", 1, "--ping-timeout", 1]
    command = [sys.executable, EXAMPLE / "hold.py", *words]
    done = subprocess.run(map(str, command), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    first, columns, *rows = done.stdout.splitlines()
    assert first == "600 connections, held for 3 s"
    assert columns.split() == "KiB each ms to open % of a core pings each".split()
    figures = {row.split()[0]: [float(word) for word in row.split()[1:]] for row in rows}
    assert [*figures] == ["fastws.adapters.uvicorn:WebSocketProtocol", "websockets-sansio"]
    for memory, opening, _, pings in figures.values():
        assert 1 < memory < 200
        assert 0 < opening < 100
        assert pings >= 2
