"""Where a report goes: to a file, to stdout, or into its place in a page."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path


def write(file: str, content: str) -> None:
    if file == "-":
        sys.stdout.write(content)
    else:
        Path(file).write_text(content)


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
