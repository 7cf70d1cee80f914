"""Judge what the suite reported: each case by itself, and a host with fastws beside the same stock.

Rule: nothing is run here. What comes in is what runs left behind; what goes out is a list of
faults, empty where all is as it has to be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from .cases import INFORMATIONAL, number

# From good to bad. UNIMPLEMENTED is bad: it is what a deflate gives that is not negotiated.
BEHAVIORS = ("OK", "INFORMATIONAL", "NON-STRICT", "UNIMPLEMENTED", "FAILED")
# Whatever else is said of a close ("WRONG CODE", "UNCLEAN", "FAILED BY CLIENT") is as bad.
CLOSES = ("OK", "INFORMATIONAL", "FAILED")


class Outcome(NamedTuple):
    """What the suite says of one case."""

    behavior: str
    close: str

    def __str__(self) -> str:
        close = "" if self.close == self.behavior else f", close {self.close}"
        return f"{self.behavior}{close}"

    @property
    def badness(self) -> tuple[int, int]:
        """How bad each of the two is."""
        return _place(BEHAVIORS, self.behavior), _place(CLOSES, self.close)


GOOD = Outcome("OK", "OK")
MISSING = Outcome("MISSING", "MISSING")


def _place(order: Sequence[str], word: str) -> int:
    return order.index(word) if word in order else len(order)


@dataclass
class Report:
    """What one run left behind.

    Attributes:
        cases: what became of each case.
        faults: what was wrong with the run itself.
        work: what each adapter counted, where there are any.
    """

    cases: dict[str, Outcome]
    faults: list[str] = field(default_factory=list)
    work: dict[str, dict[str, int]] = field(default_factory=dict)
    seconds: float = 0.0

    def behaviors(self) -> Counter[str]:
        return Counter(outcome.behavior for outcome in self.cases.values())

    def closes(self) -> Counter[str]:
        return Counter(outcome.close for outcome in self.cases.values())


def run_faults(report: Report, asked: Iterable[str]) -> list[str]:
    """Say what is wrong with a run: wstest is content with a report that ends half way."""
    faults = list(report.faults)
    asked = list(asked)
    if missing := [case for case in asked if case not in report.cases]:
        which = f": {in_short(missing)}" if report.cases else ""
        faults.append(f"{len(missing)} of {len(asked)} cases are missing{which}")
    if unasked := [case for case in report.cases if case not in asked]:
        faults.append(f"cases that nobody asked for: {in_short(unasked)}")
    return faults


def own_faults(report: Report) -> list[str]:
    """Say which cases are not as they have to be for what is made of fastws alone."""
    return [
        f"{case}: {outcome}"
        for case, outcome in sorted(report.cases.items(), key=lambda item: number(item[0]))
        if outcome != (("INFORMATIONAL",) * 2 if case in INFORMATIONAL else GOOD)
    ]


def is_worse(fast: Outcome, stock: Outcome) -> bool:
    """Tell whether the behaviour or the close is worse, whatever the other is."""
    return any(f > s for f, s in zip(fast.badness, stock.badness, strict=True))


def worse(stock: Report, fast: Report) -> list[str]:
    """List the cases in which the host is worse with fastws."""
    return [
        case
        for case in sorted({*stock.cases, *fast.cases}, key=number)
        if is_worse(fast.cases.get(case, MISSING), stock.cases.get(case, MISSING))
    ]


def better(stock: Report, fast: Report) -> list[str]:
    """List the cases in which it is better, and in nothing worse."""
    return [case for case in worse(fast, stock) if case not in worse(stock, fast)]


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """Give the worst behaviour and the worst close of some runs of one case."""
    known = list(outcomes)
    behavior = max(known, key=lambda outcome: outcome.badness[0]).behavior
    return Outcome(behavior, max(known, key=lambda outcome: outcome.badness[1]).close)


def settle(
    suspects: Collection[str], stock: Sequence[Report], fast: Sequence[Report]
) -> tuple[dict[str, str], list[str]]:
    """Look at cases that were worse with fastws, over all runs of each side.

    A case whose worst is no worse than the worst of the stock host flips in that host, by a race
    of its own: no fault of ours.

    Returns:
        The cases that flip, each with what it gave; and the faults.
    """
    flips, faults = {}, []
    for case in suspects:
        sides = [[run.cases.get(case, MISSING) for run in runs] for runs in (stock, fast)]
        told = "; ".join(
            f"{name} {', '.join(f'{n} x {outcome}' for outcome, n in Counter(side).items())}"
            for name, side in zip(("stock", "with fastws"), sides, strict=True)
        )
        if is_worse(worst(sides[1]), worst(sides[0])):
            faults.append(f"{case} is worse with fastws: {told}")
        else:
            flips[case] = told
    return flips, faults


def idle(report: Report, adapter: str) -> list[str]:
    """Say so where nothing proves that our code ran in a host."""
    counted: Mapping[str, int] = report.work.get(adapter, {})
    if any(counted.values()):
        return []
    return [f"the adapter for {adapter} counted nothing: our code did not run"]


def in_short(cases: Iterable[str]) -> str:
    """Write cases as ranges: 2.1-2.4, 5.1."""
    parts: list[list[str]] = []
    for case in sorted(cases, key=number):
        last = number(parts[-1][-1]) if parts else ()
        if last and number(case) == (*last[:-1], last[-1] + 1):
            parts[-1].append(case)
        else:
            parts.append([case])
    return ", ".join(part[0] if len(part) == 1 else f"{part[0]}-{part[-1]}" for part in parts)
