"""Where a coverage run works: in a copy of the checkout, so that the checkout's core stays."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
OUT = ROOT / "build" / "coverage"
COPY = OUT / "copy"
PACKAGE = COPY / "fastws"
KERNELS = PACKAGE / "_kernels"
OBJECTS = OUT / "objects"
FAILED: list[str] = []  # tests that were measured all the same
LEAVE = (
    ".git",
    ".venv*",
    "build",
    "dist",
    "node_modules",
    "__pycache__",
    ".*_cache",
    "*.so",
    "*.o",
)


def copy() -> None:
    """Make the copy anew, and nothing beside it."""
    shutil.rmtree(OUT, ignore_errors=True)
    shutil.copytree(ROOT, COPY, ignore=shutil.ignore_patterns(*LEAVE), symlinks=True)


def run(*command: object, where: Path = COPY, goes_on: bool = False, **environment: str) -> None:
    """Run a command in the copy; what fails ends the whole run, or is told at its end."""
    words = [str(word) for word in command]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FASTWS_")}
    clean["PYTHONPATH"] = os.pathsep.join([str(COPY), str(COPY / HERE.relative_to(ROOT))])
    done = subprocess.run(words, cwd=where, env={**clean, **environment}, check=False)
    if done.returncode and not goes_on:
        sys.exit(f"failed: {' '.join(words)}")
    if done.returncode:
        FAILED.append(" ".join(words))
