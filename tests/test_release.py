"""What a release consists of: the wheels that are asked for, and the check that they are all there.

`bash .ci/ship` runs these; they need the dependency group `ship`.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from configparser import ConfigParser
from importlib.resources import files
from importlib.util import module_from_spec, spec_from_file_location
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from distributions import ROOT

pytestmark = pytest.mark.packaging

SCRIPT = ROOT / ".ci" / "release_files.py"
if not SCRIPT.exists():
    pytest.skip("a source distribution holds no CI", allow_module_level=True)
pytest.importorskip("cibuildwheel", reason="bash .ci/ship installs what this needs")

PYTHONS = ("cp311", "cp312", "cp313", "cp314", "cp314t", "cp315", "cp315t")
PLATFORMS = {
    "linux": [
        f"{libc}linux_{machine}"
        for libc in ("many", "musl")
        for machine in ("x86_64", "i686", "aarch64", "armv7l", "ppc64le", "s390x", "riscv64")
    ],
    "macos": ["macosx_x86_64", "macosx_arm64"],
    "windows": ["win_amd64", "win_arm64", "win32"],
}
NUMBERS = {"linux": 98, "macos": 14, "windows": 21, "pyodide": 3}
TAGS = {
    "manylinux": "manylinux2014_{0}.manylinux_2_17_{0}",
    "musllinux": "musllinux_1_2_{0}",
    "macosx": "macosx_11_0_{0}",
    "pyodide": "pyemscripten_2026_0_{0}",
}


def load_script() -> Any:
    spec = spec_from_file_location("release_files", SCRIPT)
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


release_files = load_script()


def file_name(identifier: str, version: str = "0.1.0") -> str:
    """Give the name that the wheel of one of cibuildwheel's builds has."""
    abi, _, platform = identifier.partition("-")
    family, _, machine = platform.partition("_")
    tags = TAGS.get(family, platform).format(machine)
    if family == "manylinux" and machine in ("armv7l", "riscv64"):
        tags = f"manylinux_2_31_{machine}"
    return f"fastws_codec-{version}-{abi.rstrip('t')}-{abi}-{tags}.whl"


def write_wheel(folder: Path, name: str, *, core: str = "so", **others: bytes) -> Path:
    """Write what looks like a wheel."""
    python = not name.endswith("-none-any.whl")
    with zipfile.ZipFile(folder / name, "w") as archive:
        archive.writestr("fastws/__init__.py", b"")
        archive.writestr("fastws_codec-0.1.0.dist-info/METADATA", b"")
        if python:
            archive.writestr(f"fastws/_codec.{core}", b"compiled")
        for other, content in others.items():
            archive.writestr(other, content)
    return folder / name


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """Give a folder in which each file of a release is, by its name."""
    (tmp_path / "fastws_codec-0.1.0.tar.gz").touch()
    write_wheel(tmp_path, "fastws_codec-0.1.0-py3-none-any.whl")
    for platform in NUMBERS:
        for identifier in release_files.identifiers(platform):
            write_wheel(tmp_path, file_name(identifier))
    return tmp_path


def faults(folder: Path, tag: str | None = None) -> list[str]:
    return list(release_files.faults(folder, tag))


@pytest.mark.parametrize("platform", NUMBERS)
def test_each_platform_has_its_number_of_wheels(platform: str) -> None:
    assert len(release_files.identifiers(platform)) == NUMBERS[platform]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_interpreter_has_a_wheel_on_every_architecture(platform: str) -> None:
    wanted = {f"{python}-{tag}" for python, tag in product(PYTHONS, PLATFORMS[platform])}
    assert set(release_files.identifiers(platform)) == wanted


def test_pyodide_has_its_wheels() -> None:
    wanted = {f"cp{version}-pyodide_wasm32" for version in (313, 314, 315)}
    assert set(release_files.identifiers("pyodide")) == wanted


