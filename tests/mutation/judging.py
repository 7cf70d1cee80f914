"""How a mutant is judged: in a fork first; what survives there, by what takes longer.

That is a process of its own for what works as the package is imported, or in other processes; a
second extension for what is there for such alone; and the kernels' own tests in C, sanitized.
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
from forking import KILLED, SURVIVED, UNREACHED, Bench, Running, with_tests
from points import BUILD, Mutant
from results import IN_C, Results

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
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=300, check=False, env=environment
        )
    except subprocess.TimeoutExpired:
        return KILLED, "at import (time)"
    return (SURVIVED, "") if done.returncode == 0 else (KILLED, "at import")


def record_of(back_end: str) -> Path:
    """Name the file of what is known of the tests; both parts of the core have one."""
    return BUILD / f"{'pure' if back_end == 'pure' else 'core'}.tests.json"


def reached_at_import(running: Running) -> set[int]:
    """Import what has mutants, and give the places that this came by."""

    return set(running.reached)


def in_forks(bench: Bench, budget: float, todo: list[Mutant], add: Add) -> list[Mutant]:
    """Judge mutants in forks; give those that no test killed."""
    left = []
    for mutant in todo:
        leaks = any(word in mutant.change for word in ("DECREF", "CLEAR", "Release"))
        verdict, by = bench.judge(mutant.number, mutant.point, budget, "memory" if leaks else "")
        add(mutant, verdict, by)
        if verdict != KILLED:
            left.append(mutant)
    return left


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
    at_import: set[int],
    results: Results,
) -> None:
    """Judge mutants by all that there is in Python, the quick first."""
    left: list[Mutant] = []
    add = results.add

    def work(bench: Bench) -> None:
        start = time.monotonic()
        bench.record(record_of(args.back_end), again=not args.resume)
        print(f"{len(bench.items)} tests, recorded in {time.monotonic() - start:.0f} s", flush=True)
        here = [mutant for mutant in todo if mutant.file not in APART]
        left.extend(in_forks(bench, args.budget, here, add))
        reached = set(bench.reaching)
        for mutant in left:
            if mutant.point in at_import or mutant.point not in reached:
                add(mutant, *alone(args.back_end, mutant.number))

    with_tests(files, running, work)
    for file, tests in APART.items():
        if only := [mutant for mutant in todo if mutant.file == file]:
            apart(running, tests, only, add)
