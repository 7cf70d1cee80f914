"""The work that is timed: for each experiment our side and the rivals', built for one case.

    python bench/experiments.py NAME SIZE [SCRIPT] [--quick]

measures one case of one experiment, in an environment of the caller's choice, and prints the
samples as JSON. `claims.py` runs it so where an experiment asks for another environment.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import data
import footprint
import ours
import rivals
from data import KEY
from measure import FULL, QUICK, Effort, Side, Timing, compare, statement

import fastws


class Case(NamedTuple):
    """What an experiment is run for: a size, and where it matters a script of text."""

    size: int
    script: str = ""

    @property
    def label(self) -> str:
        for unit, name in ((data.MIB, "MiB"), (data.KIB, "KiB")):
            if self.size >= unit:
                return f"{self.size // unit} {name}"
        return f"{self.size} B"


class Work(NamedTuple):
    """The sides of a comparison, ours first, and how many messages one loop takes."""

    sides: list[Side]
    units: int = 1


# What conftest.py gives to a benchmark: times a side of an experiment's case.
TimeSide = Callable[[str, Case, str], None]


# --- Kernels as functions ------------------------------------------------------------------------


def mask(case: Case) -> Work:
    payload = data.noise(case.size)
    copy = {"payload": payload, "view": memoryview(payload)}
    sides = [
        ours.mask(payload, KEY),
        # Neither of these masks: they show what copying alone takes.
        statement("copy", "bytes(memoryview(payload))", copy, lambda: data.masked(payload, KEY)),
        statement("copy of a view", "bytes(view)", copy, lambda: data.masked(payload, KEY)),
    ]
    makers = {
        "websockets": lambda: rivals.websockets_mask(payload, KEY),
        # aiohttp masks in place alone: that same job is `mask_inplace`, and here it gets a copy.
        "aiohttp": lambda: rivals.aiohttp_mask_copy(payload, KEY),
        "picows": lambda: rivals.picows_send(
            data.BINARY, payload, lambda sent: data.masked(sent, KEY)
        ),
    }
    return Work(sides + rivals.present(makers))


def mask_inplace(case: Case) -> Work:
    payload = data.noise(case.size)
    makers = {"aiohttp": lambda: rivals.aiohttp_mask(payload, KEY)}
    return Work([ours.mask_inplace(payload, KEY), *rivals.present(makers)])


def utf8(case: Case) -> Work:
    payload = data.text(case.script, case.size).encode()
    names = {"payload": payload}
    decode = statement("decode", "payload.decode()", names, lambda: bool(payload.decode() or True))
    return Work([ours.utf8(payload), decode])


def encode(case: Case) -> Work:
    """Text to a masked frame; the rivals mask the encoded text and, but for picows, stop there."""
    text = data.text(case.script, case.size)
    makers = {
        "websockets": lambda: rivals.websockets_encode(text, KEY),
        "aiohttp": lambda: rivals.aiohttp_encode(text, KEY),
        "picows": lambda: rivals.picows_send(data.TEXT, text, bytes),
    }
    return Work([ours.encode(text), *rivals.present(makers)])


# --- Decoders ------------------------------------------------------------------------------------


def frames(case: Case) -> Work:
    stream = data.stream(data.BINARY, data.noise(case.size))
    makers = {
        "aiohttp": lambda: rivals.aiohttp_messages(stream),
        "picows": lambda: rivals.picows_messages(stream),
        "websockets": lambda: rivals.websockets_frames(stream),
        "wsproto": lambda: rivals.wsproto_messages(stream),
    }
    return Work([ours.frames(stream), *rivals.present(makers)], len(stream.payloads))


def pure_frames(case: Case) -> Work:
    """Our pure twin and websockets without its C: to be run with FASTWS_NO_EXTENSIONS=1."""
    if fastws.ACCELERATED:
        raise RuntimeError("the compiled core is in use")
    stream = data.stream(data.BINARY, data.noise(case.size))
    makers = {"websockets": lambda: rivals.websockets_frames(stream, without_c=True)}
    return Work([ours.frames(stream), *rivals.present(makers)], len(stream.payloads))


def messages(case: Case) -> Work:
    """Text of a script, or binary where none is given."""
    if case.script:
        stream = data.stream(data.TEXT, data.text(case.script, case.size).encode())
    else:
        stream = data.stream(data.BINARY, data.noise(case.size))
    makers = {
        "aiohttp": lambda: rivals.aiohttp_messages(stream),
        "picows": lambda: rivals.picows_messages(stream),
    }
    sides = [ours.messages(stream), *rivals.plain(stream), *rivals.present(makers)]
    return Work(sides, len(stream.payloads))


def long_message(case: Case) -> Work:
    """A message of 10 MiB in reads of the case's size, and as much in two messages.

    They take the same bytes, reads and memory, so what is more than linear shows, and caches do
    not.
    """
    whole = ours.long_messages("ours", 1, data.LONG, case.size)
    return Work([whole, ours.long_messages("halves", 2, data.LONG // 2, case.size)])


# --- All of them ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Experiment:
    """Something to measure: by comparing sides, or as a figure of our own."""

    build: Callable[[Case], Work] | None = None
    figure: Callable[[Case, Effort], float] | None = None
    environment: dict[str, str] = field(default_factory=dict)

    def measure(self, case: Case, effort: Effort) -> dict[str, Timing]:
        """Give the timings by the names of the sides, in seconds a call or a message."""
        if self.figure is not None:
            return {"ours": Timing("ours", [self.figure(case, effort)])}
        units = self.build(case).units
        timings = compare(lambda: self.build(case).sides, effort)
        return {
            timing.name: Timing(timing.name, [sample / units for sample in timing.samples])
            for timing in timings
        }


# Makes glibc ask the system for each large block. Otherwise it moves that threshold about, and
# whether a long message found old memory to grow into would decide, by a factor of ten.
FRESH_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(128 * data.KIB)}

EXPERIMENTS = {
    "mask": Experiment(mask),
    "mask_inplace": Experiment(mask_inplace),
    "utf8": Experiment(utf8),
    "encode": Experiment(encode),
    "frames": Experiment(frames),
    "pure_frames": Experiment(pure_frames, environment={"FASTWS_NO_EXTENSIONS": "1"}),
    "messages": Experiment(messages),
    "long_message": Experiment(long_message, environment=FRESH_MEMORY),
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
