"""The benchmark of the hosts: it runs, and what it says follows from what it measured."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import bench_hosts
import host_report
import pytest
from bench_hosts import FLOORS, KIB, MIB, ROWS, TARGETS, Effort, Result, Row, Target, measure, sizes
from load import Case
from processes import ROOT
from startup import Cost

BENCH = Path(bench_hosts.__file__)
TINY = Effort(rounds=1, turns=1, sample=0.005, warm_up=0.002)
SMALL, LARGE = Case(64, "binary"), Case(64 * KIB, "binary")
PAGE = "before\n<!-- hosts: begin -->\nold\n<!-- hosts: end -->\nafter\n"


def row(name: str) -> Row:
    return next(row for row in ROWS if row.name == name)


# --- It runs -------------------------------------------------------------------------------------

runs = pytest.mark.skipif(sys.platform != "linux", reason="processor time is read as on Linux")


@runs
@pytest.mark.slow
def test_two_hosts_from_the_command_line(tmp_path: Path) -> None:
    page, found = tmp_path / "page.md", tmp_path / "found.json"
    page.write_text(PAGE)
    words = ["--only", "^websockets (asyncio|sync)$", "--sizes", "64,1K", "--kinds", "text"]
    words += ["--quick", "--rounds", "1", "--json", str(found), "--markdown", str(page)]
    command = [sys.executable, str(BENCH), *words]
    environment = {"PYTHONPATH": ROOT, "PATH": ""}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(found.read_text())
    assert [result["name"] for result in told["results"]] == [
        *(floor.name for floor in FLOORS),
        "websockets asyncio",
        "websockets sync",
    ]
    for result in told["results"]:
        assert result["problem"] == ""
        sides = ["stock", "fast"] if result["adapter"] else ["stock"]
        for case in result["cases"]:
            assert {*sides} == {*case["microseconds"]}
            assert all(sample > 0 for side in sides for sample in case["microseconds"][side])
    assert [target["row"] for target in told["targets"]] == ["websockets asyncio"]
    starts = [cost["name"] for cost in told["start"]]
    assert starts == ["fastws.install()", "import websockets.protocol"]
    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("after\n") and "old" not in text
    assert "| websockets sync | " in text and "| `fastws.install()` |" in text
    for line in ("floor: bare asyncio", "websockets asyncio  (websockets ", "at least 1.25x"):
        assert line in done.stdout


@runs
@pytest.mark.slow
@pytest.mark.parametrize("name", ["websockets asyncio", "websockets asyncio, not patched"])
def test_the_accelerated_side_is_accelerated(name: str) -> None:
    result = measure(row(name), [SMALL], TINY)
    assert result.problem == ""
    assert result.counters["websockets"]["decoded"] > 0
    assert result.counters["websockets"]["encoded"] > 0
    assert result.gain(SMALL) is not None


@runs
@pytest.mark.slow
@pytest.mark.parametrize("floor", FLOORS, ids=["asyncio", "thread"])
def test_a_floor_has_one_side(floor: Row) -> None:
    result = measure(floor, [SMALL, LARGE], TINY)
    assert (result.problem, result.gain(SMALL)) == ("", None)
    assert result.cost(SMALL, "stock") is not None
    assert result.cost(LARGE, "stock") is not None


def test_a_host_that_is_not_there_is_named() -> None:
    result = measure(row("aiohttp")._replace(packages=("no-such-host",)), [SMALL], TINY)
    assert result.problem == "no-such-host is not installed"
    assert not result.samples


@runs
@pytest.mark.slow
def test_a_host_without_an_adapter_is_measured_as_it_is() -> None:
    result = measure(row("websockets asyncio")._replace(adapter="no_such"), [SMALL], TINY)
    assert result.problem == "no adapter no_such"
    assert result.cost(SMALL, "stock") is not None
    assert result.cost(SMALL, "fast") is None


@runs
@pytest.mark.slow
def test_a_program_that_leaves_us_out_is_not_called_accelerated() -> None:
    result = measure(row("websockets asyncio")._replace(adapter="-"), [SMALL], TINY)
    assert result.problem == "not accelerated: nothing of fastws was called"
    assert result.cost(SMALL, "stock") is not None
    assert result.cost(SMALL, "fast") is None


@runs
@pytest.mark.slow
def test_a_program_that_fails_is_told_with_its_last_words() -> None:
    broken = FLOORS[0]._replace(file="no_such_program.py")
    result = measure(broken, [SMALL], TINY)
    assert "No such file" in result.problem


def test_every_row_has_its_programs_and_every_target_its_row() -> None:
    folder = BENCH.parent / "hosts"
    for one in (*FLOORS, *ROWS):
        assert (folder / one.file).is_file()
        assert (folder / (one.fast_file or one.file)).is_file()
    assert {target.row for target in TARGETS} <= {one.name for one in ROWS}


# --- What it says --------------------------------------------------------------------------------


def made_up(name: str, **costs: tuple[float, float | None]) -> Result:
    """Make a result of costs stock and fast, in microseconds, for sizes such as b64 or t1024."""
    result = Result(row(name), {"host": "1.0"})
    for word, (stock, fast) in costs.items():
        case = Case(int(word[1:]), "text" if word[0] == "t" else "binary")
        result.samples[case] = {"stock": [stock * 1e-6]}
        if fast is not None:
            result.samples[case]["fast"] = [fast * 1e-6]
    return result


@pytest.mark.parametrize(
    ("costs", "word", "worst"),
    [
        ({"b64": (30, 20), "t64": (26, 20)}, "ok", 1.3),
        ({"b64": (30, 20), "t64": (22, 20)}, "SHORT", 1.1),
        ({"b64": (30, 20)}, "ok", 1.5),  # text was not asked for
        ({"b64": (30, 20), "t64": (26, None)}, "absent", None),
    ],
)
def test_a_target_holds_in_the_worst_case(
    costs: dict[str, Any], word: str, worst: float | None
) -> None:
    target = Target("tornado", (64,), 1.3)
    [verdict] = host_report.judge([target], [made_up("tornado", **costs)])
    assert verdict.word == word
    assert verdict.gain == (None if worst is None else pytest.approx(worst))


def test_a_target_that_was_not_measured_is_not_judged() -> None:
    target = Target("tornado", (64,), 1.3)
    assert host_report.judge([target], [made_up("tornado", b1024=(30, 20))]) == []
    assert host_report.judge([target], [made_up("aiohttp", b64=(30, 20))]) == []
    absent = Result(row("tornado"), problem="tornado is not installed")
    assert [verdict.word for verdict in host_report.judge([target], [absent])] == ["absent"]


def test_the_median_counts_not_the_best() -> None:
    result = made_up("tornado", b64=(30, 20))
    result.samples[SMALL]["stock"] = [1e-6, 30e-6, 40e-6]
    assert result.gain(SMALL) == pytest.approx(1.5)


def test_lines_and_tables() -> None:
    result = made_up("tornado", t64=(30, 20), b64=(24, 2), b1024=(9, None))
    result.problem = "something went wrong"
    assert list(host_report.lines(result)) == [
        "tornado  (host 1.0)",
        "       64 B  text         30 us ->      20 us   1.50x",
        "       64 B  binary       24 us ->       2 us     12x",
        "      1 KiB  binary        9 us ->       - us       -",
        "    something went wrong",
    ]
    judged = host_report.judge([Target("tornado", (64,), 1.3)], [result])
    page = list(host_report.markdown([result], judged, "--quick"))
    assert page[0].startswith("Made by `python bench/bench_hosts.py --quick` on: processor ")
    assert "| tornado | 1.0 | 64 B | 30 → 20 µs | 1.50x | 24 → 2 µs | 12x |" in page
    assert "|  |  | 1 KiB |  |  | 9 µs |  |" in page
    assert "Not whole: tornado: something went wrong." in page
    assert page[-1] == "| tornado, 64 B | at least 1.3x | 1.50x | ok |"


def test_what_a_start_costs() -> None:
    costs = [Cost("fastws.install()", 0, 0.002, 0.005), Cost("import host", 0.03, 0.025, 0.02)]
    costs.append(Cost("import other", 0, 0, 0.02, "fastws is not in other"))
    assert list(host_report.cost_lines(costs)) == [
        f"ok     {'fastws.install()':<50} 2.0 ms for fastws, at most 5.0",
        f"SHORT  {'import host':<50} 30.0 ms, and 25.0 ms for fastws, at most 20.0",
        f"SHORT  {'import other':<50} fastws is not in other",
    ]
    assert list(host_report.cost_rows(costs))[2:] == [
        "| `fastws.install()` |  | 2.0 ms | 5.0 ms | ok |",
        "| `import host` | 30.0 ms | 25.0 ms | 20.0 ms | SHORT |",
        "| `import other` |  | fastws is not in other | 20.0 ms | SHORT |",
    ]


@pytest.mark.parametrize(
    ("words", "found"), [("64", [64]), ("64,1K,2m", [64, KIB, 2 * MIB]), (" 7 , 8 ", [7, 8])]
)
def test_sizes(words: str, found: list[int]) -> None:
    assert sizes(words) == found


@pytest.mark.parametrize("words", [["--sizes", "big"], ["--only", "no such row"]])
def test_wrong_words_are_told(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        bench_hosts.main(words)
    assert "usage: " in capsys.readouterr().err
