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

SUPPORTED = Range("1.0", "1.4")
COUNTERS = {"decoded": 0, "encoded": 0, "masked": 0}

# What we stand in for, or lean on: its parameters, and some of what it reads, sets and calls.
KNOWN = {
    "XorMaskerSimple.__init__": ("self masking_key", "_masking_key"),
    "XorMaskerSimple.process": ("self data", "_masking_key translate"),
    "FrameDecoder.__init__": ("self client extensions", "Buffer buffer client extensions"),
    "FrameDecoder.receive_bytes": ("self data", "buffer feed"),
    "FrameDecoder.process_buffer": (
        "self",
        "Frame buffer commit effective_opcode extensions masker parse_header payload_required",
    ),
    "MessageDecoder.process_frame": (
        "self frame",
        "INVALID_FRAME_PAYLOAD_DATA decode decoder getincrementaldecoder opcode",
    ),
    "FrameProtocol.__init__": (
        "self client extensions",
        "FrameDecoder _frame_decoder _message_decoder _outbound_opcode _parse_more_gen",
    ),
    "FrameProtocol._parse_more_gen": (
        "self",
        "_frame_decoder _message_decoder _process_close process_buffer process_frame",
    ),
    "FrameProtocol.received_frames": ("self", "_parse_more"),
    "FrameProtocol._process_close": ("self frame", "Frame ParseFailed payload"),
    "FrameProtocol._serialize_frame": (
        "self opcode payload fin",
        "XorMaskerSimple client extensions frame_outbound urandom",
    ),
    "FrameProtocol.send_data": ("self payload fin", "_outbound_opcode _serialize_frame encode"),
    "Connection.__init__": ("self connection_type extensions trailing_data", "_events _proto"),
    "Connection.send": ("self event", "OPEN Message _proto data message_finished send_data state"),
    "Connection.events": (
        "self",
        "CLOSED LOCAL_CLOSING REMOTE_CLOSING _events _proto _state received_frames state",
    ),
    "WSConnection.events": ("self", "connection events handshake"),
    "H11Handshake.events": ("self", "_events"),
}


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
    """Give what fastws has done for wsproto in this process.

    Frames decoded and encoded; and where wsproto reads or writes them (with an extension, or as
    fragments), payloads or pieces of them that were masked or unmasked.
    """
    return dict(COUNTERS)


def patches() -> list[Patch]:
    """List what to replace in wsproto.

    Raises:
        Refusal: wsproto is not built as this adapter knows it.
    """
    from . import _wsproto_connection as connection
    from . import _wsproto_frames as frames

    wsproto, protocol = sys.modules["wsproto"], sys.modules["wsproto.frame_protocol"]
    owners = connection.OWNERS
    if (
        owners["WSConnection"] is not wsproto.WSConnection
        or owners["FrameProtocol"] is not protocol.FrameProtocol
    ):
        raise Refusal("it was imported anew")
    _check(connection.STOCK)
    if any(tuple(event.__dataclass_fields__) != connection.FIELDS for event in connection.MESSAGES):
        raise Refusal("an event is not built as expected")
    return [
        Patch(protocol, "XorMaskerSimple", connection.XorMaskerSimple),
        Patch(protocol, "FrameDecoder", frames.FrameDecoder),
        Patch(owners["FrameProtocol"], "_parse_more_gen", frames.parse_more_gen),
        Patch(owners["FrameProtocol"], "_serialize_frame", connection.serialize_frame),
        Patch(owners["Connection"], "send", connection.send),
        Patch(owners["Connection"], "events", connection.events),
        Patch(owners["WSConnection"], "events", connection.ws_events),
    ]


def _check(stock: dict[str, Any]) -> None:
    """Compare the parts of wsproto, by name, with what we know of them."""
    for name, (parameters, names) in KNOWN.items():
        code = getattr(stock[name], "__code__", None)
        if (
            code is None
            or " ".join(code.co_varnames[: code.co_argcount]) != parameters
            or not set(names.split()).issubset(code.co_names)
        ):
            raise Refusal(f"{name} is not built as expected")
