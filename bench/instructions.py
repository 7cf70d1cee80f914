"""Count instructions with valgrind: for changes that wall time cannot see on a busy machine.

    python bench/instructions.py [--only PATTERN] [--json FILE] [--check FILE]

Each case runs twice in a fresh interpreter under callgrind, N times and 2N times its work; the
difference, over N, is what one call (or one message of a stream) takes, start-up and imports left
out. The counts repeat almost to the last digit, so `--check` fails where one grew by over 1 %.
They tell nothing about another interpreter, C library or compiler: a file of another one is
refused. callgrind knows no AVX-512, so the level is avx2.
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
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import counted

TOLERANCE = 0.01
LEVEL = "avx2"
CALLS = 2000


def command(name: str, loops: int) -> list[str]:
    """Give the command that does a case's work so many times."""
    return [sys.executable, str(Path(counted.__file__)), name, str(loops)]


def clean_environment(folder: str) -> dict[str, str]:
    """Give an environment in which runs repeat; byte code goes to the folder."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONHASHSEED": "0",
        "PYTHONPYCACHEPREFIX": folder,
        "PYTHONPATH": str(Path(find_spec("fastws").origin).parents[1]),
        "FASTWS_SIMD": LEVEL,
    }


def run(name: str, loops: int, folder: str) -> int:
    """Give the instructions of a whole interpreter that does a case's work so many times."""
    out = Path(folder, "callgrind.out")
    # setarch: addresses that are not random.
    valgrind = ["setarch", "-R", "valgrind", "--tool=callgrind", f"--callgrind-out-file={out}"]
    done = subprocess.run(
        valgrind + command(name, loops),
        env=clean_environment(folder),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"{name}: {done.stderr}")
    (total,) = re.findall(r"^(?:summary|totals): (\d+)", out.read_text(), re.MULTILINE)[:1]
    return int(total)


def count(name: str, messages: int, folder: str) -> float:
    """Give the instructions of one call or message."""
    loops = max(1, CALLS // messages)
    once, twice = run(name, loops, folder), run(name, 2 * loops, folder)
    return round((twice - once) / (loops * messages), 2)


def count_all(pattern: str) -> Iterator[tuple[str, float]]:
    """Count the cases whose name has the pattern, one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, case) in enumerate(counted.cases().items()):
            if number == 0:  # byte code is written once, and not while counting
                subprocess.run(command(name, 1), env=clean_environment(folder), check=True)
            if re.search(pattern, name, re.IGNORECASE):
                yield name, count(name, case.messages, folder)


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


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", metavar="PATTERN", default="", help="cases whose name has it")
    parser.add_argument("--json", metavar="FILE", help="write the counts")
    parser.add_argument("--check", metavar="FILE", help="compare with counts written before")
    words = parser.parse_args()
    for tool in ("valgrind", "setarch"):
        if shutil.which(tool) is None:
            parser.error(f"{tool} is not installed")
    stored = json.loads(Path(words.check).read_text()) if words.check else None
    if stored and stored["environment"] != environment():
        parser.error(f"{words.check} is from elsewhere: {stored['environment']}")
    counts, grown = {}, False
    for name, found in count_all(words.only):
        counts[name] = found
        before = stored["counts"].get(name) if stored else None
        change = f"{found / before - 1:+.2%}" if before else ""
        grown |= before is not None and found > before * (1 + TOLERANCE)
        print(f"{name:<32}{found:>12,.1f}  {change}".rstrip(), flush=True)
    if words.json:
        written = {"environment": environment(), "counts": counts}
        Path(words.json).write_text(json.dumps(written, indent=1) + "\n")
    return int(grown)


if __name__ == "__main__":
    sys.exit(main())
