"""Installed distributions, found by the metadata folders on `sys.path`.

importlib.metadata knows them too, but its import alone takes longer than a host's import may take
more with fastws in. So the folders are looked at by hand, and nothing is kept: what was installed
meanwhile is found. Distributions inside archives are not.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["folders", "version"]

SUFFIXES = (".dist-info", ".egg-info")


def folders() -> Iterator[tuple[str, str, str]]:
    """Give the path of each folder, and the name and the version that it is called after.

    They come in the order of `sys.path`, below that by name. The version is "" where the folder's
    name has none.
    """
    for place in sys.path:
        try:
            names = os.listdir(place or ".")
        except OSError:  # an archive, or not there
            continue
        for name in sorted(name for name in names if name.endswith(SUFFIXES)):
            parts = name.rpartition(".")[0].split("-")
            yield os.path.join(place, name), parts[0], parts[1] if len(parts) > 1 else ""


def version(distribution: str) -> str | None:
    """Give the version of a distribution, or None where no folder tells it."""
    wanted = _normalized(distribution)
    for _, name, found in folders():
        if _normalized(name) == wanted:
            return found or None
    return None


def _normalized(name: str) -> str:
    """Give a name as the package index compares them, in the letters of a folder's name."""
    return name.lower().replace("-", "_").replace(".", "_")
