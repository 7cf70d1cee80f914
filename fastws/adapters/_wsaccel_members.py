"""What the modules of wsaccel hold, done by fastws: validator, maskers and the two patch functions.

The names, the order of parameters and the texts are wsaccel's, so that code which was written for
it finds what it expects. The modules themselves are made at run time, by `make()`.
"""

from __future__ import annotations

from types import ModuleType

from fastws import apply_mask

from . import _utf8_validator
from ._utf8_validator import octets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sized
    from typing import Any, TypeVar

    from _typeshed import ReadableBuffer

    Data = TypeVar("Data", bound=Sized)

__all__ = ["COUNTERS", "MEMBERS", "Utf8Validator", "XorMaskerNull", "XorMaskerSimple", "make"]

VERSION = "0.6.7"  # the one whose behaviour stands here
COUNTERS = {"masked": 0, "validated": 0}


class Utf8Validator(_utf8_validator.Utf8Validator):
    """Check text that comes in chunks, as `wsaccel.utf8validator.Utf8Validator` does."""

    __slots__ = ()
    COUNTERS = COUNTERS


class XorMaskerNull:
    """Count what goes through, and give it back as it is."""

    __slots__ = ("_pointer",)

    def __init__(self, mask: object = None) -> None:
        self._pointer = 0

    def pointer(self) -> int:
        """Give how many bytes went through since the start, or since `reset()`."""
        return self._pointer

    def reset(self) -> None:
        """Begin anew."""
        self._pointer = 0

    def process(self, data: Data) -> Data:
        """Take the next bytes."""
        self._pointer += len(data)
        return data


class XorMaskerSimple:
    """Mask or unmask a payload that comes in pieces.

    Args:
        mask: the masking key.

    Raises:
        ValueError: it is not 4 bytes.
    """

    __slots__ = ("_mask", "_pointer")

    def __init__(self, mask: ReadableBuffer | None) -> None:
        if mask is None or len(key := bytes(octets(mask))) != 4:
            raise ValueError("mask should be 4byte.")
        self._mask = key
        self._pointer = 0

    def pointer(self) -> int:
        """Give how many bytes went through since the start, or since `reset()`."""
        return self._pointer

    def reset(self) -> None:
        """Begin a new payload with the same masking key."""
        self._pointer = 0

    def process(self, data: ReadableBuffer | None) -> bytes:
        """Give the next bytes of the payload, masked or unmasked."""
        COUNTERS["masked"] += 1
        if data is None:
            return b""
        masked = apply_mask(octets(data), self._mask, self._pointer & 3)
        self._pointer += len(masked)
        return masked


def create_xor_masker(
    mask: ReadableBuffer | None, len: int | None = None, *, length: int | None = None
) -> XorMaskerSimple:
    """Make a masker; the length of the payload, by either name, is of no use to it."""
    return XorMaskerSimple(mask)


def patch_autobahn() -> None:
    """Set what autobahn looked for in `autobahn.websocket` before it imported wsaccel itself."""
    import autobahn.websocket

    host: Any = autobahn.websocket
    host.Utf8Validator = Utf8Validator
    host.XorMaskerNull = XorMaskerNull
    host.XorMaskerSimple = host.XorMaskerShifted1 = XorMaskerSimple


def patch_ws4py() -> None:
    """Put the validator and the masker into ws4py, for good; payloads are `bytes` from then on.

    `fastws.install("ws4py")` changes no type, and can be taken back.
    """
    from ws4py import framing, streaming

    def mask(self: Any, data: Any) -> Any:
        return XorMaskerSimple(self.masking_key).process(data) if self.masking_key else data

    streaming.Utf8Validator = Utf8Validator
    framing.Frame.mask = framing.Frame.unmask = mask


MEMBERS: dict[str, dict[str, Any]] = {
    "wsaccel": {
        "__version__": VERSION,
        "patch_autobahn": patch_autobahn,
        "patch_ws4py": patch_ws4py,
    },
    "wsaccel.utf8validator": {"Utf8Validator": Utf8Validator},
    "wsaccel.xormask": {
        "XorMaskerNull": XorMaskerNull,
        "XorMaskerSimple": XorMaskerSimple,
        "createXorMasker": create_xor_masker,
    },
}


def make(name: str) -> ModuleType:
    """Make one of wsaccel's modules."""
    module = ModuleType(name, f"What {name} offers, done by fastws.")
    vars(module).update(MEMBERS[name])
    return module
