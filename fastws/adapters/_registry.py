"""Every host that has an adapter, and where each stands.

An adapter is a module of this package named after its host, with `install()`, `uninstall()`,
`supported()`, a `SUPPORTED` range and `patches()`, which looks at the host (imported by then, never
by us), raises `Refusal` where it is not what was proven, and otherwise lists what to replace. All
else is done here: waiting for the import, the version, the warning, the way back.
"""

from __future__ import annotations

import sys
from _thread import RLock  # threading costs more than this whole package
from collections import namedtuple
from importlib import import_module
from warnings import warn

from ._hook import ImportHook, is_loaded
from ._patches import HostWarning, PatchSet, Refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType
    from typing import NamedTuple

    class Status(NamedTuple):
        host: str
        version: str | None
        supported: str
        state: str
        reason: str
        replaced: tuple[str, ...]

else:
    Status = namedtuple("Status", "host version supported state reason replaced")
    Status.__doc__ = """Where one host library stands.

    host: its name, as `install()` takes it. version: what is installed, or None. supported: the
    versions that the adapter was proven on, as in ">=1.0,<2". state: "on" (fastws does its work),
    "off" (not asked for), "waiting" (asked for, not imported yet), "refused" (asked for, but not a
    host that the adapter knows) or "absent" (not installed). reason: why it was refused, else "".
    replaced: the full names of what stands replaced.
    """


class Range:
    """Versions from `low` on and below `below`; the third part and what follows may be left out."""

    def __init__(self, low: str, below: str) -> None:
        self.low = low
        self.below = below

    def __contains__(self, version: str) -> bool:
        return _release(self.low) <= _release(version) < _release(self.below)

    def __str__(self) -> str:
        return f">={self.low},<{self.below}"


def _release(version: str) -> tuple[int, ...]:
    """Give the numbers a version starts with; a pre-release counts as what it leads to."""
    numbers = []
    for part in version.split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(int(digits))
    while numbers and not numbers[-1]:  # 17 and 17.0 are the same release
        numbers.pop()
    return tuple(numbers)


class Host:
    """A host library, whether it was asked for, and what is replaced in it."""

    def __init__(self, name: str, distribution: str, *modules: str) -> None:
        self.name = name
        self.distribution = distribution
        self.modules = modules  # look at the host when one of these was imported; the first must be
        self.patches = PatchSet()
        self.asked = False
        self.refusal = ""

    @property
    def adapter(self) -> ModuleType:
        return import_module(f"{__package__}.{self.name}")

    def version(self) -> str | None:
        """Find the installed version without importing the host."""
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version(self.distribution)
        except PackageNotFoundError:  # vendored or frozen without its metadata
            package = sys.modules.get(self.modules[0].partition(".")[0])
            found = getattr(package, "__version__", None)
            return None if found is None else str(found)

    def attach(self, imported: str = "") -> None:
        """Patch what is there of the host, or warn why not.

        Args:
            imported: the module that was executed just now, though its import is not over.
        """
        if imported != self.modules[0] and not is_loaded(self.modules[0]):
            return
        try:
            self.patches.executed(imported)
            self.check_version()
            self.patches.apply(self.adapter.patches())
        except Exception as error:
            self.patches.restore()
            self.refusal = str(error) if isinstance(error, Refusal) else repr(error)
            warn(
                f"fastws leaves {self.name} as it is: {self.refusal} "
                f"(supported: {self.adapter.supported()})",
                HostWarning,
                stacklevel=4,
            )

    def check_version(self) -> None:
        version = self.version()
        if version is None:
            raise Refusal("its version cannot be found")
        if version not in self.adapter.SUPPORTED:
            raise Refusal(f"version {version} is not one that the adapter was proven on")

    def detach(self) -> None:
        """Put back what was replaced."""
        self.asked = False
        self.refusal = ""
        self.patches.restore()

    def status(self) -> Status:
        version = self.version()
        if version is None and self.modules[0] not in sys.modules:
            state = "absent"
        elif self.patches:
            state = "on"
        elif self.refusal:
            state = "refused"
        else:
            state = "waiting" if self.asked else "off"
        supported = self.adapter.supported()
        return Status(self.name, version, supported, state, self.refusal, self.patches.names)


HOSTS = {
    host.name: host
    for host in (
        Host(
            "autobahn",
            "autobahn",
            "autobahn.websocket.protocol",
            "autobahn.asyncio.websocket",
            "autobahn.twisted.websocket",
        ),
        Host(
            "websockets",
            "websockets",
            "websockets.protocol",
            "websockets.asyncio.connection",
            "websockets.legacy.framing",
        ),
    )
}

_lock = RLock()


def _imported(module: str) -> None:
    with _lock:
        for host in HOSTS.values():
            # What was refused once stays refused: one warning is enough.
            if module in host.modules and not host.refusal:
                host.attach(module)


_hook = ImportHook(_imported)


def _named(names: Iterable[str]) -> list[Host]:
    """Give the hosts of these names; with none named, all.

    Raises:
        ValueError: no adapter has this name.
    """
    for name in names:
        if name not in HOSTS:
            known = ", ".join(HOSTS)
            raise ValueError(f"no adapter for {name!r}; there are adapters for: {known}")
    return [HOSTS[name] for name in names] or list(HOSTS.values())


def install(*hosts: str) -> None:
    """Put fastws into host libraries: now where they are imported, else when the program does so.

    Installing twice is once. A host that is not what its adapter was proven on is left alone, with
    a HostWarning.

    Args:
        hosts: their names; none for every host that has an adapter.

    Raises:
        ValueError: no adapter has this name.
    """
    with _lock:
        for host in _named(hosts):
            host.asked = True
            host.refusal = ""
            _hook.watch(host.modules)
            host.attach()


def uninstall(*hosts: str) -> None:
    """Take fastws out of host libraries; the very objects that stood there stand there again.

    Connections that are open keep what they were opened with.

    Args:
        hosts: their names; none for every host that has an adapter.

    Raises:
        ValueError: no adapter has this name.
    """
    with _lock:
        for host in _named(hosts):
            _hook.forget(host.modules)
            host.detach()


def status() -> dict[str, Status]:
    """Tell of each host what is installed, and whether fastws does its work."""
    with _lock:
        return {name: host.status() for name, host in HOSTS.items()}
