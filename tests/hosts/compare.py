"""Hold a suite's run with fastws against its run without: what is to be said against the two.

Rule: nothing is run here. What comes in is what two runs left behind; what goes out is a list of
faults, empty where the host's suite did not notice us and our code did its work.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

GOOD = ("passed", "skipped", "xfailed")
MISSING = "missing"


@dataclass
class Process:
    """What one process of a run said of fastws at its end."""

    fastws: bool
    backend: str = ""
    # Of each host: its state, why it was refused, and what its adapter counted.
    hosts: Mapping[str, tuple[str, str, Mapping[str, int]]] = field(default_factory=dict)


@dataclass
class Run:
    """What one run of a suite left behind."""

    outcomes: dict[str, str]
    exit_status: int
    seconds: float = 0.0
    processes: list[Process] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """Give how many tests came to each outcome; subtests are counted apart."""
        kinds = (
            "subtests " + outcome if "(subtest " in test else outcome
            for test, outcome in self.outcomes.items()
        )
        return dict(sorted(Counter(kinds).items()))

    def settle(self, test: str, outcome: str) -> None:
        """Take what a test gave when it was run alone for what it gave."""
        self.outcomes[test] = outcome
        if self.good:
            self.exit_status = 0

    @property
    def good(self) -> bool:
        """Whether no test failed."""
        return all(outcome in GOOD for outcome in self.outcomes.values())

    def counters(self, host: str) -> dict[str, int]:
        """Add up what a host's adapter counted in all processes."""
        total: Counter[str] = Counter()
        for process in self.processes:
            total.update(process.hosts.get(host, ("", "", {}))[2])
        return dict(total)

    def refusals(self, host: str) -> list[str]:
        """Give why fastws was not in a host where the host was to be had, each reason once."""
        found = (process.hosts.get(host) for process in self.processes)
        return sorted({f"{state}: {reason}" for state, reason, _ in filter(None, found) if reason})


@dataclass(frozen=True)
class Difference:
    """One test to which fastws made a difference."""

    test: str
    stock: str
    fast: str

    def __str__(self) -> str:
        return f"{self.test}: {self.stock} without fastws, {self.fast} with it"


def differences(stock: Run, fast: Run) -> list[Difference]:
    """List the tests that ended otherwise with fastws than without, or not at all."""
    tests = dict.fromkeys([*stock.outcomes, *fast.outcomes])
    pairs = (
        Difference(test, stock.outcomes.get(test, MISSING), fast.outcomes.get(test, MISSING))
        for test in tests
    )
    return [pair for pair in pairs if pair.stock != pair.fast]


def suspects(stock: Run, fast: Run | None = None, *, allowed: Collection[str] = ()) -> list[str]:
    """List the tests that failed in either run, or that differ."""
    found = []
    for run in (stock, fast or stock):
        found += [test for test, outcome in run.outcomes.items() if outcome not in GOOD]
    found += [difference.test for difference in differences(stock, fast or stock)]
    return [test for test in dict.fromkeys(found) if test not in allowed]


def stock_faults(stock: Run, expected: Mapping[str, int]) -> list[str]:
    """Say what is wrong with the run without fastws: then there is nothing to compare with."""
    faults = []
    if stock.counts() != dict(expected):
        faults.append(f"without fastws: {in_words(stock.counts())}; expected: {in_words(expected)}")
    if stock.exit_status and stock.good:
        faults.append(f"without fastws: no test failed, but it exited with {stock.exit_status}")
    if any(process.fastws for process in stock.processes):
        faults.append("fastws was in the run that is to be without it")
    if not stock.processes:
        faults.append("the run without fastws did not report: nothing proves that it was without")
    return faults


def fast_faults(
    stock: Run, fast: Run, adapters: Iterable[str], allowed: Collection[str], backend: str
) -> list[str]:
    """Say what is wrong with the run with fastws.

    Args:
        adapters: those that must have done something.
        allowed: the tests to which fastws may make a difference, and then has to.
        backend: the back end that must have done it.
    """
    found = differences(stock, fast)
    faults = [str(difference) for difference in found if difference.test not in allowed]
    different = {difference.test for difference in found}
    faults += [
        f"{test}: fastws is allowed to make a difference, and makes none"
        for test in allowed
        if test not in different
    ]
    if bool(stock.exit_status) != bool(fast.exit_status) and not found:
        faults.append(f"exit status: {stock.exit_status} without fastws, {fast.exit_status} with")
    backends = {process.backend for process in fast.processes if process.backend}
    if backends != {backend}:
        faults.append(f"back end: {', '.join(sorted(backends)) or 'none'}; expected: {backend}")
    for adapter in adapters:
        faults += _idle(fast, adapter)
    return faults


def _idle(fast: Run, adapter: str) -> list[str]:
    faults = [f"{adapter} was {reason}" for reason in fast.refusals(adapter)]
    if not any(adapter in process.hosts for process in fast.processes):
        faults.append(f"there is no adapter for {adapter}")
    elif not sum(fast.counters(adapter).values()):
        faults.append(f"the adapter for {adapter} counted nothing: our code did not run")
    return faults


def in_words(counts: Mapping[str, int]) -> str:
    """Write counts as test runners do: `195 passed, 26 skipped`."""
    order = {outcome: place for place, outcome in enumerate(("passed", "failed", "error"))}
    names = sorted(counts, key=lambda name: (name.startswith("sub"), order.get(name, 9), name))
    return ", ".join(f"{counts[name]} {name}" for name in names) or "no tests"
