"""UTF-8: decode_text(), validate_utf8() and Utf8Validator against pure twins and the naive."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from helpers import naive_utf8_fault, outcome

from fastws import _pure

from . import payloads
from .choices import Choices
from .streams import KEYS, masked
from .walk import pieces, plan, same

MOST_NAIVE = 4000  # bytes


def decoded(core: ModuleType, view: memoryview, key: bytes | None) -> None:
    """Hold decode_text() against its twin and against the interpreter."""
    plain = masked(bytes(view), key) if key else bytes(view)
    ours = outcome(core.decode_text, view, key)
    same("decode_text", ours, outcome(_pure.decode_text, view, key))
    try:
        expected: Any = plain.decode()
    except UnicodeDecodeError:
        expected = None
    same("the text", ours[2] if ours[0] == "returns" else None, expected)
    same("validate_utf8", core.validate_utf8(view), _pure.validate_utf8(view))


def validated(core: ModuleType, text: bytes, steps: bytes) -> None:
    """Hold validators against each other after each part, and the end against the definition."""
    pair = [back_end.Utf8Validator() for back_end in (core, _pure)]
    for piece, step in pieces(text, steps):
        part = memoryview(bytearray(step >> 6) + piece)[step >> 6 :]
        same("feed", *[validator.feed(part) for validator in pair])
        same("position", *[validator.position for validator in pair])
        same("complete", *[validator.complete for validator in pair])
    if len(text) <= MOST_NAIVE:
        fault = naive_utf8_fault(text)
        place = len(text) if fault is None else fault
        shown = pair[0].complete, pair[0].position
        same("the definition", shown, (fault is None, place))


def check(choices: Choices, core: ModuleType) -> None:
    """Check a text that the fuzzer chooses, at any alignment, masked or not, whole and in parts."""
    kind = choices.byte()
    steps = plan(choices)
    text = b""
    for _ in range(4):
        if choices.left:
            text += payloads.payload(choices, choices.byte() & 15)
    if kind & 64 and text:
        at = choices.byte() % len(text)
        text = text[:at] + text[at + 1 :]
    key = KEYS[kind & 3] if kind & 4 else None
    sent = masked(text, key) if key else text
    start = kind >> 3 & 7
    decoded(core, memoryview(bytearray(start) + sent)[start:], key)
    validated(core, text, steps)
