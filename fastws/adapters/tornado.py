"""tornado, and what is built on its WebSocketHandler: Jupyter, Streamlit, engineio's tornado.

`install()` replaces `WebSocketProtocol13._receive_frame_loop`, `_write_frame` and `write_message`,
and the three names that hold the mask, for handlers and for `websocket_connect()` alike. What a
user sees stays as it was: messages and their types, what is sent, how and when a connection ends,
limits, logs and back-pressure.

Without replacing anything, one handler, or one client, can be given what stands in this module:

    class Echo(FastHandlerMixin, tornado.websocket.WebSocketHandler): ...
    connection = await websocket_connect(url)

FastProtocol13 and FastClientConnection are the classes behind them. They are made when first asked
for, and only then is tornado imported.
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

SUPPORTED = Range("6.2", "6.7")
COUNTERS = {"decoded": 0, "encoded": 0}
DOORS = ["FastClientConnection", "FastHandlerMixin", "FastProtocol13", "websocket_connect"]

# What tornado's own code names: of what we stand in for all of it, or it does what we do not know;
# and of the stream the attributes that we read and set.
RECEIVE_LOOP_USES = {
    "StreamClosedError",
    "_abort",
    "_receive_frame",
    "client_terminated",
    "close_code",
    "close_reason",
    "handler",
    "on_ws_connection_close",
}
SINCE_66 = {"_FRAME_YIELD_COST", "_YIELD_THRESHOLD", "_wire_bytes_in", "asyncio", "sleep"}
RECEIVE_USES = {
    "FIN",
    "OPCODE_MASK",
    "RSV1",
    "RSV_MASK",
    "_abort",
    "_decompressor",
    "_fragmented_message_buffer",
    "_fragmented_message_opcode",
    "_frame_compressed",
    "_frame_length",
    "_frame_mask",
    "_handle_message",
    "_read_bytes",
    "_websocket_mask",
    "bool",
    "close",
    "len",
    "max_message_size",
    "params",
    "struct",
    "unpack",
}
SINCE_63 = {"bytearray", "bytes", "extend"}
WRITE_FRAME_USES = {
    "FIN",
    "ValueError",
    "_websocket_mask",
    "_wire_bytes_out",
    "len",
    "mask_outgoing",
    "os",
    "pack",
    "stream",
    "struct",
    "urandom",
    "write",
}
WRITE_MESSAGE_USES = {
    "RSV1",
    "StreamClosedError",
    "WebSocketClosedError",
    "_compressor",
    "_message_bytes_out",
    "_write_frame",
    "asyncio",
    "bytes",
    "compress",
    "dict",
    "ensure_future",
    "escape",
    "isinstance",
    "json_encode",
    "len",
    "tornado",
    "utf8",
}
STREAM_HAS = {
    "_close_callback",
    "_closed",
    "_connecting",
    "_read_buffer_size",
    "_read_bytes",
    "_read_partial",
    "_state",
    "_total_write_done_index",
    "_total_write_index",
    "_write_buffer",
    "_write_futures",
    "io_loop",
    "max_buffer_size",
    "max_write_buffer_size",
}
STREAM_DOES = {
    "_add_io_state",
    "_check_closed",
    "_is_connreset",
    "_maybe_add_error_listener",
    "_start_read",
    "close",
    "fileno",
    "read_bytes",
    "read_from_fd",
    "read_into",
    "write",
    "write_to_fd",
}


def install() -> None:
    """Put fastws into tornado; see `fastws.install`."""
    _registry.install("tornado")


def uninstall() -> None:
    """Take fastws out of tornado; see `fastws.uninstall`."""
    _registry.uninstall("tornado")


def supported() -> str:
    """Give the versions of tornado that this adapter was proven on."""
    return str(SUPPORTED)


def counters() -> dict[str, int]:
    """Give how many frames fastws has decoded and encoded for tornado in this process."""
    return dict(COUNTERS)


def patches() -> list[Patch]:
    """List what to replace in tornado.

    Raises:
        Refusal: tornado is not built as this adapter knows it.
    """
    from . import _tornado_frames as receiving
    from . import _tornado_reading as reading
    from . import _tornado_sending as sending

    websocket = sys.modules["tornado.websocket"]
    protocol = websocket.WebSocketProtocol13
    if sending.STOCK_PROTOCOL is not protocol:
        raise Refusal("it was imported anew")
    require(_structure(receiving, sending, reading.BaseIOStream))
    masked = (sys.modules[f"tornado.{name}"] for name in ("util", "websocket", "web"))
    return [
        *(Patch(module, "_websocket_mask", sending.websocket_mask) for module in masked),
        *(Patch(protocol, *member) for member in protocol_members().items()),
    ]


def protocol_members() -> dict[str, Any]:
    """Give what stands in for members of WebSocketProtocol13, by name."""
    from . import _tornado_frames as receiving
    from . import _tornado_sending as sending

    return {
        "_receive_frame_loop": receiving.receive_frame_loop,
        "_write_frame": sending.write_frame,
        "write_message": sending.write_message,
    }


def _structure(receiving: Any, sending: Any, stream: Any) -> dict[str, bool]:
    """Tell of each part that we stand in for, or lean on, whether it is what we know."""
    return {
        "WebSocketProtocol13._receive_frame_loop": _uses(
            receiving.STOCK_LOOP, RECEIVE_LOOP_USES, SINCE_66
        ),
        "WebSocketProtocol13._receive_frame": _uses(
            receiving.STOCK_RECEIVE_FRAME, RECEIVE_USES, SINCE_63
        ),
        "WebSocketProtocol13._write_frame": _uses(sending.STOCK_WRITE_FRAME, WRITE_FRAME_USES)
        and sending.STOCK_WRITE_FRAME.__code__.co_varnames[:5]
        == ("self", "fin", "opcode", "data", "flags"),
        "WebSocketProtocol13.write_message": _uses(sending.STOCK_WRITE_MESSAGE, WRITE_MESSAGE_USES)
        and sending.STOCK_WRITE_MESSAGE.__code__.co_varnames[:3] == ("self", "message", "binary"),
        "BaseIOStream": STREAM_HAS.issubset(stream.__init__.__code__.co_names)
        and STREAM_DOES.issubset(dir(stream)),
    }


def _uses(function: Any, names: set[str], newer: set[str] | frozenset[str] = frozenset()) -> bool:
    """Tell whether a function of the host uses these names and no others, but for newer ones."""
    code = getattr(function, "__code__", None)
    return code is not None and names <= set(code.co_names) <= names | newer


def __getattr__(name: str) -> Any:
    if name not in DOORS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import _tornado_classes as classes

    globals()[name] = found = getattr(classes, name)
    return found
