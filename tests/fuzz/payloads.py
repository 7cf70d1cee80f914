"""Payloads that a fuzzer chooses: text of every width, text that is none, close payloads, bytes."""

from __future__ import annotations

from .choices import Choices

# Runs of each width, and the code points at which widths and UTF-8's lengths change.
PIECES = [
    text.encode()
    for text in (
        *("a", "hello, ", "\x00", "\x7f", "\x80", "\xe9", "\xff", "\u0100", "\u07ff", "\u0800"),
        *("\u20ac", "\ud7ff", "\ue000", "\ufeff", "\uffff", "\U00010000", "\U0001f600"),
        *("\U0010ffff", "x" * 16, "x" * 31, "x" * 33, "\xe9" * 16, "\u20ac" * 16),
        *("\U0001f600" * 9, "x" * 63, "\xe9" * 33, "ab\u20accd", "\u0416" * 20, "x\xe9" * 12),
    )
]
BAD = [
    *(b"\x80", b"\xbf", b"\xc0\x80", b"\xc1\xbf", b"\xe0\x9f\xbf", b"\xed\xa0\x80", b"\xed\xbf"),
    *(b"\xf0\x8f\xbf\xbf", b"\xf4\x90\x80\x80", b"\xf5", b"\xff", b"\xfe\xff", b"\xc3"),
    *(b"\xe2\x82", b"\xf0\x9f\x98", b"\xe2\x28\xa1", b"\xc3\xc3", b"\xf0\x9f", b"\xed", b"\xf4"),
]
# Where length forms, loops of vectors, pieces of text and direct reads begin and end.
SIZES = [
    *(1, 2, 7, 16, 31, 32, 33, 63, 64, 65, 100, 124, 125, 126, 127, 128, 129, 200, 255, 256, 300),
    *(511, 512, 513, 1000, 1023, 1024, 1025, 4095, 4096, 4097, 5000, 17000, 65535, 65536),
]
CODES = [1000, 1001, 1003, 1007, 1011, 1013, 1014, 3000, 4999]
BAD_CODES = [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535]


def run(choices: Choices, unit: bytes) -> bytes:
    """Repeat something up to one of the sizes."""
    return unit * (choices.pick(SIZES) // len(unit))


def text(choices: Choices, most: int = 8) -> bytes:
    """Put pieces of text together."""
    count = 1 + choices.byte() % most
    return b"".join([choices.pick(PIECES) for _ in range(count)])


def literal(choices: Choices) -> bytes:
    """Take the fuzzer's bytes as they are."""
    return choices.take(choices.byte())


SHAPES = [
    lambda choices: b"",
    lambda choices: choices.take(choices.byte() % 24),
    literal,
    lambda choices: text(choices, 2),
    text,
    text,
    lambda choices: text(choices) + literal(choices),
    lambda choices: text(choices, 4) + choices.pick(BAD) + text(choices, 2),
    lambda choices: text(choices, 4) + choices.pick(BAD),
    lambda choices: run(choices, b"x"),
    lambda choices: run(choices, b"\xc3\xa9"),
    lambda choices: run(choices, b"\xe2\x82\xac"),
    lambda choices: run(choices, b"\xf0\x9f\x98\x80"),
    lambda choices: run(choices, b"x") + text(choices, 2),
    lambda choices: choices.pick(PIECES) + run(choices, b"\xd0\x96") + choices.pick(PIECES),
    lambda choices: run(choices, choices.take(5) or b"\xff"),
]


def payload(choices: Choices, shape: int) -> bytes:
    """Make a payload of one of 16 shapes."""
    return SHAPES[shape](choices)


def close(choices: Choices, shape: int) -> bytes:
    """Make the payload of a close frame; seven of the 16 shapes may be sent (RFC 6455 5.5.1)."""
    code = choices.pick(CODES).to_bytes(2, "big")
    if shape < 6:
        return b"" if shape == 0 else code if shape < 3 else code + text(choices, 3)[:123]
    if shape == 6:
        return code + b"x" * 123
    if shape < 9:
        return choices.pick(BAD_CODES).to_bytes(2, "big") + text(choices, 2)
    if shape < 12:
        return code + text(choices, 2) + choices.pick(BAD)
    return code[:1] if shape == 12 else code + b"x" * 124 if shape == 13 else literal(choices)
