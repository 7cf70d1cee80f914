"""Install `wstest`, the program of the Autobahn|Testsuite, in an environment of CPython 2.7.

Rule: everything stands in one folder; the system is not touched. The interpreter is pyenv's or the
system's 2.7. Where there is none, the last that Debian or Ubuntu had is unpacked beside, from the
mirror that apt is set up with. `WSTEST` in the environment names another command to use, say of a
container that sees the same files and ports; then nothing is installed.
"""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hosts.environments import QUIET, CannotPrepare, call, once, pip

CONSTRAINTS = Path(__file__).with_name("constraints.txt")
VIRTUALENV = "virtualenv==20.21.1"  # the last that makes environments of 2.7
LIBRARIES = ("libpython2.7", "libpython2.7-minimal", "libpython2.7-stdlib", "libpython2.7-dev")
PACKAGES = ("python2.7", "python2.7-minimal", "python2.7-dev", *LIBRARIES)
# By the system's ID: the last release that has a 2.7, and what that needs which newer ones lack.
RELEASES: dict[str, tuple[str, tuple[str, ...]]] = {
    "debian": ("bullseye main", ("libssl1.1", "libffi7")),
    "ubuntu": ("jammy main universe", ()),
}


@dataclass(frozen=True)
class Wstest:
    """The command, and what it needs in its environment."""

    command: tuple[str, ...]
    variables: dict[str, str] = field(default_factory=dict)


def install(folder: Path) -> Wstest:
    """Make wstest, unless it is there.

    Raises:
        CannotPrepare: it cannot be had; the text says what was tried.
    """
    if given := os.environ.get("WSTEST"):
        return Wstest(tuple(shlex.split(given)))
    interpreter = next(_interpreters(), None)
    variables = {} if interpreter else _unpacked(folder / "debian")
    place = folder / "wstest"

    def make() -> None:
        found = interpreter or folder / "debian" / "root" / "usr" / "bin" / "python2.7"
        pip("install", "--target", place / "boot", VIRTUALENV)
        boot = {**variables, "PYTHONPATH": str(place / "boot")}
        call(sys.executable, "-m", "virtualenv", "-q", "-p", found, place / "venv", **boot)
        # Once it needs a C compiler: wsaccel has no wheel for 2.7.
        words = (place / "venv" / "bin" / "python", "-m", "pip", *QUIET, "install")
        call(*words, "--constraint", CONSTRAINTS, "autobahntestsuite", **variables)

    once(place, [CONSTRAINTS.read_text(), VIRTUALENV, str(interpreter)], make)
    return Wstest((str(place / "venv" / "bin" / "wstest"),), variables)


def _interpreters() -> Iterator[str]:
    """Find a 2.7 that has what the suite needs of the standard library."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    for name in (*sorted(pyenv.glob("2.7.*/bin/python2.7"), reverse=True), "python2.7"):
        if (path := shutil.which(name)) and _said(path, "-c", "import ssl, zlib; print(1)"):
            yield path


def _unpacked(place: Path) -> dict[str, str]:
    """Unpack a distribution's Python 2.7; give what its programs need in their environment."""
    root = place / "root"

    def make() -> None:
        source, packages = _source()
        for name in ("lists/partial", "cache/archives/partial", "debs"):
            (place / name).mkdir(parents=True)
        (place / "sources.list").write_text(f"deb {source}\n")
        options = {
            "Dir::Etc::sourcelist": place / "sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::State::lists": place / "lists",
            "Dir::Cache": place / "cache",
        }
        apt = ["apt-get", "-qq"]
        for option, value in options.items():
            apt += ["-o", f"{option}={value}"]
        call(*apt, "update")
        # It downloads to where it stands.
        there = ("sh", "-c", 'cd "$1" && shift && exec "$@"', "-", place / "debs")
        call(*there, *apt, "download", *packages)
        for package in (place / "debs").glob("*.deb"):
            call("dpkg", "-x", package, root)

    once(place, PACKAGES, make)
    (libraries,) = root.glob("usr/lib/*-linux-gnu*")
    headers = root / "usr" / "include"
    return {
        "LD_LIBRARY_PATH": str(libraries),
        "CPATH": os.pathsep.join([str(headers), str(headers / "python2.7")]),
    }


def _source() -> tuple[str, tuple[str, ...]]:
    """Give the line of apt's sources that has a 2.7, and the packages to take.

    Raises:
        CannotPrepare: this is no such system.
    """
    try:
        system = platform.freedesktop_os_release()
    except OSError:
        system = {}
    if system.get("ID") not in RELEASES or not shutil.which("apt-get"):
        raise CannotPrepare("wstest needs CPython 2.7: there is none here, nor apt to fetch one")
    release, more = RELEASES[system["ID"]]
    targets = ("Created-By: Packages", f"Release: {system.get('VERSION_CODENAME')}")
    origin = f"Origin: {system['ID'].capitalize()}"
    mirrors = _said("apt-get", "indextargets", "--format", "$(REPO_URI)", *targets, origin)
    if not mirrors:
        raise CannotPrepare("wstest needs CPython 2.7: there is none here, and apt has no mirror")
    return f"{mirrors[0]} {release}", (*PACKAGES, *more)


def _said(*words: str) -> list[str]:
    """Give the words that a command says, or nothing where it fails."""
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return [] if done.returncode else done.stdout.split()
