"""Coverage of the C: the kernels of each level, and what is common to them, by gcov and gcovr.

What is compiled twice, for the tests in C and into the core, counts together. No function is
inlined (FWS_COVERAGE) and no jump threaded, so that gcc counts each branch once, and each that is
written, as it does where nothing is optimised.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from figures import Figure
from places import COPY, HERE, KERNELS, OBJECTS, OUT, PACKAGE, run

LEVELS = "scalar", "sse4", "avx2", "avx512"
# What is compiled for a level, anew for each; what it includes beside is common to all.
OF_A_LEVEL = re.compile(r"/(scalar|sse4|avx2|avx512|neon)\.c$|_tpl\.h$|/text_(x86|avx512|neon)\.h$")
FLAGS = ["-O1", "-fno-thread-jumps", "--coverage", "-DFWS_COVERAGE"]
# Processors of other ages, for what dispatch.c asks them: one that answers no question at all, and
# those that lack one more level each.
PROCESSORS = "qemu64,level=0", "Conroe,level=1", "Conroe", "Nehalem", "SandyBridge"


def build_core(marks: Path, size: int) -> None:
    """Compile the core of the copy, its Cython with marks and its C for gcov."""
    objects, jobs = [], []
    folder = OBJECTS / "core"
    folder.mkdir(parents=True)
    given = [f'-DMARKS_FILE="{marks}"', f"-DMARKS_SIZE={size}"]
    includes = [f"-I{HERE}", f"-I{PACKAGE}", f"-I{sysconfig.get_path('include')}"]
    for path in [PACKAGE / "_codec.c", HERE / "marks.c", *KERNELS.glob("*.c")]:
        objects.append(folder / f"{path.stem}.o")
        own = given if path.stem == "marks" else FLAGS
        command = ["-std=gnu11", "-fPIC", "-w", *own, *includes, "-c", "-o", objects[-1], path]
        jobs.append(["gcc", *command])
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda job: run(*job), jobs))
    target = PACKAGE / f"_codec{sysconfig.get_config_var('EXT_SUFFIX')}"
    run("gcc", "-shared", "--coverage", "-o", target, *objects)


def test_kernels(name: str, compiler: str, *more: str) -> Path:
    """Run the kernels' tests in C; give the folder of their programs."""
    folder = OBJECTS / name
    make = ["make", "-s", "-C", COPY / "tests" / "kernels", f"KERNELS={KERNELS}"]
    make += [f"BUILD={folder}", f"CC={compiler}"]
    kernels = [folder / f"kernel_{path.stem}.o" for path in KERNELS.glob("*.c")]
    run(*make, *kernels, "WARNINGS=-w", f"CFLAGS={' '.join(FLAGS)}")
    run(*make, "check", "LDFLAGS=--coverage -static", *more)
    return folder


def test_all_kernels() -> None:
    """Run the tests in C on this machine, on older ones, and on 64-bit ARM."""
    programs = test_kernels("here", "gcc")
    for processor in PROCESSORS:
        run("qemu-x86_64-static", "-cpu", processor, programs / "test_levels")
    test_kernels("arm64", "aarch64-linux-gnu-gcc", "RUN=qemu-aarch64-static")


def read(name: str, gcov: str, objects: list[Path]) -> list[dict]:
    """Have gcovr tell of what these objects counted, file by file."""
    out = OUT / f"{name}.json"
    data = [found for path in objects if (found := path.with_suffix(".gcda")).exists()]
    command = [sys.executable, "-m", "gcovr", "--root", COPY, "--gcov-executable", gcov]
    command += ["--filter", "fastws/_kernels/", "--filter", "fastws/_members.h"]
    command += ["--merge-mode-functions", "separate", "--json", out]
    subprocess.run([str(w) for w in [*command, *data]], cwd=COPY, check=True)
    return json.loads(out.read_text())["files"]


def figure(layer: str, back_end: str, files: list[dict], own: bool = True) -> Figure:
    """Count lines and branches of what gcovr told: of a level's own files, or of all others."""
    found = Figure(layer, back_end)
    for file in files:
        if bool(OF_A_LEVEL.search(file["file"])) is not own:
            continue
        for line in file["lines"]:
            if line.get("gcovr/excluded"):
                continue
            place = f"{file['file']}:{line['line_number']}"
            found.line(place, line["count"] > 0)
            for number, branch in enumerate(line["branches"]):
                if not branch.get("gcovr/excluded"):
                    found.branch(place, branch["count"] > 0, f"branch {number} not taken")
    return found


def figures() -> list[Figure]:
    """Give a figure for each level, and one for what is common."""
    core, here, arm = (OBJECTS / name for name in ("core", "here", "arm64"))
    found, every = [], [core / "_codec.o", core / "dispatch.o", here / "kernel_dispatch.o"]
    for level in LEVELS:
        objects = [core / f"{level}.o", here / f"kernel_{level}.o"]
        found.append(figure(f"kernels, {level}", "C", read(level, "gcov", objects)))
        every += objects
    objects = [arm / "kernel_neon.o"]
    gcov = "aarch64-linux-gnu-gcov"
    found.append(figure("kernels, neon", "C, emulated", read("neon", gcov, objects)))
    common = read("common", "gcov", every)
    found.append(figure("what levels share", "C", common, own=False))
    return found
