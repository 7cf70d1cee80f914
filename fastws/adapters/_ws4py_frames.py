"""What fastws does for ws4py. Imported only where ws4py.streaming and ws4py.framing are."""

from __future__ import annotations

from collections.abc import Callable

from ws4py import streaming
from ws4py.framing import Frame

from fastws import mask_inplace

from . import _utf8_validator
from .ws4py import COUNTERS

__all__ = ["STOCK_MASK", "STOCK_VALIDATOR", "Frame", "Utf8Validator", "mask"]

STOCK_MASK: Callable[..., bytearray] = Frame.mask
STOCK_UNMASK = Frame.unmask
STOCK_RECEIVER = streaming.Stream.receiver
STOCK_VALIDATOR = streaming.Utf8Validator


class Utf8Validator(_utf8_validator.Utf8Validator):
    """Check text that comes in fragments, as `ws4py.utf8validator` does."""

    __slots__ = ()
    COUNTERS = COUNTERS


def mask(self: Frame, data: bytes | bytearray) -> bytearray:
    """Mask or unmask a payload, as `Frame.mask` does."""
    key = self.masking_key
    kinds = (bytes, bytearray)
    if type(key) not in kinds or len(key) != 4 or type(data) not in kinds:
        return STOCK_MASK(self, data)  # which tells what is wrong in its own words
    COUNTERS["masked"] += 1
    masked = bytearray(data)
    mask_inplace(masked, key)
    return masked
