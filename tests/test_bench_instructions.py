"""bench/instructions.py: two versions are counted in one place, and what grew by over 1 % fails."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import counted
import instructions
import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="valgrind is not for Windows")

NAMES = ["apply_mask 8 B", "FrameDecoder 16 B"]


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[str, Path, Path]]:
    """Count without valgrind: 1000 for a start, 100 for a call; the base is another folder."""
    made = []

    def run(name: str, loops: int, package: Path, cache: Path) -> int:
        made.append((name, package, package.resolve()))
        return 1000 + 100 * loops * counted.cases()[name].messages

    @contextmanager
    def built(reference: str) -> Iterator[Path]:
        (tmp_path / "a_much_longer_name").mkdir()
        yield tmp_path / "a_much_longer_name"

    monkeypatch.setattr(instructions, "run", run)
    monkeypatch.setattr(instructions, "built", built)
    monkeypatch.setattr(instructions, "environment", lambda: {"python": "3"})
    monkeypatch.setattr(instructions, "command", lambda *_: ["true"])
    monkeypatch.setattr(instructions.shutil, "which", lambda name: name)
    return made


def test_both_sides_are_counted_in_one_place(
    runs: list[tuple[str, Path, Path]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert instructions.main(["--base", "HEAD", "--only", "mask 8 B|Decoder 16 B"]) == 0
    assert {name for name, _, _ in runs} == set(NAMES)
    assert len({package for _, package, _ in runs}) == 1
    assert [target.name for _, _, target in runs].count("a_much_longer_name") == len(runs) // 2
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[-2:] for line in lines] == [["100.0", "+0.00%"]] * len(NAMES)


def test_the_place_is_left_empty(runs: list[tuple[str, Path, Path]], tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    with instructions.Counter(tmp_path, place) as counter:
        assert {each.name for each in place.iterdir()} == {"side", "cache"}
        assert counter.count(NAMES[0]) == 100
    assert not [*place.iterdir()]


@pytest.mark.parametrize(("before", "grown"), [(99.1, 0), (98.9, 1), (200, 0)])
def test_what_grew_by_over_one_percent_fails(
    runs: list[tuple[str, Path, Path]],
    before: float,
    grown: int,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stored = tmp_path / "counts.json"
    stored.write_text(json.dumps({"environment": {"python": "3"}, "counts": {NAMES[0]: before}}))
    words = ["--only", NAMES[0], "--check", str(stored), "--json", str(tmp_path / "now.json")]
    assert instructions.main(words) == grown
    assert ("GROWN" in capsys.readouterr().out) == bool(grown)
    assert json.loads((tmp_path / "now.json").read_text())["counts"] == {NAMES[0]: 100}


def test_counts_from_elsewhere_are_refused(
    runs: list[tuple[str, Path, Path]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stored = tmp_path / "counts.json"
    stored.write_text(json.dumps({"environment": {"python": "2"}, "counts": {}}))
    with pytest.raises(SystemExit):
        instructions.main(["--check", str(stored)])
    assert "is from elsewhere: {'python': '2'}" in capsys.readouterr().err
    assert not runs
