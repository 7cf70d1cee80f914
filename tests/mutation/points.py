"""Mutants: what is changed where, under which number.

All mutants of a back end stand in one build of it. Each place where something may be changed asks
at run time whether the number in force is one of its own, so one build and one process serve all.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
BUILD = ROOT / "build" / "mutation"
# What a comparison becomes when its boundary moves by one.
MOVED = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}


@dataclass(frozen=True)
class Mutant:
    """One change at one place."""

    number: int  # from 1 on; what stands in FASTWS_MUTANT
    point: int  # the number of its place, which says which tests come by
    file: str  # from the root of the checkout
    line: int
    scope: str  # the function, or "" where it runs at import
    text: str  # of the line, without indentation
    change: str  # in words
    nth: int = 1  # of those that are otherwise the same
    here: bool = True  # False: the preprocessor leaves it out on this processor

    @property
    def is_c(self) -> bool:
        return self.file.endswith((".c", ".h"))

    @property
    def key(self) -> str:
        """What stays the same when lines move."""
        nth = f" #{self.nth}" if self.nth > 1 else ""
        return f"{self.file} | {self.scope} | {self.text} | {self.change}{nth}"

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}\n    {self.change}"


@dataclass
class Catalogue:
    """Hands out numbers, and knows all that was handed out."""

    mutants: list[Mutant] = field(default_factory=list)
    _seen: Counter[str] = field(default_factory=Counter)

    @property
    def state(self) -> str:
        """Tell this numbering from any other."""
        return hashlib.sha256("\n".join(m.key for m in self.mutants).encode()).hexdigest()

    def add(self, file: str, line: int, scope: str, text: str, changes: list[str]) -> int:
        """Note a place with its changes; give the number of the first, which is the place's."""
        first = len(self.mutants) + 1
        for number, change in enumerate(changes, first):
            mutant = Mutant(number, first, file, line, scope, text.strip(), change)
            self._seen[mutant.key] += 1
            nth = self._seen[mutant.key]
            self.mutants.append(Mutant(number, first, file, line, scope, text.strip(), change, nth))
        return first


class Source:
    """One file, whose places go to a catalogue."""

    def __init__(self, path: Path, catalogue: Catalogue) -> None:
        self.path = path
        self.name = path.relative_to(ROOT).as_posix()
        self.lines = path.read_text().splitlines()
        self.scope: list[str] = []
        self._catalogue = catalogue

    def point(self, line: int, *changes: str) -> int:
        scope = ".".join(self.scope)
        text = self.lines[line - 1]
        return self._catalogue.add(self.name, line, scope, text, list(changes))


def short(text: str) -> str:
    """Show an expression in one line, and not all of a long one."""
    text = re.sub(r"\s+", " ", text.replace("\\\n", " ")).strip()
    return text if len(text) <= 60 else text[:57] + "..."


def forced(text: str) -> list[str]:
    """Name what is done to a condition: 0, 1 and 2 places behind its number."""
    return [f"{short(text)} -> true", f"{short(text)} -> false", f"not ({short(text)})"]


Show = Callable[[object], str]
