"""From the source distribution and from the clone, with a compiler on the PATH and without one.

What builds takes the package index, as a user's pip does. The wheel's turn is in
test_release_wheel.py.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from distributions import copy_checkout, output, run
from first_steps import built_core, choose_tools, install, see_it_work

pytestmark = [
    pytest.mark.packaging,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="MSVC is not found on the PATH"),
]


@pytest.fixture(params=["with a compiler", "without"])
def tools(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return choose_tools(tmp_path / "tools", compiler=request.param == "with a compiler")


@pytest.fixture
def sdist(tmp_path: Path) -> Path:
    clone = copy_checkout(tmp_path / "clone")
    output(run(sys.executable, "setup.py", "--quiet", "sdist", cwd=clone))
    (archive,) = (clone / "dist").iterdir()
    return archive


def test_sdist_builds_what_the_machine_can(sdist: Path, tools: Path, tmp_path: Path) -> None:
    bin_ = install(tmp_path / "venv", sdist, tools)
    see_it_work(bin_, tools, built_core(tools), tmp_path)


def test_clone_demonstrates_itself(tools: Path, tmp_path: Path) -> None:
    clone = copy_checkout(tmp_path / "clone")
    said = output(run("bash", "examples/demo.sh", cwd=clone, PATH=str(tools)))
    assert said.count("echoed in") == 5
    see_it_work(clone / ".venv" / "bin", tools, built_core(tools), tmp_path)
