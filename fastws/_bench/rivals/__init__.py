"""The rivals, each in its own best settings, one file each.

Limits are lifted and extensions off, so that nobody does more than is asked for. Nothing is sent:
reads are handed to each rival as its own transport would hand them over. What is private in a
rival is used where only that leaves its server out of the figure; where a version has moved it,
the rival counts as missing, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module, metadata

from ..measure import Side

# The parts of each that are used: a rival is here when all of them are.
PARTS = {
    "aiohttp": ("aiohttp._websocket.mask", "aiohttp._websocket.reader_c"),
    "picows": ("picows.picows", "aiofastnet"),
    "tornado": ("tornado.websocket", "tornado.util._websocket_mask"),
    "websockets": ("websockets.server", "websockets.speedups"),
    "wsproto": ("wsproto.connection", "wsproto.frame_protocol.XorMaskerSimple"),
}


@cache
def missing() -> dict[str, str]:
    """Give the rivals that cannot be had here, each with the reason."""
    reasons = {}
    for rival, parts in PARTS.items():
        try:
            metadata.version(rival)
            for part in parts:
                reach(part)
        except metadata.PackageNotFoundError:
            reasons[rival] = "not installed"
        except Exception as error:  # whatever an import raises, the others are to be measured
            reasons[rival] = str(error) or repr(error)
    return reasons


def reach(part: str) -> None:
    """Import a module, or hold that a name is in one.

    Raises:
        ImportError: it is not there.
    """
    module, _, name = part.rpartition(".")
    try:
        import_module(part)
    except ModuleNotFoundError as error:
        if error.name != part or not hasattr(import_module(module), name):
            raise


def present(makers: Mapping[str, Callable[[], Side]]) -> dict[str, Callable[[], Side]]:
    """Give those makers of sides whose rivals are here."""
    return {rival: make for rival, make in makers.items() if rival not in missing()}


def versions() -> dict[str, str]:
    """Give the versions of the rivals that are here."""
    return {rival: metadata.version(rival) for rival in PARTS if rival not in missing()}
