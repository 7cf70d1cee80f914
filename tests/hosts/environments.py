"""What a suite needs around it, made once and kept: environments, sources, and this checkout.

Rule: nothing comes from the index that is not pinned in `locks/`, and nothing is written outside
the cache. A stamp in each thing tells what it was made of; another one, and it is made anew.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
LOCKS = HERE / "locks"
# What the distribution is built of.
SOURCES = ("CHANGELOG.md", "LICENSE", "MANIFEST.in", "README.md", "pyproject.toml", "setup.py")
QUIET = ("--quiet", "--disable-pip-version-check", "--no-input")
BUILT = ("__pycache__", "*.so", "*.pyd", "*.o", "_codec.c", "_codec.html")


class CannotPrepare(Exception):
    """Something that a suite needs cannot be had; the text says what, and what was tried."""


class Cache:
    """A folder in which everything is kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def environment(self, name: str) -> Path:
        """Give the interpreter of an environment that holds exactly what its lock says."""
        lock = LOCKS / f"{name}.txt"
        place = self.folder / f"{name}-{sys.implementation.cache_tag}"
        interpreter = place / "bin" / "python"

        def make() -> None:
            call(sys.executable, "-m", "venv", "--without-pip", place)
            pip("--python", interpreter, "install", "--no-deps", "--requirement", lock)

        once(place, [lock.read_text(), sys.version, sys.executable], make)
        return interpreter

    def sdist(self, pinned: str) -> Path:
        """Give the folder of an unpacked source distribution."""
        (line,) = (
            line
            for line in (LOCKS / "sdists.txt").read_text().splitlines()
            if line.split()[0] == pinned
        )
        place = self.folder / "sdists" / pinned

        def make() -> None:
            with TemporaryDirectory() as temporary:
                lock = Path(temporary, "lock.txt")
                lock.write_text(line)
                pip(
                    *("download", "--no-deps", "--no-binary", ":all:"),
                    *("--dest", temporary, "--requirement", lock),
                )
                (archive,) = Path(temporary).glob("*.tar.gz")
                with tarfile.open(archive) as packed:
                    packed.extractall(place, filter="data")

        once(place, [line], make)
        (found,) = (entry for entry in place.iterdir() if entry.is_dir())
        return found

    def fastws(self) -> Path:
        """Give a folder to import this checkout from, built with its core."""
        place = self.folder / f"fastws-{sys.implementation.cache_tag}"
        files = [ROOT / name for name in SOURCES]
        files += sorted(
            path
            for path in (ROOT / "fastws").rglob("*")
            if path.is_file() and not any(map(path.match, BUILT))
        )
        files = [path for path in files if "__pycache__" not in path.parts]

        def make() -> None:
            with TemporaryDirectory() as temporary:
                # A copy: another build may be going on in the checkout.
                for path in files:
                    copy = Path(temporary, path.relative_to(ROOT))
                    copy.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(path, copy)
                pip(
                    *("install", "--no-deps", "--target", place, temporary),
                    FASTWS_REQUIRE_EXTENSIONS="1",
                )

        digests = (hashlib.sha256(path.read_bytes()).hexdigest() for path in files)
        names = (str(path.relative_to(ROOT)) for path in files)
        once(place, [*names, *digests, sys.version], make)
        return place


def pip(*words: object, **variables: str) -> None:
    """Call the pip of this interpreter."""
    call(sys.executable, "-m", "pip", *QUIET, *words, **variables)


def call(*words: object, **variables: str) -> None:
    command = [str(word) for word in words]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FASTWS_")}
    done = subprocess.run(
        command,
        env={**clean, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CannotPrepare(f"{' '.join(command)} failed:\n{done.stdout}")


def once(place: Path, made_of: Iterable[str], make: Callable[[], None]) -> None:
    """Make what is to be in a folder, unless the folder was made of the same before."""
    stamp = place / "made-of"
    digest = hashlib.sha256("\0".join(made_of).encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    make()
    stamp.write_text(digest)
