"""websockets, and all that is built on its Protocol: asyncio, sync and trio, uvicorn, sanic.

`install()` replaces `Protocol.parse`, `Frame.serialize`, the two names that hold `apply_mask`, and
in the asyncio face the context that sends. What a user sees stays as it was: every event and its
types, each error, its text and its moment.

Without replacing anything, one server or client can be given the classes of this module:

    serve(handler, host, port, create_connection=AsyncioServerConnection)
    connect(uri, create_connection=AsyncioClientConnection)

and likewise SyncServerConnection, SyncClientConnection, TrioServerConnection and
TrioClientConnection; FastServerProtocol and FastClientProtocol are for who does the I/O himself.
They are made when first asked for, and only then is what they derive from imported. Where
websockets is not one that this adapter was proven on, its own class comes instead, with a warning.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING
from warnings import warn

from . import _registry
from ._patches import HostWarning, Patch, Refusal, require
from ._registry import Range

if TYPE_CHECKING:
    from typing import Any

__all__ = ["counters", "install", "supported", "uninstall"]

SUPPORTED = Range("16.0", "18")
COUNTERS = {"decoded": 0, "encoded": 0}

FACES = ("Asyncio", "Sync", "Trio")
SIDES = ("Client", "Server")
CLASSES = ["FastClientProtocol", "FastServerProtocol"]
CLASSES += [f"{face}{side}Connection" for face in FACES for side in SIDES]

# What `Protocol.parse` reads, sets and calls, and ours does in its place.
PARSE_USES = {
    "at_eof",
    "current_size",
    "debug",
    "extensions",
    "fail",
    "max_fragment_size",
    "max_message_size",
    "parser_exc",
    "read_exact",
    "recv_frame",
    "set_current_size",
}
CO_GENERATOR = 0x20
# And `Connection.send_context`.
SEND_CONTEXT_USES = {
    "abort",
    "close_exc",
    "close_expected",
    "connection_lost_waiter",
    "drain",
    "send_data",
    "set_connection_exc",
}


def install() -> None:
    """Put fastws into websockets; see `fastws.install`."""
    _registry.install("websockets")


def uninstall() -> None:
    """Take fastws out of websockets; see `fastws.uninstall`."""
    _registry.uninstall("websockets")


def supported() -> str:
    """Give the versions of websockets that this adapter was proven on."""
    return str(SUPPORTED)


def counters() -> dict[str, int]:
    """Give how many frames fastws has decoded and encoded for websockets in this process."""
    return dict(COUNTERS)


def patches() -> list[Patch]:
    """List what to replace in websockets.

    Raises:
        Refusal: websockets is not built as this adapter knows it.
    """
    from . import _websockets_frames as ours

    _check_structure(ours)
    frames = sys.modules["websockets.frames"]
    found = [
        Patch(frames, "apply_mask", ours.apply_mask),
        Patch(ours.Frame, "serialize", ours.serialize),
        Patch(ours.Protocol, "parse", ours.parse),
    ]
    legacy = sys.modules.get("websockets.legacy.framing")
    if hasattr(legacy, "apply_mask"):
        found.append(Patch(legacy, "apply_mask", ours.apply_mask))
    connection = getattr(sys.modules.get("websockets.asyncio.connection"), "Connection", None)
    if connection is not None:
        found += [Patch(connection, *member) for member in asyncio_members().items()]
    return found


def _check_structure(ours: Any) -> None:
    frames = sys.modules["websockets.frames"]
    protocol = sys.modules["websockets.protocol"]
    if ours.Frame is not frames.Frame or ours.Protocol is not protocol.Protocol:
        raise Refusal("it was imported anew")
    require(_structure(ours))


def _structure(ours: Any) -> dict[str, bool]:
    """Tell of each part that we stand in for, or lean on, whether it is what we know."""
    parse = getattr(ours.STOCK_PARSE, "__code__", None)
    serialize = getattr(ours.STOCK_SERIALIZE, "__code__", None)
    return {
        "Protocol.parse": parse is not None
        and parse.co_flags & CO_GENERATOR != 0
        and PARSE_USES.issubset(parse.co_names),
        "Frame.serialize": serialize is not None
        and serialize.co_varnames[:3] == ("self", "mask", "extensions")
        and serialize.co_kwonlyargcount == 2,
        "Frame": tuple(getattr(ours.Frame, "__dataclass_fields__", ()))
        == ("opcode", "data", "fin", "rsv1", "rsv2", "rsv3"),
        "StreamReader": vars(ours.StreamReader()) == {"buffer": b"", "eof": False},
    }


def asyncio_members() -> dict[str, Any]:
    """Give what stands in for members of the asyncio face's Connection, by name.

    That is nothing before websockets 17.4, where a failure took another way to the user.
    """
    from . import _websockets_asyncio as ours

    generator = getattr(ours.STOCK_SEND_CONTEXT, "__wrapped__", None)
    code = getattr(generator, "__code__", None)
    if code is None or not SEND_CONTEXT_USES.issubset(code.co_names):
        return {}
    return {"send_context": ours.send_context}


def __getattr__(name: str) -> Any:
    if name not in CLASSES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import _websockets_classes as classes
    from . import _websockets_frames as ours

    host = _registry.HOSTS["websockets"]
    try:
        host.check_version()
        _check_structure(ours)
    except Refusal as refusal:
        text = f"{name} is the class of websockets as it is: {refusal} (supported: {SUPPORTED})"
        warn(text, HostWarning, stacklevel=2)
        return classes.stock(name)
    globals()[name] = found = classes.make(name)
    return found
