"""Start the servers of examples/echo as its README.md says, and ask them what fastws does there."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from processes import FASTWS, ROOT

HERE = Path(__file__).parent
FOLDER = HERE.parent.parent / "examples" / "echo"
# The library whose adapter does the work.
LIBRARIES = {
    "websockets": "websockets",
    "aiohttp": "aiohttp",
    "tornado": "tornado",
    "uvicorn": "websockets",
    "hypercorn": "wsproto",
    "daphne": "autobahn",
}
ROW = re.compile(r"^\| (\w+) \| `(.+)` \| `(.+)` \|$", re.M)


def commands() -> dict[str, dict[str, str]]:
    """Give the commands of README.md: by kind of server and host."""
    rows = ROW.findall((FOLDER / "README.md").read_text(encoding="utf-8"))
    return {
        "echo": {host: echo for host, echo, _ in rows},
        "pubsub": {host: pubsub for host, _, pubsub in rows},
    }


class Server(NamedTuple):
    """A server that runs, and how to ask what fastws does in it."""

    url: str
    telling: Path

    def told(self) -> tuple[set[str], Counter[str]]:
        """Ask each of its processes; give the adapter's states, and the sum of its counters."""
        states, sums = set(), Counter[str]()
        for path in self.telling.iterdir():
            with socket.socket(socket.AF_UNIX) as asking:
                try:
                    asking.connect(str(path))
                except ConnectionRefusedError:
                    continue  # a process that has ended
                facts = json.loads(asking.makefile().read())
            states.add(facts.pop("state"))
            sums.update(facts)
        return states, sums


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            assert process.poll() is None, "the server did not start"
            assert time.monotonic() < deadline, "the server does not listen"
            time.sleep(0.05)


@contextmanager
def running(command: str, library: str) -> Iterator[Server]:
    """Run a command of README.md on a free port, by this interpreter."""
    port = free_port()
    words = command.replace("8765", str(port)).split()
    assert words[:2] == ["fastws", "run"]
    if str(port) not in command.replace("8765", str(port)):  # where it stands in the program
        words += ["--port", str(port)]
    with tempfile.TemporaryDirectory() as telling:  # of a short name, as sockets need it
        environment = {
            "PYTHONPATH": os.pathsep.join([str(HERE / "telling"), ROOT]),
            "TELLING": telling,
            "TELLING_OF": library,
        }
        with subprocess.Popen(
            [sys.executable, *FASTWS, *words[1:]], cwd=FOLDER, env={**os.environ, **environment}
        ) as process:
            try:
                wait_for(port, process)
                yield Server(f"ws://127.0.0.1:{port}", Path(telling))
            finally:
                process.terminate()
