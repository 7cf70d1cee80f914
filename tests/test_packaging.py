"""What is built and shipped: the source distribution, the wheels made of it, the build switches.

Everything here builds in a copy of the checkout, with this interpreter's own setuptools and Cython
and without the package index, and runs what it installed from another directory.
"""

from __future__ import annotations

import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
from distributions import (
    FOLDERS,
    ROOT,
    build_wheel,
    copy_checkout,
    make_venv,
    output,
    run,
    shipped,
    the_wheel,
)

pytestmark = pytest.mark.packaging

SOURCES = (".py", ".pyi", ".pyx", ".pxd", ".pxi", ".typed", ".c", ".h")
GENERATED = ("_codec.c", "_codec.html", ".so", ".pyd", ".o", ".pyc")
WARNING = "fastws was built WITHOUT its compiled core"


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a source distribution in the very process that cythonized and compiled before.

    That is the trap: once Cython has run, setuptools knows the generated C and not the .pyx.
    """
    checkout = copy_checkout(tmp_path_factory.mktemp("checkout"))
    for left_behind in ("_codec.c", "_codec.html", "_codec.cpython-311-any.so", "_codec.o"):
        (checkout / "fastws" / left_behind).write_text("left behind by a build")
    setup = (sys.executable, "setup.py", "--quiet", "build_ext", "--inplace", "sdist")
    output(run(*setup, cwd=checkout, FASTWS_REQUIRE_EXTENSIONS="1", CFLAGS="-O0"))
    (archive,) = (checkout / "dist").iterdir()
    return archive


@pytest.fixture(scope="module")
def unpacked(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (root,) = folder.iterdir()
    return root


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel as a user without a ready one would: from the source distribution."""
    folder = tmp_path_factory.mktemp("wheel")
    assert WARNING not in output(build_wheel(sdist, folder, FASTWS_REQUIRE_EXTENSIONS="1"))
    return the_wheel(folder)


@pytest.fixture
def empty_python(tmp_path: Path) -> Path:
    """Give the interpreter of a virtual environment in which nothing is installed."""
    return make_venv(tmp_path / "venv", "--without-pip")


def install(python: Path, wheel: Path) -> None:
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "--no-index", "--no-deps")
    output(run(*pip, wheel, cwd=wheel.parent))


def modules() -> set[str]:
    """Name the files that belong into every wheel."""
    others = {"fastws/py.typed", "fastws/_codec.pyi", "fastws/_codec.pxd"}
    return others | {path.relative_to(ROOT).as_posix() for path in ROOT.glob("fastws/**/*.py")}


def test_sdist_holds_every_source_and_nothing_generated(unpacked: Path) -> None:
    files = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*")}
    in_checkout = [
        path.relative_to(ROOT) for folder in FOLDERS for path in (ROOT / folder).rglob("*")
    ]
    sources = {
        path.as_posix()
        for path in in_checkout
        if path.name.endswith(SOURCES) and not {"_codec.c", "build", "node_modules"} & {*path.parts}
    }
    assert {"fastws/_codec.pyx", "fastws/_kernels/kernels.h", "tests/helpers.py"} <= sources
    assert sources <= files
    assert not [name for name in files if name.endswith(GENERATED)]
    assert {"setup.py", "pyproject.toml", "LICENSE", "README.md", "CHANGELOG.md"} <= files


def test_wheel_holds_the_package_and_one_small_extension(wheel: Path) -> None:
    (core,) = shipped(wheel) - modules()
    assert core.startswith("fastws/_codec.")
    assert core.endswith((".so", ".pyd"))
    assert shipped(wheel) == modules() | {core}
    with zipfile.ZipFile(wheel) as archive:
        assert archive.getinfo(core).file_size < 400_000


def test_wheel_runs_accelerated_from_anywhere(
    wheel: Path, empty_python: Path, tmp_path: Path
) -> None:
    install(empty_python, wheel)
    code = (
        "import fastws; from importlib.metadata import version; assert fastws.ACCELERATED; "
        "print(fastws.__version__, version('fastws-codec'), fastws.apply_mask(b'hi', b'1234'))"
    )
    printed = output(run(empty_python, "-c", code, cwd=tmp_path, FASTWS_REQUIRE_EXTENSIONS="1"))
    assert printed.split() == ["0.1.0", "0.1.0", repr(bytes([ord("h") ^ 0x31, ord("i") ^ 0x32]))]
    output(run(empty_python.parent / "fastws", "info", cwd=tmp_path))


def test_no_extensions_makes_the_pure_wheel(
    sdist: Path, empty_python: Path, tmp_path: Path
) -> None:
    assert WARNING not in output(build_wheel(sdist, tmp_path, FASTWS_NO_EXTENSIONS="1"))
    wheel = the_wheel(tmp_path)
    assert wheel.name.endswith("-py3-none-any.whl")
    assert shipped(wheel) == modules()
    install(empty_python, wheel)
    code = "import fastws; print(fastws.backend, fastws.ACCELERATED)"
    assert output(run(empty_python, "-c", code, cwd=tmp_path)).split() == ["python", "False"]


@pytest.mark.skipif(sys.platform == "win32", reason="MSVC is not chosen by CC")
def test_without_a_compiler_it_warns_and_makes_the_pure_wheel(sdist: Path, tmp_path: Path) -> None:
    said = output(build_wheel(sdist, tmp_path, CC="/nonexistent/cc"))
    assert WARNING in said
    assert "/nonexistent/cc" in said.partition(WARNING)[2]
    assert the_wheel(tmp_path).name.endswith("-py3-none-any.whl")
    assert shipped(the_wheel(tmp_path)) == modules()


def test_without_cython_it_warns_and_makes_the_pure_wheel(sdist: Path, tmp_path: Path) -> None:
    without = tmp_path / "without" / "Cython"
    without.mkdir(parents=True)
    (without / "__init__.py").write_text("raise ImportError('no Cython here')")
    said = output(build_wheel(sdist, tmp_path, PYTHONPATH=str(without.parent)))
    assert f"{WARNING}: Cython is not installed" in said
    assert the_wheel(tmp_path).name.endswith("-py3-none-any.whl")


@pytest.mark.skipif(sys.platform == "win32", reason="MSVC is not chosen by CC")
def test_required_extension_that_does_not_compile_fails_the_build(
    sdist: Path, tmp_path: Path
) -> None:
    done = build_wheel(sdist, tmp_path, CC="/nonexistent/cc", FASTWS_REQUIRE_EXTENSIONS="1")
    assert done.returncode != 0
    assert not list(tmp_path.glob("*.whl"))


def test_switches_that_contradict_each_other_fail_the_build(sdist: Path, tmp_path: Path) -> None:
    switches = {"FASTWS_NO_EXTENSIONS": "1", "FASTWS_REQUIRE_EXTENSIONS": "1"}
    done = build_wheel(sdist, tmp_path, **switches)
    assert done.returncode != 0
    assert "exclude each other" in done.stdout + done.stderr


def test_package_needs_nothing_but_python() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert "dependencies" not in project
    assert project["dynamic"] == ["version"]
