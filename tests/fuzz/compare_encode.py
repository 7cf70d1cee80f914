"""Frames made, headers made and read, masks: against the pure twin, and read again."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from helpers import outcome

from fastws import _pure

from . import payloads
from .choices import Choices
from .streams import KEYS, LENGTHS
from .walk import same

OPCODES = [0, 1, 2, 8, 9, 10, 1, 2, 3, 7, 11, 15, 16, -1]
RSV = [0, 0, 0, 0x40, 0x20, 0x70, 0x80, -1]
MASKS: list[Any] = [None, False, *KEYS, b"123", "1234"]
MOST_CALLS = 8


def both(core: ModuleType, name: str, *args: Any, **kwargs: Any) -> Any:
    """Hold a function against its twin; give what it returns, or None where it raises."""
    ours = outcome(getattr(core, name), *args, **kwargs)
    same(name, ours, outcome(getattr(_pure, name), *args, **kwargs))
    return ours[2] if ours[0] == "returns" else None


def characters(choices: Choices, shape: int) -> Any:
    """Make a str of any width, lone surrogates too, or a buffer at any alignment."""
    raw = payloads.payload(choices, shape)
    kind = choices.byte() & 7
    if kind == 0:
        return raw
    if kind < 3:
        return memoryview(bytearray(kind) + raw)[kind:]
    if kind == 3:
        return raw.decode("latin-1")
    if kind == 4:
        return raw[: len(raw) & ~1].decode("utf-16-le", "surrogatepass" if raw else "strict")
    return raw.decode("utf-8", "replace" if kind == 5 else "ignore")


def frame(choices: Choices, core: ModuleType, shape: int) -> None:
    """Make a frame, and read it again."""
    opcode, rsv, mask = choices.pick(OPCODES), choices.pick(RSV), choices.pick(MASKS)
    fin = choices.byte() & 3 != 0
    try:
        payload = characters(choices, shape)
    except UnicodeDecodeError:  # a surrogate without its other half
        payload = "\ud800"
    made = both(core, "encode_frame", opcode, payload, fin=fin, rsv=rsv, mask=mask)
    if made is None:
        return
    for back_end in (core, _pure):
        decoder = back_end.FrameDecoder(None, rsv=0x70, strict=False, max_payload_size=None)
        decoder.feed(made)
        again = next(decoder)
        sent = payload.encode() if isinstance(payload, str) else bytes(payload)
        fields = (again.opcode, again.payload, again.fin, again.rsv, again.masked)
        same("the frame read again", fields, (opcode, sent, fin, rsv, bool(mask)))
        same("what stands behind it", decoder.buffered, 0)


def header(choices: Choices, core: ModuleType, shape: int) -> None:
    """Make a header, and read it again."""
    opcode, rsv, mask = choices.pick(OPCODES), choices.pick(RSV), choices.pick(MASKS)
    length = choices.pick(LENGTHS) + choices.pick((0, 1, -1))
    fin = shape & 3 != 0
    made = both(core, "encode_header", opcode, length, fin=fin, rsv=rsv, mask=mask)
    if made is not None:
        again = both(core, "parse_header", made)
        same("the header", again[2:], (opcode, bool(mask), mask or None, length, len(made)))
        same("its start", again[:2], (fin, rsv))


def read(choices: Choices, core: ModuleType, shape: int) -> None:
    """Read a header in any bytes, from any place."""
    both(core, "parse_header", choices.take(shape + 2), choices.byte() % 4 - 1)


def close(choices: Choices, core: ModuleType, shape: int) -> None:
    """Make a close frame."""
    code = choices.pick((None, *payloads.CODES, *payloads.BAD_CODES, -1))
    reason = payloads.payload(choices, shape).decode("utf-8", "replace")
    both(core, "encode_close", code, reason, mask=choices.pick(MASKS))


def mask(choices: Choices, core: ModuleType, shape: int) -> None:
    """Mask, to another place and in place, at any alignment and offset."""
    key, start, offset = choices.pick(KEYS), choices.byte() & 15, choices.byte() - 128
    raw = payloads.payload(choices, shape)
    made = both(core, "apply_mask", memoryview(bytearray(start) + raw)[start:], key, offset)
    same("masked twice", core.apply_mask(made, key, offset), raw)
    room = bytearray(b"\xa5" * start) + raw + b"\xa5" * 40
    core.mask_inplace(memoryview(room)[start : start + len(raw)], key, offset)
    same("in place", bytes(room), b"\xa5" * start + made + b"\xa5" * 40)


CALLS = [frame, frame, header, read, close, mask, frame, mask]


def check(choices: Choices, core: ModuleType) -> None:
    """Make calls that the fuzzer chooses."""
    for _ in range(MOST_CALLS):
        if choices.left:
            call = choices.byte()
            CALLS[call & 7](choices, core, call >> 4)
