"""Payloads and streams: what the benchmarks feed to every side alike.

A stream is masked frames in reads of 64 KiB, at most 256 KiB of them where no other size is asked
for (or one message, where that is longer), to be fed again and again: that is as warm as a socket
leaves it. Everything is made from fixed seeds.
"""

from __future__ import annotations

from random import Random
from typing import NamedTuple

KIB = 1024
MIB = 1 << 20
LONG = 10 * MIB

READ = 64 * KIB  # what one read of a socket brings at most
STREAM = 256 * KIB

TEXT = 1
BINARY = 2

KEY = bytes.fromhex("37fa213d")

# The sizes over which geometric means are taken, and those that "at any size" adds.
SIZES = (16, 64, 125, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB)
SMALLEST = (0, 1, 4, 8)

# Samples that are repeated up to a size: as people write, and characters of one length alone.
SAMPLES = {
    "ascii": '{"type":"trade","symbol":"ABC","price":101.25,"size":300,"buy":true},',
    "latin": "Die Straße nach München führt über grüne Hügel, größtenteils schön. ",
    "cyrillic": "Съешь же ещё этих мягких французских булок, да выпей чаю. ",
    "cjk": "いろはにほへと散りぬるを、我が世誰ぞ常ならむ。",
    "emoji": "😀🎉🚀👍🌍🔥",
    "2-byte": "é",
    "3-byte": "漢",
    "4-byte": "😀",
}


def text(script: str, size: int) -> str:
    """Give text of a script whose UTF-8 has `size` bytes, or up to 3 fewer."""
    sample = SAMPLES[script].encode()
    return (sample * (size // len(sample) + 1))[:size].decode(errors="ignore")


def noise(size: int) -> bytes:
    """Give bytes without a pattern."""
    return Random(size).randbytes(size)


def masked(payload: bytes, key: bytes) -> bytes:
    """Mask without any of the code that is measured."""
    size = len(payload)
    repeated = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload) ^ int.from_bytes(repeated)).to_bytes(size)


def header(opcode: int, size: int, key: bytes) -> bytes:
    """Write the header of a masked frame (RFC 6455 5.2)."""
    if size < 126:
        return bytes([0x80 | opcode, 0x80 | size]) + key
    if size < 0x10000:
        return bytes([0x80 | opcode, 0x80 | 126]) + size.to_bytes(2) + key
    return bytes([0x80 | opcode, 0x80 | 127]) + size.to_bytes(8) + key


def frame(opcode: int, payload: bytes, key: bytes) -> bytes:
    """Build a masked frame without any of the code that is measured."""
    return header(opcode, len(payload), key) + masked(payload, key)


def unmasked(wire: bytes) -> bytes:
    """Give the payload of one whole masked frame."""
    at = {126: 4, 127: 10}.get(wire[1] & 0x7F, 2)
    return masked(wire[at + 4 :], wire[at : at + 4])


class Stream(NamedTuple):
    """Frames as a socket brings them, and what is in them."""

    opcode: int
    reads: list[bytes]
    payloads: list[bytes]

    @property
    def messages(self) -> list[str] | list[bytes]:
        """Give what a decoder of messages makes of it."""
        if self.opcode == TEXT:
            return [payload.decode() for payload in self.payloads]
        return self.payloads


def stream(opcode: int, payload: bytes, size: int = STREAM) -> Stream:
    """Give about `size` bytes of frames that carry one payload, each under a key of its own."""
    random = Random(len(payload))
    first = frame(opcode, payload, random.randbytes(4))
    count = max(1, size // len(first))
    wire = first + b"".join(frame(opcode, payload, random.randbytes(4)) for _ in range(count - 1))
    reads = [wire[at : at + READ] for at in range(0, len(wire), READ)]
    # Objects of their own, for whoever reads them instead of the frames.
    return Stream(opcode, reads, [bytes(bytearray(payload)) for _ in range(count)])


def same_letter(read_size: int) -> list[bytes]:
    """Give reads that, repeated in turn, are the masked payload of a text of one letter."""
    count = 1 if read_size % 4 == 0 else 4
    wire = masked(b"a" * (count * read_size), KEY)
    return [wire[at : at + read_size] for at in range(0, len(wire), read_size)]
