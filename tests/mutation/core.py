"""The compiled core with mutants: a copy of the package, changed, built once and imported.

Both its Cython and its C have their places in the one extension. `compiled` and `c` are which of
the mutants are asked about.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

from c_programs import places
from points import BUILD, ROOT, Catalogue, Mutant, Source

HERE = Path(__file__).parent
COPY = BUILD / "core"
PACKAGE = COPY / "fastws"
KERNELS = PACKAGE / "_kernels"
SUFFIXES = {"compiled": (".pyx", ".pxi"), "c": (".c", ".h")}
CHANGING = ("c_points.py", "core.py", "cython_points.py", "mutation.h", "points.py")
FLAGS = ["-std=c11", "-O1", "-fPIC", "-fvisibility=hidden", "-w"]

DEFINITIONS = """
#include <stdio.h>
#include <stdlib.h>
#include "mutation.h"
int fws_mutant;
unsigned char fws_reached[%d];
__attribute__((constructor)) static void choose(void) {
    const char *number = getenv("FASTWS_MUTANT");
    if (number) fws_mutant = atoi(number);
}
__attribute__((destructor)) static void tell(void) {
    const char *path = getenv("FASTWS_REACHED");
    FILE *out = path ? fopen(path, "wb") : NULL;
    if (!out) return;
    fwrite(fws_reached, 1, sizeof fws_reached, out);
    fclose(out);
}
"""


class Running:
    """The core with mutants, in this process."""

    # What SSE4 runs is the text of AVX2 over other vectors.
    other_levels = "python", "sse4"

    def __init__(self, size: int, state: str) -> None:
        from fastws import _codec

        self.state = state
        # For all: an extension of the tests that has mutants in it asks the same places.
        library = ctypes.CDLL(_codec.__file__, mode=ctypes.RTLD_GLOBAL)
        self._mutant = ctypes.c_int.in_dll(library, "fws_mutant")
        self._reached = (ctypes.c_ubyte * size).in_dll(library, "fws_reached")

    @property
    def reached(self) -> list[int]:
        return [place for place, here in enumerate(bytes(self._reached)) if here]

    def use(self, number: int) -> None:
        self._mutant.value = number
        os.environ["FASTWS_MUTANT"] = str(number)  # for what tests start
        self.forget()

    def forget(self) -> None:
        ctypes.memset(self._reached, 0, len(self._reached))


def sources() -> list[Path]:
    found = [ROOT / "fastws" / "_members.h", *(ROOT / "fastws" / "_kernels").glob("*.[ch]")]
    return sorted(found)


def fingerprint() -> str:
    """Tell one state of the sources, and of what changes them, from another."""
    files = [*(ROOT / "fastws").rglob("*"), *(HERE / name for name in CHANGING)]
    total = hashlib.sha256()
    for path in sorted(files):
        if path.suffix in (".py", ".pyx", ".pxi", ".pxd", ".c", ".h"):
            total.update(path.name.encode() + path.read_bytes())
    return total.hexdigest()


def run(*command: object) -> None:
    subprocess.run([str(word) for word in command], check=True)


def change() -> Catalogue:
    """Make the copy, with every place of it changed."""
    import c_points
    import cython_points

    shutil.rmtree(COPY, ignore_errors=True)
    leave = shutil.ignore_patterns("*.so", "__pycache__", "_codec.c")
    shutil.copytree(ROOT / "fastws", PACKAGE, ignore=leave)
    catalogue = Catalogue()
    cython_points.compile_core(PACKAGE, catalogue)
    for path in sources():
        copy = COPY / path.relative_to(ROOT)
        header = "_kernels/mutation.h" if path.parent == ROOT / "fastws" else "mutation.h"
        text = c_points.changed(Source(path, catalogue))
        copy.write_text(f'#include "{header}"\n{text}')
    shutil.copy(HERE / "mutation.h", KERNELS)
    (KERNELS / "mutation.c").write_text(DEFINITIONS % (len(catalogue.mutants) + 1))
    return catalogue


def build() -> set[int]:
    """Compile the copy, and link it as the extension; give the places that are in it."""
    compiler = os.environ.get("CC", "cc")
    units = [PACKAGE / "_codec.c", *sorted(KERNELS.glob("*.c"))]
    includes = [f"-I{PACKAGE}", f"-I{sysconfig.get_path('include')}"]
    objects = [path.with_suffix(".o") for path in units]
    jobs = [
        [compiler, *FLAGS, *includes, "-c", "-o", target, path]
        for target, path in zip(objects, units, strict=True)
    ]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda job: run(*job), jobs))
    target = PACKAGE / f"_codec{sysconfig.get_config_var('EXT_SUFFIX')}"
    run(compiler, "-shared", "-o", target, *objects)
    return places(compiler, units, *includes)


def prepare(back_end: str, catalogue: Catalogue) -> Running:
    """Have the core of this process be the one with mutants; build it where it is not there."""
    known = COPY / "mutants.json"
    state = fingerprint()
    data = json.loads(known.read_text()) if known.exists() else {}
    if data.get("state") != state:
        every = change().mutants
        present = build()
        # The text of Cython's is all compiled; what is not there is folded away.
        every = [replace(m, here=not m.is_c or m.point in present) for m in every]
        data = {"state": state, "mutants": [asdict(m) for m in every]}
        known.write_text(json.dumps(data))
    every = [Mutant(**fields) for fields in data["mutants"]]
    suffixes = SUFFIXES.get(back_end, (".pyx", ".pxi", ".c", ".h"))
    catalogue.mutants += [m for m in every if m.file.endswith(suffixes)]
    sys.path.insert(0, str(COPY))
    os.environ["PYTHONSAFEPATH"] = "1"  # what tests start finds the copy first as well
    return Running(len(every) + 1, state)
