"""Streams that a fuzzer chooses: frames that keep the rules, or break one in a given way."""

from __future__ import annotations

from collections.abc import Callable

from helpers import naive_header

from fastws.deflate import Deflate

from . import payloads
from .choices import Choices

KEYS = [bytes.fromhex("37fa213d"), bytes(4), b"\xff\x00\x80\x7f", b"\x00\x00\x00\x80"]
# Many small streams find more than a few large ones do.
MOST_FRAMES, LARGE = 12, 3000
RSV1 = 0x40
# What a header may declare beside the truth.
LENGTHS = [
    *(0, 1, 124, 125, 126, 127, 255, 65535, 65536, 70_000, (1 << 64) - 1),
    *((1 << bits) + more for bits in (31, 32, 62, 63) for more in (-65, -1, 0, 1)),
]
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


def masked(payload: bytes, key: bytes) -> bytes:
    """Mask a payload of any size."""
    size = len(payload)
    if not size or key == bytes(4):
        return payload
    wide = int.from_bytes((key * (size // 4 + 1))[:size], "big")
    return (int.from_bytes(payload, "big") ^ wide).to_bytes(size, "big")


class Writer:
    """Writes what one peer sends."""

    def __init__(self, choices: Choices, mask: bool, deflate: Deflate | None = None) -> None:
        self.choices = choices
        self.mask = mask
        self.deflate = deflate
        self.opcode = 0  # of the message in progress
        self.packing = False  # whether it is compressed
        self.large = False  # whether a large payload was written
        self.out = bytearray()

    def stream(self) -> bytes:
        """Write until nothing is left to choose by."""
        choices = self.choices
        for _ in range(MOST_FRAMES):
            if not choices.left:
                break
            how = choices.byte()
            WAYS[how & 15](self, how >> 4)
        return bytes(self.out)

    def write(
        self,
        opcode: int,
        payload: bytes,
        *,
        fin: bool = True,
        rsv: int = 0,
        mask: bool | None = None,
        form: int | None = None,
        length: int | None = None,
    ) -> None:
        """Write a frame; of what is too much, the header only. One payload may be large."""
        key = None
        if self.mask if mask is None else mask:
            key = self.choices.pick(KEYS)
        declared = len(payload) if length is None else length
        self.out += naive_header(opcode, declared, fin=fin, rsv=rsv, mask=key, form=form)
        if len(payload) <= LARGE or not self.large:
            self.out += masked(payload, key) if key else payload
            self.large |= len(payload) > LARGE

    # --- What keeps the rules ---

    def data(self, opcode: int, payload: bytes, fin: bool) -> None:
        """Begin a message, or go on with the one in progress."""
        rsv = 0
        if not self.opcode:
            self.packing = self.deflate is not None and self.choices.byte() % 4 > 0
            rsv = RSV1 if self.packing else 0
        if self.packing and self.deflate is not None:
            payload = self.deflate.compress(payload, fin=fin)
        self.write(CONTINUATION if self.opcode else opcode, payload, fin=fin, rsv=rsv)
        self.opcode = 0 if fin else self.opcode or opcode

    def text(self, shape: int) -> None:
        self.data(TEXT, payloads.payload(self.choices, shape), True)

    def binary(self, shape: int) -> None:
        self.data(BINARY, payloads.payload(self.choices, shape), True)

    def fragment(self, shape: int) -> None:
        opcode = self.opcode or self.choices.pick((TEXT, TEXT, BINARY))
        self.data(opcode, payloads.payload(self.choices, shape), False)

    def pieces(self, shape: int) -> None:
        """Send one payload in fragments of one size, so that characters are cut."""
        payload = payloads.payload(self.choices, shape)
        size = max(1 + self.choices.byte() % 40, len(payload) // 20)
        for at in range(0, len(payload), size):
            self.data(TEXT, payload[at : at + size], at + size >= len(payload))

    def ping(self, shape: int) -> None:
        self.write(PING, payloads.payload(self.choices, shape)[:125])

    def pong(self, shape: int) -> None:
        self.write(PONG, payloads.payload(self.choices, shape)[:125])

    def close(self, shape: int) -> None:
        self.write(CLOSE, payloads.close(self.choices, shape)[:125])

    # --- What may break one ---

    def any_start(self, shape: int) -> None:
        """Any opcode, any reserved bits, fin or not."""
        first = self.choices.byte()
        fin, rsv, opcode = first > 0x7F, first & 0x70, first & 0x0F
        self.write(opcode, payloads.payload(self.choices, shape), fin=fin, rsv=rsv)

    def long_form(self, shape: int) -> None:
        """A length in more bytes than it needs, where it is short enough."""
        opcode = self.choices.pick((TEXT, BINARY, PING, CLOSE))
        payload = payloads.payload(self.choices, shape)[:65535]
        self.write(opcode, payload, form=self.choices.pick((16, 64)))

    def false_length(self, shape: int) -> None:
        """Any length, and any payload."""
        opcode = self.choices.pick((TEXT, BINARY, CONTINUATION, PING))
        length = self.choices.pick(LENGTHS)
        payload = payloads.payload(self.choices, shape)[:200]
        self.write(opcode, payload, length=length, fin=shape % 4 != 0)

    def other_mask(self, shape: int) -> None:
        """Masked where it may not be, and the other way round."""
        self.write(TEXT, payloads.payload(self.choices, shape), mask=not self.mask)

    def empty_flood(self, shape: int) -> None:
        """Many fragments of one message, of no byte or of one."""
        for _ in range(2 * shape):
            self.write(CONTINUATION if self.opcode else BINARY, b"x"[: shape % 2], fin=False)
            self.opcode = self.opcode or BINARY

    def junk(self, shape: int) -> None:
        self.out += self.choices.take(shape + 1)

    def cut(self, shape: int) -> None:
        """Take away what was written last."""
        del self.out[max(0, len(self.out) - 1 - shape) :]

    def flip(self, shape: int) -> None:
        """Change one bit of the last 250 bytes."""
        if self.out:
            at = len(self.out) - 1 - self.choices.byte() % min(250, len(self.out))
            self.out[at] ^= 1 << shape % 8


WAYS: list[Callable[[Writer, int], None]] = [
    Writer.text,
    Writer.binary,
    Writer.fragment,
    Writer.text,
    Writer.pieces,
    Writer.ping,
    Writer.pong,
    Writer.close,
    Writer.any_start,
    Writer.long_form,
    Writer.false_length,
    Writer.other_mask,
    Writer.empty_flood,
    Writer.junk,
    Writer.cut,
    Writer.flip,
]
