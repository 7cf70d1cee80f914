"""What lies under `fastws bench`: how sides are timed, what they are fed, and that they agree.

No time is read here. Sides with a clock of their own stand where times matter.
"""

from __future__ import annotations

import asyncio
import gc
import platform
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path

import pytest

import fastws
from fastws._bench import command, data, experiments, facts, measure, ours, plan, rivals, tables
from fastws._bench.experiments import Case, Work
from fastws._bench.measure import Effort, Side, Timing, calibrate, check, compare
from fastws._bench.plan import Measured, Times

SMALL = Case(300, stream=2000)
NEVER_OVER = 1e9  # seconds

# --- Timing --------------------------------------------------------------------------------------


def fixed(name: str, seconds: Iterator[float], calls: list[str] | None = None) -> Side:
    """Make a side whose loops take these seconds, one value for each sample."""

    def timed(loops: int) -> float:
        if calls is not None:
            calls.append(name)
        assert not gc.isenabled()
        return loops * next(seconds)

    return Side(name, timed, lambda: None, lambda: None)


@pytest.fixture
def uncollected() -> Iterator[None]:
    """Work where the collector was off before."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("uncollected")
@pytest.mark.parametrize(
    ("seconds", "loops"), [(1e-6, 1000), (0.3e-6, 3333), (0.00025, 4), (1.0, 1)]
)
def test_a_sample_has_as_many_loops_as_it_should_take(seconds: float, loops: int) -> None:
    assert calibrate(fixed("one", cycle([seconds])), 0.001) == loops


def test_sides_take_turns_and_each_build_adds_its_samples() -> None:
    calls: list[str] = []

    def build() -> Sequence[Side]:
        calls.clear()
        return [
            fixed(name, map(float, [1, *times]), calls)
            for name, times in [("a", (1, 3, 5)), ("b", (2, 4, 6))]
        ]

    found = compare(build, Effort(builds=2, rounds=3, sample=1, seconds=NEVER_OVER))
    assert [each.name for each in found] == ["a", "b"]
    assert [each.samples for each in found] == [[1, 3, 5] * 2, [2, 4, 6] * 2]
    assert (found[0].best, found[1].median) == (1, 4)
    assert "".join(calls) == "ab" + "ba" + "ab" + "ba"  # one to calibrate, then turn and turn about


@pytest.mark.parametrize(
    ("samples", "seconds", "rounds"),
    [
        (cycle([1.0]), NEVER_OVER, measure.ENOUGH_ROUNDS),  # settled at once
        (iter([1.0, *(1.1**-n for n in range(40))]), NEVER_OVER, 40),  # better and better
        (cycle([1.0]), -1, 1),  # no time is left
    ],
    ids=["settled", "unsettled", "over"],
)
def test_a_build_ends(samples: Iterator[float], seconds: float, rounds: int) -> None:
    effort = Effort(builds=1, rounds=40, sample=1, seconds=seconds)
    (found,) = compare(lambda: [fixed("one", samples)], effort)
    assert len(found.samples) == rounds


@pytest.mark.parametrize(
    ("third", "settled"), [(1.009, True), (1.011, False)], ids=["close", "far"]
)
def test_what_was_reached_twice_more_is_settled(third: float, settled: bool) -> None:
    assert Timing("one", [0.5, 1.5, third, 1.0, 1.005]).settled(since=1) is settled


def test_the_collector_is_left_as_it_was(uncollected: None) -> None:
    with measure.without_collector():
        assert not gc.isenabled()
    assert not gc.isenabled()
    gc.enable()
    with measure.without_collector():
        assert not gc.isenabled()
    assert gc.isenabled()


# --- What is fed ---------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 125, 126, 0xFFFF, 0x10000])
def test_frames_are_what_a_decoder_reads(size: int) -> None:
    payload = data.noise(size)
    frame = data.frame(data.BINARY, payload, data.KEY)
    assert data.unmasked(frame) == payload
    stream = data.stream(data.BINARY, payload, 3 * len(frame))
    decoder = fastws.FrameDecoder("server")
    found = []
    for read in stream.reads:
        decoder.feed(read)
        found += [(each.opcode, bytes(each.payload)) for each in decoder]
    assert found == [(data.BINARY, payload)] * 3
    assert stream.messages == [payload] * 3


@pytest.mark.parametrize("script", data.SAMPLES)
def test_text_has_its_size(script: str) -> None:
    text = data.text(script, 1000)
    assert 997 <= len(text.encode()) <= 1000
    assert data.stream(data.TEXT, text.encode(), 1000).messages == [text]


@pytest.mark.parametrize("read_size", [1, 6, 7, 64])
def test_reads_of_one_letter_go_on_under_one_key(read_size: int) -> None:
    wire = b"".join(islice(cycle(data.same_letter(read_size)), 9))
    assert fastws.apply_mask(wire, data.KEY) == b"a" * 9 * read_size


# --- What is compared ----------------------------------------------------------------------------


@pytest.fixture
def masks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give websockets its mask back, which one experiment takes away."""
    frames = pytest.importorskip("websockets.frames")
    monkeypatch.setattr(frames, "apply_mask", frames.apply_mask)


