"""What a release consists of: count it, or check that a folder holds exactly that.

    python .ci/release_files.py count
    python .ci/release_files.py check FOLDER [--tag TAG]

The wheels are those that the configuration of cibuildwheel in pyproject.toml asks for. Beside them
stand the pure wheel and the source distribution.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLATFORMS = ("linux", "macos", "windows", "pyodide")
BESIDE = ("pure", "sdist")
MOST_BYTES = 400_000
NOT_IN_WHEELS = (".c", ".h", ".pyx", ".pxi", ".o", ".a", ".pdb", ".html", ".pyc")
# Processors for which no image is as old as manylinux2014, which is glibc 2.17.
NEWER_GLIBC = {"armv7l": 31, "riscv64": 39}


@cache
def identifiers(platform: str) -> list[str]:
    """Give what cibuildwheel builds for a platform, in its own words: cp313-manylinux_x86_64."""
    command = [sys.executable, "-m", "cibuildwheel", "--print-build-identifiers"]
    done = subprocess.run(
        [*command, "--platform", platform, ROOT], capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def identifier(name: str) -> str:
    """Give what makes the file of this name: a build of cibuildwheel, `pure` or `sdist`."""
    if name.endswith(".tar.gz"):
        return "sdist"
    python, abi, tags = name.removesuffix(".whl").split("-")[-3:]
    if (python, abi, tags) == ("py3", "none", "any"):
        return "pure"
    return f"{abi}-{platform_name(tags)}"


def platform_name(tags: str) -> str:
    """Give cibuildwheel's word for the platform tags of a wheel."""
    tag = tags.partition(".")[0]
    parts = re.fullmatch(r"([a-z]+)[\d_]*\d_([a-z]\w*)", tag)
    if parts is None:  # Windows
        return tag
    family = parts[1].replace("pyemscripten", "pyodide")
    return f"{family}_{parts[2]}"


def glibc(tags: str) -> int:
    """Give the oldest glibc 2.x that the tags of a manylinux wheel allow."""
    named = {"manylinux1": 5, "manylinux2010": 12, "manylinux2014": 17}
    versions = [named[tag.split("_")[0]] for tag in tags.split(".") if tag.split("_")[0] in named]
    return min(versions + [int(minor) for minor in re.findall(r"manylinux_2_(\d+)_", tags)])


def faults_of(wheel: Path) -> Iterator[str]:
    """Say what is wrong with a wheel."""
    tags = wheel.stem.split("-")[-1]
    made_by = identifier(wheel.name)
    if made_by.partition("-")[2].startswith("manylinux"):
        allowed = NEWER_GLIBC.get(made_by.rpartition("linux_")[2], 17)
        if glibc(tags) > allowed:
            yield f"needs glibc 2.{glibc(tags)}, and 2.{allowed} must do"
    with zipfile.ZipFile(wheel) as archive:
        files = archive.infolist()
    for file in files:
        if not re.match(r"fastws/|fastws_codec-[^/]+\.dist-info/", file.filename):
            yield f"holds {file.filename}"
        if file.filename.endswith(NOT_IN_WHEELS):
            yield f"holds {file.filename}"
        if file.file_size > MOST_BYTES:
            yield f"{file.filename} has {file.file_size} bytes"
    compiled = [file for file in files if file.filename.endswith((".so", ".pyd"))]
    if len(compiled) != (made_by != "pure"):
        yield f"holds {len(compiled)} compiled modules"


def faults(folder: Path, tag: str | None) -> Iterator[str]:
    """Say what is wrong with the files of a release."""
    names = sorted(path.name for path in folder.iterdir())
    there = Counter(map(identifier, names))
    wanted = Counter(BESIDE)
    for platform in PLATFORMS:
        wanted.update(identifiers(platform))
    yield from (f"missing: {name}" for name in sorted((wanted - there).elements()))
    yield from (f"not wanted, or twice: {name}" for name in sorted((there - wanted).elements()))
    versions = {re.split("-", name.removesuffix(".tar.gz"))[1] for name in names}
    if len(versions) > 1 or (tag and versions != {tag.removeprefix("v")}):
        yield f"version {', '.join(sorted(versions))}, where the tag is {tag or 'not given'}"
    for wheel in sorted(folder.glob("*.whl")):
        yield from (f"{wheel.name}: {fault}" for fault in faults_of(wheel))


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the words ask for; give the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("count", help="how many files there are of each kind")
    check = commands.add_parser("check", help="whether a folder holds exactly these")
    check.add_argument("folder", type=Path)
    check.add_argument("--tag", help="the version that they must have, with a v before it")
    words = parser.parse_args(argv)
    if words.command == "count":
        counts = {platform: len(identifiers(platform)) for platform in PLATFORMS}
        counts |= dict.fromkeys(BESIDE, 1)
        for name, number in (counts | {"together": sum(counts.values())}).items():
            print(f"{number:4} {name}")
        return 0
    found = list(faults(words.folder, words.tag))
    print("\n".join(found) or f"{words.folder}: all that a release consists of, and no more")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
