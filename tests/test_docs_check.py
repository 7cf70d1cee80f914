"""What looks at the built site finds loads from elsewhere and links to nowhere."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from pages import DOCS

SPEC = importlib.util.spec_from_file_location("docs_check", DOCS / "_mkdocs" / "check.py")
assert SPEC and SPEC.loader
check = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(check)

GOOD = """<link rel="canonical" href="https://example.org/"><link rel="stylesheet" href="a.css">
<a href="https://example.org/">elsewhere</a> <a href="sub/other.html#there">there</a>
<a href="#here">here</a> <h2 id="here"></h2> <img src="a.css">"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "index.html").write_text(GOOD, encoding="utf-8")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "other.html").write_text(
        '<p id="there"><a href="../index.html">back</a><a href="..">up</a>', encoding="utf-8"
    )
    (tmp_path / "a.css").write_text(
        'a { b: url("data:x") } c { d: url(sub/x.png) }', encoding="utf-8"
    )
    return tmp_path


def test_a_site_that_stands_on_its_own(site: Path) -> None:
    assert check.faults(site) == []


@pytest.mark.parametrize(
    ("html", "fault"),
    [
        ('<script src="https://example.org/x.js">', "loads https://example.org/x.js"),
        ('<img src="//example.org/x.png">', "loads //example.org/x.png"),
        ('<link rel="stylesheet" href="https://example.org/x.css">', "loads https://example.org"),
        ('<a href="gone.html">', "leads to gone.html"),
        ('<a href="#gone">', "leads to #gone"),
        ('<a href="sub/other.html#gone">', "leads to sub/other.html#gone"),
        ('<img src="gone.png">', "leads to gone.png"),
    ],
)
def test_a_fault_of_a_page(site: Path, html: str, fault: str) -> None:
    (site / "index.html").write_text(GOOD + html, encoding="utf-8")
    (found,) = check.faults(site)
    assert found.startswith(f"index.html {fault}")


def test_a_font_from_elsewhere(site: Path) -> None:
    (site / "a.css").write_text("a { b: url(https://example.org/x.woff) }", encoding="utf-8")
    assert check.faults(site) == ["a.css loads https://example.org/x.woff"]


def test_a_folder_without_pages_is_no_site(tmp_path: Path) -> None:
    assert check.faults(tmp_path) == [f"{tmp_path} has no pages"]
