"""What fastws costs a program that starts: `fastws.install()`, and the import of each host.

Processor time of fresh interpreters, with and without fastws by turns; the medians count. A busy
machine may spoil a measurement, so what is too much is measured again, and has to be so each time.
The bounds are those of a machine whose interpreter starts within 12 ms, and grow with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import pytest
from processes import python

from fastws.adapters import _registry

RUNS, ATTEMPTS = 7, 3
INSTALL, IMPORT, START = 0.005, 0.020, 0.012
PROBE = """
import importlib, sys, time
start = time.process_time()
import fastws
before = time.process_time()
if sys.argv[1] == "install":
    fastws.install()
between = time.process_time()
if len(sys.argv) > 2:
    importlib.import_module(sys.argv[2])
print(start, between - before, time.process_time() - between, "importlib.metadata" in sys.modules)
print(fastws.status()[sys.argv[3]].state if len(sys.argv) > 3 else "")
"""

pytestmark = pytest.mark.slow


@pytest.fixture
def probe(tmp_path: Path) -> Iterator[Callable[..., list[str]]]:
    """Give a function that runs the probe; what is compiled is kept, as after any first run."""
    kept = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(tmp_path)}

    def run(*words: str) -> list[str]:
        done = python("-W", "ignore", "-c", PROBE, *words, **kept)
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    yield run


def is_there(module: str) -> bool:
    """Tell whether a host is installed."""
    return find_spec(module.partition(".")[0]) is not None


def hold(bound: float, measured: Callable[[], tuple[float, float]]) -> None:
    """Measure a cost, and what the interpreter's start took, until it holds the bound."""
    found = []
    for _ in range(ATTEMPTS):
        cost, start = measured()
        if cost <= bound * max(1, start / START):
            return
        found.append(cost)
    pytest.fail(f"more than {bound * 1e3:.0f} ms, each time: {found}")


def test_install_costs_at_most_five_milliseconds(probe: Callable[..., list[str]]) -> None:
    def measured() -> tuple[float, float]:
        runs = [probe("install") for _ in range(RUNS)]
        assert {run[3] for run in runs} == {"False"}
        return median(float(run[1]) for run in runs), median(float(run[0]) for run in runs)

    probe("install")
    hold(INSTALL, measured)


@pytest.mark.parametrize("name", _registry.HOSTS)
def test_import_of_a_host_costs_at_most_twenty_more(
    name: str, probe: Callable[..., list[str]]
) -> None:
    module = _registry.HOSTS[name].modules[0]
    if not is_there(module):
        pytest.skip(f"{name} is not installed")

    def measured() -> tuple[float, float]:
        runs = [(probe("stock", module, name), probe("install", module, name)) for _ in range(RUNS)]
        stock, fast = ([float(run[side][2]) for run in runs] for side in (0, 1))
        return median(fast) - median(stock), median(float(run[0][0]) for run in runs)

    assert probe("stock", module, name)[4] == "off"
    assert probe("install", module, name)[4] == "on"
    hold(IMPORT, measured)
