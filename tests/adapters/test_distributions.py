"""Versions of installed distributions, found without importlib.metadata."""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

import pytest

from fastws.adapters import _distributions


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder that is alone on the path, but for what is not one."""
    monkeypatch.setattr(sys, "path", [str(tmp_path / "archive.zip"), "", str(tmp_path)])
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return tmp_path


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("acme_thing-1.2.dist-info", "acme-thing"),
        ("Acme.Thing-1.2.dist-info", "acme-thing"),
        ("acme_thing-1.2.egg-info", "Acme_Thing"),
        ("acme_thing-1.2-py3.11.egg-info", "acme.thing"),
    ],
)
def test_the_folder_tells_the_version(place: Path, folder: str, name: str) -> None:
    (place / folder).mkdir()
    (place / "acme_thing_more-3.dist-info").mkdir()
    assert _distributions.version(name) == "1.2"
    assert metadata.PathDistribution(place / folder)._normalized_name == "acme_thing"


def test_what_tells_no_version(place: Path) -> None:
    (place / "acme.egg-info").mkdir()
    (place / "acme-1.0").mkdir()
    assert _distributions.version("acme") is None
    assert _distributions.version("other") is None


def test_the_first_on_the_path_counts(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = place / "other"
    (other / "acme-2.dist-info").mkdir(parents=True)
    (place / "acme-1.dist-info").mkdir()
    assert _distributions.version("acme") == "1"
    monkeypatch.setattr(sys, "path", [str(other), *sys.path])
    assert _distributions.version("acme") == "2"


def test_versions_are_those_that_importlib_metadata_gives() -> None:
    checked = 0
    for distribution in metadata.distributions():
        name = distribution.metadata["Name"]
        told = _distributions.version(name)
        if told is not None:
            assert told == metadata.version(name)
            checked += 1
    assert checked > 3
