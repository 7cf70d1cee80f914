"""Where `fastws bench` shows itself: by rich where it is installed, else in plain text.

Progress goes to stderr, and to a terminal alone; tables go to stdout.
"""

from __future__ import annotations

import sys
from functools import partial
from shutil import get_terminal_size
from textwrap import fill
from types import TracebackType
from typing import Protocol

from .tables import Table

WITHOUT_RICH = "pip install 'fastws-codec[bench]' adds colours and a progress bar."


class Screen(Protocol):
    """What shows progress while it is entered, and then tables and sentences."""

    hint: str  # what could be better about it

    def __enter__(self) -> Screen:
        """Begin to show progress."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Show progress no more."""

    def step(self, what: str) -> None:
        """Say what is measured now."""

    def table(self, table: Table) -> None:
        """Show a table."""

    def say(self, text: str) -> None:
        """Show a sentence."""


class PlainScreen:
    """Text, with nothing else than what Python has."""

    hint = WITHOUT_RICH

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._done = 0

    def __enter__(self) -> PlainScreen:
        return self

    def __exit__(self, *_: object) -> None:
        self._rewrite("")

    def step(self, what: str) -> None:
        self._done += 1
        self._rewrite(f"{self._done}/{self._steps} {what}")

    def table(self, table: Table) -> None:
        columns = list(zip(table.heads, *table.rows, strict=True))
        widths = [max(map(len, column)) for column in columns]
        print(f"\n{table.title}\n")
        for first, *others in [table.heads, *table.rows]:
            cells = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
            print("  ".join([first.ljust(widths[0]), *cells]).rstrip())

    def say(self, text: str) -> None:
        print(fill(text, get_terminal_size().columns, break_on_hyphens=False))

    def _rewrite(self, text: str) -> None:
        if sys.stderr.isatty():
            print(f"\r{text:<60}\r{text}", end="", file=sys.stderr, flush=True)


class RichScreen:
    """The same by rich."""

    hint = ""

    def __init__(self, steps: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        self._make = partial(Console, highlight=False)
        self._console = self._make()
        self._progress = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.description}"),
            console=Console(stderr=True),
            transient=True,
            disable=not sys.stderr.isatty(),
        )
        self._task = self._progress.add_task("", total=steps)
        self._started = False

    def __enter__(self) -> RichScreen:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def step(self, what: str) -> None:
        self._progress.update(self._task, description=what, advance=int(self._started))
        self._started = True

    def table(self, table: Table) -> None:
        from rich import box
        from rich.table import Table as RichTable

        shown = RichTable(
            title=table.title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD
        )
        first, *others = table.heads
        shown.add_column(first, no_wrap=True)
        for head in others:
            shown.add_column(head, justify="right", no_wrap=True)
        for row in table.rows:
            shown.add_row(*row, style="bold green" if row[0] == "fastws" else None)
        # Lines that the terminal wraps are better to read than figures that are cut.
        needed = self._console.measure(shown, options=self._console.options.update(width=1000))
        wide = self._make(width=max(self._console.width, needed.maximum))
        wide.print()
        wide.print(shown)

    def say(self, text: str) -> None:
        self._console.print(text, markup=False)


def make_screen(steps: int) -> Screen:
    """Give the best screen that can be had."""
    try:
        return RichScreen(steps)
    except ImportError:
        return PlainScreen(steps)
