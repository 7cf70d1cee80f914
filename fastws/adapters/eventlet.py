"""eventlet's WebSocket server, `eventlet.websocket`.

`install()` replaces `RFC6455WebSocket._apply_mask`, which costs nearly all of a large message.
UTF-8 is checked by the interpreter's own decoder there, and frames are read by eventlet.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from . import _registry
from ._patches import Patch, Refusal
from ._registry import Range

if TYPE_CHECKING:
    from typing import Any

__all__ = ["counters", "install", "supported", "uninstall"]

SUPPORTED = Range("0.35.2", "0.42")
COUNTERS = {"masked": 0}


def install() -> None:
    """Put fastws into eventlet; see `fastws.install`."""
    _registry.install("eventlet")


def uninstall() -> None:
    """Take fastws out of eventlet; see `fastws.uninstall`."""
    _registry.uninstall("eventlet")


def supported() -> str:
    """Give the versions of eventlet that this adapter was proven on."""
    return str(SUPPORTED)


def counters() -> dict[str, int]:
    """Give how many pieces fastws has masked or unmasked for eventlet in this process."""
    return dict(COUNTERS)


def patches() -> list[Patch]:
    """List what to replace in eventlet.

    Raises:
        Refusal: eventlet is not built as this adapter knows it.
    """
    from . import _eventlet_masks as ours

    host: Any = sys.modules["eventlet.websocket"]
    if ours.RFC6455WebSocket is not host.RFC6455WebSocket:
        raise Refusal("it was imported anew")
    member = vars(ours.RFC6455WebSocket).get("_apply_mask")
    code = getattr(ours.STOCK_APPLY_MASK, "__code__", None)
    if (
        (member is not ours.apply_mask and not isinstance(member, staticmethod))
        or code is None
        or code.co_varnames[:4] != ("data", "mask", "length", "offset")
    ):
        raise Refusal("RFC6455WebSocket._apply_mask is not built as expected")
    return [Patch(ours.RFC6455WebSocket, "_apply_mask", ours.apply_mask)]
