"""FrameDecoder against its pure twin."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from twins import frame_fields, frame_state

from fastws import _pure

from .choices import Choices
from .streams import Writer
from .walk import LIMITS, plan, walk_together

ROLES = ["server", "client", None]
RSV = [0, 0x40, 0x60, 0x70]


def set_limit(decoder: Any, limit: int | None) -> None:
    decoder.max_payload_size = limit


def check(choices: Choices, core: ModuleType) -> None:
    """Drive both over a stream, with options that the fuzzer chooses."""
    role = choices.pick(ROLES)
    kind = choices.byte()
    options = {
        "max_payload_size": LIMITS[kind >> 4] if kind >> 4 < len(LIMITS) else 1 << 20,
        "rsv": RSV[kind & 3],
        "strict": not kind & 4,
    }
    steps = plan(choices)
    mask = role == "server" or (role is None and kind & 8 != 0)
    stream = Writer(choices, mask).stream()
    pair = [back_end.FrameDecoder(role, **options) for back_end in (core, _pure)]
    walk_together(pair, stream, steps, frame_fields, frame_state, set_limit)