def test_they_are_counted_together_with_the_pure_wheel_and_the_sdist() -> None:
    done = subprocess.run([sys.executable, SCRIPT, "count"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    counts = {line.split()[1]: int(line.split()[0]) for line in done.stdout.splitlines()}
    assert counts == {**NUMBERS, "pure": 1, "sdist": 1, "together": 138}


def test_wheels_are_built_in_the_oldest_image_that_is_made() -> None:
    resources = files("cibuildwheel") / "resources"
    images = ConfigParser()
    images.read_string((resources / "pinned_docker_images.cfg").read_text(encoding="utf-8"))
    defaults = tomllib.loads((resources / "defaults.toml").read_text(encoding="utf-8"))
    ours = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    linux = ours["tool"]["cibuildwheel"]["linux"]
    for machine in linux["archs"]:
        key = f"manylinux-{machine}-image"
        chosen = linux.get(key, defaults["tool"]["cibuildwheel"][key])
        assert chosen == next(name for name in images[machine] if name.startswith("many")), machine


def test_a_whole_release_has_no_faults(release: Path) -> None:
    assert faults(release) == []
    assert faults(release, "v0.1.0") == []
    assert release_files.main(["check", str(release)]) == 0


def test_a_file_too_few_fails_the_check(release: Path) -> None:
    (release / file_name("cp314t-manylinux_s390x")).unlink()
    (release / "fastws_codec-0.1.0.tar.gz").unlink()
    assert faults(release) == ["missing: cp314t-manylinux_s390x", "missing: sdist"]
    assert release_files.main(["check", str(release)]) == 1


def test_a_file_too_many_fails_the_check(release: Path) -> None:
    write_wheel(release, file_name("cp310-win32"))
    write_wheel(release, file_name("cp311-musllinux_x86_64").replace("1_2", "1_1"))
    assert faults(release) == [
        "not wanted, or twice: cp310-win32",
        "not wanted, or twice: cp311-musllinux_x86_64",
    ]


def test_another_version_fails_the_check(release: Path) -> None:
    assert faults(release, "v0.1.1") == ["version 0.1.0, where the tag is v0.1.1"]
    (release / file_name("cp311-win32")).rename(release / file_name("cp311-win32", "0.2.0"))
    assert faults(release) == ["version 0.1.0, 0.2.0, where the tag is not given"]


@pytest.mark.parametrize(
    ("files_", "fault"),
    [
        ({"fastws/_kernels/avx2.c": b""}, "holds fastws/_kernels/avx2.c"),
        ({"fastws/_codec.pyx": b""}, "holds fastws/_codec.pyx"),
        ({"tests/test_mask.py": b""}, "holds tests/test_mask.py"),
        ({"fastws/data.bin": bytes(400_001)}, "fastws/data.bin has 400001 bytes"),
        ({"fastws/_other.so": b""}, "holds 2 compiled modules"),
    ],
)
def test_what_a_wheel_may_not_hold_fails_the_check(
    files_: dict[str, bytes], fault: str, tmp_path: Path
) -> None:
    wheel = write_wheel(tmp_path, file_name("cp313-manylinux_x86_64"), **files_)
    assert list(release_files.faults_of(wheel)) == [fault]


def test_a_wheel_without_its_core_fails_the_check(tmp_path: Path) -> None:
    wheel = write_wheel(tmp_path, file_name("cp313-win32"), core="txt")
    assert list(release_files.faults_of(wheel)) == ["holds 0 compiled modules"]


def test_a_wheel_for_new_systems_only_fails_the_check(tmp_path: Path) -> None:
    for tags, wanted in (("manylinux_2_28_x86_64", ["needs glibc 2.28, and 2.17 must do"]),):
        name = f"fastws_codec-0.1.0-cp313-cp313-{tags}.whl"
        assert list(release_files.faults_of(write_wheel(tmp_path, name))) == wanted
    for tags in ("manylinux1_i686.manylinux_2_5_i686", "manylinux_2_39_riscv64"):
        name = f"fastws_codec-0.1.0-cp313-cp313-{tags}.whl"
        assert list(release_files.faults_of(write_wheel(tmp_path, name))) == []
