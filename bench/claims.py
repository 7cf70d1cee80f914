"""What fastws claims about speed and size, and whether it holds here.

    python bench/claims.py [--only PATTERN] [--quick] [--json FILE] [--markdown [FILE]] [--check]

Each claim is a row of the table below. All that it compares runs in turns in this one process, the
results are held equal first, and what falls short is printed like what holds. fastws must be
importable with its compiled core, beside the rivals: `pip install -e . --group bench`.
"""

from __future__ import annotations

import argparse
import re
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import geometric_mean
from subprocess import CalledProcessError

import claims_report as report
from experiments import Case, measure
from footprint import NotHere

import fastws
from fastws._bench.data import KIB, MIB, SIZES, SMALLEST
from fastws._bench.measure import FULL, QUICK, Effort, Wrong


@dataclass(frozen=True)
class Claim:
    """One claim: what to measure, and what must come out.

    Attributes:
        name: words to find it by.
        experiment: the name of an experiment.
        cases: what it is run for.
        bound: the least (or most) that the aggregate of all cases may be; None where nothing is
            claimed, and the row is there to be known.
        rival: the side that ours is compared with; None for a figure of our own.
        at_most: the ratio is how much longer we take; otherwise how many times as fast we are.
        worst: each case must hold by itself; otherwise the geometric mean must.
        unit: of a figure, as (its name, how many make one second or one byte).
    """

    name: str
    experiment: str
    cases: tuple[Case, ...]
    bound: float | None
    rival: str | None = None
    at_most: bool = False
    worst: bool = False
    unit: tuple[str, float] = ("x", 1)


# What stands in the place of a verdict where there is none.
PROBLEMS = {Wrong: "WRONG", NotHere: "absent", CalledProcessError: "FAILED"}


@dataclass
class Result:
    """What a claim's cases gave: a ratio or a figure each, in the claim's unit."""

    claim: Claim
    values: dict[str, float] = field(default_factory=dict)
    nanoseconds: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    problem: Exception | None = None

    @property
    def aggregate(self) -> float:
        values = self.values.values()
        if not self.claim.worst:
            return geometric_mean(values)
        return max(values) if self.claim.at_most else min(values)

    @property
    def verdict(self) -> str:
        if self.problem is not None:
            return PROBLEMS[type(self.problem)]
        if self.claim.bound is None:
            return "info"
        at_most, bound = self.claim.at_most, self.claim.bound
        holds = self.aggregate <= bound if at_most else self.aggregate >= bound
        return "ok" if holds else "SHORT"


# --- The table -----------------------------------------------------------------------------------


def cases(*sizes: int, script: str = "") -> tuple[Case, ...]:
    return tuple(Case(size, script) for size in sizes)


ANY = SMALLEST + SIZES
SHORT = (16, 64, 125, 256, KIB)
LARGE = (64 * KIB, 256 * KIB, MIB)
FROM_1K = tuple(size for size in SIZES if size >= KIB)
NS = ("ns", 1e9)


def masks() -> Iterator[Claim]:
    for rival in ("websockets", "aiohttp", "picows"):
        yield Claim(f"mask vs {rival}", "mask", cases(*ANY), 1, rival, worst=True)
    yield Claim("mask in place vs aiohttp", "mask_inplace", cases(*ANY), 1, "aiohttp", worst=True)
    copied = cases(4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB)
    yield Claim("mask vs bytes(memoryview(x))", "mask", copied, 1.1, "copy", at_most=True)
    yield Claim("mask vs bytes(view)", "mask", copied, None, "copy of a view", at_most=True)
    yield Claim("mask of 8 bytes", "mask", cases(8), 60, at_most=True, unit=NS)


def texts() -> Iterator[Claim]:
    ascii_only = cases(*ANY, script="ascii")
    yield Claim("utf8, ASCII vs decode()", "utf8", ascii_only, 1, "decode", worst=True)
    for script in ("2-byte", "3-byte", "4-byte"):
        name = f"utf8, {script} vs decode()"
        yield Claim(name, "utf8", cases(*FROM_1K, script=script), 5, "decode")


def frames() -> Iterator[Claim]:
    for rival, bound in (("aiohttp", 3.5), ("websockets", 30), ("wsproto", 80)):
        yield Claim(f"frames of 16-1024 B vs {rival}", "frames", cases(*SHORT), bound, rival)
    yield Claim("frames of 64 KiB-1 MiB vs aiohttp", "frames", cases(*LARGE), 1.7, "aiohttp")
    name = "pure frames vs websockets without C"
    yield Claim(name, "pure_frames", cases(*SIZES), 1, "websockets")


