"""The runner of the hosts' own suites finds what it is there to find, and nothing else."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hosts import report
from hosts.compare import Process, Run, fast_faults, stock_faults, suspects
from hosts.runner import INSIDE, WAYS, Bench, Result, check
from hosts.suites import SUITES, Suite

import fastws

ROOT = Path(fastws.__file__).parent.parent
BACKEND = fastws.backend
GOOD = {"a": "passed", "b": "skipped", "a (subtest 1)": "passed"}


def process(**counters: int) -> Process:
    return Process(True, "c", {"acme": ("on", "", counters)})


def stock(outcomes: dict[str, str] = GOOD, status: int = 0) -> Run:
    return Run(dict(outcomes), status, 1.0, [Process(False)])


def fast(outcomes: dict[str, str] = GOOD, status: int = 0, **counters: int) -> Run:
    counters = counters or {"decoded": 3}
    return Run(dict(outcomes), status, 1.0, [process(**counters), process()])


def faults(other: Run, allowed: tuple[str, ...] = (), **options: Any) -> list[str]:
    return fast_faults(stock(**options), other, ["acme"], allowed, "c")


# --- What two runs left behind -------------------------------------------------------------------


def test_equal_runs_in_which_our_code_ran_are_good() -> None:
    assert faults(fast()) == []
    assert stock_faults(stock(), {"passed": 1, "skipped": 1, "subtests passed": 1}) == []
    assert suspects(stock(), fast()) == []


@pytest.mark.parametrize(
    ("outcomes", "told"),
    [
        ({**GOOD, "a": "failed"}, "a: passed without fastws, failed with it"),
        ({**GOOD, "b": "passed"}, "b: skipped without fastws, passed with it"),
        ({"a": "passed", "b": "skipped"}, "a (subtest 1): passed without fastws, missing with it"),
        ({**GOOD, "c": "passed"}, "c: missing without fastws, passed with it"),
    ],
)
def test_every_difference_is_a_fault(outcomes: dict[str, str], told: str) -> None:
    assert faults(fast(outcomes)) == [told]
    assert told.partition(":")[0] in suspects(stock(), fast(outcomes))


def test_a_difference_that_is_allowed_has_to_be_there() -> None:
    assert faults(fast({**GOOD, "a": "failed"}), ("a",)) == []
    (fault,) = faults(fast(), ("a",))
    assert fault == "a: fastws is allowed to make a difference, and makes none"


@pytest.mark.parametrize(
    ("run", "told"),
    [
        (fast(decoded=0), "the adapter for acme counted nothing: our code did not run"),
        (Run(GOOD, 0, 1.0, [Process(True, "c")]), "there is no adapter for acme"),
        (Run(GOOD, 0, 1.0, [Process(False)]), "back end: none; expected: c"),
        (
            Run(GOOD, 0, 1.0, [process(decoded=1), Process(True, "python")]),
            "back end: c, python; expected: c",
        ),
        (
            Run(GOOD, 0, 1.0, [Process(True, "c", {"acme": ("refused", "too new", {})})]),
            "acme was refused: too new",
        ),
        (replace(fast(), exit_status=3), "exit status: 0 without fastws, 3 with"),
    ],
)
def test_work_that_was_not_done_is_a_fault(run: Run, told: str) -> None:
    assert told in faults(run)


@pytest.mark.parametrize(
    ("run", "told"),
    [
        (stock({"a": "passed"}), "without fastws: 1 passed; expected: 2 passed"),
        (stock({"a": "passed", "b": "failed"}, 1), "without fastws: 1 passed, 1 failed; expected"),
        (stock({"a": "passed", "b": "passed"}, 2), "no test failed, but it exited with 2"),
        (Run({"a": "passed", "b": "passed"}, 0), "nothing proves that it was without"),
        (fast({"a": "passed", "b": "passed"}), "fastws was in the run that is to be without it"),
    ],
)
def test_a_stock_run_has_to_be_what_it_was(run: Run, told: str) -> None:
    assert told in "\n".join(stock_faults(run, {"passed": 2}))


# --- Real runs of suites that are made up --------------------------------------------------------

READS_A_FRAME = """
import sys
import unittest

