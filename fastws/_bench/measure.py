"""Time several ways of doing the same work, beside each other in one run.

A machine that others use as well is quick at one moment and slow at the next, so figures of two
runs say little about each other. Here all sides of a comparison take turns, and the best sample
of each side counts: noise only ever adds. The clock is the processor time of this thread. By wall
time a slow side, whose samples are too long to go undisturbed, would look slower than it is.
What is reported is the ratio of the bests. Where a payload happens to lie in memory matters as
well, so a full measurement builds the sides several times over.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import get_clock_info, perf_counter, thread_time
from timeit import Timer
from typing import Any, NamedTuple

# Where the processor time is counted in ticks of milliseconds, wall time has to do.
clock = thread_time if get_clock_info("thread_time").resolution < 1e-6 else perf_counter


def cost_of_clock() -> float:
    """Give the seconds that an empty interval seems to take."""
    return min(-(clock() - clock()) for _ in range(1000))


CLOCK_COST = cost_of_clock()


class Wrong(Exception):
    """Two sides that were to do the same work gave different results."""


class Side(NamedTuple):
    """One way of doing the work.

    Attributes:
        name: whose way it is.
        timed: does it so many times and gives the seconds; what is not this side's own work may
            be left out of them.
        result: does it once and gives something to compare with other sides.
        once: does it once, for other harnesses to time as a whole.
    """

    name: str
    timed: Callable[[int], float]
    result: Callable[[], object]
    once: Callable[[], object]


class Effort(NamedTuple):
    """How much to measure: builds of all sides, rounds of each, seconds of a sample and of a build.

    Slow sides get fewer rounds than that, where the seconds of a build are over, but never none.
    """

    builds: int
    rounds: int
    sample: float
    seconds: float


FULL = Effort(builds=3, rounds=40, sample=0.002, seconds=4)
QUICK = Effort(builds=1, rounds=12, sample=0.001, seconds=1)

ENOUGH_ROUNDS = 8  # before a build may be left because all sides have settled


class Timing:
    """The samples of one side, each in seconds a loop."""

    def __init__(self, name: str, samples: Sequence[float] = ()) -> None:
        self.name = name
        self.samples = list(samples)

    @property
    def best(self) -> float:
        return min(self.samples)

    @property
    def median(self) -> float:
        return sorted(self.samples)[len(self.samples) // 2]

    def settled(self, since: int) -> bool:
        """Tell whether the best sample since then was all but reached twice more."""
        first, *_, third = sorted(self.samples[since:])[:3]
        return third <= 1.01 * first


def statement(
    name: str,
    code: str,
    names: dict[str, Any],
    result: Callable[[], object] | None = None,
) -> Side:
    """Make a side of Python code.

    Args:
        name: what to call it.
        code: one expression, or statements if `result` is given. As in timeit, it runs in a loop
            inside a function.
        names: what the code refers to; local there, so that looking them up costs next to nothing.
        result: what to compare with other sides; the expression's value if not given.
    """
    setup = "; ".join(f"{local} = _{local}" for local in names) or "pass"
    outer = {f"_{local}": value for local, value in names.items()}
    timer = Timer(code, setup, clock, outer)
    parameters = ", ".join(f"{local}={local}" for local in names)
    scope = dict(names)
    indented = code.replace("\n", "\n    ")
    exec(f"def once({parameters}):\n    {indented}", scope)
    return Side(name, timer.timeit, result or (lambda: eval(code, dict(names))), scope["once"])


def passes(name: str, once: Callable[[], float], result: Callable[[], object]) -> Side:
    """Make a side that takes the time itself, of one pass over its work, by `clock`."""
    return Side(name, lambda loops: sum(once() for _ in range(loops)), result, once)


@contextmanager
def without_collector() -> Iterator[None]:
    """Keep the cyclic garbage collector out of what is timed."""
    was_enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def check(sides: Sequence[Side]) -> None:
    """Hold that all sides give equal results.

    Raises:
        Wrong: they do not.
    """
    first, *others = sides
    expected = first.result()
    for side in others:
        if side.result() != expected:
            raise Wrong(f"{side.name} gives something else than {first.name}")


def calibrate(side: Side, sample: float) -> int:
    """Give the loops that take about as long as a sample should."""
    loops = 1
    while True:
        taken = side.timed(loops)
        if taken >= sample / 4:
            return max(1, round(loops * sample / taken))
        loops *= 4


def compare(build: Callable[[], Sequence[Side]], effort: Effort) -> list[Timing]:
    """Time all sides in turns and give their timings, in the order of the sides.

    Raises:
        Wrong: the sides do not give equal results.
    """
    timings: list[Timing] = []
    for _ in range(effort.builds):
        sides = build()
        check(sides)
        timings = timings or [Timing(side.name) for side in sides]
        with without_collector():
            take_turns(sides, timings, effort)
    return timings


def take_turns(sides: Sequence[Side], timings: Sequence[Timing], effort: Effort) -> None:
    """Add the samples of one build to the timings."""
    turns = [
        (side, timing, calibrate(side, effort.sample))
        for side, timing in zip(sides, timings, strict=True)
    ]
    since = len(timings[0].samples)
    end = perf_counter() + effort.seconds
    for count in range(1, effort.rounds + 1):
        turns.reverse()
        for side, timing, loops in turns:
            timing.samples.append(side.timed(loops) / loops)
        settled = count >= ENOUGH_ROUNDS and all(timing.settled(since) for timing in timings)
        if settled or perf_counter() > end:
            break
