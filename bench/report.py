"""Say what came out: a line for each claim as it is measured, JSON, and a table in Markdown."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import fastws

if TYPE_CHECKING:
    from claims import Result


class Times(NamedTuple):
    """The best and the median sample of one side, in seconds."""

    best: float
    median: float


def environment() -> dict[str, str]:
    """Say where the figures come from, and whom they compare with."""
    import rivals

    return system() | rivals.versions()


def system() -> dict[str, str]:
    """Say where the figures come from."""
    return {
        "processor": processor(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "fastws": f"{fastws.__version__}, {fastws.backend}, {fastws.simd}",
    }


def processor() -> str:
    """Give the processor's name where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def number(value: float) -> str:
    """Write three significant digits, and never fewer than all of those before the point."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


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


def write(file: str, content: str) -> None:
    if file == "-":
        sys.stdout.write(content)
    else:
        Path(file).write_text(content)


# --- Markdown ------------------------------------------------------------------------------------


def write_markdown(file: str, results: Sequence[Result], command: str) -> None:
    """Print the table, or put it into a file in place of the one between its markers."""
    place(file, "claims", markdown(results, command))


def place(file: str, name: str, lines: Sequence[str]) -> None:
    """Print lines, or put them into a file between its markers of this name."""
    first, last = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    block = "\n".join([first, *lines, last])
    if file == "-":
        print(block)
        return
    before, begin, rest = Path(file).read_text().partition(first)
    _, end, after = rest.partition(last)
    if not begin or not end:
        raise SystemExit(f"{file} has no place for the table: {first} and {last}")
    write(file, before + block + after)


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
