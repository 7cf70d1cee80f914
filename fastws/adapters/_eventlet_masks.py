"""How eventlet masks and unmasks, done by fastws. Imported only where eventlet.websocket is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from eventlet.websocket import RFC6455WebSocket

from fastws import apply_mask as fast_apply_mask

from .eventlet import COUNTERS

__all__ = ["STOCK_APPLY_MASK", "RFC6455WebSocket", "apply_mask"]

STOCK_APPLY_MASK: Callable[..., bytes] = RFC6455WebSocket._apply_mask


def _apply_mask(
    data: bytes, mask: Sequence[int], length: int | None = None, offset: int = 0
) -> bytes:
    """Mask or unmask data, as `RFC6455WebSocket._apply_mask` does; the key comes as four ints."""
    if (
        type(data) not in (bytes, bytearray)
        or type(mask) not in (tuple, list, bytes)
        or len(mask) != 4
        or type(offset) is not int
    ):
        return STOCK_APPLY_MASK(data, mask, length, offset)
    size = len(data)
    if length is None:
        length = size
    try:
        key = bytes(mask)
        if not 0 <= length <= size:
            return STOCK_APPLY_MASK(data, mask, length, offset)
    except (TypeError, ValueError):  # the text is theirs
        return STOCK_APPLY_MASK(data, mask, length, offset)
    COUNTERS["masked"] += 1
    return fast_apply_mask(data if length == size else data[:length], key, offset & 3)


apply_mask = staticmethod(_apply_mask)