def messages() -> Iterator[Claim]:
    short = cases(*SHORT, script="ascii")
    for rival, bound in (("picows", 4), ("aiohttp", 4.5)):
        yield Claim(f"ASCII of 16-1024 B vs {rival}", "messages", short, bound, rival)

    def plain(name: str, over: tuple[Case, ...], bound: float, *, worst: bool = False) -> Claim:
        return Claim(name, "messages", over, bound, "plain", at_most=True, worst=worst)

    yield plain("ASCII of 16-1024 B vs plain", short, 1.5)
    middle = cases(16 * KIB, 32 * KIB, 64 * KIB, script="ascii")
    yield plain("ASCII of 16-64 KiB vs plain", middle, 1, worst=True)
    yield plain("ASCII of 1 MiB vs plain", cases(MIB, script="ascii"), 1.15)
    for script in ("latin", "cyrillic", "cjk", "emoji", "2-byte", "3-byte", "4-byte"):
        over = cases(*FROM_1K, script=script)
        yield Claim(f"{script} text vs plain", "messages", over, 3, "plain", worst=True)
    yield plain("binary of 16 and 64 KiB vs plain", cases(16 * KIB, 64 * KIB), 1.5, worst=True)
    yield plain("binary of 1 MiB vs plain", cases(MIB), 2)
    over = cases(16 * KIB, 64 * KIB, MIB)
    name = "binary vs bytes(view)"
    yield Claim(name, "messages", over, None, "copy of a view", at_most=True, worst=True)


def encoding() -> Iterator[Claim]:
    for script in ("ascii", "latin", "cyrillic", "cjk", "emoji"):
        over = cases(*(ANY if script == "ascii" else SIZES), script=script)
        for rival in ("websockets", "aiohttp", "picows"):
            yield Claim(f"encode {script} vs {rival}", "encode", over, 1, rival, worst=True)


def footprints() -> Iterator[Claim]:
    def figure(name: str, over: tuple[Case, ...], bound: float, unit: tuple[str, float]) -> Claim:
        experiment = name.split()[0].rstrip(",")
        return Claim(name, experiment, over, bound, at_most=True, worst=True, unit=unit)

    yield figure("import fastws", cases(0), 5, ("ms", 1e3))
    yield figure("extension, stripped", cases(0), 400, ("KB", 1e-3))
    reads = cases(1, KIB, 64 * KIB)
    # Linear is 1, and quadratic is 2.
    linear = "10 MiB in reads vs 2 x 5 MiB"
    yield Claim(linear, "long_message", reads, 1.4, "halves", at_most=True, worst=True)
    yield figure("peak beyond a 10 MiB message", reads, 256, ("KiB", 1 / KIB))
    yield figure("idle MessageDecoder", cases(0), 400, ("bytes", 1))
    yield figure("idle with deflate", cases(0, script="deflate"), 400, ("bytes", 1))


CLAIMS = [
    *masks(),
    *texts(),
    *frames(),
    *messages(),
    *encoding(),
    *footprints(),
]


# --- Measuring it --------------------------------------------------------------------------------


class Bench:
    """Measures claims; what several of them share is measured once."""

    def __init__(self, effort: Effort) -> None:
        self.effort = effort
        self.known: dict[tuple[str, Case], dict[str, report.Times]] = {}

    def times(self, experiment: str, case: Case) -> dict[str, report.Times]:
        """Give the best and the median of each side, in seconds."""
        if (experiment, case) not in self.known:
            timings = measure(experiment, case, self.effort)
            self.known[experiment, case] = {
                name: report.Times(timing.best, timing.median) for name, timing in timings.items()
            }
        return self.known[experiment, case]

    def run(self, claim: Claim) -> Result:
        """Measure a claim; whatever goes wrong with it is its result."""
        result = Result(claim)
        try:
            for case in claim.cases:
                self.add(result, case)
        except tuple(PROBLEMS) as error:
            result.problem = error
        return result

    def add(self, result: Result, case: Case) -> None:
        claim = result.claim
        times = self.times(claim.experiment, case)
        ours = times["ours"].best
        if claim.rival is None:
            result.values[case.label] = ours * claim.unit[1]
            return
        if claim.rival not in times:
            raise NotHere(f"no {claim.rival}")
        theirs = times[claim.rival].best
        result.values[case.label] = ours / theirs if claim.at_most else theirs / ours
        result.nanoseconds[case.label] = {
            name: {"best": times[name].best * 1e9, "median": times[name].median * 1e9}
            for name in ("ours", claim.rival)
        }


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", metavar="PATTERN", default="", help="claims whose name has it")
    parser.add_argument("--quick", action="store_true", help="fewer samples: a first look")
    parser.add_argument("--json", metavar="FILE", help="write everything measured; - is stdout")
    table = "print a table, or put it into FILE between its marks"
    parser.add_argument("--markdown", metavar="FILE", nargs="?", const="-", help=table)
    parser.add_argument("--check", action="store_true", help="fail unless every claim holds")
    words = parser.parse_args(argv)
    if not fastws.ACCELERATED:
        parser.error("these claims are about the compiled core, which is not in use here")
    chosen = [claim for claim in CLAIMS if re.search(words.only, claim.name, re.IGNORECASE)]

    if not chosen:
        parser.error(f"no claim has {words.only!r} in its name")
    bench = Bench(QUICK if words.quick else FULL)
    quiet = "-" in (words.json, words.markdown)
    results = []
    for claim in chosen:
        results.append(bench.run(claim))
        print(report.line(results[-1]), file=sys.stderr if quiet else sys.stdout, flush=True)
    options = ["--quick"] * words.quick + ["--only", words.only] * bool(words.only)
    command = shlex.join(["python", "bench/claims.py", "--markdown", *options])
    if words.json:
        report.write_json(words.json, results, quick=words.quick)
    if words.markdown:
        report.write_markdown(words.markdown, results, command)
    return int(words.check and any(result.verdict not in ("ok", "info") for result in results))


if __name__ == "__main__":
    sys.exit(main())
