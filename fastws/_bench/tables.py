"""How `fastws bench` says what it found: tables of words, closing sentences, and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import fastws

from .._info import why_not_compiled
from . import rivals
from .experiments import Case
from .facts import environment, number, system
from .plan import Bench, Measured, gains, losses

NAMES = {
    "ours": "fastws",
    "pure": "pure twin",
    "decode": "bytes.decode()",
    "plain": "decode(), no mask",
}
# What the closing sentences are about; the first two that were measured with a rival.
DOES = {
    "text": "takes text messages",
    "encode": "makes masked frames of text",
    "frames": "takes frames",
    "mask": "masks",
}
HOW = (
    "Each time is that of one call or one message. Behind it stands how many times as fast fastws "
    "is; what is below 1 is faster than fastws."
)
PURE = (
    "The compiled core is not in use here. What was measured is the pure twin, which is there to "
    "be right, and not quick: do not expect it to gain anything beside a library with C of its own."
)
WHOLE = (
    "A whole server gains less, since its event loop, its sockets and the program stay as they "
    "are. `fastws run` puts fastws under it; `fastws info` tells under what."
)
UNITS = ((1, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))


class Table(NamedTuple):
    """A bench in words: the first column names the sides, the others are cases."""

    title: str
    heads: list[str]
    rows: list[list[str]]


def duration(seconds: float) -> str:
    """Write a time in the unit in which it is not less than one."""
    size, unit = next((pair for pair in UNITS if seconds >= pair[0]), UNITS[-1])
    return f"{number(seconds / size)} {unit}"


def ratio(value: float) -> str:
    """Write how many times as fast we are."""
    return f"{value:.2f}x" if value < 10 else f"{value:.0f}x"


def label(case: Case) -> str:
    return f"{case.label} {case.script}".strip()


def table(bench: Bench, measured: Sequence[Measured]) -> Table:
    """Lay out a bench, the quickest side of its first case first, each time beside ours."""
    cases = [each for each in measured if each.bench is bench]
    sides = sorted(cases[0].times, key=lambda side: cases[0].times[side].best)
    rows = []
    for side in sides:
        row = [NAMES.get(side, side)]
        for each in cases:
            beside = "" if side == "ours" else ratio(each.gain(side))
            row.append(f"{duration(each.times[side].best):>7} {beside:>6}")
        rows.append(row)
    return Table(bench.title, ["", *(f"{label(each.case)}  " for each in cases)], rows)


def opening() -> list[str]:
    """Say what is measured, where, and how to read it."""
    facts = system()
    beside = ", ".join(f"{name} {version}" for name, version in rivals.versions().items())
    where = ", ".join(facts[name] for name in ("python", "system", "processor"))
    said = [f"fastws {facts['fastws']}, on {where}."]
    if beside:
        said.append(f"Beside it: {beside}.")
    return [*said, HOW]


def left_out() -> dict[str, str]:
    """Say what was not measured here, and why."""
    found = dict(rivals.missing())
    if not fastws.ACCELERATED:
        found["fastws' compiled core"] = why_not_compiled()
    return found


def closing(measured: Sequence[Measured]) -> list[str]:
    """Give the sentences that say what this machine gains."""
    if not fastws.ACCELERATED:
        return [PURE]
    by_bench = gains(measured)
    said = [
        f"Here fastws {does} {comparison(by_bench[name])}."
        for name, does in DOES.items()
        if by_bench.get(name)
    ][:2]
    slower = [
        f"{each.bench.name} of {label(each.case)} ({ratio(each.gain(rival))} beside {rival})"
        for each, rival in losses(measured)
    ]
    if slower:
        said.append(f"It is slower at {', '.join(slower)}.")
    if not rivals.versions():
        said.append("No other library that it could be compared with is here.")
    return [*said, WHOLE]


def comparison(ratios: dict[str, float]) -> str:
    """Write how we stand to each rival, the closest first."""
    first, *others = sorted(ratios, key=lambda rival: ratios[rival])
    words = [f"{number(ratios[first])} times as fast as {first}"]
    words += [f"{number(ratios[rival])} as {rival}" for rival in others]
    return ", ".join(words)


def as_json(measured: Sequence[Measured], *, quick: bool) -> dict[str, Any]:
    """Give everything that was measured, in what JSON knows."""
    return {
        "environment": environment(),
        "quick": quick,
        "left_out": left_out(),
        "gains": gains(measured),
        "bench": [
            {
                "name": each.bench.name,
                "size": each.case.size,
                "script": each.case.script,
                "nanoseconds": {
                    side: {"best": times.best * 1e9, "median": times.median * 1e9}
                    for side, times in each.times.items()
                },
            }
            for each in measured
        ],
    }
