"""Adapters: fastws inside the libraries that already speak WebSocket, one file per host.

No adapter imports its host. `install()` patches a host where the program has imported it, or at the
moment when it does. `Patch`, `Range` and `Refusal` are for adapters of other distributions; see
docs/adapters.md.
"""

from __future__ import annotations

from ._patches import HostWarning, Patch, Refusal
from ._registry import Range, Status, install, status, uninstall

__all__ = [
    "HostWarning",
    "Patch",
    "Range",
    "Refusal",
    "Status",
    "install",
    "status",
    "uninstall",
]
