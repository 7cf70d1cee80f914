"""The guards of the attack classes S1 to S28: each is taken out, and its test has to fail.

guards.toml says which guard holds what, and which test of that number sees it gone.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from declared import Guard
from forking import KILLED, Bench, Running, with_tests
from points import BUILD, Mutant

NUMBERS = [f"S{n}" for n in range(1, 29)]
# What has its guard on the other one: S18 in the plain Python that stands on both, S25 where
# memory is taken by our own code, S28 between the two.
ELSEWHERE = {"pure": {"S25", "S28"}, "compiled": {"S18"}}
Alone = Callable[[Mutant, str], tuple[str, str]]


def of_guard(bench: Bench, guard: Guard) -> list[int]:
    """Find the tests of a guard, with all their parameters."""
    start = f"{guard.test}["
    return [
        i for i, t in enumerate(bench.items) if t.nodeid == guard.test or t.nodeid.startswith(start)
    ]


def fault(bench: Bench, guard: Guard, mutants: list[Mutant], alone: Alone) -> str | None:
    """Say what is wrong with a guard, or None where its test fails without it."""
    places = [mutant for mutant in mutants if guard.fits(mutant)]
    tests = of_guard(bench, guard)
    if not places:
        return "the guard is not there"
    if not tests:
        return "the test is not there"
    verdicts = [
        alone(m, guard.test) if guard.at_import else bench.meet(m.number, tests) for m in places
    ]
    if not any(verdict == KILLED for verdict, _ in verdicts):
        return f"{guard.test} does not fail without it"
    return None


def check_all(
    running: Running, mutants: list[Mutant], guards: list[Guard], build: str, alone: Alone
) -> bool:
    """Take out the guards one by one; tell whether each was missed."""
    faults: list[str] = []

    def work(bench: Bench) -> None:
        tests = sorted({index for guard in guards for index in of_guard(bench, guard)})
        bench.record(BUILD / f"{build}.guards.json", only=tests)
        for guard in guards:
            wrong = fault(bench, guard, mutants, alone)
            print(f"{guard.number} {guard}: {wrong or 'missed'}", flush=True)
            faults.extend([f"{guard.number} {guard}: {wrong}"] if wrong else [])

    files = sorted({guard.test.partition("::")[0] for guard in guards})
    with_tests(files, running, work, marks="")  # they are named: slow ones are meant as well
    held = {guard.number for guard in guards} | ELSEWHERE[build]
    lacking = [number for number in NUMBERS if number not in held]
    faults += [f"{number} has no guard here" for number in lacking]
    done = len(guards) - len(faults)
    print("\n".join([*faults, f"{build}: {done} of {len(guards)} guards are missed by a test"]))
    return not faults


def main(script: Path) -> int:
    """Do so on each back end, in a process of its own."""
    status = 0
    for back_end in ("pure", "compiled"):
        command = [sys.executable, str(script), "--guards-of", back_end]
        status |= subprocess.run(command, check=False).returncode
    return status
