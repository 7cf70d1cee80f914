"""Start this interpreter, and the command line in it, as processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import fastws

ROOT = str(Path(fastws.__file__).parent.parent)
FASTWS = ("-m", "fastws")


def python(
    *words: object, cwd: Path | None = None, path: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run this interpreter, with `path` and the package where it finds them."""
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    places = os.pathsep.join([path, ROOT]) if path else ROOT
    return subprocess.run(
        [sys.executable, *map(str, words)],
        cwd=cwd,
        env={**clean, "PYTHONPATH": places, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def fastws_(*words: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return python(*FASTWS, *words, cwd=cwd)


def lines_of(code: str) -> list[str]:
    """Run code that has `sys` and `fastws` in a fresh interpreter; give the lines it prints."""
    done = python("-c", f"import sys; import fastws\n{code}")
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()
