"""bench/report.py: made-up runs of two platforms, and what the tables, pages and pictures say."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

pytest.importorskip("matplotlib", reason="what the pictures are drawn with is not here")

import report
import startup
import uvicorn_targets
from reporting import figures, tables, targets
from reporting.figures import Platform, Work

FACTS = {"processor": "Model T", "system": "Linux x", "python": "CPython 3", "fastws": "1, c"}
MARKS = "top\n<!-- {0}: begin -->\nold\n<!-- {0}: end -->\n"


# --- Made-up runs --------------------------------------------------------------------------------


def bench_row(name: str, size: int, script: str = "", **ns: float) -> dict[str, Any]:
    times = {side: {"best": each, "median": each} for side, each in ns.items()}
    return {"name": name, "size": size, "script": script, "nanoseconds": times}


def claim(name: str, came_out: float, verdict: str, **fields: Any) -> dict[str, Any]:
    made = {
        "name": name,
        "experiment": "mask",
        "cases": [[64, "", 0]],
        "bound": 1,
        "rival": "aiohttp",
        "at_most": False,
        "unit": ["x", 1],
    }
    times = {"64 B": {"ours": {"best": 10, "median": 10}, "aiohttp": {"best": 50, "median": 50}}}
    row = {"claim": made | fields, "aggregate": came_out, "verdict": verdict, "problem": ""}
    return row | {"nanoseconds": times}


def host(name: str, *gains: tuple[int, str, float | None]) -> dict[str, Any]:
    cases = [{"size": size, "kind": kind, "gain": gain} for size, kind, gain in gains]
    return {"name": name, "cases": cases}


def pytest_row(side: str, size: int, seconds: float, messages: int = 1) -> dict[str, Any]:
    extra = {"experiment": "frames", "side": side, "size": size, "script": ""}
    return {"stats": {"min": seconds}, "extra_info": extra | {"messages": messages}}


RUNS: dict[str, dict[str, Any]] = {
    "fastws-here": {
        "environment": FACTS,
        "bench": [
            bench_row("text", 125, "ascii", ours=40, pure=1000, aiohttp=360, plain=30),
            bench_row("mask", 64, ours=40, aiohttp=80),  # claims.py has looked closer
            bench_row("mask", 1024, ours=40, aiohttp=20),
        ],
    },
    "claims-here": {
        "environment": FACTS,
        "results": [
            claim("mask vs aiohttp", 5, "ok"),
            claim("idle MessageDecoder", 308, "ok", bound=400, at_most=True, unit=["bytes", 1]),
            claim("idle with deflate", 500, "SHORT", bound=400, at_most=True, unit=["bytes", 1]),
            claim("mask vs bytes(view)", 1, "info", bound=None),
        ],
    },
    "hosts-here": {
        "environment": FACTS,
        "results": [
            host("tornado", (64, "text", 1.5), (64, "binary", 0.9), (65536, "text", 2.0)),
            host("websockets asyncio", (64, "text", 3), (64, "binary", 4), (65536, "text", 12.5)),
            host("uvicorn wsproto, were that free", (64, "text", 9), (64, "binary", 9)),
        ],
        "targets": [
            {"row": "tornado", "sizes": [64], "kinds": ["text", "binary"], "gain": 1.3}
            | {"came_out": 0.9, "verdict": "SHORT"}
        ],
        "start": [
            {"name": "fastws.install()", "more": 0.002, "bound": 0.008, "problem": ""},
            {"name": "import one", "more": 0.001, "bound": 0.03, "problem": ""},
            {"name": "import other", "more": 0.021, "bound": 0.03, "problem": ""},
        ],
    },
    "uvicorn-here": {
        "environment": FACTS | {"loop": "asyncio"},
        "rounds": 15,
        "uvicorn": [
            {"work": work, "size": size, "in_flight": flight, "deflate": False, "unit": "us"}
            | {"figures": {"fastws": 2.0, "websockets-sansio": theirs, "wsproto": 30.0}}
            for work, size, flight, theirs in [
                ("echo", 64, 1, 2.2),
                ("echo", 64, 32, 14.0),
                ("echo", 1 << 20, 1, 3.0),
                ("idle", 0, 0, 5.0),
            ]
        ],
    },
    "bench-there": {
        "machine_info": {"environment": FACTS | {"system": "macOS y"}},
        "benchmarks": [
            pytest_row("ours", 64, 1e-6, 10),
            pytest_row("aiohttp", 64, 3e-6, 10),
            pytest_row("ours", 1024, 2e-6),
            pytest_row("aiohttp", 1024, 9e-6),
            {"extra_info": {}, "stats": {}},
        ],
    },
    "instructions-there": {"environment": {}, "counts": {"a": 110.0, "b": 5.0}, "base": {"a": 100}},
}


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    folder = tmp_path / "runs"
    folder.mkdir()
    for name, content in RUNS.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


@pytest.fixture
def here(runs: Path) -> Platform:
    return figures.fullest(figures.read(runs))


def cells(lines: list[str], start: str) -> list[str]:
    """Give the cells of the one row that begins so."""
    (line,) = [line for line in lines if line.startswith(f"| {start} |")]
    return [cell.strip() for cell in line.strip("| ").split(" | ")]


# --- Reading -------------------------------------------------------------------------------------


def test_a_platform_is_all_its_files(runs: Path, here: Platform) -> None:
    assert [each.name for each in figures.read(runs)] == ["there", "here"]
    assert here.name == "here"
    assert here.environment["processor"] == "Model T"
    gains = here.gains()
    assert gains[Work("messages", 125, "ascii"), "aiohttp"] == pytest.approx(9)
    assert gains[Work("mask", 64, ""), "aiohttp"] == pytest.approx(5)  # by claims.py, not bench
    assert not any(side in ("ours", "pure") for _, side in gains)


def test_a_stream_is_counted_by_its_messages(runs: Path) -> None:
    there, _ = figures.read(runs)
    found = there.seconds["pytest"][Work("frames", 64, "")]
    assert found == pytest.approx({"ours": 1e-7, "aiohttp": 3e-7})


@pytest.mark.parametrize("content", [{}, {"other": 1}])
def test_what_none_of_the_tools_wrote_is_refused(runs: Path, content: dict[str, int]) -> None:
    (runs / "odd.json").write_text(json.dumps(content))
    with pytest.raises(SystemExit, match=r"odd\.json was written by none of our tools"):
        figures.read(runs)


def test_no_runs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="there is no JSON"):
        figures.read(tmp_path)


# --- The report ----------------------------------------------------------------------------------


def test_one_table_has_all_platforms(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert report.main([str(runs)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "| work | beside | there | here |" in lines
    assert cells(lines, "frames to bytes | aiohttp")[2] == "3.67x (3.00x)"
    assert cells(lines, "mask | aiohttp")[-1] == "1.58x (0.50x)"
    assert cells(lines, "messages, ascii | aiohttp")[-1] == "9.00x"


def test_where_it_loses_is_shown_the_worst_first(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report.main([str(runs)])
    text = capsys.readouterr().out
    section = text.split("## Where fastws loses")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| here")]
    assert rows == [
        "| here | mask | 1 KiB | aiohttp | 0.50x |",
        "| here | messages, ascii | 125 B ascii | plain, no mask | 0.75x |",
        "| here | host | 64 B binary | tornado | 0.90x |",
    ]


def test_no_loss_is_said_too() -> None:
    assert "Nowhere in these runs." in [*tables.losses_table([Platform("here")])]


def test_claims_hosts_and_counts_are_shown(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report.main([str(runs)])
    lines = capsys.readouterr().out.splitlines()
    assert "| here | 2 of 3 | idle with deflate: 500 |" in lines
    assert "| tornado | 1.50x, 0.90x | 2.00x |" in lines
    assert "| a | 100.0 | 110.0 | +10.00% |" in lines
    assert "| b |  | 5.0 | new |" in lines


def test_what_has_become_slower_warns_and_does_not_fail(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    base = tmp_path / "base"
    base.mkdir()
    slow = bench_row("text", 125, "ascii", ours=40, aiohttp=800)  # that was 20 times
    same = bench_row("mask", 1024, ours=400, aiohttp=200)  # a slower machine is no change
    content = {"environment": FACTS, "bench": [slow, same]}
    (base / "fastws-here.json").write_text(json.dumps(content))
    assert report.main([str(runs), "--base", str(base)]) == 0
    shown = capsys.readouterr()
    section = shown.out.split("## Beside the base run")[1]
    assert "| here | messages, ascii | 125 B ascii | 2.22 |" in section
    assert section.count("| here |") == 1
    assert shown.err == (
        "::warning::messages, ascii of 125 B ascii on here takes 2.22 times what it took\n"
    )


# --- Targets and pages ---------------------------------------------------------------------------


def test_every_target_stands_beside_what_came_out(here: Platform) -> None:
    lines = [*targets.targets(here, "the command")]
    assert lines[0].startswith("6 of 10 targets are met, measured on: processor Model T")
    assert "`the command`" in lines[1]
    assert cells(lines, "mask vs aiohttp")[1:4] == ["at least 1x", "5x", "ok"]
    idle = cells(lines, "an idle decoder, with and without deflate")  # the worse of the two
    assert idle[1:] == ["at most 400 bytes", "500 bytes", "SHORT"]
    assert cells(lines, "tornado, 64 B")[1:4] == ["at least 1.3x", "0.90x", "SHORT"]
    install = cells(lines, "`fastws.install()` where no host is imported")
    assert install[1:4] == [f"at most {startup.INSTALL * 1e3:.0f} ms", "2.0 ms", "ok"]
    assert cells(lines, "the import of a host, beyond stock: the worst")[2:4] == [
        "21.0 ms",
        "SHORT",
    ]
    assert not any("bytes(view)" in line for line in lines)  # nothing is asked of it


def test_the_targets_of_uvicorn_leave_the_lone_message_out(here: Platform) -> None:
    lines = [*targets.targets(here, "")]
    echo = cells(lines, "echo 64 B, 1 KiB vs websockets-sansio")
    assert echo[1:] == ["at least 2x", "7.00x", "ok"]
    assert "By `python bench/uvicorn_compare.py --rounds 15`." in lines
    assert cells(lines, "echo 1 MiB vs websockets-sansio")[2:4] == ["1.50x", "SHORT"]
    idle = cells(lines, "memory of an idle connection vs websockets-sansio")
    assert idle[1:4] == ["at least 1.33x", "2.50x", "ok"]
    asked = {target.work for target in uvicorn_targets.TARGETS}
    assert asked == {"echo", "broadcast", "idle"}


def test_pages_are_filled_between_their_marks(runs: Path, tmp_path: Path) -> None:
    page, readme, chart = (tmp_path / name for name in ("page.md", "README.md", "speed.svg"))
    page.write_text(MARKS.format("targets") + "middle\n" + MARKS.format("figures"))
    readme.write_text(MARKS.format("figures") + "end\n")
    words = [runs, "--targets", page, "--readme", readme, "--chart", chart]
    words += ["--pictures", tmp_path / "drawn", "--no-png"]
    assert report.main([*map(str, words)]) == 0
    text = page.read_text()
    assert text.startswith("top\n<!-- targets: begin -->\n6 of 10 targets are met")
    assert "<!-- targets: end -->\nmiddle\ntop\n<!-- figures: begin -->" in text
    assert "| mask | aiohttp | 1.58x (0.50x) |" in text
    assert "![What each host gains on here](drawn/hosts-here.svg)" in text
    assert "there.svg" not in text
    assert not [*(tmp_path / "drawn").glob("*.png")]
    assert "old" not in text + readme.read_text()
    lines = readme.read_text().splitlines()
    assert "![Times of one message, and what whole servers save](speed.svg)" in lines
    assert cells(lines, "websockets")[1] == "3.00x, 4.00x"
    assert not any("were that free" in line for line in lines)
    assert lines[-1] == "end"
    assert f"--chart {chart}" in readme.read_text()


def test_a_page_without_a_place_is_refused(runs: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing\n")
    with pytest.raises(SystemExit, match="has no place for the table"):
        report.main([str(runs), "--targets", str(page)])
    assert page.read_text() == "nothing\n"


def test_the_readme_needs_what_it_shows(runs: Path, tmp_path: Path) -> None:
    (runs / "hosts-here.json").unlink()
    with pytest.raises(SystemExit, match=r"bench_hosts\.py and `fastws bench` have to be run"):
        report.main([str(runs), "--chart", str(tmp_path / "speed.svg")])


# --- Pictures ------------------------------------------------------------------------------------


def words_in(svg: Path) -> str:
    return " ".join("".join(each.itertext()) for each in ElementTree.parse(svg).getroot().iter())


def test_pictures_are_drawn_as_svg_and_png(runs: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    page = tmp_path / "report.md"
    assert report.main([str(runs), "--pictures", str(folder), "--markdown", str(page)]) == 0
    names = ["gains", "sizes-there", "sizes-here", "hosts-here"]
    assert {each.name for each in folder.iterdir()} == {
        f"{name}.{kind}" for name in names for kind in ("svg", "png")
    }
    for name in names:
        assert f"](pictures/{name}.svg)\n" in page.read_text()
        head = (folder / f"{name}.png").read_bytes()[:24]
        assert head.startswith(b"\x89PNG")
        assert min(struct.unpack(">II", head[16:])) > 100
    shown = words_in(folder / "gains.svg")
    assert all(word in shown for word in ("there", "here", "1.58x (0.50x)", "mask  |  aiohttp"))
    assert "12x" in words_in(folder / "hosts-here.svg")
    assert "fastws" in words_in(folder / "sizes-there.svg")


def test_the_same_figures_give_the_same_picture(runs: Path, tmp_path: Path) -> None:
    first, again = tmp_path / "first.svg", tmp_path / "again.svg"
    report.main([str(runs), "--chart", str(first)])
    report.main([str(runs), "--chart", str(again)])
    assert first.read_bytes() == again.read_bytes()
    assert "40 ns" in words_in(first)
    assert "360 ns, 9.00x" in words_in(first)
