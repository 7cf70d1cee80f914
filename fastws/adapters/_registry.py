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

from _thread import RLock  # threading costs more than this whole package
from importlib import import_module
from warnings import warn

from ._hook import ImportHook
from ._hosts import Host, Range, StandIn, Status, reason_of
from ._patches import HostWarning, Refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["HOSTS", "Host", "Range", "StandIn", "Status", "hosts", "install", "status", "uninstall"]

HOSTS = {
    host.name: host
    for host in (
        Host("aiohttp", "aiohttp", "aiohttp.client", "aiohttp.web_ws"),
        Host(
            "autobahn",
            "autobahn",
            "autobahn.websocket.protocol",
            "autobahn.asyncio.websocket",
            "autobahn.twisted.websocket",
        ),
        Host("eventlet", "eventlet", "eventlet.websocket", stand_ins=False),
        Host(
            "gevent_websocket",
            "gevent-websocket",
            "geventwebsocket.websocket",
            "geventwebsocket.utf8validator",
            stand_ins=False,
        ),
        Host("tornado", "tornado", "tornado.websocket"),
        Host(
            "websocket_client",
            "websocket-client",
            "websocket._abnf",
            "websocket._utils",
            stand_ins=False,
        ),
        Host(
            "websockets",
            "websockets",
            "websockets.protocol",
            "websockets.asyncio.connection",
            "websockets.legacy.framing",
        ),
        Host("ws4py", "ws4py", "ws4py.streaming", "ws4py.framing"),
        StandIn(
            "wsaccel",
            "wsaccel",
            ("wsaccel", "wsaccel.utf8validator", "wsaccel.xormask"),
            "autobahn.websocket.protocol",
            "autobahn.websocket.utf8validator",
            "autobahn.websocket.xormasker",
            "eventlet.websocket",
            "websocket._abnf",
            "websocket._utils",
        ),
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


def _aloof(module: str) -> bool:
    asked = [host for host in hosts().values() if host.asked and not host.stand_ins]
    return any(module in host.modules for host in asked)


_hook = ImportHook(_imported, _aloof)


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
            faults.setdefault(name, f"the adapter {module} of {distribution}: {reason_of(error)}")
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
            host.wait(_hook)
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
            host.detach(_hook)


def status() -> dict[str, Status]:
    """Tell of each host what is installed, and whether fastws does its work."""
    faults = _find_theirs()
    with _lock:
        found = {name: host.status() for name, host in hosts().items()}
    for name, fault in faults.items():
        found.setdefault(name, Status(name, None, "", "refused", fault, ()))
    return found
