"""How websocket-client validates, masks and writes, done by fastws.

Imported only where websocket-client is. What is out of the ordinary is left to its own functions,
which tell what is wrong in their own words.
"""

from __future__ import annotations

import os
from typing import Any

from websocket import _utils
from websocket._abnf import ABNF

from fastws import Utf8Validator, apply_mask, encode_frame
from fastws import validate_utf8 as fast_validate_utf8

from .websocket_client import COUNTERS

__all__ = ["ABNF", "STOCK_FORMAT", "STOCK_MASK", "STOCK_VALIDATE", "format_frame", "mask"]

STOCK_FORMAT = ABNF.format
STOCK_MASK = ABNF.mask
if _utils._validate_utf8 is not globals().get("validate_utf8"):  # ours, when this is reloaded
    STOCK_VALIDATE = _utils._validate_utf8
STOCK_URANDOM = os.urandom

DATA_OPCODES = (0, 1, 2)
BITS = (0, 1)


def validate_utf8(utfbytes: Any) -> bool:
    """Tell whether text is valid so far: one that ends inside a code point is, too."""
    if type(utfbytes) is not bytes and type(utfbytes) is not bytearray:
        return bool(STOCK_VALIDATE(utfbytes))
    COUNTERS["validated"] += 1
    return fast_validate_utf8(utfbytes) or Utf8Validator().feed(utfbytes)


def _mask(mask_key: Any, data: Any) -> bytes:
    """Mask or unmask data, as `ABNF.mask` does; a str counts as Latin-1."""
    key = mask_key.encode("latin-1") if type(mask_key) is str else mask_key
    if data is None:
        data = b""
    elif type(data) is str:
        data = data.encode("latin-1")
    if type(key) not in (bytes, bytearray) or len(key) != 4 or type(data) not in (bytes, bytearray):
        return STOCK_MASK(mask_key, data)
    COUNTERS["masked"] += 1
    return apply_mask(data, key)


mask = staticmethod(_mask)


def format_frame(self: ABNF) -> bytes:
    """Write a frame, as `ABNF.format` does."""
    if (
        self.opcode not in DATA_OPCODES
        or type(self.data) is not bytes
        or type(self) is not ABNF
        or self.get_mask_key is not STOCK_URANDOM
        or self.mask_value not in BITS
        or self.fin not in BITS
        or self.rsv1 not in BITS
        or self.rsv2 not in BITS
        or self.rsv3 not in BITS
    ):
        return STOCK_FORMAT(self)
    COUNTERS["encoded"] += 1
    return encode_frame(
        self.opcode,
        self.data,
        fin=self.fin == 1,
        rsv=self.rsv1 << 6 | self.rsv2 << 5 | self.rsv3 << 4,
        mask=self.mask_value == 1,
    )
