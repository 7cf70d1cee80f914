"""`fastws bench`: measure, show, write."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from .experiments import Case
from .plan import BENCHES, FULL, QUICK, Bench, chosen, run
from .screen import make_screen
from .tables import as_json, closing, label, left_out, opening, table

__all__ = ["bench"]


class NoSuchBench(Exception):
    """A name that no bench has."""


def bench(names: Sequence[str], *, quick: bool, file: str | None) -> None:
    """Measure what is installed, and show it, or write it to a file; "-" is stdout alone.

    Raises:
        NoSuchBench: there is none of that name.
        Wrong: a side gave something else than ours, so that its time says nothing.
        OSError: the file cannot be written.
    """
    try:
        benches = chosen(names)
    except KeyError as error:
        known = ", ".join(each.name for each in BENCHES)
        raise NoSuchBench(f"no benchmark is named {error}; there are {known}") from None
    if file not in (None, "-"):
        Path(str(file)).touch()  # better said now than when all is measured
    screen = make_screen(sum(len(each.cases) for each in benches))

    def tell(bench: Bench, case: Case) -> None:
        screen.step(f"{bench.name} {label(case)}")

    with screen:
        measured = list(run(benches, QUICK if quick else FULL, tell))
    if file is not None:
        text = json.dumps(as_json(measured, quick=quick), indent=1) + "\n"
        if file == "-":
            sys.stdout.write(text)
            return
        Path(file).write_text(text, encoding="utf-8")
    for sentence in opening():
        screen.say(sentence)
    for each in benches:
        screen.table(table(each, measured))
    screen.say("")
    for sentence in closing(measured):
        screen.say(sentence)
    if left_out():
        why = "; ".join(f"{name} ({reason})" for name, reason in left_out().items())
        screen.say(f"Left out: {why}.")
    if screen.hint:
        screen.say(screen.hint)
