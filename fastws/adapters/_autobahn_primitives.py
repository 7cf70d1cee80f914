"""UTF-8 validators and maskers of autobahn's form, done by fastws.

Imported only where autobahn is. autobahn has each in two forms, compiled ("NVX") and pure, chosen
when it is imported; they take and refuse not quite the same, and part ways after invalid text. The
stand-ins follow the form that is in use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import fastws

from .autobahn import COUNTERS

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

__all__ = [
    "MAKERS",
    "STOCK_CREATE_XOR_MASKER",
    "STOCK_VALIDATOR",
    "VALIDATORS",
    "Utf8Validator",
    "XorMasker",
    "counterpart",
    "create_xor_masker",
]

STOCK_VALIDATOR: Any = import_module("autobahn.websocket.utf8validator").Utf8Validator
STOCK_CREATE_XOR_MASKER: Any = import_module("autobahn.websocket.xormasker").create_xor_masker

BUFFERS = (bytes, bytearray, memoryview)

Verdict = tuple[bool, bool, int, int]  # valid, ends on a code point, index in the chunk, in total


class Validator:
    """Validate text that comes in chunks, as the compiled validator of autobahn does."""

    def __init__(self) -> None:
        self._core = fastws.Utf8Validator()
        self._total = 0
        self._rejected = False

    def reset(self) -> None:
        """Start anew with another text."""
        self._core.reset()
        self._total = 0
        self._rejected = False

    def validate(self, ba: ReadableBuffer) -> Verdict:
        """Take the next chunk; see `Verdict`. The index is that of the first invalid octet."""
        size = len(ba)  # type: ignore[arg-type]
        if self._rejected:
            return self._after_reject(size)
        COUNTERS["validated"] += 1
        core = self._core
        valid = core.feed(ba)
        before, self._total = self._total, core.position
        if valid:
            return True, core.complete, size, self._total
        self._rejected = True
        return False, False, self._total - before, self._total

    def _after_reject(self, size: int) -> Verdict:
        self._total += size
        return True, False, size, self._total


class PureValidator(Validator):
    """The same, as the validator of autobahn that is written in Python does."""

    def reset(self) -> None:
        """Start anew with another text."""
        super().reset()
        self._tail = b""  # at least what has come of a code point that is not whole
        self._octets: Any = None

    def __init__(self) -> None:
        super().__init__()
        self.reset()

    def validate(self, ba: ReadableBuffer) -> Verdict:
        """Take the next chunk; see `Verdict`. The index is that of the first invalid octet."""
        if self._octets is not None:
            stock: Verdict = self._octets.validate(ba)
            return stock
        verdict = super().validate(ba)
        if not verdict[1] and verdict[0]:
            self._tail = (self._tail + bytes(ba)[-3:])[-3:]
        return verdict

    def _after_reject(self, size: int) -> Verdict:
        return not size, False, 0, self._total

    def decode(self, b: int) -> int:
        """Take one octet and give the state that it leads to."""
        if self._octets is None:  # from here on the stock one does the work
            octets = STOCK_VALIDATOR()
            if self._rejected:
                octets.validate(b"\xff")
            elif not self._core.complete:
                lead = max(at for at, octet in enumerate(self._tail) if octet >= 0xC0)
                octets.validate(self._tail[lead:])
            octets._index = self._total
            self._octets = octets
        state: int = self._octets.decode(b)
        return state


def counterpart(stock: Any) -> Any:
    """Give the class of ours for a validator of autobahn's; one of another package stays."""
    if not stock.__module__.startswith("autobahn."):
        return stock
    return PureValidator if hasattr(stock, "decode") else Validator


Utf8Validator = counterpart(STOCK_VALIDATOR)


class XorMasker:
    """Mask data that comes in chunks.

    Args:
        mask: the key, of 4 bytes.
        length: how much data is to come, which only the stock maskers care about.
    """

    __slots__ = ("_length", "_mask", "_ptr")

    def __init__(self, mask: bytes, length: int | None = None) -> None:
        self._mask = mask
        self._length = length
        self._ptr = 0

    def pointer(self) -> int:
        """Give how much data was masked."""
        return self._ptr

    def reset(self) -> None:
        """Begin with the first octet of the key again."""
        self._ptr = 0

    def process(self, data: ReadableBuffer) -> bytes:
        """Mask the next chunk."""
        if type(data) in BUFFERS:
            masked = fastws.apply_mask(data, self._mask, self._ptr)
        else:  # which the stock one takes in its own way, or refuses in its own words
            stock = STOCK_CREATE_XOR_MASKER(self._mask, self._length)
            stock.process(bytes(self._ptr % 4))
            masked = stock.process(data)
        self._ptr += len(masked)
        return masked


def create_xor_masker(mask: bytes, length: int | None = None) -> Any:
    """Make a masker, as autobahn's function of that name does."""
    if type(mask) is not bytes or len(mask) != 4:
        return STOCK_CREATE_XOR_MASKER(mask, length)  # which tells what is wrong in its own words
    COUNTERS["maskers"] += 1
    return XorMasker(mask, length)


# What may be there without anybody else having a hand in it.
MAKERS = (create_xor_masker, STOCK_CREATE_XOR_MASKER)
VALIDATORS = (Utf8Validator, STOCK_VALIDATOR)