EXPERIMENTS: list[tuple[Callable[[Case], Work], Case]] = [
    (experiments.mask, SMALL),
    (experiments.mask_inplace, SMALL),
    (experiments.utf8, Case(300, "latin")),
    (experiments.encode, Case(300, "cjk")),
    (experiments.frames, SMALL),
    (experiments.messages, SMALL),
    (experiments.messages, Case(300, "emoji", 2000)),
    (experiments.long_message, Case(1000)),
]


@pytest.mark.parametrize(
    ("build", "case"), EXPERIMENTS, ids=lambda given: getattr(given, "__name__", None)
)
def test_all_sides_of_an_experiment_agree(
    build: Callable[[Case], Work], case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "LONG", 10_000)
    work = build(case)
    sides = work.sides()
    assert [side.name for side in sides] == [*work.makers]
    check(sides)
    for side in sides:
        side.once()
        side.timed(1)
    check(sides)  # having worked changes nothing
    assert [side.name for side in work.sides(["ours", "nobody"])] == ["ours"]


def test_the_pure_twin_is_measured_without_the_core_alone(
    masks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fastws, "ACCELERATED", False)
    sides = experiments.pure_frames(SMALL).sides()
    assert [side.name for side in sides] == ["ours", *({"websockets"} & {*rivals.versions()})]
    check(sides)
    monkeypatch.setattr(fastws, "ACCELERATED", True)
    with pytest.raises(RuntimeError, match="compiled core is in use"):
        experiments.pure_frames(SMALL)


@pytest.mark.parametrize(("accelerated", "names"), [(True, "ours pure"), (False, "ours")])
def test_the_twin_stands_beside_the_core(
    accelerated: bool, names: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fastws, "ACCELERATED", accelerated)
    makers = experiments.with_twin(lambda whose: ours.utf8(b"text", whose))
    sides = [make() for make in makers.values()]
    assert [side.name for side in sides] == names.split()
    assert all(side.result() is True for side in sides)


def test_text_is_unmasked_and_decoded() -> None:
    side = ours.decode_text("Grüße".encode(), data.KEY)
    assert (side.name, side.result()) == ("ours", "Grüße")


def test_a_rival_that_waits_is_not_measured() -> None:
    pytest.importorskip("tornado")
    with pytest.raises(RuntimeError, match="waits"):
        experiments.tornado.finish(asyncio.sleep(0))


# --- What is said --------------------------------------------------------------------------------

NOTHING = Measured(plan.BENCHES[1], Case(16), {"ours": Times(1e-9, 1e-9)})


def test_where_no_rival_is_here_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fastws, "ACCELERATED", True)
    monkeypatch.setattr(rivals, "missing", lambda: dict.fromkeys(rivals.PARTS, "not installed"))
    expected = "No other library that it could be compared with is here."
    assert tables.closing([NOTHING]) == [expected, tables.WHOLE]
    assert tables.left_out() == dict.fromkeys(rivals.PARTS, "not installed")


def test_where_all_is_here_nothing_is_left_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fastws, "ACCELERATED", True)
    monkeypatch.setattr(rivals, "missing", dict)
    monkeypatch.setattr(rivals.metadata, "version", lambda name: f"of {name}")
    monkeypatch.setattr(command, "run", lambda *_: [NOTHING])
    command.bench(["utf8"], quick=True, file=None)
    shown = " ".join(capsys.readouterr().out.split())
    assert "Left out" not in shown
    assert all(f"{rival} of {rival}" in shown for rival in rivals.PARTS)


@pytest.mark.parametrize(
    ("text", "name"),
    [("flags : a\nmodel name\t: Fast: 3\n", "Fast: 3"), ("flags : a\n", "machine"), (None, "else")],
    ids=["named", "unnamed", "no file"],
)
def test_the_processor_is_named(
    text: str | None, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "cpuinfo"
    if text is not None:
        told.write_text(text)
    monkeypatch.setattr(facts, "Path", lambda _: told)
    monkeypatch.setattr(platform, "machine", lambda: "machine")
    monkeypatch.setattr(platform, "processor", lambda: "else")
    assert facts.processor() == name
