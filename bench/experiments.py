"""What claims.py and the benchmarks of pytest measure: experiments, each in its environment.

    python bench/experiments.py NAME SIZE [SCRIPT] [--quick]

measures one case of one experiment, in an environment of the caller's choice, and prints the
samples as JSON. `claims.py` runs it so where an experiment asks for another environment. The work
itself is that of `fastws bench`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

import footprint

from fastws._bench import data
from fastws._bench import experiments as work
from fastws._bench.experiments import Case, Work
from fastws._bench.measure import FULL, QUICK, Effort, Timing, compare

# What conftest.py gives to a benchmark: times a side of an experiment's case.
TimeSide = Callable[[str, Case, str], None]


@dataclass(frozen=True)
class Experiment:
    """Something to measure: by comparing sides, or as a figure of our own.

    Attributes:
        build: makes the work of a case.
        sides: whose sides are compared.
        figure: gives a figure of a case, in seconds or bytes.
        environment: what has to be set in the process that measures.
    """

    build: Callable[[Case], Work] | None = None
    sides: tuple[str, ...] = ()
    figure: Callable[[Case, Effort], float] | None = None
    environment: dict[str, str] = field(default_factory=dict)

    def measure(self, case: Case, effort: Effort) -> dict[str, Timing]:
        """Give the timings by the names of the sides, in seconds a call or a message."""
        if self.figure is not None:
            return {"ours": Timing("ours", [self.figure(case, effort)])}
        units = self.build(case).units
        timings = compare(lambda: self.build(case).sides(self.sides), effort)
        return {
            timing.name: Timing(timing.name, [sample / units for sample in timing.samples])
            for timing in timings
        }


# Makes glibc ask the system for each large block. Otherwise it moves that threshold about, and
# whether a long message found old memory to grow into would decide, by a factor of ten.
FRESH_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(128 * data.KIB)}

EXPERIMENTS = {
    "mask": Experiment(
        work.mask, ("ours", "copy", "copy of a view", "websockets", "aiohttp", "picows")
    ),
    "mask_inplace": Experiment(work.mask_inplace, ("ours", "aiohttp")),
    "utf8": Experiment(work.utf8, ("ours", "decode")),
    "encode": Experiment(work.encode, ("ours", "websockets", "aiohttp", "picows")),
    "frames": Experiment(work.frames, ("ours", "aiohttp", "picows", "websockets", "wsproto")),
    "pure_frames": Experiment(
        work.pure_frames, ("ours", "websockets"), environment={"FASTWS_NO_EXTENSIONS": "1"}
    ),
    "messages": Experiment(work.messages, ("ours", "plain", "copy of a view", "aiohttp", "picows")),
    "long_message": Experiment(work.long_message, ("ours", "halves"), environment=FRESH_MEMORY),
    "import": Experiment(figure=lambda _, effort: footprint.import_cost(effort.rounds)),
    "extension": Experiment(figure=lambda *_: footprint.extension_size()),
    "peak": Experiment(figure=lambda case, _: footprint.peak_memory(case.size)),
    "idle": Experiment(figure=lambda case, _: footprint.idle_memory(case.script)),
}


def measure(name: str, case: Case, effort: Effort) -> dict[str, Timing]:
    """Measure one case, in a process of its own where the experiment's environment is not ours."""
    experiment = EXPERIMENTS[name]
    if experiment.environment.items() <= os.environ.items():
        return experiment.measure(case, effort)
    command = [sys.executable, __file__, name, str(case.size), case.script]
    done = subprocess.run(
        command + ["--quick"] * (effort is QUICK),
        env={**os.environ, **experiment.environment},
        stdout=subprocess.PIPE,
        check=True,
    )
    return {side: Timing(side, samples) for side, samples in json.loads(done.stdout).items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=EXPERIMENTS)
    parser.add_argument("size", type=int)
    parser.add_argument("script", nargs="?", default="")
    parser.add_argument("--quick", action="store_true")
    words = parser.parse_args()
    case = Case(words.size, words.script)
    timings = measure(words.name, case, QUICK if words.quick else FULL)
    print(json.dumps({name: timing.samples for name, timing in timings.items()}))


if __name__ == "__main__":
    main()
