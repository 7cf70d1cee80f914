"""gevent-websocket, import name geventwebsocket: a WebSocket handler for gevent's WSGI server.

`install()` replaces `Header.mask_payload` and `Header.unmask_payload`, and the validator that a
connection makes for itself. What a user sees stays as it was, bytearrays included.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from . import _registry
from ._patches import Patch, Refusal, require
from ._registry import Range

if TYPE_CHECKING:
    from typing import Any

__all__ = ["counters", "install", "supported", "uninstall"]

SUPPORTED = Range("0.10.1", "0.11")
COUNTERS = {"masked": 0, "validated": 0}

MASK_USES = {"bytearray", "length", "mask"}
VALIDATE_USES = {"utf8validate_last", "utf8validator", "validate"}
VALIDATOR_HAS = {"decode", "reset", "validate"}


def install() -> None:
    """Put fastws into gevent-websocket; see `fastws.install`."""
    _registry.install("gevent_websocket")


def uninstall() -> None:
    """Take fastws out of gevent-websocket; see `fastws.uninstall`."""
    _registry.uninstall("gevent_websocket")


def supported() -> str:
    """Give the versions of gevent-websocket that this adapter was proven on."""
    return str(SUPPORTED)


def counters() -> dict[str, int]:
    """Give how many payloads fastws has masked and validated for gevent-websocket."""
    return dict(COUNTERS)


def patches() -> list[Patch]:
    """List what to replace in gevent-websocket.

    Raises:
        Refusal: gevent-websocket is not built as this adapter knows it.
    """
    from . import _gevent_websocket_frames as ours

    host = sys.modules["geventwebsocket.websocket"]
    if ours.Header is not getattr(host, "Header", None):
        raise Refusal("it was imported anew")
    require(_structure(ours))
    return [
        Patch(ours.Header, "mask_payload", ours.mask_payload),
        Patch(ours.Header, "unmask_payload", ours.mask_payload),
        Patch(host, "Utf8Validator", ours.Utf8Validator),
    ]


def _structure(ours: Any) -> dict[str, bool]:
    """Tell of each part that we stand in for, or lean on, whether it is what we know."""
    mask = getattr(ours.STOCK_MASK, "__code__", None)
    validate = getattr(getattr(ours.WebSocket, "validate_utf8", None), "__code__", None)
    return {
        "Header.mask_payload": mask is not None
        and mask.co_varnames[:2] == ("self", "payload")
        and MASK_USES.issubset(mask.co_names),
        "Header.unmask_payload": ours.STOCK_UNMASK is ours.STOCK_MASK,
        "WebSocket.validate_utf8": validate is not None
        and VALIDATE_USES.issubset(validate.co_names),
        "Utf8Validator": VALIDATOR_HAS.issubset(dir(ours.STOCK_VALIDATOR)),
    }
