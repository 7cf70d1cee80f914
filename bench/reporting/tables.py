"""Figures as Markdown: one table for all platforms, where fastws loses, and what has changed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from statistics import geometric_mean

from host_report import gain as times
from host_report import size as size_label

from fastws._bench.facts import number

from .figures import Platform, Work, by_kind, changes, host_losses, keys_of, losses

# Of wall clock on shared machines: only what is far off is worth a look.
FAR = 1.25
TITLES = {
    "mask": "mask",
    "mask_inplace": "mask in place",
    "frames": "frames to bytes",
    "pure_frames": "frames, both without C",
}
PICTURES = {
    "gains": "How many times as fast fastws is",
    "sizes": "Times of one call or message by size",
    "hosts": "What each host gains",
}
SIDES = {
    "ours": "fastws",
    "pure": "fastws, pure twin",
    "decode": "decode()",
    "plain": "plain, no mask",
    "copy": "a copy, no mask",
}


def row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def heads(*cells: str) -> Iterator[str]:
    yield row(*cells)
    yield "|" + "---|" * len(cells)


def title(kind: str) -> str:
    return TITLES.get(kind, kind)


def side(name: str) -> str:
    return SIDES.get(name, name)


def report(
    platforms: Sequence[Platform], base: Sequence[Platform], pictures: Sequence[str]
) -> Iterator[str]:
    """Give the lines of the whole report."""
    yield "# Benchmarks"
    yield ""
    yield from where(platforms)
    yield from shown(pictures)
    yield from gains_table(platforms)
    yield from losses_table(platforms)
    yield from claims_table(platforms)
    yield from hosts_table(platforms)
    yield from counts_table(platforms)
    if base:
        yield from base_table(platforms, base)


def figures(platforms: Sequence[Platform], pictures: Sequence[str], command: str) -> Iterator[str]:
    """Give what a page shows: pictures, what is gained, and where it loses."""
    yield f"Written by `{command}`."
    yield ""
    yield from shown(pictures)
    yield from gains_table(platforms, level=3)
    *lines, _ = losses_table(platforms, level=3)
    yield from lines


def shown(pictures: Iterable[str]) -> Iterator[str]:
    for picture in pictures:
        what, _, platform = picture.rpartition("/")[2].removesuffix(".svg").partition("-")
        yield f"![{' on '.join(filter(None, [PICTURES[what], platform]))}]({picture})"
        yield ""


def where(platforms: Iterable[Platform]) -> Iterator[str]:
    yield from heads("platform", "what it is")
    for platform in platforms:
        facts = ", ".join(f"{name} {value}" for name, value in platform.environment.items())
        yield row(platform.name, facts)
    yield ""


def gains_table(platforms: Sequence[Platform], level: int = 2) -> Iterator[str]:
    """How many times as fast fastws is, by kind of work and rival."""
    found = [by_kind(platform) for platform in platforms]
    keys = keys_of(found)
    if not keys:
        return
    yield f"{'#' * level} How many times as fast fastws is"
    yield ""
    yield "Geometric means over all sizes and scripts, and in brackets the worst of them."
    yield ""
    yield from heads("work", "beside", *(platform.name for platform in platforms))
    for kind, rival in keys:
        cells = [cell(gains.get((kind, rival), {})) for gains in found]
        yield row(title(kind), side(rival), *cells)
    yield ""


def cell(gains: dict[Work, float]) -> str:
    """Write a mean, and the worst if there are several."""
    if not gains:
        return ""
    mean, worst = geometric_mean(gains.values()), min(gains.values())
    return times(mean) if len(gains) == 1 else f"{times(mean)} ({times(worst)})"


def losses_table(platforms: Sequence[Platform], level: int = 2) -> Iterator[str]:
    """Where somebody is faster, and which hosts are slower with fastws under them."""
    found = [*losses(platforms), *host_losses(platforms)]
    yield f"{'#' * level} Where fastws loses"
    yield ""
    if not found:
        yield "Nowhere in these runs."
        yield ""
        return
    yield "What has no mask, and decode(), is CPython alone, and no rival."
    yield ""
    yield from heads("platform", "work", "of", "beside", "times as fast")
    for loss in found:
        yield row(loss.platform, title(loss.kind), loss.of, side(loss.rival), times(loss.gain))
    yield ""


def claims_table(platforms: Iterable[Platform]) -> Iterator[str]:
    """How many claims held, and which did not."""
    judged = [platform for platform in platforms if platform.claims]
    if not judged:
        return
    yield "## Claims"
    yield ""
    yield from heads("platform", "held", "not held")
    for platform in judged:
        rows = [each for each in platform.claims if each["verdict"] != "info"]
        held = sum(each["verdict"] == "ok" for each in rows)
        others = [
            f"{each['claim']['name']}: "
            + (number(each["aggregate"]) if each["aggregate"] is not None else each["problem"])
            for each in rows
            if each["verdict"] != "ok"
        ]
        yield row(platform.name, f"{held} of {len(rows)}", "; ".join(others))
    yield ""


def hosts_table(platforms: Iterable[Platform]) -> Iterator[str]:
    """What each host gains, the worse of text and binary."""
    for platform in platforms:
        if not platform.hosts:
            continue
        sizes = sorted({c["size"] for each in platform.hosts["results"] for c in each["cases"]})
        yield f"## Hosts on {platform.name}"
        yield ""
        yield "Processor time of a message, stock divided by accelerated: text, binary."
        yield ""
        yield from heads("host", *map(size_label, sizes))
        for each in platform.hosts["results"]:
            cells = [
                ", ".join(
                    times(case["gain"])
                    for case in each["cases"]
                    if case["size"] == size and case["gain"] is not None
                )
                for size in sizes
            ]
            if any(cells):
                yield row(each["name"], *cells)
        yield ""


def counts_table(platforms: Iterable[Platform]) -> Iterator[str]:
    """Instructions, where they were counted beside those of another commit."""
    for platform in platforms:
        before = platform.counts.get("base")
        if not before:
            continue
        yield f"## Instructions on {platform.name}"
        yield ""
        yield from heads("case", "base", "now", "")
        for name, now in platform.counts["counts"].items():
            old = before.get(name)
            change = f"{now / old - 1:+.2%}" if old else "new"
            yield row(name, f"{old:,.1f}" if old else "", f"{now:,.1f}", change)
        yield ""


def base_table(platforms: Sequence[Platform], base: Sequence[Platform]) -> Iterator[str]:
    """What is far from the base run; that warns, and never fails."""
    found = sorted(changes(platforms, base), key=lambda change: -change.factor)
    slower = [change for change in found if change.factor > FAR]
    yield "## Beside the base run"
    yield ""
    if not found:
        yield "Nothing was measured in both."
        yield ""
        return
    middle = found[len(found) // 2].factor
    yield (
        f"{len(found)} cases, our time in units of the rivals' beside it: in the middle "
        f"{middle:.2f} of what it was. Wall clock differs from run to run, so this only warns; "
        f"what counts is the instructions."
    )
    yield ""
    if not slower:
        yield f"None is slower by more than {FAR - 1:.0%}."
        yield ""
        return
    yield from heads("platform", "work", "of", "time, as a share of the base")
    for change in slower:
        what = f"{title(change.work.kind)} of {change.work.label}"
        yield row(
            change.platform, title(change.work.kind), change.work.label, f"{change.factor:.2f}"
        )
        warn(f"{what} on {change.platform} takes {change.factor:.2f} times what it took")
    yield ""


def warn(text: str) -> None:
    """Warn on stderr, as GitHub shows it where that runs us."""
    mark = "::warning::" if os.environ.get("GITHUB_ACTIONS") else "warning: "
    print(mark + text, file=sys.stderr)
