"""What imports what, and what an import costs.

Rule: imports point inward only. Kernels know bytes; the codec knows kernels; connection, deflate
and handshake know the codec; adapters and the command line know all of them.
"""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import fastws

PACKAGE = Path(fastws.__file__).parent
# What the inner rings may import from the package; a name that is not here is of an outer ring.
INNER = {
    "_version": set(),
    "_types": set(),
    "_rules": {"_types"},
    "_pure": {"_types", "_rules", "_pure"},
    "_codec": {"_types", "_rules"},
    "_backend": {"_pure", "_codec"},
}
OUTERMOST = {"adapters", "cli", "_info", "__main__"}


def ring(name: str) -> str:
    """Give the ring of a module: the parts of a back end stand in the ring of the back end."""
    for inner in INNER:
        if name == inner or (inner in ("_pure", "_codec") and name.startswith(inner + "_")):
            return inner
    return "adapters" if name in OUTERMOST else "middle"


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def import_nodes(tree: ast.AST, inside_functions: bool) -> Iterator[ast.Import | ast.ImportFrom]:
    """Walk the imports that run: not those for type checkers alone."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif is_type_checking(node):
            for other in node.orelse:  # type: ignore[attr-defined]
                yield from import_nodes(ast.Module([other], []), inside_functions)
        elif inside_functions or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from import_nodes(node, inside_functions)


def imported(path: Path, inside_functions: bool = True) -> tuple[set[str], set[str]]:
    """Give what a file at the package's top imports: its siblings, and modules from elsewhere."""
    siblings, others = set(), set()
    for node in import_nodes(ast.parse(path.read_text("utf-8")), inside_functions):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif node.level:
            names = ["fastws." + (node.module or alias.name) for alias in node.names]
        elif node.module == "fastws":
            names = ["fastws." + alias.name for alias in node.names]
        else:
            names = [str(node.module)]
        for name in names:
            (siblings if name.startswith("fastws.") else others).add(name)
    return {name.split(".")[1] for name in siblings}, {name.split(".")[0] for name in others}


MODULES = sorted(PACKAGE.glob("*.py"))


def test_files_are_found() -> None:
    assert {"_types", "_rules", "_pure", "_backend", "__init__"} <= {path.stem for path in MODULES}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_imports_point_inward(path: Path) -> None:
    siblings, others = imported(path)
    rings = {ring(name) for name in siblings}
    if path.stem == "__init__":
        pass  # its functions reach for the adapters; see the next test
    elif ring(path.stem) in INNER:
        assert rings <= INNER[ring(path.stem)]
        assert "fastws" not in others
    elif ring(path.stem) == "middle":
        assert "adapters" not in rings
    assert path.stem in OUTERMOST or others - {"fastws"} <= sys.stdlib_module_names


def test_package_itself_imports_no_adapter() -> None:
    siblings, others = imported(PACKAGE / "__init__.py", inside_functions=False)
    assert {ring(name) for name in siblings} <= {*INNER, "middle"}
    assert others <= {"__future__"}


def test_compiled_core_imports_the_shared_ring_only() -> None:
    sources = [path for path in PACKAGE.glob("_codec*") if path.suffix in (".pyx", ".pxi", ".pxd")]
    assert sources or not (PACKAGE / "_kernels").exists()
    for path in sources:
        text = path.read_text("utf-8")
        for source, names in re.findall(r"^ *(?:from (\S+) )?c?import (.*)$", text, re.MULTILINE):
            if source == ".":
                assert set(re.findall(r"\w+", names)) <= {"_rules", "_types"}
            elif source.startswith((".", "fastws")) or names.startswith("fastws"):
                assert source in ("._rules", "._types")


def test_kernels_know_nothing_of_python() -> None:
    sources = sorted((PACKAGE / "_kernels").glob("*.[ch]"))
    if not sources:
        pytest.skip("an installed package has no C sources beside it")
    own = {path.name for path in sources}
    standard = {"stddef.h", "stdint.h", "string.h", "immintrin.h", "arm_neon.h", "intrin.h"}
    standard |= {"cpuid.h", "stdatomic.h", "stdbool.h", "stdlib.h", "nmmintrin.h", "assert.h"}
    for path in sources:
        text = path.read_text("utf-8")
        for name in re.findall(r'^\s*#\s*include\s+[<"]([^>"]+)', text, re.MULTILINE):
            assert name in own | standard, f"{path.name} includes {name}"
        assert not re.search(r"\bPy[A-Z_]", text), path.name


# --- What an import costs ------------------------------------------------------------------------

PROBE = f"""
import sys, time
sys.path.insert(0, {str(PACKAGE.parent)!r})
before = set(sys.modules)
start = time.process_time()
import fastws
print(start, time.process_time() - start, *sorted(set(sys.modules) - before))
"""


def probe(*options: str) -> list[str]:
    """Import the package in a fresh interpreter; give both costs, and what came."""
    command = [sys.executable, "-I", *options, "-c", PROBE]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def test_import_loads_little_and_nothing_from_elsewhere() -> None:
    loaded = set(probe("-S")[2:])  # without site, which loads modules of its own
    assert "fastws" in loaded
    roots = {name.split(".")[0] for name in loaded}
    # Cython keeps what its modules share under names of its own.
    roots = {name for name in roots if not name.startswith(("_cython_", "cython_runtime"))}
    assert roots - {"fastws"} <= sys.stdlib_module_names
    for heavy in ("typing", "asyncio", "dataclasses", "re", "inspect", "logging", "socket", "ssl"):
        assert heavy not in loaded
    assert not {name for name in loaded if name.startswith("fastws.adapters")}


def test_import_costs_at_most_five_milliseconds() -> None:
    runs = [probe()[:2] for _ in range(9)]
    start = min(float(run[0]) for run in runs)
    took = min(float(run[1]) for run in runs)
    # 5 ms where the interpreter itself starts within 6; in proportion on slower machines.
    assert took <= max(0.005, 0.8 * start)


def test_stripped_core_is_small(tmp_path: Path) -> None:
    if os.environ.get("FASTWS_NO_EXTENSIONS", "") not in ("", "0"):
        pytest.skip("FASTWS_NO_EXTENSIONS: the compiled core is not wanted")
    spec = importlib.util.find_spec("fastws._codec")
    assert spec is not None
    assert spec.origin is not None
    copy = tmp_path / Path(spec.origin).name
    shutil.copy(spec.origin, copy)
    strip = shutil.which("strip")
    if strip is not None:
        subprocess.run([strip, "-x", str(copy)], check=True)
    assert copy.stat().st_size < 400_000
