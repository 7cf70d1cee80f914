"""The kernels' own tests, in C: built by their Makefile with the compiler at hand, and run.

They are not of Python, and so slow: one interpreter runs them for all. What takes minutes, all of
UTF-8, is a job of its own: `make -C tests/kernels exhaustive`.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

KERNEL_TESTS = Path(__file__).parent / "kernels"
PROGRAMS = sorted(
    path.stem for path in KERNEL_TESTS.glob("test_*.c") if path.stem != "test_utf8_exhaustive"
)


def compiler() -> str | None:
    """Name the C compiler: what CC says, or the first one of the usual ones that is there."""
    if asked := os.environ.get("CC"):
        return asked
    return next((name for name in ("cc", "gcc", "clang") if shutil.which(name)), None)


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Give the command that builds and runs a target, somewhere else than in the checkout."""
    if sys.platform == "win32":
        pytest.skip("the Makefile is for Unix; the same kernels run under every other test")
    cc = compiler()
    if cc is None or shutil.which(shlex.split(cc)[0]) is None:
        if os.environ.get("FASTWS_NO_EXTENSIONS", "") not in ("", "0"):
            pytest.skip("no C compiler, and none wanted")
        pytest.fail(f"no C compiler ({cc or 'cc, gcc, clang'}) to build the tests of the kernels")
    # Somebody else's newer compiler may warn: only our own checks take warnings for errors.
    options = [f"CC={cc}", f"BUILD={tmp_path_factory.mktemp('kernels')}", "CFLAGS=-O2", "WARNINGS="]
    return ["make", "-C", str(KERNEL_TESTS), *options]


def test_programs_are_those_of_the_makefile(build: list[str]) -> None:
    asked = subprocess.run([*build, "--dry-run", "check"], capture_output=True, text=True)
    assert asked.returncode == 0, asked.stdout + asked.stderr
    assert [name for name in PROGRAMS if f"/{name}\n" not in asked.stdout] == []


@pytest.mark.parametrize("program", PROGRAMS)
def test_kernels(program: str, build: list[str]) -> None:
    done = subprocess.run([*build, f"run-{program}"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{program}: " in done.stdout
