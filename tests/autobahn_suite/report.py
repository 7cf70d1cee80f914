"""Show what came of it: a table for the terminal, the same in Markdown for docs/autobahn.md.

Trying everything takes an hour. So the rows of each side are kept, and the page is made of all
that were tried with the code as it is now, in this run or in an earlier one, each by the most
cases that it was.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from hosts.environments import BUILT, ROOT
from output import place  # of bench/: the one place that knows how tables stand in pages

from . import judge
from .cases import SELECTIONS
from .judge import Report
from .runner import Result
from .sides import SIDES

COMMAND = "python tests/autobahn_suite/run.py"
BEHAVIORS = ("OK", "NON-STRICT", "INFORMATIONAL", "FAILED", "UNIMPLEMENTED")
HEAD = ("side", "with", "cases", *BEHAVIORS, "closes", "seconds", "verdict")


def rows(result: Result) -> Iterator[tuple[str, ...]]:
    """Give the lines of a side in the table: of the host as it is, and with fastws in."""
    name = result.side.name
    if result.stock:
        yield _row(name, f"{result.versions}, stock", result.stock, "")
        name = ""
    way = result.side.fast
    what = f"fastws, {'pure' if way.pure else 'compiled'}"
    if result.fast:
        yield _row(name, what, result.fast, verdict(result))
    elif not result.stock:
        yield (name, what, *("-" for _ in HEAD[2:-1]), verdict(result))


def _row(name: str, what: str, report: Report, said: str) -> tuple[str, ...]:
    behaviors = report.behaviors()
    counts = (str(behaviors[behavior]) for behavior in BEHAVIORS)
    return (
        *(name, what, str(len(report.cases)), *counts),
        *(_in_words(report.closes()), f"{report.seconds:.0f}", said),
    )


def _in_words(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {what}" for what, count in counts.most_common())


def verdict(result: Result) -> str:
    """Say in few words how a side did."""
    if result.faults:
        return "FAULTS"
    if result.stock is None:
        return "all as they have to be" + (f", {result.runs} times" if result.runs > 1 else "")
    assert result.fast
    gained = len(judge.better(result.stock, result.fast))
    return "none worse" + (f", {gained} better" if gained else "")


def table(results: Iterable[Result], *, head: bool = True) -> str:
    """Lay the table out in columns."""
    lines = [*([HEAD] if head else []), *(row for result in results for row in rows(result))]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def findings(result: Result) -> str:
    """Say all that there is to say of a side beside its lines."""
    name = result.side.name
    lines = [f"{name}: FAULT: {fault}" for fault in result.faults]
    lines += [f"{name}: flips, stock as well: {c}: {said}" for c, said in result.flips.items()]
    for what, report in (("stock", result.stock), ("with fastws", result.fast)):
        if result.stock and report:
            lines += [f"{name}, {what}: {line}" for line in _shortcomings(report)]
    if result.fast and (work := result.fast.work.get(result.side.proof)):
        done = [f"{count} {what}" for what, count in work.items() if count]
        said = ", ".join(done) or f"nothing: {result.side.idle}"
        lines.append(f"{name}: done by fastws: {said}")
    return "\n".join(lines)


def _shortcomings(report: Report) -> Iterator[str]:
    """Name the cases that are neither OK nor INFORMATIONAL, by what they are."""
    kinds: dict[str, list[str]] = {}
    for case, outcome in report.cases.items():
        if max(outcome.badness) > 1:
            kinds.setdefault(str(outcome), []).append(case)
    for kind, cases in kinds.items():
        yield f"{kind}: {judge.in_short(cases)}"


def conclusion(results: Sequence[Result]) -> str:
    """Give the closing line."""
    bad = [result.side.name for result in results if result.faults]
    if bad:
        return f"{len(bad)} of {len(results)} sides are not as they have to be: {', '.join(bad)}"
    return f"{len(results)} sides, and all of them are as they have to be"


# --- The page ------------------------------------------------------------------------------------


def sources() -> str:
    """Give a digest of the code under test."""
    digest = hashlib.sha256()
    for path in sorted((ROOT / "fastws").rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and not any(map(path.match, BUILT)):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def keep(result: Result, folder: Path) -> None:
    """Keep a side's lines."""
    kept = {
        "sources": sources(),
        "selection": result.selection,
        "rows": [*rows(result)],
        "findings": findings(result).splitlines(),
    }
    path = folder / "kept" / f"{result.side.name}-{result.selection}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(kept, indent=1))


def renew(page: Path, folder: Path) -> None:
    """Put all that was kept into the page."""
    place(str(page), "autobahn", [*markdown(folder)])


def _kept(folder: Path) -> Iterator[dict[str, Any]]:
    """Give what was kept of each side that was tried with this code: its largest selection."""
    now = sources()
    for side in SIDES:
        for selection in sorted(SELECTIONS, key=lambda name: -len(SELECTIONS[name])):
            path = folder / f"{side.name}-{selection}.json"
            found = json.loads(path.read_text()) if path.exists() else {}
            if found.get("sources") == now:
                yield found
                break


def markdown(folder: Path) -> Iterator[str]:
    """Write the tables, one for each selection, and what else there is to say."""
    kept = list(_kept(folder / "kept"))
    yield (
        f"Made by `{COMMAND} --markdown docs/autobahn.md` on: "
        f"{platform.python_implementation()} {platform.python_version()}, "
        f"{platform.system()} {platform.machine()}."
    )
    for selection in dict.fromkeys(side["selection"] for side in kept):
        chosen = [side for side in kept if side["selection"] == selection]
        lines = [HEAD, ("---",) * len(HEAD), *(row for side in chosen for row in side["rows"])]
        yield from ("", f"The selection `--{selection}`:", "")
        yield from ("| " + " | ".join(line) + " |" for line in lines)
        if found := [line for side in chosen for line in side["findings"]]:
            yield from ("", *(f"- {line}" for line in found))
