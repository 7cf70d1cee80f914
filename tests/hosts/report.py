"""Show what became of the suites: a table for the terminal, the same in Markdown for the docs."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Sequence

from .compare import Run, in_words
from .runner import Result

HEAD = ("suite", "of", "without fastws", "with fastws", "differences", "done by fastws", "seconds")


def row(result: Result) -> tuple[str, ...]:
    """Give a suite's line of the table."""
    suite = result.suite
    return (
        suite.name,
        suite.distribution,
        _counts(result.stock),
        _counts(result.fast),
        _differences(result),
        _work(result),
        "/".join(f"{run.seconds:.1f}" for run in (result.stock, result.fast) if run) or "-",
    )


def _counts(run: Run | None) -> str:
    return in_words(run.counts()) if run else "-"


def _differences(result: Result) -> str:
    if result.fast is None:
        return "-"
    parts = ["none"]
    if result.faults:
        parts = [f"{len(result.faults)} FAULTS"]
    elif result.allowed:
        parts = [f"{len(result.allowed)} allowed"]
    if result.flaky:
        parts.append(f"{len(result.flaky)} flaky")
    return ", ".join(parts)


def _work(result: Result) -> str:
    if result.fast is None:
        return "-"
    work = {host: result.fast.counters(host) for host in result.suite.adapters}
    return "; ".join(
        (f"{host}: " if len(work) > 1 else "")
        + (", ".join(f"{count} {what}" for what, count in counters.items() if count) or "nothing")
        for host, counters in work.items()
    )


def table(results: Iterable[Result]) -> str:
    """Lay the table out in columns."""
    rows = [HEAD, *map(row, results)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in rows
    )


def findings(result: Result) -> str:
    """Say all that there is to say of a suite beside its line."""
    name = result.suite.name
    lines = [f"{name}: flaky, and the same both ways when run alone: {t}" for t in result.flaky]
    lines += [f"{name}: allowed: {t}: {result.suite.allowed[t]}" for t in result.allowed]
    left_out = result.suite.left_out
    lines += [
        f"{name}: left out: {sum(why == other for other in left_out.values())} tests: {why}"
        for why in dict.fromkeys(left_out.values())
    ]
    lines += [f"{name}: FAULT: {fault}" for fault in result.faults]
    return "\n".join(lines)


def conclusion(results: Sequence[Result]) -> str:
    """Give the closing line."""
    bad = [result.suite.name for result in results if result.faults]
    if bad:
        return f"{len(bad)} of {len(results)} suites are not as expected: {', '.join(bad)}"
    return f"{len(results)} suites, and none of them notices"


def markdown(results: Sequence[Result], *, pure: bool) -> str:
    """Write the table for the docs, with every difference and its reason."""
    rows = [HEAD, ("---",) * len(HEAD), *map(row, results)]
    lines = [
        f"{platform.python_implementation()} {platform.python_version()}, "
        f"{platform.system()} {platform.machine()}, "
        f"{'the pure-Python twin' if pure else 'the compiled core'}.",
        "",
        *("| " + " | ".join(line) + " |" for line in rows),
        "",
        *("- " + line for result in results for line in findings(result).splitlines()),
    ]
    return "\n".join(lines).rstrip() + "\n"
