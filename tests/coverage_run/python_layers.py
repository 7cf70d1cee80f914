"""Coverage of the plain Python, by coverage.py: the same tests on each back end."""

from __future__ import annotations

import json
import sys

from figures import Figure
from places import OUT, PACKAGE, run

PYTEST = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "measured", "-m"]
# A tracer is an allocation here and there: what lets allocations fail is run without it.
MARKS = "not slow and not packaging"
SWITCHES = {
    "pure": {"FASTWS_NO_EXTENSIONS": "1"},
    "compiled": {"FASTWS_REQUIRE_EXTENSIONS": "1"},
}


def test(back_end: str, *arguments: str) -> None:
    """Run the tests on a back end under coverage.py, other processes that they start included."""
    data = f"--data-file={OUT / f'python-{back_end}'}"
    coverage = [sys.executable, "-m", "coverage"]
    # The folder, and not the package: _run/sitecustomize.py is imported under another name.
    source = f"--source={PACKAGE}"
    run(
        *coverage,
        "run",
        data,
        source,
        *PYTEST,
        MARKS,
        *arguments,
        CI="1",
        goes_on=True,
        **SWITCHES[back_end],
    )
    run(*coverage, "combine", "-q", data)
    run(*coverage, "json", "-q", data, "-o", OUT / f"python-{back_end}.json")


def test_without_memory(*arguments: str) -> None:
    """Run on the compiled core what no tracer may watch, and what compiles against it."""
    files = ["tests/test_allocations.py", "tests/test_door.py"]
    run(
        sys.executable,
        *PYTEST,
        "not packaging",
        *files,
        *arguments,
        CI="1",
        goes_on=True,
        **SWITCHES["compiled"],
    )


def layer_of(path: str) -> str:
    """Name the layer that a file of the package belongs to."""
    if path.startswith("fastws/adapters/"):
        return "adapters"
    return "pure twin" if path.startswith("fastws/_pure") else "plain Python"


def figures(back_end: str) -> list[Figure]:
    """Give a figure for each layer that belongs to a back end."""
    layers = ["plain Python", "adapters"]
    if back_end == "pure":
        layers.insert(0, "pure twin")
    found = {layer: Figure(layer, back_end) for layer in layers}
    told = json.loads((OUT / f"python-{back_end}.json").read_text())
    for path, file in sorted(told["files"].items()):
        if layer_of(path) in found:
            count(found[layer_of(path)], path, file)
    return list(found.values())


def count(found: Figure, path: str, file: dict) -> None:
    """Add a file."""
    for key, run_ in (("executed_lines", True), ("missing_lines", False)):
        for line in file[key]:
            found.line(f"{path}:{line}", run_)
    for key, run_ in (("executed_branches", True), ("missing_branches", False)):
        for start, end in file[key]:
            where = f"to line {end} not taken" if end > 0 else "to the function's end not taken"
            found.branch(f"{path}:{start}", run_, where)
