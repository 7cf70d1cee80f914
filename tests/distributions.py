"""Build and install what is shipped: for the tests that need a source distribution or a wheel."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("fastws", "tests", "bench", "docs", "examples")
BUILT = ("__pycache__", "*.so", "*.pyd", "*.o", "_codec.c", "build", "node_modules")


def run(*command: str | Path, cwd: Path, **switches: str) -> subprocess.CompletedProcess[str]:
    """Run a command in an environment that holds none of our switches but these."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("FASTWS_", "PYTHON"))}
    environment |= switches
    return subprocess.run(
        [str(part) for part in command], cwd=cwd, env=environment, text=True, capture_output=True
    )


def output(done: subprocess.CompletedProcess[str]) -> str:
    """Give what a command printed, after seeing that it succeeded."""
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def build_wheel(source: Path, target: Path, **switches: str) -> subprocess.CompletedProcess[str]:
    """Build a wheel with this interpreter's own setuptools and Cython, without the index."""
    pip = (sys.executable, "-m", "pip", "wheel", "--verbose", "--no-index", "--no-deps")
    return run(*pip, "--no-build-isolation", "-w", target, source, cwd=source.parent, **switches)


def the_wheel(folder: Path) -> Path:
    (wheel,) = folder.glob("*.whl")
    return wheel


def shipped(wheel: Path) -> set[str]:
    """Name what a wheel installs into the package."""
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def copy_checkout(target: Path) -> Path:
    """Copy what a build could read, and nothing that was built before."""
    for name in FOLDERS:
        shutil.copytree(ROOT / name, target / name, ignore=shutil.ignore_patterns(*BUILT))
    for path in ROOT.iterdir():
        if path.is_file():
            shutil.copy(path, target)
    return target


def make_venv(home: Path, *options: str) -> Path:
    """Make a virtual environment in which nothing of ours is installed; give its interpreter."""
    output(run(sys.executable, "-m", "venv", *options, home, cwd=home.parent))
    return home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
