"""What fastws does for gevent-websocket. Imported only where geventwebsocket.websocket is."""

from __future__ import annotations

from collections.abc import Callable

from geventwebsocket import websocket
from geventwebsocket.websocket import Header, WebSocket

from fastws import mask_inplace

from . import _utf8_validator
from .gevent_websocket import COUNTERS

__all__ = ["STOCK_MASK", "STOCK_VALIDATOR", "Header", "Utf8Validator", "WebSocket", "mask_payload"]

STOCK_MASK: Callable[..., bytearray] = Header.mask_payload
STOCK_UNMASK = Header.unmask_payload
STOCK_VALIDATOR = websocket.Utf8Validator


class Utf8Validator(_utf8_validator.Utf8Validator):
    """Check text that comes in fragments, as `geventwebsocket.utf8validator` does."""

    __slots__ = ()
    COUNTERS = COUNTERS


def mask_payload(self: Header, payload: bytes) -> bytearray:
    """Mask or unmask a payload, as `Header.mask_payload` does."""
    mask = self.mask
    if type(mask) is not bytes or len(mask) != 4 or type(payload) not in (bytes, bytearray):
        return STOCK_MASK(self, payload)
    if len(payload) != self.length:
        return STOCK_MASK(self, payload)
    COUNTERS["masked"] += 1
    masked = bytearray(payload)
    mask_inplace(masked, mask)
    return masked
