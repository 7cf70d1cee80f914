"""Adapters that other distributions offer: the entry points of the group `fastws.adapters`.

importlib.metadata would find them, but its import alone takes longer than `fastws.install()` may.
So the metadata folders on `sys.path` are read by hand, and nothing is kept: what was installed
meanwhile is found. Distributions inside archives are not.
"""

from __future__ import annotations

import os
import sys

from ._patches import Refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import ModuleType

__all__ = ["about_host", "find"]

GROUP = "fastws.adapters"


def find() -> Iterator[tuple[str, str, str]]:
    """Give the host's name, the adapter's module and the distribution of each entry point.

    Of a distribution that is on the path more than once, only the first counts.
    """
    seen = set()
    for folder in sys.path:
        try:
            names = os.listdir(folder or ".")
        except OSError:  # an archive, or not there
            continue
        for name in sorted(name for name in names if name.endswith((".dist-info", ".egg-info"))):
            distribution = name.rpartition(".")[0].partition("-")[0]
            text = _entry_points(os.path.join(folder, name, "entry_points.txt"))
            if GROUP in text and distribution.lower() not in seen:
                seen.add(distribution.lower())
                for host, module in _read(text):
                    yield host, module, distribution.replace("_", "-")


def _entry_points(path: str) -> str:
    """Give what a file holds, or nothing; most distributions have no such file."""
    if not os.access(path, os.R_OK):  # cheaper than an exception
        return ""
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def _read(text: str) -> Iterator[tuple[str, str]]:
    """Give name and value of each entry point of our group."""
    section = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            section = line.strip("[] ")
        elif section == GROUP and "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            # What stands in brackets are extras, and does not count any more.
            yield name.strip(), value.partition("[")[0].strip()


def about_host(adapter: ModuleType) -> Sequence[str]:
    """Give an adapter's HOST, after seeing that it has what an adapter must have.

    Raises:
        Refusal: it has not.
    """
    host = getattr(adapter, "HOST", None)
    if not isinstance(host, (tuple, list)) or not all(isinstance(part, str) for part in host):
        raise Refusal("it has no HOST, a tuple of str")
    if len(host) < 2:
        raise Refusal("its HOST does not name a distribution and a module")
    if not hasattr(getattr(adapter, "SUPPORTED", None), "__contains__"):
        raise Refusal("it has no SUPPORTED, a Range")
    if not callable(getattr(adapter, "patches", None)):
        raise Refusal("it has no function patches()")
    return host
