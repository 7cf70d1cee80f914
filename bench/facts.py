"""What every report says: where figures come from, how a number is written, where a text goes."""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence
from pathlib import Path

import fastws
from fastws._bench import rivals


def environment() -> dict[str, str]:
    """Say where the figures come from, and whom they compare with."""
    return system() | rivals.versions()


def system() -> dict[str, str]:
    """Say where the figures come from."""
    return {
        "processor": processor(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "fastws": f"{fastws.__version__}, {fastws.backend}, {fastws.simd}",
    }


def processor() -> str:
    """Give the processor's name where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def number(value: float) -> str:
    """Write three significant digits, and never fewer than all of those before the point."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


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
