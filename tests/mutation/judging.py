"""How a mutant is judged: in a fork first; what survives there, by what takes longer.

That is each test that comes by, however slow; a process of its own for what works as the package is
imported, or in other processes; allocations that fail; a second extension for what is there for
such alone; and the kernels' own tests in C, sanitized.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from c_programs import AllProcessors
from declared import Declaration, fitting
from forking import KILLED, SURVIVED, UNREACHED, Bench, Running, with_tests
from points import BUILD, Mutant
from results import IN_C, Results

ALONE = 120  # seconds of the processor's time that a mutant may take in a process of its own
# Whose tests build an extension of their own.
APART = {
    "fastws/_codec_door.pxi": "tests/test_door.py",
    "fastws/_members.h": "tests/test_members.py",
}
Add = Callable[[Mutant, str, str], None]


def alone(back_end: str, number: int, *tests: str) -> tuple[str, str]:
    """Judge a mutant in a fresh process, where it is in force from the first import on."""
    command = [sys.executable, str(Path(__file__).with_name("run.py")), "--back-end", back_end]
    command += ["--alone", str(number), *(["--tests", *tests] * bool(tests))]
    environment = {**os.environ, "FASTWS_MUTANT": str(number)}
    for _ in range(2):  # on a busy machine a test that watches the clock may fail by itself
        try:
            done = subprocess.run(
                command, capture_output=True, timeout=8 * ALONE, check=False, env=environment
            )
        except subprocess.TimeoutExpired:
            return KILLED, "at import (time)"
        if done.returncode == 0:
            return SURVIVED, ""
    return KILLED, "at import"


def record_of(back_end: str) -> Path:
    """Name the file of what is known of the tests; both parts of the core have one."""
    return BUILD / f"{'pure' if back_end == 'pure' else 'core'}.tests.json"


def in_forks(bench: Bench, budget: float, todo: list[Mutant], add: Add) -> list[Mutant]:
    """Judge mutants in forks; give those that no test killed."""
    left = []
    for mutant in todo:
        leaks = any(word in mutant.change for word in ("DECREF", "CLEAR", "Release"))
        verdict, by = bench.judge(mutant, budget, "memory" if leaks else "")
        add(mutant, verdict, by)
        if verdict != KILLED:
            left.append(mutant)
    return left


def starved(running: Running, todo: list[Mutant], add: Add) -> None:
    """Judge what may only show where memory runs out, by the tests that let it."""

    def work(bench: Bench) -> None:
        bench.record(BUILD / "allocations.tests.json")
        in_forks(bench, float("inf"), [m for m in todo if m.point in bench.reaching], add)

    with_tests(["tests/test_allocations.py"], running, work, marks="")


def apart(running: Running, tests: str, todo: list[Mutant], add: Add) -> None:
    """Judge mutants by tests that build an extension, which is done once for all."""

    def work(bench: Bench) -> None:
        bench.keep()
        bench.record(BUILD / f"{Path(tests).stem}.json")
        in_forks(bench, float("inf"), todo, add)

    with_tests([tests], running, work, marks="")


def in_c(todo: list[Mutant], results: Results) -> None:
    """Judge mutants by the kernels' tests in C."""
    import core

    tests = AllProcessors(core.KERNELS)
    for mutant in todo:
        verdict, by = tests.judge(mutant)
        results.add(mutant, verdict, IN_C if verdict in (SURVIVED, UNREACHED) else by)


def judge_all(
    running: Running,
    args: argparse.Namespace,
    files: list[str],
    todo: list[Mutant],
    results: Results,
    known: list[Declaration],
) -> None:
    """Judge mutants by all that there is in Python, the quick first."""
    left: list[Mutant] = []
    add = results.add

    def is_open(mutant: Mutant) -> bool:
        return results.verdicts[mutant.key][0] != KILLED and not fitting(known, mutant)

    def work(bench: Bench) -> None:
        start = time.monotonic()
        at_import = set(running.reached)  # the tests are collected, and nothing more was done
        bench.record(record_of(args.back_end), again=not args.resume)
        print(f"{len(bench.items)} tests, recorded in {time.monotonic() - start:.0f} s", flush=True)
        here = [mutant for mutant in todo if mutant.file not in APART]
        left.extend(in_forks(bench, args.budget, here, add))
        in_forks(bench, float("inf"), [mutant for mutant in left if is_open(mutant)], add)
        reached = set(bench.reaching)
        for mutant in left:
            killed = results.verdicts[mutant.key][0] == KILLED
            if not killed and (mutant.point in at_import or mutant.point not in reached):
                add(mutant, *alone(args.back_end, mutant.number))

    with_tests(files, running, work)
    for file, tests in APART.items():
        if only := [mutant for mutant in todo if mutant.file == file]:
            apart(running, tests, only, add)
    if hungry := [m for m in left if is_open(m) and not m.is_c]:
        starved(running, hungry, add)
