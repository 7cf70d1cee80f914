"""One target, run by its fuzzer: the command, what its log says, and the input that broke it."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from .build import BUILT, KERNELS, ROOT, SITE
from .targets import CORPUS, Target

FOUND = BUILT / "found"
WORK = BUILT / "corpus"
STATS = re.compile(r"^stat::number_of_executed_units: (\d+)", re.M)
COVERED = re.compile(r"cov: (\d+)")
SAVED = re.compile(r"Test unit written to (\S+)")
# What a stream frees is freed by the same stream: a small quarantine finds it, and is faster.
ASAN = "detect_leaks=0:quarantine_size_mb=16:allocator_may_return_null=1"
NEVER = 1 << 30


@dataclass(frozen=True)
class Result:
    name: str
    streams: int
    seconds: float
    covered: int
    log: str
    saved: Path | None  # the input that broke it

    @property
    def passed(self) -> bool:
        return self.saved is None

    def row(self) -> str:
        rate = self.streams / max(self.seconds, 0.001)
        verdict = "passed" if self.passed else "FAILED"
        counts = f"{self.streams:>10,} streams {self.seconds:>7.1f} s {rate:>9,.0f}/s"
        return f"{self.name:14}{counts}  cov {self.covered:>5}  {verdict}"


def command(target: Target) -> list[str]:
    """Give the command that runs a target on what libFuzzer's arguments say."""
    if target.in_c:
        return [str(KERNELS / target.name)]
    return [sys.executable, str(Path(__file__).with_name("fuzzed.py")), target.name]


def environment(target: Target) -> dict[str, str]:
    """Give the environment: for the core, sanitizers preloaded and memory that they see."""
    names = {**os.environ, "ASAN_OPTIONS": ASAN, "UBSAN_OPTIONS": "print_stacktrace=1"}
    if target.in_c:
        return names
    spec = importlib.util.find_spec("atheris")
    if spec is None or spec.origin is None:
        raise SystemExit("atheris is not installed: `bash .ci/fuzz` installs it")
    return {
        **names,
        "LD_PRELOAD": str(Path(spec.origin).parents[1] / "asan_with_fuzzer.so"),
        "PYTHONMALLOC": "malloc",
        "PYTHONPATH": str(SITE),
        "FASTWS_REQUIRE_EXTENSIONS": "1",
    }


def start(target: Target, *arguments: str) -> tuple[int, str]:
    """Run a target; give its exit status and its log."""
    done = subprocess.run(
        [*command(target), *arguments],
        cwd=ROOT,
        env=environment(target),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return done.returncode, done.stdout.decode(errors="replace")


def fuzz(target: Target, *, seconds: float, streams: int, corpus: bool = True) -> Result:
    """Fuzz until time is up, or so many streams were run, or one breaks it."""
    work = WORK / target.name
    for folder in (work, FOUND):
        folder.mkdir(parents=True, exist_ok=True)
    committed = CORPUS / target.name
    folders = [str(work), str(committed)] if committed.exists() else [str(work)]
    began = time.monotonic()
    status, log = start(
        target,
        f"-max_total_time={max(1, round(seconds))}",
        f"-runs={streams}",
        f"-max_len={target.most}",
        "-timeout=20",
        "-rss_limit_mb=3000",
        "-print_final_stats=1",
        f"-artifact_prefix={FOUND}/{target.name}-",
        *(folders if corpus else []),
    )
    ran = STATS.search(log)
    covered = COVERED.findall(log)
    saved = SAVED.search(log)
    broken = None
    if status or saved or not ran:
        broken = Path(saved[1]) if saved else FOUND / "nothing was saved"
    return Result(
        target.name,
        int(ran[1]) if ran else 0,
        time.monotonic() - began,
        int(covered[-1]) if covered else 0,
        log,
        broken,
    )