def read():
    from websockets.protocol import Protocol, SERVER
    protocol = Protocol(SERVER)
    protocol.receive_data(bytes([0x81, 0x80, 0, 0, 0, 0]))
    return protocol.events_received()

class Tests(unittest.TestCase):
    def test_frame(self):
        assert len(read()) == 1

    def test_subtests(self):
        for number in range(2):
            with self.subTest(number=number):
                pass
"""
NOTICES = """
    def test_notices(self):
        assert "fastws" not in sys.modules
"""


def suite_of(folder: Path, text: str, **changes: Any) -> Bench:
    """Make a suite of one file, run by this interpreter."""
    for way in WAYS:
        (folder / way).mkdir()
        (folder / way / "pytest.ini").touch()
        (folder / way / "suite.py").write_text(text)
    made = {
        "expected": {"passed": 2, "subtests passed": 2},
        "tests": ("suite",),
        "program": "unittest",
        **changes,
    }
    suite = Suite("made-up", "made-up==1", ("websockets",), **made)
    return Bench(suite, Path(sys.executable), folder, ROOT, pure=not fastws.ACCELERATED)


@pytest.mark.slow
def test_a_suite_that_does_not_notice(tmp_path: Path) -> None:
    pytest.importorskip("websockets")
    result = check(suite_of(tmp_path, READS_A_FRAME))
    assert result.faults == []
    assert result.fast is not None
    assert result.fast.counters("websockets")["decoded"] == 1
    assert report.conclusion([result]) == "1 suites, and none of them notices"
    assert "2 passed, 2 subtests passed" in report.table([result])
    assert "| made-up | made-up==1 |" in report.markdown([result], pure=False)


@pytest.mark.slow
@pytest.mark.parametrize("program", ["unittest", ""], ids=["unittest", "pytest"])
def test_a_suite_that_notices(tmp_path: Path, program: str) -> None:
    pytest.importorskip("websockets")
    tests = {} if program else {"tests": ("suite.py",), "files": ("suite.py",)}
    expected = {"passed": 3, **({"subtests passed": 2} if program else {})}
    result = check(
        suite_of(tmp_path, READS_A_FRAME + NOTICES, program=program, expected=expected, **tests)
    )
    (fault,) = [fault for fault in result.faults if "test_notices" in fault]
    assert fault.endswith("passed without fastws, failed with it")
    assert report.conclusion([result]) == "1 of 1 suites are not as expected: made-up"
    assert f"made-up: FAULT: {fault}" in report.findings(result)


@pytest.mark.slow
def test_a_suite_in_which_nothing_is_read(tmp_path: Path) -> None:
    text = "import unittest\nclass Tests(unittest.TestCase):\n    def test(self): pass\n"
    result = check(suite_of(tmp_path, text, expected={"passed": 1}))
    assert any("our code did not run" in fault for fault in result.faults)


def test_a_suite_that_does_not_come_to_its_end(tmp_path: Path) -> None:
    result = check(suite_of(tmp_path, "import os; os._exit(3)"), stock_only=True)
    (fault,) = result.faults
    assert fault.startswith("the run stock did not come to its end")


# --- The list of suites --------------------------------------------------------------------------


def test_every_suite_is_pinned_where_its_environment_says() -> None:
    locks = {
        path.stem: path.read_text().lower() for path in (INSIDE.parent / "locks").glob("*.txt")
    }
    for suite in SUITES:
        assert suite.distribution in locks[suite.environment], suite.name
        if suite.files:
            assert (suite.sdist or suite.distribution) in locks["sdists"], suite.name
    assert len({suite.name for suite in SUITES}) == len(SUITES)


def test_what_is_left_out_is_said_once_for_each_reason() -> None:
    (suite,) = [suite for suite in SUITES if suite.name == "simple-websocket"]
    assert report.findings(Result(suite)) == (
        "simple-websocket: left out: 11 tests: it resolves example.com"
    )


def test_nothing_is_left_in_the_way(tmp_path: Path) -> None:
    """The folder that is in front of a suite holds our own files and nothing of its own."""
    copy = shutil.copytree(INSIDE, tmp_path / "inside", ignore=shutil.ignore_patterns("__py*"))
    names = {path.name for path in copy.iterdir()}
    assert names == {
        *("record_pytest.py", "record_unittest.py", "sitecustomize.py", "uvicorn_class.py")
    }
