"""Run one suite without fastws and with it, and judge the two.

Both runs differ in one thing: with fastws, PYTHONPATH has this checkout on it, and the
sitecustomize of `inside/` puts the adapters in, before any host is imported and in each process.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .compare import Process, Run, differences, fast_faults, stock_faults, suspects
from .environments import HERE, Cache, CannotPrepare
from .suites import Suite

INSIDE = HERE / "inside"
# All that a suite gets of the environment that we were started in.
KEPT = ("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "USER")
WAYS = ("stock", "fastws")
# More suspects than this are not a matter of luck.
TOO_MANY = 12
TRIES = 2


@dataclass
class Result:
    """What is to be said of one suite."""

    suite: Suite
    stock: Run | None = None
    fast: Run | None = None
    faults: list[str] = field(default_factory=list)
    flaky: list[str] = field(default_factory=list)
    log: str = ""

    @property
    def allowed(self) -> list[str]:
        """The tests to which fastws made a difference that it may make."""
        if self.stock is None or self.fast is None:
            return []
        found = (difference.test for difference in differences(self.stock, self.fast))
        return [test for test in found if test in self.suite.allowed]


class Bench:
    """Where one suite is run: its interpreter, its folder, and how fastws gets in."""

    def __init__(
        self, suite: Suite, interpreter: Path, folder: Path, fastws: Path | None, pure: bool = False
    ) -> None:
        self.suite = suite
        self.interpreter = interpreter
        self.folder = folder
        self.fastws = fastws
        self.pure = pure
        self._count = 0

    def run(self, way: str, only: Sequence[str] = ()) -> Run:
        """Run the suite, or some of its tests.

        Raises:
            CannotPrepare: it ended without saying what became of its tests.
        """
        self._count += 1
        name = f"{way}-{self._count}"
        reports = self.folder / f"{name}-reports"
        reports.mkdir()
        log = self.folder / f"{name}.log"
        start = time.monotonic()
        status = self._call(way, self._command(only), reports, log, only)
        seconds = time.monotonic() - start
        outcomes = reports / "outcomes.json"
        if not outcomes.exists():
            raise CannotPrepare(f"the run {way} did not come to its end:\n{tail(log)}")
        processes = [
            Process(**json.loads(path.read_text())) for path in reports.glob("process-*.json")
        ]
        return Run(json.loads(outcomes.read_text()), status, seconds, processes)

    def _command(self, only: Sequence[str]) -> list[str]:
        suite = self.suite
        start = [str(self.interpreter), "-m"]
        if suite.program:
            # A test of these has a name that they take.
            return [
                *start,
                "record_unittest",
                suite.program,
                *suite.options,
                *(only or suite.tests),
            ]
        config = next(
            (name for name in suite.files if name.endswith((".toml", ".ini"))), "pytest.ini"
        )
        plugins = [word for name in ("record_pytest", *suite.plugins) for word in ("-p", name)]
        pyargs = [] if suite.files else ["--pyargs"]
        return [
            *(*start, "pytest", "-q", "-o", "addopts=", "-c", config),
            *("-p", "no:cacheprovider", *plugins, *suite.options, *pyargs, *suite.tests),
        ]

    def _environment(self, way: str, reports: Path, only: Sequence[str]) -> dict[str, str]:
        found = {name: os.environ[name] for name in KEPT if name in os.environ}
        found |= {
            "FASTWS_HOSTS_ONLY": json.dumps(list(only)),
            "FASTWS_HOSTS_REPORTS": str(reports),
            "FASTWS_HOSTS_WITHOUT": json.dumps(list(self.suite.left_out)),
            "PATH": os.pathsep.join([str(self.interpreter.parent), os.environ.get("PATH", "")]),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONPATH": str(INSIDE),
        }
        if way == "fastws":
            found["FASTWS_HOSTS_IN"] = "1"
            found["FASTWS_NO_EXTENSIONS" if self.pure else "FASTWS_REQUIRE_EXTENSIONS"] = "1"
            if self.fastws:
                found["PYTHONPATH"] += os.pathsep + str(self.fastws)
        return found | dict(self.suite.variables)

    def _call(
        self, way: str, command: list[str], reports: Path, log: Path, only: Sequence[str]
    ) -> int:
        with log.open("w") as output:
            process = subprocess.Popen(
                command,
                cwd=self.folder / way,
                env=self._environment(way, reports, only),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                return process.wait(self.suite.timeout)
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                raise


def tail(log: Path, lines: int = 40) -> str:
    """Give the end of a log."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def prepare(suite: Suite, cache: Cache, folder: Path, *, pure: bool) -> Bench:
    """Set a bench up: the tests apart from the sources, or those would be what is imported."""
    interpreter = cache.environment(suite.environment)
    fastws = cache.fastws()
    shutil.rmtree(folder, ignore_errors=True)
    for way in WAYS:
        (folder / way).mkdir(parents=True)
        (folder / way / "pytest.ini").touch()  # or pytest would go up and find ours
        if suite.files:
            source = cache.sdist(suite.sdist or suite.distribution)
            for name in suite.files:
                copy = shutil.copytree if (source / name).is_dir() else shutil.copy2
                copy(source / name, folder / way / name)
        if suite.support:
            shutil.copytree(HERE / "support" / suite.support, folder / way, dirs_exist_ok=True)
    return Bench(suite, interpreter, folder, fastws, pure)


def check(bench: Bench, *, stock_only: bool = False) -> Result:
    """Run a suite both ways and judge it."""
    suite = bench.suite
    result = Result(suite)
    try:
        result.stock = bench.run("stock")
        if not stock_only:
            result.fast = bench.run("fastws")
        settle(bench, result)
    except (CannotPrepare, subprocess.TimeoutExpired) as error:
        result.faults.append(str(error))
        return result
    result.faults += stock_faults(result.stock, suite.expected)
    if result.fast is not None:
        backend = "python" if bench.pure else "c"
        result.faults += fast_faults(
            result.stock, result.fast, suite.adapters, suite.allowed, backend
        )
    return result


def settle(bench: Bench, result: Result) -> None:
    """Give each test that failed, or that differs, up to two more tries: alone, and both ways.

    One that then gives the same both ways, and is good, owed what it did to chance or to what ran
    beside it. It is named, and counts as what it gave alone.
    """
    whole = [run for run in (result.stock, result.fast) if run is not None]
    doubtful = suspects(*whole, allowed=bench.suite.allowed)
    if len(doubtful) > TOO_MANY:
        return
    for test in doubtful:
        if test.endswith(")"):
            continue  # a subtest cannot run alone, nor a module that is not imported
        for _ in range(TRIES):
            alone = [bench.run(way, [test]) for way in WAYS[: len(whole)]]
            if all(test in run.outcomes for run in alone) and not suspects(*alone):
                for run, once_more in zip(whole, alone, strict=True):
                    run.settle(test, once_more.outcomes[test])
                result.flaky.append(test)
                break
