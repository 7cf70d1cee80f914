"""Build what is fuzzed under build/fuzz: programs of the kernels, and a core with sanitizers.

The core stands in a copy of the package, so that the checkout keeps its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from glob import glob
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / "build" / "fuzz"
SITE = BUILT / "site"
KERNELS = BUILT / "kernels"
CC = os.environ.get("FUZZ_CC", "clang-19")
# The last one: Cython calls functions through pointers of another type, as CPython does.
SANITIZE = ["-fsanitize=fuzzer-no-link,address,undefined", "-fno-sanitize=function"]
CFLAGS = ["-shared", "-fPIC", "-std=c11", "-O1", "-g", "-fno-omit-frame-pointer", "-w"]


def call(*command: str | Path) -> None:
    """Run a command in the checkout.

    Raises:
        SystemExit: it fails; its output has been shown.
    """
    done = subprocess.run(
        [str(word) for word in command], cwd=ROOT, text=True, capture_output=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")


def build_programs() -> None:
    """Build the programs over the kernels, the one with a fault among them."""
    make = ["make", "-s", "-j2", "-C", ROOT / "tests/fuzz/kernels", f"CC={CC}", f"BUILD={KERNELS}"]
    call(*make, "all", "planted")


def copy_package() -> None:
    """Copy what is Python of the package."""
    for path in (ROOT / "fastws").rglob("*.py"):
        place = SITE / path.relative_to(ROOT)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, place)


def build_core() -> None:
    """Compile the core with sanitizers and the fuzzer's eyes, where its sources have changed."""
    core = SITE / "fastws" / f"_codec{sysconfig.get_config_var('EXT_SUFFIX')}"
    sources = [*(ROOT / "fastws").glob("_codec*.p*"), *(ROOT / "fastws").rglob("*.[ch]")]
    newest = max(path.stat().st_mtime for path in (*sources, Path(__file__)))
    if core.exists() and core.stat().st_mtime > newest:
        return
    call(sys.executable, "-m", "cython", "-I", "fastws", "fastws/_codec.pyx", "-o", BUILT / "c.c")
    include = sysconfig.get_path("include")
    kernels = sorted(glob("fastws/_kernels/*.c", root_dir=ROOT))
    call(
        *(CC, *CFLAGS, *SANITIZE, "-fno-sanitize-recover=undefined"),
        *("-Ifastws", f"-I{include}", "-o", core, BUILT / "c.c", *kernels),
    )


def build(*, programs: bool, core: bool) -> None:
    """Build what is asked for."""
    if shutil.which(CC) is None:
        raise SystemExit(f"there is no {CC}: `bash .ci/fuzz` installs it")
    BUILT.mkdir(parents=True, exist_ok=True)
    if programs:
        build_programs()
    if core:
        copy_package()
        build_core()
