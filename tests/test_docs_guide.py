"""The guide's page leads, in each of its parts, to a program and to tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pages import DOCS, ROOT

PAGE = DOCS / "guide.md"
# The table of contents of the WebSocket guide that the project began with.
PARTS = [
    "The opening handshake",
    "Clients in browsers",
    "Servers and clients in several languages",
    "Heartbeats",
    "Reconnection",
    "Security",
    "Close codes",
    "Publish and subscribe",
    "Binary data",
    "Beyond one machine",
]
LINK = re.compile(r"\]\(\.\./([^)#]+)\)")
NAMED = re.compile(r"\]\(\.\./(tests/[^)]+\.py)\)((?:(?:: |, )`test_\w+`)+)")


def parts() -> dict[str, str]:
    """Give the sections of the page by their titles."""
    _, *sections = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.M)
    return {section.splitlines()[0]: section for section in sections}


def test_the_parts_are_those_of_the_guide() -> None:
    assert list(parts()) == PARTS


@pytest.mark.parametrize("title", PARTS)
def test_a_part_leads_to_a_program_and_to_a_test(title: str) -> None:
    folders = {Path(path).parts[0] for path in LINK.findall(parts()[title])}
    assert {"examples", "tests"} <= folders


def test_each_test_that_is_named_is_in_its_file() -> None:
    text = PAGE.read_text(encoding="utf-8")
    named = [(path, name) for path, names in NAMED.findall(text) for name in names.split("`")[1::2]]
    assert len(named) == text.count("`test_") > 20
    for path, name in named:
        assert f"\ndef {name}(" in (ROOT / path).read_text(encoding="utf-8"), name
