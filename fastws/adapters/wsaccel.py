"""wsaccel's API, for what depends on it: XOR maskers and the incremental UTF-8 validator.

After `install()`, `import wsaccel`, `wsaccel.xormask` and `wsaccel.utf8validator` give modules made
by fastws, where wsaccel is not installed. Where it is, imported or not, it stays as it is: what
other packages have taken from it by value is replaced instead, in those that are listed below.

`uninstall()` takes the modules out of `sys.modules` again. Who imported their members by value
keeps them, as with any library. Hosts that have an adapter of their own and were asked for find
nothing to import: they are made faster by that adapter, and are stock again without it.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from . import _registry
from ._patches import Patch, Refusal
from ._registry import Range
from ._wsaccel_members import COUNTERS, MEMBERS, make, patch_autobahn, patch_ws4py

if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "counters",
    "install",
    "make",
    "patch_autobahn",
    "patch_ws4py",
    "supported",
    "uninstall",
    "utf8validator",
    "xormask",
]

SUPPORTED = Range("0.6.6", "0.7")

# The modules themselves, for who does not want them under wsaccel's name.
utf8validator = make("wsaccel.utf8validator")
xormask = make("wsaccel.xormask")

# Who imports what by value. eventlet holds the whole module.
HOLDERS = {
    "autobahn.websocket.protocol": ("Utf8Validator", "createXorMasker"),
    "autobahn.websocket.utf8validator": ("Utf8Validator",),
    "autobahn.websocket.xormasker": ("XorMaskerNull", "XorMaskerSimple", "createXorMasker"),
    "eventlet.websocket": ("utf8validator",),
    "websocket._abnf": ("XorMaskerSimple",),
    "websocket._utils": ("Utf8Validator",),
}


def install() -> None:
    """Provide wsaccel; see `fastws.install`."""
    _registry.install("wsaccel")


def uninstall() -> None:
    """Provide wsaccel no more; see `fastws.uninstall`."""
    _registry.uninstall("wsaccel")


def supported() -> str:
    """Give the versions of wsaccel for which this adapter was proven to be a stand-in."""
    return str(SUPPORTED)


def counters() -> dict[str, int]:
    """Give how many pieces fastws has masked and validated in wsaccel's place in this process."""
    return dict(COUNTERS)


def patches() -> list[Patch]:
    """List who holds what of the wsaccel that is installed.

    Raises:
        Refusal: it is not built as this adapter knows it.
    """
    ours = _replacements()
    found = []
    for holder, names in HOLDERS.items():
        module = sys.modules.get(holder)
        for name in names:
            held = vars(module).get(name) if module else None
            replacement = next((mine for theirs, mine in ours if theirs is held), None)
            if replacement is not None:
                found.append(Patch(module, name, replacement))
    return found


def _replacements() -> list[tuple[Any, Any]]:
    """Pair what stands in the installed wsaccel, as far as it is imported, with ours."""
    found: list[tuple[Any, Any]] = []
    for name, mine in (("wsaccel.utf8validator", utf8validator), ("wsaccel.xormask", xormask)):
        module = sys.modules.get(name)
        if module is None:
            continue
        found.append((module, mine))
        for member, replacement in MEMBERS[name].items():
            if not hasattr(module, member):
                raise Refusal(f"{name}.{member} does not exist")
            found.append((getattr(module, member), replacement))
    return found
