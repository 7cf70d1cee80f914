"""What is left out of the figures of coverage: only with the reason beside it.

coverage.py and the marks in the Cython core know no exclusion without a reason; gcovr does, so the
C is looked at here, and so are exclusions that would have no effect.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import fastws

PACKAGE = Path(fastws.__file__).parent
PROJECT = PACKAGE.parent / "pyproject.toml"
SUFFIXES = ".py", ".pyx", ".pxi", ".h", ".c"
GENERATED = PACKAGE / "_codec.c"
FILES = sorted(p for p in PACKAGE.rglob("*") if p.suffix in SUFFIXES and p != GENERATED)
ASKED = re.compile(r"pragma:? *no|[GL]COVR?_EXCL")
GIVEN = {
    ".py": re.compile(r"# pragma: no (cover|branch) - \w\S* .*\w"),
    ".c": re.compile(r"/\* GCOVR_EXCL(_BR)?_(LINE|START): \w+ .*\w \*/|/\* GCOVR_EXCL_STOP \*/"),
}
GIVEN |= {".pyx": GIVEN[".py"], ".pxi": GIVEN[".py"], ".h": GIVEN[".c"]}


def without_reason(text: str, suffix: str) -> list[str]:
    """Give the lines that leave something out and do not say why."""
    asking = [line.strip() for line in text.splitlines() if ASKED.search(line)]
    return [line for line in asking if not GIVEN[suffix].search(line)]


def test_what_is_left_out_has_its_reason_beside_it() -> None:
    found = {path.name: without_reason(path.read_text("utf-8"), path.suffix) for path in FILES}
    assert {name: lines for name, lines in found.items() if lines} == {}
    assert len(FILES) > 40


@pytest.mark.parametrize(
    ("line", "suffix"),
    [
        ("x = 1  # pragma: no cover", ".py"),
        ("x = 1  # pragma: no cover - because", ".pyx"),
        ("if x:  # pragma: nocover - it is never so", ".py"),
        ("return 1; /* GCOVR_EXCL_LINE */", ".h"),
        ("return 1; /* LCOV_EXCL_LINE: it is never so */", ".c"),
        ("/* GCOVR_EXCL_START */", ".c"),
    ],
)
def test_a_reason_that_is_missing_is_missed(line: str, suffix: str) -> None:
    assert without_reason(line, suffix) == [line]


def test_coverage_knows_no_exclusion_without_a_reason() -> None:
    if not PROJECT.exists():
        pytest.skip("an installed package has no pyproject.toml beside it")
    report = tomllib.loads(PROJECT.read_text("utf-8"))["tool"]["coverage"]["report"]
    patterns = [*report["exclude_lines"], *report["partial_branches"]]
    bare = [
        "x = 1  # pragma: no cover",
        "if x:  # pragma: no branch",
        "if x:  # pragma: no cover -",
    ]
    assert [line for line in bare for pattern in patterns if re.search(pattern, line)] == []
    assert re.search(patterns[0], "x = 1  # pragma: no cover - it is never so")
