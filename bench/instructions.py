"""Count instructions with valgrind: for changes that wall time cannot see on a busy machine.

    python bench/instructions.py [--only PATTERN] [--json FILE] [--check FILE | --base REF]

Each case runs twice in a fresh interpreter under callgrind, N times and 2N times its work; the
difference, over N, is what one call (or one message of a stream) takes, start-up and imports left
out. The counts repeat almost to the last digit, so a case that grew by over 1 % fails.

They tell nothing about another interpreter, C library or compiler. `--check` compares with counts
that were written before, and refuses those of another one. `--base` compares with another commit,
which it builds with the interpreter and the compiler that are here; the work is that of this
checkout on both, and so is where they lie. callgrind knows no AVX-512, so the level is avx2.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import counted

TOLERANCE = 0.01
LEVEL = "avx2"
CALLS = 2000
HERE = Path(__file__).parents[1]


class Failed(Exception):
    """A case could not be counted."""


# --- One case ------------------------------------------------------------------------------------


def command(name: str, loops: int) -> list[str]:
    """Give the command that does a case's work so many times."""
    return [sys.executable, str(Path(counted.__file__)), name, str(loops)]


def clean_environment(package: Path, cache: Path) -> dict[str, str]:
    """Give an environment in which runs repeat: fastws from there, byte code to the cache."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONHASHSEED": "0",
        "PYTHONPYCACHEPREFIX": str(cache),
        "PYTHONPATH": str(package),
        "FASTWS_REQUIRE_EXTENSIONS": "1",
        "FASTWS_SIMD": LEVEL,
    }


def run(name: str, loops: int, package: Path, cache: Path) -> int:
    """Give the instructions of a whole interpreter that does a case's work so many times."""
    out = cache / "callgrind.out"
    # setarch: addresses that are not random.
    valgrind = ["setarch", "-R", "valgrind", "--tool=callgrind", f"--callgrind-out-file={out}"]
    done = subprocess.run(
        valgrind + command(name, loops),
        env=clean_environment(package, cache),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise Failed(done.stderr)
    (total,) = re.findall(r"^(?:summary|totals): (\d+)", out.read_text(), re.MULTILINE)[:1]
    return int(total)


def count(name: str, messages: int, package: Path, cache: Path) -> float:
    """Give the instructions of one call or message."""
    loops = max(1, CALLS // messages)
    once, twice = (run(name, times * loops, package, cache) for times in (1, 2))
    return round((twice - once) / (loops * messages), 2)


class Counter:
    """Counts cases with the fastws of one folder, from `with` on.

    It is reached by a link in `place`, and byte code goes there too. Where objects come to lie
    depends on the lengths of paths, and 2 % of instructions on where they lie: so two versions that
    are to be compared are given the same place, one after the other.
    """

    def __init__(self, package: Path, place: Path) -> None:
        self.package = place / "side"
        self.cache = place / "cache"
        self._target = package

    def __enter__(self) -> Counter:
        self.package.symlink_to(self._target.resolve(), target_is_directory=True)
        self.cache.mkdir()
        # Byte code is written once, and not while counting.
        subprocess.run(
            command(next(iter(counted.cases())), 1),
            env=clean_environment(self.package, self.cache),
            check=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.package.unlink()
        shutil.rmtree(self.cache)

    def count(self, name: str) -> float:
        messages = counted.cases()[name].messages
        return count(name, messages, self.package, self.cache)


# --- What to compare with ------------------------------------------------------------------------


def environment() -> dict[str, str]:
    """Say what the counts depend on, besides fastws itself."""
    valgrind = subprocess.run(["valgrind", "--version"], stdout=subprocess.PIPE, text=True)
    return {
        "python": sys.version,
        "machine": platform.machine(),
        "libc": " ".join(platform.libc_ver()),
        "valgrind": valgrind.stdout.strip(),
        "level": LEVEL,
    }


@contextmanager
def built(reference: str) -> Iterator[Path]:
    """Check a commit out into a folder of its own, and build its core there."""
    git = ["git", "-C", str(HERE), "worktree"]
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent, "base")
        subprocess.run([*git, "add", "--quiet", "--detach", str(folder), reference], check=True)
        try:
            subprocess.run(
                [sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"],
                cwd=folder,
                env={**os.environ, "FASTWS_REQUIRE_EXTENSIONS": "1", "FASTWS_NO_EXTENSIONS": "0"},
                check=True,
            )
            yield folder
        finally:
            subprocess.run([*git, "remove", "--force", str(folder)], check=True)


def compare(counts: Iterator[tuple[str, float, float | None]]) -> tuple[dict[str, float], bool]:
    """Print counts beside those before, and give them, and whether one grew by too much."""
    found, grown = {}, False
    for name, now, before in counts:
        found[name] = now
        change = f"{now / before - 1:+.2%}" if before else ""
        too_much = before is not None and now > before * (1 + TOLERANCE)
        grown |= too_much
        print(f"{name:<32}{now:>12,.1f}  {change}{'  GROWN' * too_much}".rstrip(), flush=True)
    return found, grown


def counted_now(
    names: list[str], before: Mapping[str, float], place: Path
) -> Iterator[tuple[str, float, float | None]]:
    """Count cases, and give what was counted before with each."""
    with Counter(Path(find_spec("fastws").origin).parents[1], place) as here:
        for name in names:
            yield name, here.count(name), before.get(name)


def counted_at(reference: str, names: list[str], place: Path) -> dict[str, float]:
    """Count the cases that another commit can do."""
    found = {}
    with built(reference) as folder, Counter(folder, place) as base:
        for name in names:
            try:
                found[name] = base.count(name)
            except Failed:
                print(f"{name}: not at {reference}", file=sys.stderr)
    return found


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", metavar="PATTERN", default="", help="cases whose name has it")
    parser.add_argument("--json", metavar="FILE", help="write the counts")
    against = parser.add_mutually_exclusive_group()
    against.add_argument("--check", metavar="FILE", help="compare with counts written before")
    against.add_argument("--base", metavar="REF", help="compare with another commit")
    words = parser.parse_args(argv)
    for tool in ("valgrind", "setarch"):
        if shutil.which(tool) is None:
            parser.error(f"{tool} is not installed")
    names = [name for name in counted.cases() if re.search(words.only, name, re.IGNORECASE)]
    before: dict[str, float] = {}
    if words.check:
        stored = json.loads(Path(words.check).read_text())
        if stored["environment"] != environment():
            parser.error(f"{words.check} is from elsewhere: {stored['environment']}")
        before = stored["counts"]
    try:
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            if words.base:
                before = counted_at(words.base, names, place)
            counts, grown = compare(counted_now(names, before, place))
    except Failed as error:
        raise SystemExit(str(error)) from None
    if words.json:
        written = {"environment": environment(), "counts": counts}
        written |= {"base": before} if words.base else {}
        Path(words.json).write_text(json.dumps(written, indent=1) + "\n")
    return int(grown)


if __name__ == "__main__":
    sys.exit(main())
