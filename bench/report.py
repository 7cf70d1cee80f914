"""Turn runs of one or many platforms into a table, pictures and what the documents show.

    python bench/report.py FOLDER [--markdown FILE] [--pictures FOLDER] [--base FOLDER]
    python bench/report.py FOLDER --targets docs/performance.md --readme README.md --chart FILE

FOLDER holds JSON of any of these, named `<what>-<platform>.json`: pytest with --benchmark-json,
claims.py, bench_hosts.py, uvicorn_compare.py, instructions.py and `fastws bench` with --json. With
--base it says what has become slower than in those runs; wall clock only warns. --targets and
--readme put figures between the marks of a page, of the platform on which most was measured, and
of its pictures those that are drawn; --chart draws the one picture of the README.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path

from output import place, write
from reporting import pictures, readme, tables, targets
from reporting.figures import Platform, fullest, read


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="where the JSON is")
    parser.add_argument("--markdown", metavar="FILE", help="write the report; - is stdout")
    parser.add_argument("--pictures", metavar="FOLDER", type=Path, help="draw SVG and PNG there")
    parser.add_argument("--no-png", action="store_true", help="draw SVG alone")
    parser.add_argument("--base", metavar="FOLDER", type=Path, help="runs to compare with")
    parser.add_argument("--targets", metavar="FILE", help="put targets and figures into a page")
    parser.add_argument("--readme", metavar="FILE", help="put the small table into a page")
    parser.add_argument("--chart", metavar="FILE", type=Path, help="draw the small picture")
    return parser


def beside(picture: Path, page: str | None) -> str:
    """Give the path by which a page reaches a picture."""
    folder = Path.cwd() if page in (None, "-") else Path(str(page)).resolve().parent
    return Path(os.path.relpath(picture.resolve(), folder)).as_posix()


def fill_pages(words: argparse.Namespace, best: Platform, names: list[str], command: str) -> None:
    """Put figures into the pages that were named, with the command that does it."""
    if words.targets:
        own = [name for name in names if name.endswith(("gains.svg", f"-{best.name}.svg"))]
        shown = [beside(words.pictures / name, words.targets) for name in own]
        place(words.targets, "targets", [*targets.targets(best, command)])
        place(words.targets, "figures", [*tables.figures([best], shown, command)])
    if words.chart:
        readme.chart(best, words.chart)
    if words.readme:
        picture = beside(words.chart, words.readme) if words.chart else ""
        place(words.readme, "figures", [*readme.table(best, command, picture)])


def main(argv: list[str] | None = None) -> int:
    given = sys.argv[1:] if argv is None else argv
    words = make_parser().parse_args(given)
    platforms = read(words.folder)
    base = read(words.base) if words.base else []
    names: list[str] = []
    if words.pictures:
        names = pictures.draw(platforms, words.pictures, png=not words.no_png)
    command = shlex.join(["python", "bench/report.py", *given])
    fill_pages(words, fullest(platforms), names, command)
    if words.markdown or not (words.pictures or words.targets or words.readme or words.chart):
        drawn = [beside(words.pictures / name, words.markdown) for name in names]
        lines = tables.report(platforms, base, drawn)
        write(words.markdown or "-", "\n".join(lines).rstrip() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
