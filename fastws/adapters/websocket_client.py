"""websocket-client, import name websocket: `WebSocket`, `create_connection` and `WebSocketApp`.

`install()` replaces the function that validates UTF-8, which costs nearly all of receiving text,
`ABNF.mask`, and `ABNF.format`, which writes frames. What a user sees stays as it was. Nothing is
read ahead of what websocket-client asks for: its dispatchers wait on the socket itself.
"""

from __future__ import annotations

import sys
from importlib import reload
from typing import TYPE_CHECKING

from . import _registry
from ._patches import Patch, Refusal, require
from ._registry import Range

if TYPE_CHECKING:
    from typing import Any

__all__ = ["counters", "install", "supported", "uninstall"]

SUPPORTED = Range("1.7", "1.10")
COUNTERS = {"encoded": 0, "masked": 0, "validated": 0}

# What `ABNF.format` reads and calls, and ours does in its place.
FORMAT_USES = {
    "OPCODES",
    "_get_masked",
    "data",
    "fin",
    "get_mask_key",
    "mask_value",
    "opcode",
    "rsv1",
    "rsv2",
    "rsv3",
}


def install() -> None:
    """Put fastws into websocket-client; see `fastws.install`."""
    _registry.install("websocket_client")


def uninstall() -> None:
    """Take fastws out of websocket-client; see `fastws.uninstall`."""
    _registry.uninstall("websocket_client")


def supported() -> str:
    """Give the versions of websocket-client that this adapter was proven on."""
    return str(SUPPORTED)


def counters() -> dict[str, int]:
    """Give what fastws has done for websocket-client in this process.

    encoded: frames written. masked: payloads masked or unmasked on their own. validated: texts.
    """
    return dict(COUNTERS)


def patches() -> list[Patch]:
    """List what to replace in websocket-client.

    Raises:
        Refusal: websocket-client is not built as this adapter knows it.
    """
    from . import _websocket_client_frames as ours

    abnf, utils = sys.modules["websocket._abnf"], sys.modules["websocket._utils"]
    if ours.ABNF is not getattr(abnf, "ABNF", None):
        ours = reload(ours)  # as the host was
    require(_structure(ours, abnf, utils))
    found = [
        Patch(utils, "_validate_utf8", ours.validate_utf8),
        Patch(ours.ABNF, "mask", ours.mask),
        Patch(ours.ABNF, "format", ours.format_frame),
    ]
    if abnf.validate_utf8 is not utils.validate_utf8:  # of a module that was imported anew since
        found.append(Patch(abnf, "validate_utf8", ours.validate_utf8))
    return found


def _structure(ours: Any, abnf: Any, utils: Any) -> dict[str, bool]:
    """Tell of each part that we stand in for, or lean on, whether it is what we know."""
    validate, mask = _code(ours.STOCK_VALIDATE), _code(ours.STOCK_MASK)
    return {
        "ABNF.mask": isinstance(vars(ours.ABNF).get("mask"), staticmethod)
        and mask.co_varnames[: mask.co_argcount] == ("mask_key", "data"),
        "ABNF.format": FORMAT_USES.issubset(_code(ours.STOCK_FORMAT).co_names),
        "_utils._validate_utf8": validate.co_argcount == 1,
        "_utils.validate_utf8": abnf.validate_utf8 is ours.validate_utf8
        or "_validate_utf8" in _code(abnf.validate_utf8).co_names,
    }


def _code(function: Any) -> Any:
    code = getattr(function, "__code__", None)
    if code is None:
        raise Refusal(f"{function!r} is not a function")
    return code
