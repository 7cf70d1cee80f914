"""Run tests on mutants without starting anew: tests are collected once, then a fork for each.

A first fork runs all tests and notes which places each comes by, so a mutant meets those alone,
first the quick ones and those that killed its neighbours. What takes much longer than it did, or
much more memory, is killed as well.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import resource
import signal
import time
from bisect import bisect
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import accumulate
from pathlib import Path
from typing import Any, Protocol

import pytest
from points import Mutant

MEMORY = 3 << 30  # bytes of address space that a mutant may take beside what is there
SLOW = 0.3  # seconds from which a test is not believed at once
QUICK = "not slow and not packaging"
KILLED, SURVIVED, UNREACHED = "killed", "survived", "not reached"


class Running(Protocol):
    """A build with mutants in this process."""

    state: str  # that numbers belong to
    other_levels: tuple[str, ...]  # back ends and levels whose tests do not come by here

    @property
    def reached(self) -> list[int]: ...  # places come by since the last use() or forget()

    def use(self, number: int) -> None: ...

    def forget(self) -> None: ...


def level_of(item: pytest.Item) -> str | None:
    """Name the back end or level that a test runs on, where it is one of several."""
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    return parameters.get("codec", parameters.get("back_end"))


class Failed:
    """A plugin that notes a failure."""

    def __init__(self) -> None:
        self.failed = False

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.failed = self.failed or report.failed


class Bench:
    """The tests of one process, and what is known of them."""

    def __init__(self, session: pytest.Session, running: Running) -> None:
        self.session = session
        self.items = [item for item in session.items if level_of(item) not in running.other_levels]
        self.running = running
        self.report = Failed()
        session.config.pluginmanager.register(self.report)
        self.seconds: dict[int, float] = {}
        self.reaching: dict[int, list[int]] = {}  # tests by place
        self.kills: Counter[tuple[str, int]] = Counter()  # mutants by scope, or "", and by test
        self.last = -1  # the test that killed the last mutant
        self.keeps = False  # what a file of tests has set up
        gc.freeze()  # forks leave it alone, and so share it

    # --- In a fork ---

    def _test(self, index: int) -> bool:
        """Run one test; tell whether it failed."""
        item = self.items[index]
        self.report.failed = False
        following = self.items[index - 1] if self.keeps else None
        item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
        return self.report.failed

    def _record(self, out: Path, tests: Iterable[int]) -> None:
        found = []
        for index in tests:
            self.running.forget()
            start = time.process_time()
            failed = self._test(index)
            seconds = time.process_time() - start
            node = self.items[index].nodeid
            found.append((node, failed, seconds, sorted(self.running.reached)))
        out.write_text(json.dumps([self.running.state, found]))

    def _meet(self, number: int, tests: list[int], told: int) -> None:
        """Run tests on a mutant until one fails, and tell which one is on."""
        self.running.use(number)
        size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, size + MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        for number in (signal.SIGALRM, signal.SIGPROF):
            signal.signal(number, signal.SIG_DFL)
        for index in tests:
            os.write(told, f"{index}\n".encode())
            # Of the processor's time little, since others may be at work; of the clock's, a lot.
            signal.setitimer(signal.ITIMER_PROF, 2 + 8 * self.seconds[index])
            signal.setitimer(signal.ITIMER_REAL, 120)
            if self._test(index):
                os._exit(1)

    # --- From outside ---

    def keep(self) -> None:
        """Set up here, and for all forks, what a whole file of tests shares; it is the only one."""
        self.keeps = True
        if self._test(0):
            raise SystemExit(f"{self.items[0].nodeid} fails without a mutant")

    def record(self, out: Path, again: bool = True, only: list[int] | None = None) -> None:
        """Run all tests, or some, on what is not changed; they have to pass."""
        tests = list(range(len(self.items))) if only is None else only
        nodes = [self.items[index].nodeid for index in tests]
        state, found = json.loads(out.read_text()) if out.exists() and not again else ("", [])
        if state != self.running.state or [node for node, *_ in found] != nodes:
            if self._apart(lambda: self._record(out, tests)) != 0:
                raise SystemExit("the tests do not run to their end without a mutant")
            _, found = json.loads(out.read_text())
        broken = [node for node, failed, *_ in found if failed]
        if broken:
            out.unlink()
            raise SystemExit("these fail without a mutant:\n" + "\n".join(broken))
        for index, (_, _, seconds, places) in zip(tests, found, strict=True):
            self.seconds[index] = seconds
            for place in places:
                self.reaching.setdefault(place, []).append(index)

    def judge(self, mutant: Mutant, budget: float, hint: str = "") -> tuple[str, str]:
        """Run the tests that come by a mutant's place; give the verdict and who killed it.

        Those that take long are left out where all together would take more than the budget, but
        not those of files that the hint names.
        """
        scope = f"{mutant.file} {mutant.scope}"
        tests = self.reaching.get(mutant.point, [])
        tests = sorted(tests, key=lambda index: self._order(index, scope))
        if self.keeps:
            tests = list(self.seconds)
        if not tests:
            return UNREACHED, ""
        spent = list(accumulate(self.seconds[index] for index in tests))
        quick = tests[: max(1, bisect(spent, budget))]
        apt = [index for index in tests if hint and hint in self.items[index].path.name]
        verdict, by = self.meet(mutant.number, list(dict.fromkeys(quick + apt)))
        if verdict == KILLED:
            self.kills.update({("", self.last): 1, (scope, self.last): 1})
        return verdict, by

    def run_quick(self, record: Path, budget: float) -> int:
        """Run the quickest tests in this process until one fails; 1 where one did."""
        _, known = json.loads(record.read_text()) if record.exists() else ("", [])
        seconds = {node: taken for node, _, taken, _ in known}
        tests = sorted(range(len(self.items)), key=lambda i: seconds.get(self.items[i].nodeid, 0))
        spent = accumulate(seconds.get(self.items[index].nodeid, 0) for index in tests)
        chosen = [index for index, until in zip(tests, spent, strict=True) if until < budget]
        return int(any(self._test(index) for index in chosen))

    def _order(self, index: int, scope: str) -> float:
        return self.seconds[index] / (1 + self.kills["", index] + 50 * self.kills[scope, index])

    def meet(self, number: int, tests: list[int]) -> tuple[str, str]:
        reading, writing = os.pipe()
        status = self._apart(lambda: self._meet(number, tests, writing), reading)
        os.close(writing)
        with os.fdopen(reading) as told:
            last = told.read().split()
        if status == 0:
            return SURVIVED, ""
        if not last:
            return KILLED, "before the first test"
        index = int(last[-1])
        # On a busy machine a test that watches the clock may fail by itself.
        if len(tests) > 1 and (self.seconds[index] > SLOW or os.WIFSIGNALED(status)):
            if self.meet(number, [index])[0] == SURVIVED:
                return self.meet(number, [test for test in tests if test != index])
        self.last = index
        how = "" if os.WIFEXITED(status) else f" (signal {os.WTERMSIG(status)})"
        return KILLED, self.items[index].nodeid + how

    def _apart(self, work: Callable[[], None], *close: int) -> int:
        """Do something in a fork; give how that ended."""
        child = os.fork()
        if child:
            return os.waitpid(child, 0)[1]
        status = 3
        try:
            # With the parent's end, for what hangs in a call that no signal ends.
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)
            for number in close:
                os.close(number)
            nothing = os.open(os.devnull, os.O_RDWR)
            for number in (0, 1, 2):
                os.dup2(nothing, number)
            work()
            status = 0
        finally:
            os._exit(status)
        raise AssertionError


class Plugin:
    """Hands the collected tests to what is to be done with them, instead of running them."""

    def __init__(self, running: Running, work: Callable[[Bench], Any]) -> None:
        self.running = running
        self.work = work

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self.work(Bench(session, self.running))
        return True


def with_tests(
    files: list[str], running: Running, work: Callable[[Bench], Any], marks: str = QUICK
) -> None:
    """Collect the tests of some files in this process, and do something with them."""
    options = ["-q", "-s", "-pno:cacheprovider", "-pno:faulthandler", "-m", marks]
    code = pytest.main([*options, *files], plugins=[Plugin(running, work)])
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        raise SystemExit(int(code))
