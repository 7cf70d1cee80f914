"""The incremental UTF-8 validator that wsaccel made common, with the answers of its automaton.

autobahn, gevent-websocket and ws4py hold one per connection and ask `validate()` for four things:
valid so far, ends on a code point, index within this chunk, index within all of them. An index is
that of the first byte that cannot stand where it stands. Rule: the core walks the text; the
automaton takes only the bytes of a code point that a chunk begins or ends in, and `decode()`.
"""

from __future__ import annotations

import fastws
from fastws import validate_utf8

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar

    from _typeshed import ReadableBuffer

__all__ = ["Utf8Validator", "octets"]

ACCEPT, REJECT = 0, 1

# The automaton of "Flexible and Economical UTF-8 Decoder" (Bjoern Hoehrmann), whose states users
# can see. The class of a byte also says how many of a lead byte's upper bits are no payload.
FIRST_OF_CLASS = {0x00: 0, 0x80: 1, 0x90: 9, 0xA0: 7}
FIRST_OF_CLASS |= {0xC0: 8, 0xC2: 2, 0xE0: 10, 0xE1: 3, 0xED: 4, 0xEE: 3}
FIRST_OF_CLASS |= {0xF0: 11, 0xF1: 6, 0xF4: 5, 0xF5: 8}
CLASSES = [0] * 256
for _byte in range(256):
    CLASSES[_byte] = FIRST_OF_CLASS.get(_byte, CLASSES[_byte - 1])
# state: class: next state; what is not listed is REJECT.
STEPS = {
    ACCEPT: {0: ACCEPT, 2: 2, 3: 3, 4: 5, 5: 8, 6: 7, 10: 4, 11: 6},
    REJECT: {},
    2: dict.fromkeys((1, 7, 9), ACCEPT),
    3: dict.fromkeys((1, 7, 9), 2),
    4: {7: 2},  # after E0: below would be overlong
    5: dict.fromkeys((1, 9), 2),  # after ED: above are surrogates
    6: dict.fromkeys((7, 9), 3),  # after F0: below would be overlong
    7: dict.fromkeys((1, 7, 9), 3),
    8: {1: 3},  # after F4: above is beyond U+10FFFF
}


def octets(data: ReadableBuffer) -> bytes | bytearray | memoryview:
    """Give data as wsaccel takes it: any buffer of single bytes in one dimension.

    Raises:
        TypeError: it is no buffer.
        ValueError: its items are larger, or signed, or it has more dimensions.
    """
    if isinstance(data, bytes | bytearray):
        return data
    try:
        view = memoryview(data)
    except TypeError:
        name = type(data).__name__
        raise TypeError(f"a bytes-like object is required, not '{name}'") from None
    if view.ndim != 1 or view.format not in ("B", "c"):
        raise ValueError(f"a buffer of bytes in one dimension is required, not '{view.format}'")
    return view


class Utf8Validator:
    """Check text that comes in chunks.

    state: 0 between code points, 1 after an invalid byte, else what is still to come of a code
    point. i: bytes that were valid so far. codepoint: what `decode()` has put together.
    """

    __slots__ = ("codepoint", "i", "state")

    UTF8_ACCEPT = ACCEPT
    UTF8_REJECT = REJECT
    # How many chunks were checked; an adapter derives a class with its own.
    COUNTERS: ClassVar[dict[str, int]] = {"validated": 0}

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin a new text."""
        self.state = ACCEPT
        self.codepoint = 0
        self.i = 0

    def decode(self, b: int) -> int:
        """Take one byte, and give the state; with 0, `codepoint` is whole."""
        kind = CLASSES[b]
        if self.state != ACCEPT:
            self.codepoint = (b & 0x3F) | (self.codepoint << 6)
        else:
            self.codepoint = (0xFF >> kind) & b
        self.state = STEPS[self.state].get(kind, REJECT)
        return self.state

    def validate(self, ba: ReadableBuffer) -> tuple[bool, bool, int, int]:
        """Take a chunk.

        Returns:
            Whether the text is valid so far; whether it ends on a code point; the index within
            this chunk, and within the whole text, of the first invalid byte, or of the end. After
            an invalid byte all that follows is invalid, until `reset()`.
        """
        self.COUNTERS["validated"] += 1
        data = ba if type(ba) is bytes or type(ba) is bytearray else octets(ba)
        if self.state != ACCEPT or not validate_utf8(data):
            return self._go_on(data)
        size = len(data)
        self.i += size
        return True, True, size, self.i

    def _go_on(self, data: bytes | bytearray | memoryview) -> tuple[bool, bool, int, int]:
        """Take a chunk that begins or ends inside a code point, or is not valid."""
        raw = data if isinstance(data, bytes) else bytes(data)
        state, at, size = self.state, 0, len(raw)
        while at < size and state != ACCEPT:
            state = STEPS[state].get(CLASSES[raw[at]], REJECT)
            if state == REJECT:
                return self._reject(at)
            at += 1
        if at < size:
            rest = fastws.Utf8Validator()
            if not rest.feed(memoryview(raw)[at:]):
                return self._reject(at + rest.position)
            if not rest.complete:
                state = _open_state(raw)
        self.state = state
        self.i += size
        return True, state == ACCEPT, size, self.i

    def _reject(self, at: int) -> tuple[bool, bool, int, int]:
        self.state = REJECT
        self.i += at
        return False, False, at, self.i


def _open_state(raw: bytes) -> int:
    """Give the state at the end of valid text that ends inside a code point."""
    lead = next(k for k in (1, 2, 3) if raw[-k] >= 0xC0)
    state = ACCEPT
    for byte in raw[-lead:]:
        state = STEPS[state][CLASSES[byte]]
    return state
