"""`fastws bench`: what it shows, writes, refuses and leaves out. How long a time is, is not tested.

Each test measures for a moment, beside those peers that are installed.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

import fastws
from fastws import cli
from fastws._bench import command, experiments, ours, plan, rivals, screen, tables
from fastws._bench.experiments import Case
from fastws._bench.measure import Effort, Side, statement
from fastws._bench.plan import Measured, Times

NAMES = ["mask", "utf8", "frames", "text", "encode"]
OURS = ["ours", "pure"] if fastws.ACCELERATED else ["ours"]
MOMENT = Effort(builds=1, rounds=1, sample=1e-6, seconds=0)


@pytest.fixture(autouse=True)
def moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure each side once, in the least time, and show 80 columns."""
    monkeypatch.setattr(command, "FULL", MOMENT)
    monkeypatch.setattr(command, "QUICK", MOMENT)
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture(params=["rich", "plain"])
def shown_by(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Show by rich, and as a Python does that has none."""
    if request.param == "rich":
        pytest.importorskip("rich")
    else:
        monkeypatch.setitem(sys.modules, "rich.console", None)
    return str(request.param)


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Find no peer, as where nothing is installed."""
    reasons = dict.fromkeys(rivals.PARTS, "not installed")
    monkeypatch.setattr(rivals, "missing", lambda: reasons)


def bench(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Run the command in this process; give its stdout."""
    assert cli.main(["bench", *words]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""  # progress is for terminals
    return shown.out


def told(capsys: pytest.CaptureFixture[str], *words: str) -> dict:
    return json.loads(bench(capsys, "--json", "-", *words))


def sides_of(text: str) -> list[str]:
    """Give the names of the rows that hold times."""
    lines = [line.strip().partition("  ") for line in text.splitlines()]
    return [name for name, _, rest in lines if rest.rstrip().endswith(("x", " ns", " us", " ms"))]


# --- What it shows -------------------------------------------------------------------------------


def test_every_side_of_every_bench_is_shown(
    shown_by: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = bench(capsys)
    places = [text.index(each.title) for each in plan.BENCHES]
    assert places == sorted(places)
    found = sides_of(text)
    for side in OURS:
        assert found.count(tables.NAMES[side]) == len(plan.BENCHES)
    for rival in rivals.versions():
        assert found.count(rival) == len(plan.BENCHES) - 1  # they have no check of UTF-8
    words = " ".join(text.split())
    assert all(f"{rival} {version}" in words for rival, version in rivals.versions().items())
    assert max(map(len, text.splitlines())) <= 80
    assert text.count("…") == 0


def test_the_plain_screen_says_what_rich_would_add(
    shown_by: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = bench(capsys, "--only", "utf8")
    assert (screen.WITHOUT_RICH in text) == (shown_by == "plain")
    assert ("─" in text) == (shown_by == "rich")


def test_a_narrow_terminal_cuts_no_figure(
    shown_by: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    text = bench(capsys, "--only", "utf8")
    assert "…" not in text
    assert {*sides_of(text)} == {*(tables.NAMES[side] for side in OURS), "bytes.decode()"}


@pytest.mark.parametrize("name", NAMES)
def test_one_bench_alone(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = bench(capsys, "--only", name)
    assert [each.name for each in plan.BENCHES if each.title in text] == [name]


def test_progress_is_shown_on_a_terminal(
    shown_by: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    assert cli.main(["bench", "--only", "utf8", "--quick"]) == 0
    shown = capsys.readouterr()
    assert "utf8 64 KiB ascii" in shown.err
    assert "3/3" in shown.err if shown_by == "plain" else "/3" in shown.err
    assert "utf8 64 KiB" not in shown.out


def test_what_is_below_one_is_said_to_be_slower(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fastws, "ACCELERATED", True)
    times = {"ours": Times(3e-9, 3e-9), "plain": Times(1e-9, 1e-9), "wsproto": Times(2e-9, 2e-9)}
    lost = Measured(plan.BENCHES[3], Case(125, "ascii"), times)
    sentences = tables.closing([lost])
    assert "It is slower at text of 125 B ascii (0.67x beside wsproto)." in sentences
    won = Measured(plan.BENCHES[3], Case(125, "ascii"), {**times, "wsproto": Times(9e-9, 9e-9)})
    first, *others = tables.closing([won])
    assert first == "Here fastws takes text messages 3 times as fast as wsproto."
    assert not any("slower" in sentence for sentence in others)


def test_the_quickest_stands_first_and_each_beside_ours() -> None:
    times = {side: Times(ns * 1e-9, ns) for side, ns in [("wsproto", 1234), ("ours", 50)]}
    found = tables.table(plan.BENCHES[0], [Measured(plan.BENCHES[0], Case(1024), times)])
    assert found.heads == ["", "1 KiB  "]
    assert [[cell.split() for cell in row] for row in found.rows] == [
        [["fastws"], ["50", "ns"]],
        [["wsproto"], ["1.23", "us", "25x"]],
    ]


# --- What it writes ------------------------------------------------------------------------------


def test_json_holds_everything(capsys: pytest.CaptureFixture[str]) -> None:
    found = told(capsys, "--only", "text", "--only", "mask", "--quick")
    assert [*found] == ["environment", "quick", "left_out", "gains", "bench"]
    assert found["quick"] is True
    assert found["environment"]["fastws"].startswith(f"{fastws.__version__}, {fastws.backend}")
    cases = [(row["name"], row["size"], row["script"]) for row in found["bench"]]
    chosen = [plan.BENCHES[3], plan.BENCHES[0]]
    assert cases == [(b.name, case.size, case.script) for b in chosen for case in b.cases]
    for row in found["bench"]:
        others = ["plain"] if row["name"] == "text" else []
        assert {*row["nanoseconds"]} == {*OURS, *rivals.versions(), *others}
        for times in row["nanoseconds"].values():
            assert 0 < times["best"] <= times["median"]
    assert {*found["gains"]["text"]} == {*rivals.versions()}


def test_json_goes_to_a_file_beside_the_tables(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "found.json"
    text = bench(capsys, "--only", "utf8", "--json", str(file))
    assert plan.BENCHES[1].title in text
    found = json.loads(file.read_text())
    assert [row["name"] for row in found["bench"]] == ["utf8"] * 3
    assert found["quick"] is False


# --- What it leaves out, and refuses -------------------------------------------------------------


def test_what_is_left_out_is_named(
    alone: None, shown_by: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = " ".join(bench(capsys, "--only", "frames").split())
    assert "; ".join(f"{rival} (not installed)" for rival in rivals.PARTS) in text
    assert {*sides_of(bench(capsys, "--only", "frames"))} == {tables.NAMES[side] for side in OURS}
    if fastws.ACCELERATED:
        assert "No other library that it could be compared with is here." in text


@pytest.mark.usefixtures("alone")
def test_what_is_left_out_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    found = told(capsys, "--only", "encode")
    assert {*rivals.PARTS} <= {*found["left_out"]}
    assert ("fastws' compiled core" in found["left_out"]) == (not fastws.ACCELERATED)
    assert found["gains"] == {"encode": {}}


def test_a_peer_of_another_make_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    # Whatever a release has moved: the reason is told, and the others are measured.
    parts = {"pytest": ("pytest.no_such_module",), "fastws-codec-none": ()}
    monkeypatch.setattr(rivals, "PARTS", parts)
    rivals.missing.cache_clear()
    try:
        found = rivals.missing()
    finally:
        rivals.missing.cache_clear()
    assert "no_such_module" in found["pytest"]
    assert found["fastws-codec-none"] == "not installed"


def test_without_the_core_it_says_what_that_means(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fastws, "ACCELERATED", False)
    text = " ".join(bench(capsys, "--only", "utf8").split())
    assert tables.PURE in text
    assert "fastws' compiled core (" in text
    assert "A whole server" not in text


def test_who_has_seen_enough_gets_his_prompt_back(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "run", stopped)
    assert cli.main(["bench"]) == 130
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "")


def test_an_unknown_name_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    exit_code = cli.main(["bench", "--only", "mask", "--only", "speed"])
    shown = capsys.readouterr()
    assert (exit_code, shown.out) == (2, "")
    assert shown.err.count("\n") == 1
    assert f"'speed'; there are {', '.join(NAMES)}" in shown.err


def test_a_file_that_cannot_be_written_is_told_before_anything_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "run", None)
    exit_code = cli.main(["bench", "--json", str(tmp_path / "none" / "found.json")])
    shown = capsys.readouterr()
    assert (exit_code, shown.out) == (1, "")
    assert shown.err.count("\n") == 1
    assert "cannot write" in shown.err


@pytest.mark.parametrize(
    ("name", "maker"), [("mask", "mask"), ("encode", "encode"), ("frames", "messages")]
)
def test_a_peer_that_gives_something_else_is_caught(
    name: str, maker: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def wrong(*_: object) -> Side:
        return statement("wsproto", "bytes(4)", {})

    peer = ModuleType("wsproto")
    setattr(peer, maker, wrong)
    monkeypatch.setattr(experiments, "wsproto", peer)
    monkeypatch.setattr(rivals, "missing", lambda: dict.fromkeys({*rivals.PARTS} - {"wsproto"}, ""))
    exit_code = cli.main(["bench", "--only", name])
    shown = capsys.readouterr()
    assert (exit_code, shown.out) == (1, "")
    said = "wsproto gives something else than ours, so their times cannot be compared"
    assert said in shown.err


def test_our_own_wrong_result_is_caught(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def wrong(payload: bytes, whose: ours.BackEnd = ours.IN_USE) -> Side:
        return statement(whose.name, "False", {})

    monkeypatch.setattr(experiments.ours, "utf8", wrong)
    exit_code = cli.main(["bench", "--only", "utf8"])
    assert exit_code == 1
    assert "gives something else" in capsys.readouterr().err
