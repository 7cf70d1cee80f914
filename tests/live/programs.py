"""Start what a live system is made of: servers of the example, Redis, nginx; read their logs."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from processes import ROOT

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "live"
PATIENCE = 30.0  # seconds for what takes one on a machine that has nothing else to do
SECRET = "the same on every server"


def free_port() -> int:
    """Give a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


class Program:
    """A process whose output is read line by line as it comes."""

    def __init__(self, *command: object, ready: str = "") -> None:
        self._command = [str(word) for word in command]
        self._ready = ready
        self.lines: list[str] = []
        self._more = threading.Condition()

    def start(self) -> Self:
        """Start it (again), and wait until it says that it is ready."""
        with self._more:
            self.lines = []
        environment = {**os.environ, "PYTHONPATH": ROOT, "LIVE_SECRET": SECRET}
        self.process = subprocess.Popen(
            self._command,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        if self._ready:
            self.wait_for(self._ready)
        return self

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            with self._more:
                self.lines.append(line.rstrip())
                self._more.notify_all()

    def wait_for(self, text: str, since: int = 0) -> str:
        """Wait for a line that has this text, from line `since` on; give it."""

        def found() -> str | None:
            return next((line for line in self.lines[since:] if text in line), None)

        with self._more:
            line = self._more.wait_for(found, PATIENCE)
        assert line, f"no {text!r} in:\n" + "\n".join(self.lines)
        return line

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it, and wait until it is gone."""
        self.process.send_signal(how)
        self.process.wait(PATIENCE)
        self._reader.join()
        assert self.process.stdout
        self.process.stdout.close()

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_: object) -> None:
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGCONT)  # of one that a test has stopped
            self.end()


class Server(Program):
    """A server of the example, on a port that it keeps when it is started again."""

    def __init__(self, *options: object) -> None:
        self.port = free_port()
        self.page = f"http://127.0.0.1:{self.port}"
        command = [sys.executable, "-u", EXAMPLE, "--port", self.port, *options]
        super().__init__(*command, ready="Application startup complete")

    def start(self) -> Self:
        """Start it (again), and wait until it listens."""
        super().start()
        wait_until_open(self.port)
        return self


def redis(folder: Path) -> tuple[Program, str]:
    """Give a Redis that keeps nothing on disk, and its URL."""
    port = free_port()
    command = ["redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", folder]
    program = Program(*command, ready="Ready to accept connections")
    return program, f"redis://127.0.0.1:{port}/0"


def make_certificate(folder: Path) -> Path:
    """Run the command that the README names for it; give the certificate's file."""
    text = (EXAMPLE / "README.md").read_text()
    command = re.search(r"openssl req (?:.*\\\n)+.*", text)
    assert command
    subprocess.run(
        ["bash", "-c", command[0].replace("build/nginx", str(folder))],
        check=True,
        capture_output=True,
    )
    return folder / "live.crt"


@contextmanager
def nginx(folder: Path, *servers: Server) -> Iterator[str]:
    """Start nginx as the example configures it, before these servers; give its address."""
    port = free_port()
    text = (EXAMPLE / "nginx.conf").read_text()
    changes = {"listen 8443": f"listen 127.0.0.1:{port}"}
    changes |= {f"127.0.0.1:800{n}": f"127.0.0.1:{s.port}" for n, s in enumerate(servers, 1)}
    for before, after in changes.items():
        assert text.count(before) == 1
        text = text.replace(before, after)
    (folder / "nginx.conf").write_text(text)
    (folder / "tmp").mkdir()
    make_certificate(folder)
    words = ["-e", "stderr", "-p", folder, "-c", "nginx.conf", "-g", "daemon off;"]
    with Program("nginx", *words):
        wait_until_open(port)
        yield f"https://localhost:{port}"


def wait_until_open(port: int) -> None:
    """Wait until someone listens there."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        else:
            return
