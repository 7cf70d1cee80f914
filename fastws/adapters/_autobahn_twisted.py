"""How autobahn on Twisted takes data, without a line for a debug log that goes nowhere."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ._autobahn_sending import is_silent

__all__ = ["STOCK_DATA_RECEIVED", "WebSocketAdapterProtocol", "dataReceived"]

WebSocketAdapterProtocol: Any = import_module("autobahn.twisted.websocket").WebSocketAdapterProtocol
STOCK_DATA_RECEIVED = WebSocketAdapterProtocol.dataReceived


def dataReceived(self: Any, data: bytes) -> None:
    """Take data from the transport, as `WebSocketAdapterProtocol.dataReceived` does."""
    if is_silent(self):
        self._dataReceived(data)
    else:
        STOCK_DATA_RECEIVED(self, data)
