"""Install `wstest`, the program of the Autobahn|Testsuite, in an environment of CPython 2.7.

Rule: everything stands in one folder; the system is not touched. The interpreter is pyenv's or the
system's 2.7. Where there is none, that of Debian 11 is unpacked beside, from the mirror that apt is
set up with. `WSTEST` in the environment names another command to use, say of a container that sees
the same files and ports; then nothing is installed.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hosts.environments import CannotPrepare, call, once

CONSTRAINTS = Path(__file__).with_name("constraints.txt")
VIRTUALENV = "virtualenv==20.21.1"  # the last that makes environments of 2.7
LIBRARIES = ("libpython2.7", "libpython2.7-minimal", "libpython2.7-stdlib", "libpython2.7-dev")
PACKAGES = ("python2.7", "python2.7-minimal", "python2.7-dev", *LIBRARIES, "libssl1.1", "libffi7")
PIP = ("--quiet", "--disable-pip-version-check", "--no-input")


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
        call(sys.executable, "-m", "pip", *PIP, "install", "--target", place / "boot", VIRTUALENV)
        boot = {**variables, "PYTHONPATH": str(place / "boot")}
        call(sys.executable, "-m", "virtualenv", "-q", "-p", found, place / "venv", **boot)
        # Once it needs a C compiler: wsaccel has no wheel for 2.7.
        pip = (place / "venv" / "bin" / "python", "-m", "pip", *PIP, "install")
        call(*pip, "--constraint", CONSTRAINTS, "autobahntestsuite", **variables)

    once(place, [CONSTRAINTS.read_text(), VIRTUALENV, str(interpreter)], make)
    return Wstest((str(place / "venv" / "bin" / "wstest"),), variables)


def _interpreters() -> Iterator[str]:
    """Find a 2.7 that has what the suite needs of the standard library."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    for name in (*sorted(pyenv.glob("2.7.*/bin/python2.7"), reverse=True), "python2.7"):
        path = shutil.which(name)
        if path and not subprocess.run([path, "-c", "import ssl, zlib"], check=False).returncode:
            yield path


def _unpacked(place: Path) -> dict[str, str]:
    """Unpack Debian 11's Python 2.7; give what its programs need in their environment."""
    root = place / "root"

    def make() -> None:
        if not shutil.which("apt-get"):
            raise CannotPrepare(
                "wstest needs CPython 2.7: there is none here, and no apt-get to fetch one with"
            )
        for name in ("lists/partial", "cache/archives/partial", "debs"):
            (place / name).mkdir(parents=True)
        (place / "sources.list").write_text(f"deb {_mirror()} bullseye main\n")
        places = {
            "Dir::Etc::sourcelist": place / "sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::State::lists": place / "lists",
            "Dir::Cache": place / "cache",
        }
        apt = ("apt-get", "-qq", *(word for pair in places.items() for word in _option(*pair)))
        call(*apt, "update")
        call("sh", "-c", 'cd "$1" && shift && exec "$@"', "-", place / "debs", *apt, "download",
             *PACKAGES)  # fmt: skip
        for package in (place / "debs").glob("*.deb"):
            call("dpkg", "-x", package, root)

    once(place, PACKAGES, make)
    (libraries,) = root.glob("usr/lib/*-linux-gnu*")
    headers = root / "usr" / "include"
    return {
        "LD_LIBRARY_PATH": str(libraries),
        "CPATH": os.pathsep.join([str(headers), str(headers / "python2.7")]),
    }


def _option(name: str, value: object) -> tuple[str, str]:
    return "-o", f"{name}={value}"


def _mirror() -> str:
    """Give the mirror of Debian that this machine uses."""
    said = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split()
    for address in said:
        if address.rstrip("/").endswith("/debian"):
            return address
    raise CannotPrepare("wstest needs CPython 2.7: there is none here, and apt knows no Debian")
