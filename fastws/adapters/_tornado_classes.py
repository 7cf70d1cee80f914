"""Handlers and clients of tornado that read and write frames with fastws, without a patch.

Both rest on `get_websocket_protocol()`, which tornado's handlers and client connections ask for
the protocol of a new connection.
"""

from __future__ import annotations

from types import FunctionType
from typing import Any

from tornado import websocket
from tornado.websocket import WebSocketClientConnection, WebSocketProtocol, WebSocketProtocol13

from .tornado import protocol_members

__all__ = ["FastClientConnection", "FastHandlerMixin", "FastProtocol13", "websocket_connect"]


class FastProtocol13(WebSocketProtocol13):
    """A WebSocketProtocol13 whose frames fastws reads and writes."""


for _name, _member in protocol_members().items():
    setattr(FastProtocol13, _name, _member)


class FastHandlerMixin:
    """What goes before WebSocketHandler in the bases of a handler."""

    def get_websocket_protocol(self) -> WebSocketProtocol | None:
        """Give the protocol that the handler would have, reading and writing with fastws."""
        protocol = super().get_websocket_protocol()  # type: ignore[misc]
        if type(protocol) is WebSocketProtocol13:  # one of the user's own stays as it is
            protocol.__class__ = FastProtocol13
        return protocol  # type: ignore[no-any-return]


class FastClientConnection(FastHandlerMixin, WebSocketClientConnection):  # type: ignore[misc]
    """A WebSocketClientConnection whose frames fastws reads and writes."""


def _with_connection(connect: Any, connection: type) -> Any:
    """Make a `websocket_connect` that makes connections of this class."""
    names = {**vars(websocket), "WebSocketClientConnection": connection}
    made = FunctionType(
        connect.__code__, names, connect.__name__, connect.__defaults__, connect.__closure__
    )
    made.__kwdefaults__ = connect.__kwdefaults__
    made.__doc__ = "Connect as `tornado.websocket.websocket_connect` does, with a fast connection."
    made.__module__ = __name__
    return made


websocket_connect = _with_connection(websocket.websocket_connect, FastClientConnection)
