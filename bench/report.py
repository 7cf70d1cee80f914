"""Turn runs of one or many platforms into a table, pictures and what the documents show.

    python bench/report.py FOLDER [--markdown FILE] [--pictures FOLDER] [--base FOLDER]
    python bench/report.py FOLDER --targets docs/performance.md --readme README.md --chart FILE

FOLDER holds JSON of any of these, named `<what>-<platform>.json`: pytest with --benchmark-json,
claims.py, bench_hosts.py, uvicorn_compare.py, instructions.py and `fastws bench` with --json. With
--base it says what has become slower than in those runs; wall clock only warns. --targets and
--readme put tables between their marks; --chart draws the one picture of the README.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from output import place, write
from reporting import pictures, readme, tables, targets
from reporting.figures import Platform, read


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="where the JSON is")
    parser.add_argument("--markdown", metavar="FILE", help="write the report; - is stdout")
    parser.add_argument("--pictures", metavar="FOLDER", type=Path, help="draw SVG and PNG there")
    parser.add_argument("--base", metavar="FOLDER", type=Path, help="runs to compare with")
    parser.add_argument("--targets", metavar="FILE", help="put the targets into a page")
    parser.add_argument("--readme", metavar="FILE", help="put the small table into a page")
    parser.add_argument("--chart", metavar="FILE", type=Path, help="draw the small picture")
    return parser


def beside(picture: Path, file: str | None) -> str:
    """Give the path by which a page reaches a picture."""
    page = Path.cwd() if file in (None, "-") else Path(str(file)).resolve().parent
    return Path(os.path.relpath(picture.resolve(), page)).as_posix()


def main(argv: list[str] | None = None) -> int:
    words = make_parser().parse_args(argv)
    platforms = read(words.folder)
    base: list[Platform] = read(words.base) if words.base else []
    drawn: list[str] = []
    if words.pictures:
        names = pictures.draw(platforms, words.pictures)
        drawn = [beside(words.pictures / name, words.markdown) for name in names]
    if words.chart:
        readme.chart(platforms[0], words.chart)
    if words.targets:
        place(words.targets, "targets", [*targets.targets(platforms[0])])
    if words.readme:
        place(words.readme, "figures", [*readme.table(platforms[0], words.folder)])
    if words.markdown or not (words.targets or words.readme or words.chart):
        lines = tables.report(platforms, base, drawn)
        write(words.markdown or "-", "\n".join(lines).rstrip() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
