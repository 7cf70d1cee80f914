"""The runner of the fuzzers: what it takes from their logs, and that nothing broken passes."""

from __future__ import annotations

from pathlib import Path

import pytest
from fuzz import campaign, run
from fuzz.targets import Target

TARGET = Target("a_target", True, 50)
DONE = """#2 INITED cov: 5 ft: 6
#4096 DONE   cov: 145 ft: 586 corp: 185/1481b exec/s: 2000
stat::number_of_executed_units: 4096
"""
CRASHED = """#7 NEW    cov: 12 ft: 15
==1== ERROR: libFuzzer: fuzz target exited
artifact_prefix='x'; Test unit written to {saved}
stat::number_of_executed_units: 77
"""


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[str, ...]]:
    """Keep what would be started, and where findings would go, to the test."""
    calls: list[tuple[str, ...]] = []
    monkeypatch.setattr(campaign, "WORK", tmp_path / "work")
    monkeypatch.setattr(campaign, "FOUND", tmp_path / "found")
    return calls


def answer(
    monkeypatch: pytest.MonkeyPatch, calls: list[tuple[str, ...]], status: int, log: str
) -> None:
    def start(target: Target, *arguments: str) -> tuple[int, str]:
        calls.append((target.name, *arguments))
        return status, log

    monkeypatch.setattr(campaign, "start", start)


def test_what_a_run_says(monkeypatch: pytest.MonkeyPatch, started: list[tuple[str, ...]]) -> None:
    answer(monkeypatch, started, 0, DONE)
    result = campaign.fuzz(TARGET, seconds=5, streams=4096)
    assert (result.streams, result.covered, result.passed) == (4096, 145, True)
    assert "4,096 streams" in result.row()
    assert "passed" in result.row()
    assert {"-max_total_time=5", "-runs=4096", "-max_len=512"} <= set(started[0])


def test_a_crash_is_kept(
    monkeypatch: pytest.MonkeyPatch, started: list[tuple[str, ...]], tmp_path: Path
) -> None:
    saved = tmp_path / "crash"
    saved.write_bytes(b"\x81\x05")
    answer(monkeypatch, started, 77, CRASHED.format(saved=saved))
    result = campaign.fuzz(TARGET, seconds=5, streams=-1)
    assert (result.streams, result.passed, result.saved) == (77, False, saved)
    assert "FAILED" in result.row()


@pytest.mark.parametrize(
    ("status", "log"),
    [(1, DONE), (0, ""), (0, "Traceback"), (0, CRASHED)],
    ids=["status", "silence", "no count", "an input was saved"],
)
def test_nothing_broken_passes(
    monkeypatch: pytest.MonkeyPatch, started: list[tuple[str, ...]], status: int, log: str
) -> None:
    answer(monkeypatch, started, status, log)
    assert not campaign.fuzz(TARGET, seconds=5, streams=-1).passed


def test_streams_are_shared_out(
    monkeypatch: pytest.MonkeyPatch,
    started: list[tuple[str, ...]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    answer(monkeypatch, started, 0, DONE)
    monkeypatch.setattr("sys.argv", ["run.py", "--streams", "1000"])
    options = run.arguments()
    targets = [TARGET, Target("another", False, 150)]
    assert run.campaign(targets, options) == 0
    assert ["-runs=250" in started[0], "-runs=750" in started[1]] == [True, True]
    assert "8,192 streams" in capsys.readouterr().out.splitlines()[-1]
    answer(monkeypatch, started, 1, "")
    assert run.campaign(targets, options) == 1
    assert "BROKEN: a_target, another" in capsys.readouterr().out.splitlines()[-1]


def test_unknown_targets_are_refused() -> None:
    with pytest.raises(SystemExit, match="no target 'nothing'; there are: a_target"):
        run.chosen(["nothing"], [TARGET])
