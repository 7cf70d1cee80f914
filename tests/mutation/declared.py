"""What is declared: mutants that change no result, with the reason, and the guards of SECURITY.md.

Both are TOML beside this file, keyed by the text of a line, not by its number. A declaration that
fits nothing any more is an error.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from points import Mutant

HERE = Path(__file__).parent


@dataclass
class Declaration:
    """Mutants of one line."""

    file: str
    line: str
    mutants: list[str]  # their changes, or none for all of the line
    scope: str | None  # the function, where the same line stands in several
    why: str

    def fits(self, mutant: Mutant) -> bool:
        return (
            mutant.file == self.file
            and mutant.text == self.line
            and (self.scope is None or mutant.scope == self.scope)
            and (not self.mutants or mutant.change in self.mutants)
        )

    def __str__(self) -> str:
        return f"{self.file}: {self.line}: {', '.join(self.mutants) or 'all'}"


def equivalents(files: Iterable[str]) -> list[Declaration]:
    """Read what is declared to change no result, for these files.

    A declaration may be of several places in one file that have one reason: `at` lists them.
    """
    wanted = set(files)
    found = []
    for path in sorted(HERE.glob("equivalent*.toml")):
        for entry in tomllib.loads(path.read_text())["equivalent"]:
            file, why = entry.pop("file"), entry.pop("why")
            for place in entry.pop("at", None) or [entry]:
                unknown = set(place) - {"line", "mutants", "scope"}
                if unknown or not why.strip():
                    raise SystemExit(f"{path.name}: {place['line']}: {unknown or 'no reason'}")
                line, mutants = place["line"], place.get("mutants", [])
                found.append(Declaration(file, line, mutants, place.get("scope"), why))
    return [one for one in found if one.file in wanted]


def fitting(declared: list[Declaration], mutant: Mutant) -> bool:
    return any(one.fits(mutant) for one in declared)


def stale(declared: list[Declaration], mutants: list[Mutant]) -> list[str]:
    """Name the declarations, and the changes in them, that fit no mutant."""
    gone = []
    for one in declared:
        fitting = {m.change for m in mutants if one.fits(m)}
        gone += [f"{one.file}: {one.line}: {c}" for c in one.mutants if c not in fitting]
        if not fitting:
            gone.append(str(one))
    return gone


@dataclass
class Guard:
    """What holds one attack class, on one back end."""

    number: str  # S1 to S28
    back_end: str
    file: str
    line: str
    change: str  # how it is taken out
    test: str  # that fails then: a node id, without its parameters
    at_import: bool  # it works once, as the package is imported

    def __str__(self) -> str:
        return f"{self.file}: {self.line}: {self.change}"

    def fits(self, mutant: Mutant) -> bool:
        return (mutant.file, mutant.text, mutant.change) == (self.file, self.line, self.change)


def guards(back_end: str) -> list[Guard]:
    """Read the guards of the attack classes on one back end."""
    data: dict[str, Any] = tomllib.loads((HERE / "guards.toml").read_text())
    return [
        Guard(
            number,
            back_end,
            entry["file"],
            entry["line"],
            entry["change"],
            entry["test"],
            entry.get("at_import", False),
        )
        for number, entries in data.items()
        for entry in entries
        if entry["back_end"] == back_end
    ]
