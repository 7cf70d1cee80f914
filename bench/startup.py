"""What fastws costs a program that starts: `fastws.install()`, and the import of each host.

Processor time of fresh interpreters, with and without fastws by turns; the medians count.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import NamedTuple

from fastws.adapters import _registry

# What is promised where the interpreter itself starts within START; in proportion elsewhere.
INSTALL, IMPORT, START = 0.005, 0.020, 0.012

PROBE = """
import importlib, sys, time
start = time.process_time()
import fastws
before = time.process_time()
if sys.argv[1] == "fast":
    fastws.install()
between = time.process_time()
if len(sys.argv) > 2:
    importlib.import_module(sys.argv[2])
end = time.process_time()
state = fastws.status()[sys.argv[3]].state if len(sys.argv) > 3 else ""
print(start, between - before, end - between, state)
"""


class Cost(NamedTuple):
    """What something costs in seconds: without fastws, and how much more with it.

    Attributes:
        name: what it is.
        stock: the seconds without fastws.
        more: the seconds that fastws adds.
        bound: what it may add at most.
        problem: why it could not be measured, else "".
    """

    name: str
    stock: float
    more: float
    bound: float
    problem: str = ""

    @property
    def holds(self) -> bool:
        return not self.problem and self.more <= self.bound


class Failed(Exception):
    """The start of a program could not be measured."""


class Interpreters:
    """Fresh interpreters that keep what they compile, as after any first run; from `with` on."""

    def __enter__(self) -> Interpreters:
        self._cache = tempfile.TemporaryDirectory()
        clean = {name: word for name, word in os.environ.items() if "BYTECODE" not in name}
        path = [str(Path(find_spec("fastws").origin).parents[1]), os.environ.get("PYTHONPATH")]
        self._environment = clean | {
            "PYTHONPATH": os.pathsep.join(filter(None, path)),
            "PYTHONPYCACHEPREFIX": self._cache.name,
        }
        return self

    def __exit__(self, *_: object) -> None:
        self._cache.cleanup()

    def install(self, runs: int) -> Cost:
        """Measure `fastws.install()` where no host is imported."""
        self._probe("fast")
        found = [self._probe("fast") for _ in range(runs)]
        start, cost = (median(times) for times in list(zip(*found, strict=True))[:2])
        return Cost("fastws.install()", 0, cost, in_proportion(INSTALL, start))

    def host(self, name: str, runs: int) -> Cost:
        """Measure the import of a host, which has to be taken by fastws then."""
        module = _registry.HOSTS[name].modules[0]
        self._probe("stock", module, name)
        self._probe("fast", module, name)
        stock, fast = [], []
        for _ in range(runs):
            stock.append(self._probe("stock", module, name))
            fast.append(self._probe("fast", module, name))
        start, without = median(run[0] for run in stock), median(run[2] for run in stock)
        more = median(run[2] for run in fast) - without
        return Cost(f"import {module}", without, more, in_proportion(IMPORT, start))

    def _probe(self, side: str, module: str = "", name: str = "") -> tuple[float, float, float]:
        words = [side, module, name] if module else [side]
        command = [sys.executable, "-W", "ignore", "-c", PROBE, *words]
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True)
        if done.returncode:
            raise Failed(done.stderr.splitlines()[-1])
        start, installed, imported, *state = done.stdout.split()
        if module and side == "fast" and state != ["on"]:
            raise Failed(f"fastws is not in {name}")
        return float(start), float(installed), float(imported)


def in_proportion(bound: float, start: float) -> float:
    return bound * max(1, start / START)


def is_there(name: str) -> bool:
    """Tell whether a host is installed; what stands in for a library of others is none."""
    host = _registry.HOSTS[name]
    if isinstance(host, _registry.StandIn):
        return False
    return find_spec(host.modules[0].partition(".")[0]) is not None


def costs(names: Iterable[str], runs: int) -> Iterator[Cost]:
    """Measure `fastws.install()`, and the import of those of these hosts that are here."""
    with Interpreters() as interpreters:
        yield interpreters.install(runs)
        for name in names:
            if name in _registry.HOSTS and is_there(name):
                try:
                    yield interpreters.host(name, runs)
                except Failed as error:
                    yield Cost(f"import {name}", 0, 0, IMPORT, str(error))
