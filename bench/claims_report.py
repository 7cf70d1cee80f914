"""Say what claims.py found: a line for each claim as it is measured, JSON, and a table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, NamedTuple

from output import place, write

from fastws._bench.facts import environment, number

if TYPE_CHECKING:
    from claims import Result


class Times(NamedTuple):
    """The best and the median sample of one side, in seconds."""

    best: float
    median: float


def wanted(result: Result) -> str:
    """Write the bound of a claim."""
    claim = result.claim
    if claim.bound is None:
        return "lower is better" if claim.at_most else "higher is better"
    unit = "" if claim.unit[0] == "x" else f" {claim.unit[0]}"
    each = ", each" if claim.worst and len(claim.cases) > 1 else ""
    return f"{'at most' if claim.at_most else 'at least'} {number(claim.bound)}{unit}{each}"


def came_out(result: Result) -> str:
    """Write the aggregate of a claim."""
    if result.problem is not None:
        return "-"
    unit = "" if result.claim.unit[0] == "x" else f" {result.claim.unit[0]}"
    return number(result.aggregate) + unit


def by_case(result: Result) -> str:
    """Write the value of each case, where there are several, or what went wrong."""
    if result.problem is not None:
        return str(result.problem)
    if len(result.values) < 2:
        return ""
    return "  ".join(f"{label}: {number(value)}" for label, value in result.values.items())


def line(result: Result) -> str:
    """Write a result as a line of text."""
    claim = f"{result.claim.name:<38}{came_out(result):>9}  ({wanted(result)})"
    return f"{result.verdict:<7}{claim:<78}{by_case(result)}".rstrip()


# --- JSON ----------------------------------------------------------------------------------------


def write_json(file: str, results: Sequence[Result], *, quick: bool) -> None:
    """Write everything that was measured."""
    rows = [
        {
            **asdict(result),
            "problem": str(result.problem or ""),
            "aggregate": None if result.problem else result.aggregate,
            "verdict": result.verdict,
        }
        for result in results
    ]
    found = {"environment": environment(), "quick": quick, "results": rows}
    write(file, json.dumps(found, indent=1) + "\n")


# --- Markdown ------------------------------------------------------------------------------------


def write_markdown(file: str, results: Sequence[Result], command: str) -> None:
    """Print the table, or put it into a file in place of the one between its markers."""
    place(file, "claims", markdown(results, command))


def markdown(results: Sequence[Result], command: str) -> list[str]:
    """Give the lines of the table, and of what it was measured with."""
    facts = ", ".join(f"{name} {value}" for name, value in environment().items())
    verdicts = [result.verdict for result in results if result.claim.bound is not None]
    held = f"{verdicts.count('ok')} of {len(verdicts)} claims held."
    short = [result.claim.name for result in results if result.verdict == "SHORT"]
    return [
        f"Made by `{command}` on: {facts}.",
        "",
        f"{held} Short: {'; '.join(short) or 'none'}.",
        "",
        "| claim | bound | came out | size by size | |",
        "|---|---|---|---|---|",
        *(
            f"| {result.claim.name} | {wanted(result)} | {came_out(result)} "
            f"| {by_case(result).replace('  ', ', ')} | {result.verdict} |"
            for result in results
        ),
    ]
