"""aiohttp: large messages, received by servers and clients, and what clients send.

aiohttp reads frames in compiled code of its own, and small messages would gain nothing (see
`docs/aiohttp.md`). `install()` puts an object before the reader that takes large messages on
itself, where compression is not agreed on, and leaves all else to it; and the writer of clients, by
one that packs and masks a frame in one go. What a user sees stays as it was: messages and their
types, errors, limits, back-pressure.
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

# Where the names stand by value. A server's frames are not masked: its writer stays.
HOLDERS = (
    ("aiohttp.client", "WebSocketReader"),
    ("aiohttp.client", "WebSocketWriter"),
    ("aiohttp.web_ws", "WebSocketReader"),
)

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

    pairs = {
        "WebSocketReader": (ours.STOCK_READER, ours.Reader),
        "WebSocketWriter": (ours.STOCK_WRITER, ours.Writer),
    }
    patches = []
    for module, name in HOLDERS:
        holder = sys.modules.get(module)
        if not hasattr(holder, name):
            continue
        if getattr(holder, name) not in pairs[name]:
            raise Refusal("it was imported anew")
        patches.append(Patch(holder, name, pairs[name][1]))
    require(_structure(ours))
    return patches


def _structure(ours: Any) -> dict[str, bool]:
    """Tell of each part that we stand in for, or lean on, whether it is what we know."""
    write = getattr(ours.STOCK_WRITER, "_write_websocket_frame", None)
    code = getattr(write, "__code__", None)
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
        "WebSocketWriter._write_websocket_frame": code is not None
        and set(code.co_names) == WRITE_USES
        and code.co_varnames[:4] == ("self", "message", "opcode", "rsv"),
    }
