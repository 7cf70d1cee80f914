"""What `fastws bench` measures, and what it finds: the time of each side, case by case."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import geometric_mean
from typing import NamedTuple

from . import experiments, rivals
from .data import KIB
from .experiments import Case, Work
from .measure import Effort, compare

STREAM = 64 * KIB
FULL = Effort(builds=1, rounds=20, sample=0.002, seconds=1)
QUICK = Effort(builds=1, rounds=3, sample=0.0005, seconds=0.1)

# Whom we stand beside; what has no mask to take off is there to compare with, and is no rival.
SIDES = ("ours", "pure", *rivals.PARTS, "decode", "plain")


class Bench(NamedTuple):
    """One kind of work.

    Attributes:
        name: to ask for it by.
        title: what it is, and what of fastws does it.
        build: makes the work of a case.
        cases: what it is measured for.
    """

    name: str
    title: str
    build: Callable[[Case], Work]
    cases: tuple[Case, ...]


def binary(*sizes: int) -> tuple[Case, ...]:
    return tuple(Case(size, stream=STREAM) for size in sizes)


SIZES = (125, KIB, 64 * KIB)
TEXTS = (
    Case(125, "ascii", STREAM),
    Case(KIB, "cjk", STREAM),
    Case(64 * KIB, "ascii", STREAM),
)
BENCHES = (
    Bench("mask", "A payload is masked: apply_mask()", experiments.mask, binary(*SIZES)),
    Bench("utf8", "UTF-8 is checked: validate_utf8()", experiments.utf8, TEXTS),
    Bench("frames", "Masked frames to bytes: FrameDecoder", experiments.frames, binary(*SIZES)),
    Bench("text", "Masked messages to str: MessageDecoder", experiments.messages, TEXTS),
    Bench("encode", "A str to a masked frame: encode_frame()", experiments.encode, TEXTS),
)


class Times(NamedTuple):
    """The best and the median sample of one side, in seconds a call or a message."""

    best: float
    median: float


@dataclass
class Measured:
    """The times of all sides in one case."""

    bench: Bench
    case: Case
    times: dict[str, Times]

    def gain(self, side: str) -> float:
        """Give how many times as fast as a side we are."""
        return self.times[side].best / self.times["ours"].best


def chosen(names: Sequence[str]) -> list[Bench]:
    """Give the benches of these names, all where there are none.

    Raises:
        KeyError: there is no bench of that name.
    """
    known = {bench.name: bench for bench in BENCHES}
    return [known[name] for name in names] or list(BENCHES)


def run(
    benches: Sequence[Bench], effort: Effort, tell: Callable[[Bench, Case], None]
) -> Iterator[Measured]:
    """Measure case by case; each is told before it begins.

    Raises:
        Wrong: a side gave something else than ours.
    """
    for bench in benches:
        for case in bench.cases:
            tell(bench, case)
            units = bench.build(case).units
            timings = compare(lambda b=bench, c=case: b.build(c).sides(SIDES), effort)  # type: ignore[misc]
            times = {each.name: Times(each.best / units, each.median / units) for each in timings}
            yield Measured(bench, case, times)


def gains(measured: Sequence[Measured]) -> dict[str, dict[str, float]]:
    """Give, for each bench, how many times as fast as each rival we are, as a geometric mean."""
    found: dict[str, dict[str, float]] = {}
    for bench in dict.fromkeys(each.bench for each in measured):
        cases = [each for each in measured if each.bench is bench]
        found[bench.name] = {
            rival: geometric_mean(each.gain(rival) for each in cases)
            for rival in rivals.PARTS
            if rival in cases[0].times
        }
    return found


def losses(measured: Sequence[Measured]) -> Iterator[tuple[Measured, str]]:
    """Give each case in which a rival is faster, and who that is."""
    for each in measured:
        for rival in rivals.PARTS:
            if rival in each.times and each.gain(rival) < 1:
                yield each, rival
