"""Adapters: fastws inside the libraries that already speak WebSocket, one file per host.

No adapter imports its host. `install()` patches a host where the program has imported it, or at the
moment when it does.
"""

from __future__ import annotations

from ._patches import HostWarning
from ._registry import Status, install, status, uninstall

__all__ = ["HostWarning", "Status", "install", "status", "uninstall"]
