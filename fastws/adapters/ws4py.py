"""ws4py: its streams and frames, and so its servers and clients, whatever does the I/O.

`install()` replaces `Frame.mask` and `Frame.unmask`, and the validator of a stream. What a user
sees stays as it was, bytearrays included.
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

SUPPORTED = Range("0.4.2", "0.7")
COUNTERS = {"masked": 0, "validated": 0}

MASK_USES = {"bytearray", "masking_key"}
RECEIVER_USES = {"Utf8Validator", "reset", "unmask", "validate"}
VALIDATOR_HAS = {"decode", "reset", "validate"}


def install() -> None:
    """Put fastws into ws4py; see `fastws.install`."""
    _registry.install("ws4py")


def uninstall() -> None:
    """Take fastws out of ws4py; see `fastws.uninstall`."""
    _registry.uninstall("ws4py")


def supported() -> str:
    """Give the versions of ws4py that this adapter was proven on."""
    return str(SUPPORTED)


def counters() -> dict[str, int]:
    """Give how many payloads fastws has masked and validated for ws4py in this process."""
    return dict(COUNTERS)


def patches() -> list[Patch]:
    """List what to replace in ws4py.

    Raises:
        Refusal: ws4py is not built as this adapter knows it.
    """
    from . import _ws4py_frames as ours

    framing, streaming = sys.modules["ws4py.framing"], sys.modules["ws4py.streaming"]
    if ours.Frame is not framing.Frame or ours.Frame is not streaming.Frame:
        raise Refusal("it was imported anew")
    require(_structure(ours))
    return [
        Patch(ours.Frame, "mask", ours.mask),
        Patch(ours.Frame, "unmask", ours.mask),
        Patch(streaming, "Utf8Validator", ours.Utf8Validator),
    ]


def _structure(ours: Any) -> dict[str, bool]:
    """Tell of each part that we stand in for, or lean on, whether it is what we know."""
    mask = getattr(ours.STOCK_MASK, "__code__", None)
    receiver = getattr(ours.STOCK_RECEIVER, "__code__", None)
    return {
        "Frame.mask": mask is not None
        and mask.co_varnames[:2] == ("self", "data")
        and MASK_USES.issubset(mask.co_names),
        "Frame.unmask": ours.STOCK_UNMASK is ours.STOCK_MASK,
        "Stream.receiver": receiver is not None and RECEIVER_USES.issubset(receiver.co_names),
        "Utf8Validator": VALIDATOR_HAS.issubset(dir(ours.STOCK_VALIDATOR)),
    }
