"""MessageDecoder against its pure twin, with deflate and without."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from twins import event_fields, message_state

from fastws import _pure
from fastws.deflate import Deflate, PerMessageDeflate

from .choices import Choices
from .compare_frames import ROLES
from .streams import Writer
from .walk import LIMITS, plan, walk_together

# Small windows and little memory: what is made anew for each stream.
SETTINGS = PerMessageDeflate(mem_level=1, level=1, threshold=4)
FRAGMENTS = [1 << 17, None, 3, 1]


def set_limit(decoder: Any, limit: int | None) -> None:
    decoder.max_message_size = limit


def deflates(kind: int, count: int) -> list[Deflate]:
    """Make as many pairs of compressed streams on the same terms."""
    bits, takeover = (9, 9, 10, 15)[kind & 3], not kind & 4
    terms = (bits, bits, takeover, takeover)
    return [Deflate(SETTINGS, *terms) for _ in range(count)]


def check(choices: Choices, core: ModuleType) -> None:
    """Drive both over a stream, with options that the fuzzer chooses."""
    role = choices.pick(ROLES)
    kind, limit = choices.byte(), choices.byte()
    options = {
        "max_message_size": LIMITS[limit & 15] if limit & 15 < len(LIMITS) else 1 << 20,
        "max_fragments": FRAGMENTS[limit >> 4 & 3],
        "text": "bytes" if kind & 1 else "str",
        "validate_utf8": not kind & 2,
    }
    deflate: list[Any] = deflates(kind >> 5, 3) if kind & 16 else [None] * 3
    steps = plan(choices)
    mask = role == "server" or (role is None and kind & 8 != 0)
    stream = Writer(choices, mask, deflate[0]).stream()
    pair = [
        back_end.MessageDecoder(role, deflate=inflates, **options)
        for back_end, inflates in zip((core, _pure), deflate[1:], strict=True)
    ]
    walk_together(pair, stream, steps, event_fields, message_state, set_limit)
