"""Try one side: its program alone, or stock and with fastws, and judge what the suite reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from . import judge
from .judge import Report
from .sides import Side, Way
from .trial import Trial
from .wstest import Wstest

# How often cases are repeated, stock and with fastws, in which the host was worse with fastws.
TRIES = 10
# More suspects than this are not a matter of luck.
TOO_MANY = 20


@dataclass
class Result:
    """What is to be said of one side.

    Attributes:
        fast: the report of the last run with fastws.
        stock: the report of the host as it is.
        faults: what is not as it has to be; the verdict.
        flips: cases that flip in the stock host too, and what they gave.
    """

    side: Side
    selection: str
    fast: Report | None = None
    stock: Report | None = None
    faults: list[str] = field(default_factory=list)
    flips: dict[str, str] = field(default_factory=dict)
    runs: int = 1

    @property
    def versions(self) -> str:
        """The host and what it is built on."""
        names = self.side.distributions
        return ", ".join(f"{name} {metadata.version(name)}" for name in names)


class Runner:
    """All that is tried in one go; what several sides are held against is run once.

    Args:
        wstest: the suite.
        folder: where reports and logs are left.
    """

    def __init__(self, wstest: Wstest, folder: Path) -> None:
        self.wstest = wstest
        self.folder = folder
        self._stock: dict[tuple[Way, Sequence[str]], Report] = {}

    def check(self, side: Side, selection: str, cases: Sequence[str], times: int = 1) -> Result:
        """Try one side.

        Args:
            selection: what to call the cases.
            times: how often to run a side of fastws alone; each run has to be good.
        """
        result = Result(side, selection, runs=times if side.stock is None else 1)
        for way in (side.stock, side.fast):
            if way is not None and (missing := absent(side)):
                result.faults = [f"{missing} is not installed"]
                return result
        if side.stock is None:
            self._check_own(result, cases)
        else:
            self._check_host(result, side.stock, cases)
        if result.faults:
            result.faults.append(f"reports and logs are in {self.folder / side.name}")
        return result

    def _check_own(self, result: Result, cases: Sequence[str]) -> None:
        for _ in range(result.runs):
            report = result.fast = self._run(result.side, result.side.fast, "fastws", cases)
            result.faults += judge.run_faults(report, cases) + judge.own_faults(report)
            if result.faults:
                break

    def _check_host(self, result: Result, way: Way, cases: Sequence[str]) -> None:
        side = result.side
        key = (way, tuple(cases))
        if key not in self._stock:
            self._stock[key] = self._run(side, way, "stock", cases)
        stock = result.stock = self._stock[key]
        fast = result.fast = self._run(side, side.fast, "fastws", cases)
        result.faults += [f"stock: {fault}" for fault in judge.run_faults(stock, cases)]
        result.faults += judge.run_faults(fast, cases)
        if not side.idle:
            result.faults += judge.idle(fast, side.proof)
        suspects = judge.worse(stock, fast)
        runs = [stock], [fast]
        if suspects and len(suspects) <= TOO_MANY:
            for _ in range(TRIES):
                runs[0].append(self._run(side, way, "stock-again", suspects))
                runs[1].append(self._run(side, side.fast, "fastws-again", suspects))
        result.flips, faults = judge.settle(suspects, *runs)
        result.faults += faults

    def _run(self, side: Side, way: Way, name: str, cases: Sequence[str]) -> Report:
        return Trial(self.wstest, side, self.folder / side.name / name).run(way, cases)


def absent(side: Side) -> str:
    """Give what a side needs that is not installed, if anything."""
    for name in side.distributions:
        try:
            metadata.version(name)
        except metadata.PackageNotFoundError:
            return name
    return ""
