"""Run the suite against one program, once: start the two, wait, read what the suite reports."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hosts.environments import ROOT

from .cases import heavy
from .judge import Outcome, Report
from .sides import Side, Way
from .wstest import Wstest

PROGRAMS = Path(__file__).with_name("programs")
ACCELERATED = ROOT / "bench" / "accelerated.py"
COUNTERS, BACK_END, LEFT = "fastws counters: ", "back end: ", "fastws leaves "
HOST = "127.0.0.1"
AGENT = "side"
STARTUP = 30  # seconds until a program listens
LAST_WORDS = 120  # seconds until wstest, told to, has written its reports
TELLING = 5  # seconds until a program has said what its adapters counted


class Trial:
    """One side, tried by one or more runs in a folder.

    Args:
        wstest: the suite.
        side: what is tried; which way is up to each run.
        folder: where reports and logs go.
    """

    def __init__(self, wstest: Wstest, side: Side, folder: Path) -> None:
        self.wstest = wstest
        self.side = side
        self.folder = folder

    def run(self, way: Way, cases: Sequence[str]) -> Report:
        """Run some cases against one program."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        port, start = free_port(), time.monotonic()
        as_server = self.side.role == "server"
        faults, work = (self._serve if as_server else self._drive)(way, cases, port)
        report = Report(self._outcomes(), faults, work, time.monotonic() - start)
        report.faults += [*self._wrong_core(way), *self._refusals()]
        return report

    def _serve(self, way: Way, cases: Sequence[str], port: int) -> tuple[list[str], Any]:
        """Run the fuzzing client against a server."""
        spec = {"servers": [{"agent": AGENT, "url": f"ws://{HOST}:{port}"}]}
        faults = []
        with self._started("program", command(way, port), environment(way)) as program:
            faults += listening(program, port)
            if not faults:
                with self._wstest("fuzzingclient", spec, cases) as wstest:
                    faults += ended("wstest", wstest, limit(cases))
            if program.poll() is not None:
                faults.append(f"the server ended, with status {program.returncode}")
            elif way.adapter:
                program.send_signal(signal.SIGUSR1)
                self._wait_for_counters()
        return faults, self._counters()

    def _drive(self, way: Way, cases: Sequence[str], port: int) -> tuple[list[str], Any]:
        """Run the fuzzing server, and a client that goes through its cases."""
        with self._wstest("fuzzingserver", {"url": f"ws://{HOST}:{port}"}, cases) as wstest:
            faults = listening(wstest, port)
            if not faults:
                words = command(way, port, AGENT)
                with self._started("program", words, environment(way)) as program:
                    faults += ended("the client", program, limit(cases))
                if not faults:
                    faults += ended("wstest", wstest, LAST_WORDS)
        return faults, self._counters()

    @contextmanager
    def _wstest(
        self, mode: str, spec: dict[str, Any], cases: Sequence[str]
    ) -> Iterator[subprocess.Popen[bytes]]:
        path = self.folder / "spec.json"
        asked = {"outdir": str(self.folder / "reports"), "cases": list(cases)}
        path.write_text(json.dumps({**spec, **asked, "exclude-cases": []}))
        # --webport 0: or the fuzzing server would take port 8080 as well.
        web = ("--webport", "0") if mode == "fuzzingserver" else ()
        words = (*self.wstest.command, "--mode", mode, "--spec", str(path), *web)
        variables = {**os.environ, **self.wstest.variables, "PYTHONUNBUFFERED": "1"}
        with self._started("wstest", words, variables) as process:
            yield process

    @contextmanager
    def _started(
        self, name: str, words: Sequence[str], variables: dict[str, str]
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Start a process, and end it in any case; what it says goes to a log."""
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                words,
                cwd=self.folder,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            try:
                yield process
            finally:
                process.kill()
                process.wait()

    def _outcomes(self) -> dict[str, Outcome]:
        index = self.folder / "reports" / "index.json"
        if not index.exists():
            return {}
        found = json.loads(index.read_text()).get(AGENT, {})
        return {
            case: Outcome(said["behavior"], said["behaviorClose"]) for case, said in found.items()
        }

    def _words(self, prefix: str) -> list[str]:
        """Give what the program said behind a prefix."""
        log = self.folder / "program.log"
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        return [line.removeprefix(prefix) for line in lines if line.startswith(prefix)]

    def _wait_for_counters(self) -> None:
        end = time.monotonic() + TELLING
        while not self._words(COUNTERS) and time.monotonic() < end:
            time.sleep(0.05)

    def _counters(self) -> dict[str, dict[str, int]]:
        said = self._words(COUNTERS)
        return json.loads(said[-1]) if said else {}

    def _refusals(self) -> list[str]:
        """Give the warnings with which fastws left a host as it is."""
        return [said for said in self._words("") if LEFT in said]

    def _wrong_core(self, way: Way) -> list[str]:
        """Say so where a program of ours ran on the other core; it says on which."""
        if not way.program[0].startswith("own"):
            return []
        wanted, found = "python" if way.pure else "c", self._words(BACK_END)
        return [] if found == [wanted] else [f"back end: {found}; expected: {wanted}"]


def command(way: Way, port: int, *more: str) -> list[str]:
    """Give the command that starts a program."""
    start = [sys.executable]
    if way.adapter:
        start += [str(ACCELERATED), way.adapter]
    program, *words = way.program
    return [*start, str(PROGRAMS / program), *words, str(port), *more]


def environment(way: Way) -> dict[str, str]:
    """Give a program's environment: this one, with the core that is to be tried."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FASTWS_")}
    switch = "FASTWS_NO_EXTENSIONS" if way.pure else "FASTWS_REQUIRE_EXTENSIONS"
    return {**kept, switch: "1", "PYTHONUNBUFFERED": "1"}


def limit(cases: Sequence[str]) -> float:
    """Give the seconds that cases may take on a busy machine; one that hangs must not hold all."""
    return 120 + sum(20 if heavy(case) else 1 for case in cases)


def free_port() -> int:
    with socket.create_server((HOST, 0)) as free:
        return int(free.getsockname()[1])


def listening(process: subprocess.Popen[bytes], port: int) -> list[str]:
    """Wait until a process listens; say so where it does not."""
    end = time.monotonic() + STARTUP
    while time.monotonic() < end:
        if process.poll() is not None:
            return [f"it ended before it listened, with status {process.returncode}"]
        try:
            socket.create_connection((HOST, port), 1).close()
            return []
        except OSError:
            time.sleep(0.05)
    return [f"nothing listened within {STARTUP} s"]


def ended(name: str, process: subprocess.Popen[bytes], seconds: float) -> list[str]:
    """Wait until a process has ended; say so where it does not, or ends badly."""
    try:
        status = process.wait(seconds)
    except subprocess.TimeoutExpired:
        return [f"{name} did not end within {seconds:.0f} s"]
    return [f"{name} ended with status {status}"] if status else []
