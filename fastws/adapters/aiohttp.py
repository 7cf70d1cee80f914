"""aiohttp: large messages, received by servers and clients, and what clients send.

aiohttp reads frames in compiled code of its own, and small messages would gain nothing (see
`docs/aiohttp.md`). `install()` replaces the reader by a subclass that takes large messages on
itself, where compression is not agreed on, and leaves all else to it; and the method that writes
frames, for messages that are masked. What a user sees stays as it was: messages and their types,
errors, limits, back-pressure.
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

SUPPORTED = Range("3.14.5", "3.15")
COUNTERS = {"decoded": 0, "encoded": 0}

# Where the reader's name stands by value.
READERS = ("aiohttp.client", "aiohttp.web_ws")

# What aiohttp's own code names, all of which ours does in its place.
WRITE_USES = {
    "ClientConnectionResetError",
    "MASK_LEN",
    "MSG_SIZE",
    "PACK_LEN1",
    "PACK_LEN2",
    "PACK_LEN3",
    "PACK_RANDBITS",
    "_output_size",
    "bytearray",
    "get_random_bits",
    "is_closing",
    "len",
    "transport",
    "use_mask",
    "websocket_mask",
    "write",
}


def install() -> None:
    """Put fastws into aiohttp; see `fastws.install`."""
    _registry.install("aiohttp")


def uninstall() -> None:
    """Take fastws out of aiohttp; see `fastws.uninstall`."""
    _registry.uninstall("aiohttp")


def supported() -> str:
    """Give the versions of aiohttp that this adapter was proven on."""
    return str(SUPPORTED)


def counters() -> dict[str, int]:
    """Give how many frames fastws has decoded and encoded for aiohttp in this process."""
    return dict(COUNTERS)


def patches() -> list[Patch]:
    """List what to replace in aiohttp.

    Raises:
        Refusal: aiohttp is not built as this adapter knows it.
    """
    from . import _aiohttp_frames as ours

    loaded = [sys.modules[name] for name in READERS if name in sys.modules]
    holders = [module for module in loaded if hasattr(module, "WebSocketReader")]
    for module in holders:
        if module.WebSocketReader not in (ours.STOCK_READER, ours.Reader):
            raise Refusal("it was imported anew")
    require(_structure(ours))
    return [
        *(Patch(module, "WebSocketReader", ours.Reader) for module in holders),
        Patch(ours.WebSocketWriter, "_write_websocket_frame", ours.write_frame),
    ]


def _structure(ours: Any) -> dict[str, bool]:
    """Tell of each part that we stand in for, or lean on, whether it is what we know."""
    write = getattr(ours.STOCK_WRITE, "__code__", None)
    try:
        queue = ours.WebSocketDataQueue(None, 1 << 16, loop=None)
        reader = ours.STOCK_READER(queue, 0, compress=False, decode_text=True)
        known = (queue._size, queue._limit, queue._stalled_reader) == (0, 1 << 17, None)
        read = reader.feed_data(b"\x82\x01x") == (False, b"")
    except (AttributeError, TypeError):
        known = read = False
    return {
        "WebSocketDataQueue": known,
        "WebSocketReader": read and [*queue._buffer] == [((2, b"x", ""), 1)],
        "WebSocketWriter._write_websocket_frame": write is not None
        and set(write.co_names) == WRITE_USES
        and write.co_varnames[:4] == ("self", "message", "opcode", "rsv"),
    }
