"""Verdicts: kept as they come, so that a run can be taken up again, and summed up at the end."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import declared
from c_programs import ELSEWHERE
from forking import KILLED
from points import Mutant

IN_C = "in C"  # who let a mutant pass, so far


class Results:
    """Verdicts by mutant, kept in a file as they come."""

    def __init__(self, path: Path, resume: bool) -> None:
        self.path = path
        self.verdicts: dict[str, tuple[str, str]] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        if resume and path.exists():
            for line in path.read_text().splitlines():
                key, verdict, by = json.loads(line)
                self.verdicts[key] = (verdict, by)
        else:
            path.write_text("")

    def lacks(self, mutant: Mutant) -> bool:
        """Tell whether the tests in Python are still to come."""
        return self.verdicts.get(mutant.key, ("", IN_C))[1] == IN_C

    def forget(self, mutants: list[Mutant]) -> None:
        """Have mutants that are not killed judged once more."""
        for mutant in mutants:
            if self.verdicts.get(mutant.key, (KILLED,))[0] != KILLED:
                del self.verdicts[mutant.key]

    def add(self, mutant: Mutant, verdict: str, by: str) -> None:
        self.verdicts[mutant.key] = (verdict, by)
        with self.path.open("a") as out:
            out.write(json.dumps([mutant.key, verdict, by]) + "\n")


def conclude(mutants: list[Mutant], results: Results, every: list[Mutant]) -> bool:
    """Count, name what survived, and tell whether all is as it has to be."""
    known = declared.equivalents({m.file for m in every})
    counts: Counter[str] = Counter()
    left, wrong = [], []
    for mutant in mutants:
        verdict, by = results.verdicts.get(mutant.key, (ELSEWHERE, ""))
        is_declared = declared.fitting(known, mutant)
        if verdict == KILLED and is_declared:
            wrong.append(f"{mutant}\n    killed by {by}")
        if verdict != KILLED and is_declared:
            verdict = "equivalent (declared)"
        elif verdict not in (KILLED, ELSEWHERE):
            left.append(f"{verdict}: {mutant}")
        counts[verdict] += 1
    gone = declared.stale(known, every)
    for title, lines in (
        ("Declared, and not there any more:", gone),
        ("Declared to change no result, and killed:", wrong),
        ("Survivors:", left),
    ):
        if lines:
            print("\n".join([title, *lines]))
    shown = ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items()))
    print(f"{len(mutants)} mutants: {shown}; {len(left)} survivors")
    return not (gone or wrong or left)
