"""Start the small programs of bench/hosts, stock or with fastws in, and ask what they have cost.

The cost is the processor time of the program's process, user and system, in all its threads, as
the system counts it.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

from accelerated import PREFIX
from load import Case, Load, Unanswered, echo_load, receive_load

HERE = Path(__file__).parent
STARTUP = 20  # seconds that a program may take to listen, or to connect


class Failed(Exception):
    """A program could not be measured."""


class Program:
    """A program of bench/hosts in a process of its own, from `with` on.

    Args:
        file: its name in bench/hosts.
        adapter: what to put in first: "" for nothing at all, "-" where the program does it.
        load: how it is to be used: "echo", "raw" or "receive".
    """

    def __init__(self, file: str, adapter: str = "", load: str = "echo") -> None:
        self.file = file
        self.load = load
        self.command = [sys.executable]
        if adapter:
            self.command += [str(HERE / "accelerated.py"), adapter]
        self.command.append(str(HERE / "hosts" / file))

    def __enter__(self) -> Program:
        self._log = tempfile.NamedTemporaryFile(mode="ab")
        self._listener: socket.socket | None = None
        if self.load == "receive":  # it connects to us, anew for each sample
            self._listener = socket.create_server(("127.0.0.1", 0))
            self._listener.settimeout(STARTUP)
            self.port = self._listener.getsockname()[1]
        else:
            with socket.create_server(("127.0.0.1", 0)) as free:
                self.port = free.getsockname()[1]
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()
        self._log.close()
        if self._listener:
            self._listener.close()

    def connect(self, case: Case) -> Load:
        """Open a connection, which is known to answer."""
        try:
            if self._listener:
                sock, _ = self._listener.accept()
                return receive_load(sock, case)
            return echo_load(self._connected(), case, raw=self.load == "raw")
        except (Unanswered, OSError) as error:
            raise Failed(f"{error} ({self.last_words()})") from None

    def cpu(self) -> float:
        """Give the seconds of processor time that the process has taken."""
        return time.clock_gettime((~self.process.pid << 3) | 2)  # as clock_getcpuclockid() does

    def counters(self) -> dict[str, dict[str, int]]:
        """Give what the adapters in the process say of themselves."""
        self.process.send_signal(signal.SIGUSR1)
        end = time.monotonic() + 3
        while time.monotonic() < end:
            for line in self._words():
                if line.startswith(PREFIX):
                    return json.loads(line.removeprefix(PREFIX))
            time.sleep(0.02)
        return {}

    def last_words(self) -> str:
        """Give the last line on stderr."""
        return next(reversed(self._words()), "nothing on stderr")

    def refusal(self) -> str:
        """Give the warning with which fastws left the host as it is, or nothing."""
        lines = (line for line in self._words() if "fastws leaves" in line)
        return next(lines, "").partition("HostWarning: ")[2]

    def _words(self) -> list[str]:
        return Path(self._log.name).read_text(errors="replace").splitlines()

    def _start(self) -> None:
        path = [str(Path(find_spec("fastws").origin).parents[1]), os.environ.get("PYTHONPATH")]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path))}
        self.process = subprocess.Popen(
            [*self.command, str(self.port)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._log.fileno(),
        )

    def _stop(self) -> None:
        self.process.kill()
        self.process.wait()

    def _connected(self) -> socket.socket:
        end = time.monotonic() + STARTUP
        while True:
            try:
                return socket.create_connection(("127.0.0.1", self.port))
            except ConnectionRefusedError:
                if self.process.poll() is not None or time.monotonic() > end:
                    raise
                time.sleep(0.02)
