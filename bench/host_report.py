"""Say what bench_hosts.py found: lines as it goes, targets, JSON, and tables in Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from load import Case
from output import place, write
from startup import Cost

from fastws._bench.facts import number, system

if TYPE_CHECKING:
    from bench_hosts import Result, Target

NAME = "hosts"  # of the place in the page


class Verdict(NamedTuple):
    """What became of a target: where it was measured, the worst gain, and ok, SHORT or absent."""

    target: Target
    cases: list[Case]
    gain: float | None
    word: str


def judge(targets: Sequence[Target], results: Sequence[Result]) -> list[Verdict]:
    """Hold the targets against what came out, as far as they were measured."""
    by_name = {result.row.name: result for result in results}
    judged = []
    for target in targets:
        result = by_name.get(target.row)
        wanted = [Case(size, kind) for size in target.sizes for kind in target.kinds]
        # A host that is not here is absent; a size that was not asked for is not looked at.
        cases = [case for case in wanted if result and case in (result.samples or wanted)]
        if not cases:
            continue
        gains = [result.gain(case) for case in cases]
        worst = None if None in gains else min(gains)
        if worst is None:
            word = "absent"
        else:
            word = "ok" if worst >= target.gain else "SHORT"
        judged.append(Verdict(target, cases, worst, word))
    return judged


# --- Lines ---------------------------------------------------------------------------------------


def size(count: int) -> str:
    """Write a size as in 64 B, 1 KiB or 1 MiB."""
    for unit, name in ((1 << 20, "MiB"), (1 << 10, "KiB")):
        if count >= unit and count % unit == 0:
            return f"{count // unit} {name}"
    return f"{count} B"


def microseconds(seconds: float | None) -> str:
    return "-" if seconds is None else number(seconds * 1e6)


def gain(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}x" if value < 10 else f"{value:.0f}x"


def lines(result: Result) -> Iterator[str]:
    """Give a row as lines of text, one for each case."""
    versions = ", ".join(f"{name} {version}" for name, version in result.versions.items())
    yield f"{result.row.name}  ({versions})" if versions else result.row.name
    for case in result.samples:
        stock, fast = (microseconds(result.cost(case, side)) for side in ("stock", "fast"))
        if result.cost(case, "stock") is None:
            continue
        gained = f" -> {fast:>7} us {gain(result.gain(case)):>7}" if result.row.adapter else ""
        yield f"    {size(case.size):>7}  {case.kind:<6} {stock:>8} us{gained}"
    if result.problem:
        yield f"    {result.problem}"


def asked(verdict: Verdict) -> str:
    """Write what a target is about, as far as it was measured."""
    counts = ", ".join(dict.fromkeys(size(case.size) for case in verdict.cases))
    kinds = "" if len(verdict.target.kinds) > 1 else f" {verdict.target.kinds[0]}"
    return f"{verdict.target.row}, {counts}{kinds}"


def target_lines(judged: Sequence[Verdict]) -> Iterator[str]:
    """Give the targets as lines of text."""
    for verdict in judged:
        wanted = f"at least {verdict.target.gain:g}x, came out {gain(verdict.gain)}"
        yield f"{verdict.word:<7}{asked(verdict):<50} {wanted}"


def cost_lines(costs: Sequence[Cost]) -> Iterator[str]:
    """Give what a program's start costs as lines of text."""
    for cost in costs:
        word = "ok" if cost.holds else "SHORT"
        before = f"{milliseconds(cost.stock)} ms, and " if cost.stock else ""
        came = f"{before}{milliseconds(cost.more)} ms for fastws"
        told = cost.problem or f"{came}, at most {milliseconds(cost.bound)}"
        yield f"{word:<7}{cost.name:<50} {told}"


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:.1f}"


# --- Files ---------------------------------------------------------------------------------------


def write_json(
    file: str, results: Sequence[Result], judged: Sequence[Verdict], costs: Sequence[Cost]
) -> None:
    """Write everything that was measured."""
    rows = [
        {
            **result.row._asdict(),
            "versions": result.versions,
            "counters": result.counters,
            "problem": result.problem,
            "cases": [
                {
                    **case._asdict(),
                    "microseconds": {
                        side: [second * 1e6 for second in seconds]
                        for side, seconds in result.samples[case].items()
                    },
                    "gain": result.gain(case),
                }
                for case in result.samples
            ],
        }
        for result in results
    ]
    targets = [
        {**verdict.target._asdict(), "came_out": verdict.gain, "verdict": verdict.word}
        for verdict in judged
    ]
    starts = [cost._asdict() for cost in costs]
    found = {"environment": system(), "results": rows, "targets": targets, "start": starts}
    write(file, json.dumps(found, indent=1) + "\n")


def write_markdown(
    file: str,
    results: Sequence[Result],
    judged: Sequence[Verdict],
    costs: Sequence[Cost],
    arguments: str,
) -> None:
    """Print the tables, or put them into a file in place of those between their markers."""
    place(file, NAME, [*markdown(results, judged, arguments), "", *cost_rows(costs)])


def markdown(results: Sequence[Result], judged: Sequence[Verdict], arguments: str) -> Iterator[str]:
    """Give the lines of the tables of gains, and of what they were measured with."""
    facts = ", ".join(f"{name} {value}" for name, value in system().items())
    yield f"Made by `python bench/bench_hosts.py {arguments}` on: {facts}."
    yield ""
    yield "| host | version | message | text | | binary | |"
    yield "|---|---|---|---|---|---|---|"
    for result in results:
        yield from table_rows(result)
    left_out = [f"{result.row.name}: {result.problem}" for result in results if result.problem]
    if left_out:
        yield ""
        yield f"Not whole: {'; '.join(left_out)}."
    yield ""
    yield "| target | gain wanted | came out | |"
    yield "|---|---|---|---|"
    for verdict in judged:
        wanted = f"at least {verdict.target.gain:g}x"
        yield f"| {asked(verdict)} | {wanted} | {gain(verdict.gain)} | {verdict.word} |"


def cost_rows(costs: Sequence[Cost]) -> Iterator[str]:
    """Give the table of what a program's start costs."""
    yield "| at the start | without fastws | more with it | at most | |"
    yield "|---|---|---|---|---|"
    for cost in costs:
        before = f"{milliseconds(cost.stock)} ms" if cost.stock else ""
        more = cost.problem or f"{milliseconds(cost.more)} ms"
        word = "ok" if cost.holds else "SHORT"
        yield f"| `{cost.name}` | {before} | {more} | {milliseconds(cost.bound)} ms | {word} |"


def table_rows(result: Result) -> Iterator[str]:
    """Give a host's rows of the table, one for each size."""
    version = next(iter(result.versions.values()), "")
    name = result.row.name
    for count in dict.fromkeys(case.size for case in result.samples):
        cells = [cell for kind in ("text", "binary") for cell in pair(result, Case(count, kind))]
        yield f"| {name} | {version} | {size(count)} | {' | '.join(cells)} |"
        name = version = ""


def pair(result: Result, case: Case) -> tuple[str, str]:
    """Give two cells: what a message costs before and after, and the gain."""
    stock = result.cost(case, "stock")
    if stock is None:
        return "", ""
    fast = result.cost(case, "fast")
    after = "" if fast is None else f" → {microseconds(fast)}"
    return f"{microseconds(stock)}{after} µs", "" if fast is None else gain(result.gain(case))
