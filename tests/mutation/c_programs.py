"""The kernels' own tests in C, with mutants: built by their Makefile, with sanitizers, and run.

A mutant meets the programs that come by its place, the quick ones first. What the preprocessor
leaves out on this processor is judged on another one, emulated, where a cross compiler is at hand.
"""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from forking import KILLED, SURVIVED, UNREACHED
from points import BUILD, ROOT, Mutant

TESTS = ROOT / "tests" / "kernels"
TOO_LONG = ["test_utf8_exhaustive"]
ELSEWHERE = "of another processor"
# A place asks in one of these forms; see mutation.h.
ASKING = re.compile(r"\bfws_(?:condition|part|is)\((\d+),")


def places(compiler: str, files: list[Path], *flags: str) -> set[int]:
    """Give the places that a compiler's preprocessor leaves in some files."""
    found: set[int] = set()
    for path in files:
        command = [compiler, "-E", "-P", *flags, str(path)]
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        found.update(int(number) for number in ASKING.findall(text))
    return found


@dataclass
class Processor:
    """What builds the programs and runs them."""

    name: str
    compiler: str
    flags: str
    linking: str = ""
    emulator: list[str] = field(default_factory=list)

    @property
    def is_there(self) -> bool:
        return all(shutil.which(word) for word in (self.compiler, *self.emulator[:1]))


SANITIZE = "-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all"
HERE = Processor("here", os.environ.get("CC", "cc"), SANITIZE)
OTHERS = [
    Processor("arm64", "aarch64-linux-gnu-gcc", "-O1 -g", "-static", ["qemu-aarch64-static"]),
]


class Programs:
    """All tests in C on one processor, and what each comes by."""

    def __init__(self, kernels: Path, processor: Processor) -> None:
        self.processor = processor
        self.folder = BUILD / "programs" / processor.name
        self.kernels = kernels
        self.seconds: dict[Path, float] = {}
        self.reached: dict[Path, set[int]] = {}
        self._build()
        for program in self.seconds:
            self._record(program)

    def _build(self) -> None:
        names = sorted(path.stem for path in TESTS.glob("test_*.c") if path.stem not in TOO_LONG)
        targets = [self.folder / name for name in names]
        self._make(*map(str, targets))
        self.seconds = dict.fromkeys(targets, 0.0)

    def _make(self, *words: str) -> None:
        command = ["make", "-s", "-C", str(TESTS), f"BUILD={self.folder}"]
        command += [f"KERNELS={self.kernels}", f"CC={self.processor.compiler}", "WARNINGS=-w"]
        command += [f"CFLAGS={self.processor.flags}", f"LDFLAGS={self.processor.linking}", *words]
        subprocess.run(command, check=True)

    def _run(self, program: Path, number: int, limit: int, **more: str) -> tuple[int, float]:
        """Run a program on a mutant; give its exit status, and the processor's time."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        status = subprocess.run(
            [*self.processor.emulator, str(program)],
            capture_output=True,
            check=False,
            env={**os.environ, "FASTWS_MUTANT": str(number), **more},
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (limit, limit)),
        ).returncode
        return status, resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before

    def _record(self, program: Path) -> None:
        """Run a program on what is not changed, unless that was done."""
        known, out = program.with_suffix(".json"), program.with_suffix(".reached")
        if not known.exists() or known.stat().st_mtime < program.stat().st_mtime:
            status, seconds = self._run(program, 0, 3600, FASTWS_REACHED=str(out))
            if status:
                raise SystemExit(f"{program.name} fails without a mutant")
            reached = [place for place, here in enumerate(out.read_bytes()) if here]
            known.write_text(json.dumps([seconds, reached]))
        self.seconds[program], places = json.loads(known.read_text())
        self.reached[program] = set(places)

    def comes_by(self, mutant: Mutant) -> bool:
        return any(mutant.point in reached for reached in self.reached.values())

    def judge(self, mutant: Mutant) -> tuple[str, str]:
        """Run the programs that come by a mutant's place, the quick ones first."""
        meeting = [program for program in self.seconds if mutant.point in self.reached[program]]
        for program in sorted(meeting, key=lambda program: self.seconds[program]):
            limit = 10 + int(4 * self.seconds[program])
            status, _ = self._run(program, mutant.number, limit)
            if status:
                where = "" if self.processor is HERE else f" ({self.processor.name})"
                return KILLED, program.name + where
        return (SURVIVED if meeting else UNREACHED), ""


class AllProcessors:
    """The tests in C on the processor that a mutant is of."""

    def __init__(self, kernels: Path) -> None:
        self.kernels = kernels
        self._programs: dict[str, Programs] = {}
        self._places: dict[str, set[int]] = {}

    def judge(self, mutant: Mutant) -> tuple[str, str]:
        if mutant.here or self._on(HERE).comes_by(mutant):  # also what is of another compiler
            return self._on(HERE).judge(mutant)
        for processor in OTHERS:
            if processor.is_there and mutant.point in self._places_on(processor):
                return self._on(processor).judge(mutant)
        return ELSEWHERE, ""

    def _on(self, processor: Processor) -> Programs:
        if processor.name not in self._programs:
            self._programs[processor.name] = Programs(self.kernels, processor)
        return self._programs[processor.name]

    def _places_on(self, processor: Processor) -> set[int]:
        if processor.name not in self._places:
            files = sorted(self.kernels.glob("*.c"))
            self._places[processor.name] = places(processor.compiler, files)
        return self._places[processor.name]
