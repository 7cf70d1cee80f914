"""Every host that has an adapter, and where each stands.

An adapter is a module of this package named after its host, with `install()`, `uninstall()`,
`supported()`, a `SUPPORTED` range and `patches()`, which looks at the host (imported by then, never
by us), raises `Refusal` where it is not what was proven, and otherwise lists what to replace. All
else is done here: waiting for the import, the version, the warning, the way back.

Others offer adapters as entry points of the group `fastws.adapters`; see `docs/adapters.md`. Theirs
say in `HOST` what `HOSTS` says for ours. Rule: whatever is wrong with one of theirs is a warning at
the end, when ours are in.
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
    host that the adapter knows; or an adapter that cannot be used) or "absent" (not installed).
    reason: why it was refused, else "". replaced: the full names of what stands replaced.
    """


class Range:
    """Versions from `low` on and below `below`; the third part and what follows may be left out.

    Pre-releases count as the release that they lead to.
    """

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


def _reason(error: BaseException) -> str:
    """Say why a host or an adapter is left alone."""
    return str(error) if isinstance(error, Refusal) else repr(error)


class Host:
    """A host library, whether it was asked for, and what is replaced in it.

    Args:
        name: as `install()` takes it.
        distribution: what the package index calls it; its version counts.
        modules: look at the host when one of these was imported; the first one has to be.
        adapter: the module that says what to replace; one of this package if it is not given.
        provider: the distribution that offers it, if that is not ours.
    """

    def __init__(
        self, name: str, distribution: str, *modules: str, adapter: str = "", provider: str = ""
    ) -> None:
        self.name = name
        self.distribution = distribution
        self.modules = modules
        self.adapter_name = adapter or f"{__package__}.{name}"
        self.provider = provider
        self.patches = PatchSet()
        self.asked = False
        self.refusal = ""

    @property
    def adapter(self) -> ModuleType:
        return import_module(self.adapter_name)

    @property
    def supported(self) -> str:
        return str(self.adapter.SUPPORTED)

    def version(self) -> str | None:
        """Find the installed version without importing the host."""
        package = sys.modules.get(self.modules[0].partition(".")[0])
        found = getattr(package, "__version__", None)
        if isinstance(found, str):  # at hand; to look among the installed takes 20 ms
            return found
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version(self.distribution)
        except PackageNotFoundError:  # vendored or frozen without its metadata
            return None

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
            self.refusal = _reason(error)
            proven = f"supported: {self.supported}"
            if self.provider:
                proven += f" by {self.adapter_name} of {self.provider}"
            text = f"fastws leaves {self.name} as it is: {self.refusal} ({proven})"
            warn(text, HostWarning, stacklevel=4)

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
        names = self.patches.names
        return Status(self.name, version, self.supported, state, self.refusal, names)


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
        Host("tornado", "tornado", "tornado.websocket"),
        Host("wsproto", "wsproto", "wsproto"),
    )
}

_lock = RLock()
_theirs: dict[str, Host] = {}  # adapters of other distributions, once found for good


def hosts() -> dict[str, Host]:
    """Give every host that is known, ours first."""
    return {**HOSTS, **_theirs}


def _imported(module: str) -> None:
    with _lock:
        for host in hosts().values():
            # What was refused once stays refused: one warning is enough.
            if host.asked and module in host.modules and not host.refusal:
                host.attach(module)


_hook = ImportHook(_imported)


# --- Adapters of others --------------------------------------------------------------------------


def _find_theirs() -> dict[str, str]:
    """Look for adapters of others, take those that can be used, and tell the faults of the rest.

    Not to be called with the lock: this runs the code of others.
    """
    from . import _entry_points

    faults: dict[str, str] = {}
    for name, module, distribution in _entry_points.find():
        try:
            known = hosts().get(name)
            if known is None:
                about = _entry_points.about_host(import_module(module))
                _theirs[name] = Host(name, *about, adapter=module, provider=distribution)
            elif known.adapter_name != module:
                raise Refusal(f"the name is taken by {known.adapter_name}")
        except (Exception, SystemExit) as error:
            faults.setdefault(name, f"the adapter {module} of {distribution}: {_reason(error)}")
    return faults


# --- What the package offers ---------------------------------------------------------------------


def _named(names: Iterable[str]) -> tuple[list[Host], dict[str, str]]:
    """Give the hosts of these names, and the faults of those whose adapters cannot be used.

    Raises:
        ValueError: no adapter has this name.
    """
    wanted = set(names)
    faults = {} if hosts().keys() >= wanted else _find_theirs()
    known = hosts()
    for name in names:
        if name not in known and name not in faults:
            raise ValueError(f"no adapter for {name!r}; there are adapters for: {', '.join(known)}")
    found = [known[name] for name in names if name in known]
    return found, {name: faults[name] for name in faults if name in wanted - known.keys()}


def install(*names: str) -> None:
    """Put fastws into host libraries: now where they are imported, else when the program does so.

    Installing twice is once. A host that is not what its adapter was proven on is left alone, with
    a HostWarning; and so is one whose adapter, of another distribution, cannot be used.

    Args:
        names: those of the hosts; none for every host that has an adapter.

    Raises:
        ValueError: no adapter has this name.
    """
    if names:
        chosen, faults = _named(names)
    else:
        faults = _find_theirs()
        chosen = list(hosts().values())
    with _lock:
        for host in chosen:
            host.asked = True
            host.refusal = ""
            _hook.watch(host.modules)
            host.attach()
    for fault in faults.values():
        warn(f"fastws leaves out {fault}", HostWarning, stacklevel=3)


def uninstall(*names: str) -> None:
    """Take fastws out of host libraries; the very objects that stood there stand there again.

    Connections that are open keep what they were opened with.

    Args:
        names: those of the hosts; none for every host that has an adapter.

    Raises:
        ValueError: no adapter has this name.
    """
    chosen = _named(names)[0] if names else list(hosts().values())
    with _lock:
        for host in chosen:
            host.asked = False
            asked = [other for other in hosts().values() if other.asked]
            _hook.forget({*host.modules}.difference(*(other.modules for other in asked)))
            host.detach()


def status() -> dict[str, Status]:
    """Tell of each host what is installed, and whether fastws does its work."""
    faults = _find_theirs()
    with _lock:
        found = {name: host.status() for name, host in hosts().items()}
    for name, fault in faults.items():
        found.setdefault(name, Status(name, None, "", "refused", fault, ()))
    return found
