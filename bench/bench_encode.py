"""Text to a masked frame, by script and size: ours, and `encode()` with the rivals' masks."""

from __future__ import annotations

import pytest
from data import KIB
from experiments import Case, TimeSide

CASES = [
    Case(size, script)
    for script in ("ascii", "latin", "cyrillic", "cjk", "emoji")
    for size in (16, 125, KIB, 64 * KIB)
]


@pytest.mark.parametrize("name", ["ours", "websockets", "aiohttp", "picows"])
@pytest.mark.parametrize("case", CASES)
def test_encode(time_side: TimeSide, case: Case, name: str) -> None:
    time_side("encode", case, name)
