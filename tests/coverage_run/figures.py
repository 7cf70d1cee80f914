"""Figures of coverage: what they count, and the table that shows them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

WANTED = 98.0  # per cent of the branches of each layer


@dataclass
class Figure:
    """What of one layer was run, on one back end."""

    layer: str
    back_end: str
    lines: int = 0
    lines_run: int = 0
    branches: int = 0
    branches_run: int = 0
    missing: list[str] = field(default_factory=list)  # where something was not run

    def line(self, place: str, run: bool) -> None:
        """Count a line."""
        self.lines += 1
        self.lines_run += run
        if not run:
            self.missing.append(f"{place}: not run")

    def branch(self, place: str, run: bool, which: str) -> None:
        """Count a branch."""
        self.branches += 1
        self.branches_run += run
        if not run:
            self.missing.append(f"{place}: {which}")

    @property
    def absent(self) -> bool:
        """Whether nothing was run: a level that this processor lacks."""
        return self.back_end == "C" and not self.lines_run

    @property
    def fails(self) -> bool:
        """Whether too few branches were run, or none was there to be run."""
        return not self.absent and share(self.branches_run, self.branches) < WANTED

    @property
    def verdict(self) -> str:
        return "  NOT HERE" if self.absent else "  TOO LOW" if self.fails else ""


def share(run: int, there: int) -> float:
    """Give per cent, where nothing is nothing."""
    return 100.0 * run / there if there else 0.0


def table(figures: Iterable[Figure]) -> str:
    """Show all figures, one row each."""
    rows = ["layer                     back end        lines      %  branches      %"]
    for one in figures:
        lines, branches = share(one.lines_run, one.lines), share(one.branches_run, one.branches)
        rows.append(
            f"{one.layer:<25} {one.back_end:<12} {one.lines:>8} {lines:>6.2f}"
            f"  {one.branches:>8} {branches:>6.2f}{one.verdict}"
        )
    return "\n".join(rows)


def missing(figures: Iterable[Figure]) -> str:
    """Name every place that was not run, layer by layer."""
    parts = []
    for one in figures:
        if one.missing:
            parts.append(f"== {one.layer}, {one.back_end}")
            parts += one.missing
    return "\n".join(parts) + "\n"
