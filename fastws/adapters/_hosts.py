"""One host library: its versions, whether it was asked for, where it stands, what is replaced.

A `Host` is imported by the program. A `StandIn` is a library that hosts try to import and do
without: where it is not installed, its adapter makes its modules.
"""

from __future__ import annotations

import sys
from collections import namedtuple
from importlib import import_module
from warnings import warn

from ._hook import is_loaded, is_provided
from ._patches import HostWarning, PatchSet, Refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import NamedTuple

    from ._hook import ImportHook

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

    Attributes:
        host: its name, as `install()` takes it.
        version: what is installed, or None.
        supported: the versions that the adapter was proven on, as in ">=1.0,<2".
        state: "on" (fastws does its work), "off" (not asked for), "waiting" (asked for, not
            imported yet), "refused" (asked for, but not a host that the adapter knows; or an
            adapter that cannot be used) or "absent" (not installed).
        reason: why it was refused, else "".
        replaced: the full names of what stands replaced.
    """


class Range:
    """Versions from one on and below another; pre-releases count as what they lead to.

    Args:
        low: the first version, as in "1.2"; parts that are left out are 0.
        below: the first one behind them.
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


def reason_of(error: BaseException) -> str:
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
        stand_ins: whether its code may find the modules that are made for a StandIn.
    """

    def __init__(
        self,
        name: str,
        distribution: str,
        *modules: str,
        adapter: str = "",
        provider: str = "",
        stand_ins: bool = True,
    ) -> None:
        self.name = name
        self.distribution = distribution
        self.modules = modules
        self.adapter_name = adapter or f"{__package__}.{name}"
        self.provider = provider
        self.stand_ins = stand_ins
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
        if isinstance(found, str):  # at hand
            return found
        from . import _distributions

        found = _distributions.version(self.distribution)
        if found is not None:
            return found
        from importlib.metadata import PackageNotFoundError, version  # takes 20 ms

        try:
            return version(self.distribution)
        except PackageNotFoundError:  # vendored or frozen without its metadata
            return None

    def wait(self, hook: ImportHook) -> None:
        """Have the import hook tell of the host's modules."""
        hook.watch(self.modules)

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
            self.refusal = reason_of(error)
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

    def detach(self, hook: ImportHook) -> None:
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


class StandIn(Host):
    """A library that hosts try to import and do without; its adapter can make its modules.

    Whoever imports it is given those where it is not installed. Where it is, it stays as it is, and
    the adapter's patches are for the modules that hold what it offers.

    Args:
        provided: the library's modules, the package first.
        holders: modules that may import its members by value.
    """

    def __init__(
        self, name: str, distribution: str, provided: tuple[str, ...], *holders: str
    ) -> None:
        super().__init__(name, distribution, *provided, *holders)
        self.provided = provided

    def wait(self, hook: ImportHook) -> None:
        super().wait(hook)
        hook.provide(self.provided, lambda name: self.adapter.make(name))

    def attach(self, imported: str = "") -> None:
        if not is_provided(self.modules[0]):
            super().attach(imported)

    def detach(self, hook: ImportHook) -> None:
        super().detach(hook)
        hook.withdraw(self.provided)

    def version(self) -> str | None:
        return None if is_provided(self.modules[0]) else super().version()

    def status(self) -> Status:
        found = super().status()
        made = tuple(name for name in self.provided if is_provided(name))
        if made or (self.asked and found.state == "absent"):
            return found._replace(state="on" if made else "waiting", replaced=made)
        return found
