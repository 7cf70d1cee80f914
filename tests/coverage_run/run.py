"""Measure what the tests run: lines and branches of every layer, on both back ends.

    python tests/coverage_run/run.py [--only pure|compiled|kernels] [PYTEST ARGUMENTS...]

Prints one table; what was not run stands in build/coverage/missing.txt. The exit status is 0 where
no layer has less than 98 % of its branches run.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import c_layer
import cython_layer
import places
import python_layers
from figures import Figure, missing, table

PARTS = ["pure", "compiled", "kernels"]


def build() -> tuple[list[cython_layer.Place], Path]:
    """Build the core with marks in the copy; give what they stand for, and where they are."""
    marked = cython_layer.compile_core(places.PACKAGE)
    size = cython_layer.size_of(marked)
    marks = places.OUT / "marks"
    marks.write_bytes(bytes(size))
    c_layer.build_core(marks, size)
    return marked, marks


def measure(parts: list[str], pytest: list[str]) -> list[Figure]:
    """Run the tests of these parts; give the figures."""
    found = []
    places.copy()
    if "pure" in parts:
        python_layers.test("pure", *pytest)
        found += python_layers.figures("pure")
    if "compiled" in parts:
        marked, marks = build()
        python_layers.test("compiled", *pytest)
        python_layers.test_without_memory(*pytest)
        found += python_layers.figures("compiled")
        found.append(cython_layer.figure(marked, marks.read_bytes()))
    if "kernels" in parts:
        c_layer.test_all_kernels()
    if "kernels" in parts or "compiled" in parts:
        found += c_layer.figures()
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--only", choices=PARTS, action="append", help="this part alone")
    parser.add_argument("pytest", nargs="*", help="for pytest, behind --")
    args = parser.parse_args()
    found = measure(args.only or PARTS, args.pytest)
    (places.OUT / "missing.txt").write_text(missing(found))
    print(table(found))
    low = [f"{one.layer} ({one.back_end})" for one in found if one.fails]
    if low:
        print(f"too few branches run: {', '.join(low)}; see {places.OUT / 'missing.txt'}")
    for command in places.FAILED:
        print(f"failed: {command}")
    return 1 if low or places.FAILED else 0


if __name__ == "__main__":
    sys.exit(main())
