"""How autobahn writes frames, done by fastws; and its talk about it, left out where nobody listens.

Imported only where autobahn is. For every write, and in Twisted for every read, autobahn makes a
line for the debug log, colours and all, and hands it to a logger that mostly throws it away. Rule:
what is not the plain case is left to the stock method.
"""

from __future__ import annotations

import random
from importlib import import_module
from typing import Any

from fastws import encode_frame

from ._autobahn_primitives import MAKERS
from .autobahn import COUNTERS

__all__ = ["STOCK_SEND_DATA", "STOCK_SEND_FRAME", "is_silent", "sendData", "sendFrame"]

module: Any = import_module("autobahn.websocket.protocol")
WebSocketProtocol = module.WebSocketProtocol
STOCK_SEND_DATA = WebSocketProtocol.sendData
STOCK_SEND_FRAME = WebSocketProtocol.sendFrame
OPEN = WebSocketProtocol.STATE_OPEN

ENCODED = (0, 1, 2, 9, 10)  # opcodes; a close frame is rare, and may hold what we refuse to send
CONTROL = 8
CONTROL_MAX = 125
SILENT = ("txaio.aio", "txaio.tx")


def is_silent(protocol: Any) -> bool:
    """Tell whether the debug log goes nowhere: txaio puts a function there that does nothing."""
    debug = protocol.log.debug
    name: str = getattr(debug, "__name__", "")
    return name == "_no_op" and debug.__module__ in SILENT


def sendFrame(
    self: Any,
    opcode: int,
    payload: bytes = b"",
    fin: bool = True,
    rsv: int = 0,
    mask: bytes | None = None,
    payload_len: int | None = None,
    chopsize: int | None = None,
    sync: bool = False,
) -> None:
    """Send a frame, as `WebSocketProtocol.sendFrame` does."""
    masked = self.maskServerFrames if self.factory.isServer else self.maskClientFrames
    if (
        type(payload) is not bytes
        or opcode not in ENCODED
        or (opcode > CONTROL and (len(payload) > CONTROL_MAX or not fin))
        or not 0 <= rsv < 8
        or mask
        or payload_len is not None
        or self.logFrames
        or (masked and not self.applyMask)
        or module.create_xor_masker not in MAKERS
    ):
        STOCK_SEND_FRAME(self, opcode, payload, fin, rsv, mask, payload_len, chopsize, sync)
        return
    COUNTERS["encoded"] += 1
    # The stock source of keys, which a program may have seeded.
    key = random.getrandbits(32).to_bytes(4, "big") if masked else None
    frame = encode_frame(opcode, payload, fin=bool(fin), rsv=rsv << 4, mask=key)
    if opcode < CONTROL:
        self.trafficStats.outgoingWebSocketFrames += 1
    self.sendData(frame, sync, chopsize)


def sendData(self: Any, data: bytes, sync: bool = False, chopsize: int | None = None) -> None:
    """Send data, as `WebSocketProtocol.sendData` does."""
    if sync or chopsize or self.send_queue or self.state != OPEN or self.logOctets:
        STOCK_SEND_DATA(self, data, sync, chopsize)
        return
    if not is_silent(self):
        STOCK_SEND_DATA(self, data, sync, chopsize)
        return
    self.transport.write(data)
    if self.state == OPEN:
        self.trafficStats.outgoingOctetsWireLevel += len(data)
