"""wsproto, and all that is built on it: hypercorn, uvicorn, simple-websocket, trio-websocket.

`install()` replaces the decoder and the masker in `wsproto.frame_protocol`, and the methods that
lead from a payload to an event and from an event to a frame. What a user sees stays as it was:
every event, its types and its moment, each error and its text.
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

SUPPORTED = Range("1.1", "1.4")
COUNTERS = {"decoded": 0, "encoded": 0}


def install() -> None:
    """Put fastws into wsproto; see `fastws.install`."""
    _registry.install("wsproto")


def uninstall() -> None:
    """Take fastws out of wsproto; see `fastws.uninstall`."""
    _registry.uninstall("wsproto")


def supported() -> str:
    """Give the versions of wsproto that this adapter was proven on."""
    return str(SUPPORTED)


def counters() -> dict[str, int]:
    """Give how many frames fastws has decoded and encoded for wsproto in this process."""
    return dict(COUNTERS)


def patches() -> list[Patch]:
    from . import _wsproto_connection as c
    from . import _wsproto_frames as f
    fp = sys.modules["wsproto.frame_protocol"]
    return [
        Patch(fp, "XorMaskerSimple", c.XorMaskerSimple),
        Patch(fp, "FrameDecoder", f.FrameDecoder),
        Patch(fp.FrameProtocol, "_parse_more_gen", f.parse_more_gen),
        Patch(fp.FrameProtocol, "_serialize_frame", c.serialize_frame),
        Patch(c.Connection, "send", c.send),
        Patch(c.Connection, "events", c.events),
        Patch(c.wsproto.WSConnection, "events", c.ws_events),
    ]
