"""The runner of the Autobahn|Testsuite finds what it is there to find, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from autobahn_suite import report, trial
from autobahn_suite.cases import ALL, INFORMATIONAL, SELECTIONS, SIZES
from autobahn_suite.judge import (
    MISSING,
    Outcome,
    Report,
    better,
    idle,
    in_short,
    is_worse,
    own_faults,
    run_faults,
    settle,
    worse,
)
from autobahn_suite.runner import TOO_MANY, TRIES, Result, Runner
from autobahn_suite.sides import QUICK, SIDES, Side, Way
from autobahn_suite.wstest import Wstest

OK = Outcome("OK", "OK")
INFO = Outcome("INFORMATIONAL", "INFORMATIONAL")
LOOSE = Outcome("NON-STRICT", "OK")
FAILED = Outcome("FAILED", "FAILED")
UNCLEAN = Outcome("OK", "UNCLEAN")
UNIMPLEMENTED = Outcome("UNIMPLEMENTED", "OK")
GOOD = {"1.1.1": OK, "3.4": OK, "7.1.6": INFO}
OWN = SIDES[0]
HOST = Side("acme-server", "server", Way(("acme",), "acme"), stock=Way(("acme",)), proof="acme")


def said(changed: dict[str, Outcome] | None = None) -> Report:
    return Report({**GOOD, **(changed or {})})


# --- The cases -----------------------------------------------------------------------------------


def test_the_selections_are_as_large_as_the_suite_has_them() -> None:
    assert {name: len(cases) for name, cases in SELECTIONS.items()} == {
        "quick": 247,
        "middle": 385,
        "all": 517,
    }
    assert len(set(ALL)) == 517
    assert set(SELECTIONS["quick"]) < set(SELECTIONS["middle"]) < set(ALL)
    assert set(ALL) > INFORMATIONAL
    assert not any(case.startswith(("9.", "12.", "13.")) for case in SELECTIONS["quick"])
    assert SIZES["12.5"] == SIZES["13.7"] == 18


def test_cases_are_written_as_ranges() -> None:
    assert in_short(["5.2", "5.10", "5.1", "6.1.3", "6.2.1"]) == "5.1-5.2, 5.10, 6.1.3, 6.2.1"
    assert in_short(["9.9", "9.10", "9.11"]) == "9.9-9.11"


# --- One report ----------------------------------------------------------------------------------


def test_a_whole_and_good_report_has_no_faults() -> None:
    assert run_faults(said(), GOOD) == own_faults(said()) == []


def test_a_case_that_is_missing_is_a_fault() -> None:
    (fault,) = run_faults(said(), [*GOOD, "5.1", "5.2"])
    assert fault == "2 of 5 cases are missing: 5.1-5.2"
    (fault,) = run_faults(Report({}), GOOD)
    assert fault == "3 of 3 cases are missing"


def test_a_case_that_nobody_asked_for_is_a_fault() -> None:
    (fault,) = run_faults(said(), ["1.1.1", "3.4"])
    assert fault == "cases that nobody asked for: 7.1.6"


def test_what_went_wrong_in_a_run_is_a_fault_even_where_all_cases_are_there() -> None:
    assert run_faults(replace(said(), faults=["the server ended"]), GOOD) == ["the server ended"]


@pytest.mark.parametrize("outcome", [INFO, LOOSE, FAILED, UNCLEAN, UNIMPLEMENTED], ids=str)
def test_of_our_own_nothing_but_ok_is_good(outcome: Outcome) -> None:
    assert own_faults(said({"3.4": outcome})) == [f"3.4: {outcome}"]


def test_of_our_own_informational_is_for_the_cases_that_give_nothing_else() -> None:
    for outcome in (OK, LOOSE, FAILED, Outcome("INFORMATIONAL", "UNCLEAN")):
        assert own_faults(said({"7.1.6": outcome})) == [f"7.1.6: {outcome}"]


# --- Two reports ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (OK, INFO),
        (Outcome("INFORMATIONAL", "OK"), LOOSE),
        (LOOSE, UNIMPLEMENTED),
        (UNIMPLEMENTED, FAILED),
        (FAILED, MISSING),
        (OK, UNCLEAN),
        (OK, Outcome("OK", "WRONG CODE")),
        (OK, Outcome("OK", "INFORMATIONAL")),
    ],
    ids=str,
)
def test_outcomes_are_ordered(good: Outcome, bad: Outcome) -> None:
    assert is_worse(bad, good)
    assert not is_worse(good, bad)
    assert not is_worse(bad, bad)


def test_a_better_behaviour_makes_up_for_no_worse_close() -> None:
    stock, fast = said({"3.4": Outcome("NON-STRICT", "OK")}), said({"3.4": UNCLEAN})
    assert worse(stock, fast) == ["3.4"]
    assert better(stock, fast) == []


def test_worse_and_better_are_told_apart() -> None:
    stock = said({"3.4": LOOSE, "5.1": OK, "5.2": FAILED})
    fast = said({"3.4": LOOSE, "5.1": LOOSE, "5.2": OK})
    assert worse(stock, fast) == ["5.1"]
    assert better(stock, fast) == ["5.2"]


def test_a_case_that_only_the_stock_report_has_is_worse() -> None:
    assert worse(said({"5.1": OK}), said()) == ["5.1"]


def test_what_flips_in_the_stock_host_too_is_no_fault() -> None:
    stock = [said(), said({"3.4": LOOSE})]
    fast = [said({"3.4": LOOSE}), said()]
    flips, faults = settle(["3.4"], stock, fast)
    assert faults == []
    told = "stock 1 x OK, 1 x NON-STRICT, close OK; with fastws 1 x NON-STRICT, close OK, 1 x OK"
    assert flips == {"3.4": told}


@pytest.mark.parametrize("outcome", [FAILED, UNCLEAN, UNIMPLEMENTED], ids=str)
def test_what_the_stock_host_never_gives_is_a_fault_however_rare(outcome: Outcome) -> None:
    stock = [said(), said({"3.4": LOOSE}), said()]
    fast = [said(), said({"3.4": outcome}), said()]
    flips, (fault,) = settle(["3.4"], stock, fast)
    assert flips == {}
    assert fault.startswith("3.4 is worse with fastws: stock ")


def test_an_adapter_that_counted_nothing_proves_nothing() -> None:
    assert idle(replace(said(), work={"acme": {"decoded": 1, "encoded": 0}}), "acme") == []
    for work in ({}, {"acme": {"decoded": 0}}, {"other": {"decoded": 1}}):
        assert idle(replace(said(), work=work), "acme") == [
            "the adapter for acme counted nothing: our code did not run"
        ]


# --- A side --------------------------------------------------------------------------------------


class Scripted(Runner):
    """A runner whose runs are written beforehand: what each way gives, run by run."""

    def __init__(self, folder: Path, **scripts: Sequence[Report]) -> None:
        super().__init__(Wstest(("never",)), folder)
        self.scripts = {name.replace("_", "-"): iter(runs) for name, runs in scripts.items()}
        self.asked: list[tuple[str, list[str]]] = []

    def _run(self, side: Side, way: Way, name: str, cases: Iterable[str]) -> Report:
        self.asked.append((name, list(cases)))
        return next(self.scripts[name])


def working(other: Report) -> Report:
    return replace(other, work={"acme": {"decoded": 1}})


def checked(runner: Runner, side: Side = HOST, **options: Any) -> Result:
    return runner.check(side, "quick", list(GOOD), **options)


def test_a_side_of_ours_is_good_only_if_it_is_each_time(tmp_path: Path) -> None:
    runner = Scripted(tmp_path, fastws=[said()] * 3)
    assert checked(runner, OWN, times=3).faults == []
    assert len(runner.asked) == 3
    runner = Scripted(tmp_path, fastws=[said(), said({"3.4": LOOSE}), said()])
    fault, where = checked(runner, OWN, times=3).faults
    assert fault == "3.4: NON-STRICT, close OK"
    assert where.endswith(OWN.name)


def test_a_host_that_is_no_worse_is_run_once_each_way(tmp_path: Path) -> None:
    stock, fast = said({"3.4": LOOSE}), working(said())
    runner = Scripted(tmp_path, stock=[stock], fastws=[fast])
    assert checked(runner).faults == []
    assert [name for name, _ in runner.asked] == ["stock", "fastws"]
    # What two sides are held against is run once.
    runner.scripts["fastws"] = iter([fast])
    checked(runner, replace(HOST, name="another"))
    assert [name for name, _ in runner.asked] == ["stock", "fastws", "fastws"]


def test_suspects_are_repeated_both_ways(tmp_path: Path) -> None:
    bad = working(said({"3.4": LOOSE}))
    runner = Scripted(
        tmp_path, stock=[said()], fastws=[bad], stock_again=[said()] * TRIES,
        fastws_again=[said()] * TRIES,
    )  # fmt: skip
    result = checked(runner)
    assert runner.asked[2:] == [("stock-again", ["3.4"]), ("fastws-again", ["3.4"])] * TRIES
    assert "3.4 is worse with fastws" in result.faults[0]
    runner.scripts |= {
        "fastws": iter([bad]),
        "stock-again": iter([said()] * (TRIES - 1) + [said({"3.4": LOOSE})]),
        "fastws-again": iter([said()] * TRIES),
    }
    result = checked(runner)
    assert result.faults == []
    assert list(result.flips) == ["3.4"]


def test_more_suspects_than_luck_gives_are_not_repeated(tmp_path: Path) -> None:
    cases = ALL[: TOO_MANY + 1]
    stock, fast = (Report(dict.fromkeys(cases, outcome)) for outcome in (OK, FAILED))
    runner = Scripted(tmp_path, stock=[stock], fastws=[working(fast)])
    result = runner.check(HOST, "quick", cases)
    assert len(result.faults) == len(cases) + 1
    assert len(runner.asked) == 2


def test_a_host_with_an_idle_adapter_is_at_fault(tmp_path: Path) -> None:
    runner = Scripted(tmp_path, stock=[said()], fastws=[said()])
    assert checked(runner).faults[0] == "the adapter for acme counted nothing: our code did not run"
    runner = Scripted(tmp_path, stock=[said()], fastws=[said()])
    assert checked(runner, replace(HOST, idle="as it is")).faults == []


def test_a_stock_report_that_is_not_whole_is_nothing_to_compare_with(tmp_path: Path) -> None:
    runner = Scripted(tmp_path, stock=[Report({})], fastws=[working(said())])
    assert checked(runner).faults[0] == "stock: 3 of 3 cases are missing"


def test_a_host_that_is_not_installed_is_at_fault(tmp_path: Path) -> None:
    result = checked(Scripted(tmp_path), replace(HOST, distributions=("no-such-host",)))
    assert result.faults[0] == "no-such-host is not installed"


def test_the_sides() -> None:
    names = [side.name for side in SIDES]
    assert len(set(names)) == len(names)
    assert set(QUICK) < set(names)
    for side in SIDES:
        assert (side.stock is None) == side.name.startswith("own-") == (not side.proof)
        assert side.selection in SELECTIONS
        for way in filter(None, (side.stock, side.fast)):
            assert (trial.PROGRAMS / way.program[0]).exists()
        assert side.stock is None or (side.fast.adapter and not side.stock.adapter)


# --- What is shown -------------------------------------------------------------------------------


def test_the_table_and_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stock, fast = said({"3.4": FAILED}), working(said({"3.4": LOOSE}))
    host = Result(HOST, "middle", fast, stock, flips={"5.1": "both"})
    own = Result(OWN, "all", said({"3.4": LOOSE}), faults=["3.4: NON-STRICT"], runs=2)
    shown = report.table([own, host]).splitlines()
    assert shown[1].endswith("FAULTS")
    assert shown[3].endswith("none worse, 1 better")
    assert report.conclusion([own, host]) == ("1 of 2 sides are not as they have to be: own-server")
    assert "flips, stock as well: 5.1: both" in report.findings(host)
    assert "acme-server, stock: FAILED: 3.4" in report.findings(host)
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- autobahn: begin -->old<!-- autobahn: end -->\nafter\n")
    monkeypatch.setattr(report, "SIDES", (OWN, HOST))
    for result in (own, host):
        report.keep(result, tmp_path)
    report.renew(page, tmp_path)
    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("\nafter\n") and "old" not in text
    assert "| own-server | fastws, compiled | 3 | 1 | 1 | 1 | 0 | 0 |" in text
    assert text.index("`--all`") < text.index("`--middle`")
    # A smaller selection does not take the place of a larger one.
    report.keep(replace(own, selection="quick"), tmp_path)
    report.renew(page, tmp_path)
    assert page.read_text() == text
    # What was tried with other code is not shown.
    (tmp_path / "kept" / "own-server-quick.json").unlink()
    kept = tmp_path / "kept" / "own-server-all.json"
    kept.write_text(json.dumps({**json.loads(kept.read_text()), "sources": "other"}))
    report.renew(page, tmp_path)
    assert "own-server" not in page.read_text()
    assert "acme-server" in page.read_text()
