"""Text to a masked frame, by script and size: ours, and `encode()` with the rivals' masks."""

from __future__ import annotations

import pytest
from experiments import TimeSide

from fastws._bench.data import KIB
from fastws._bench.experiments import Case

CASES = [
    Case(size, script)
    for script in ("ascii", "latin", "cyrillic", "cjk", "emoji")
    for size in (16, 125, KIB, 64 * KIB)
]


@pytest.mark.parametrize("name", ["ours", "pure", "websockets", "aiohttp", "picows", "tornado"])
@pytest.mark.parametrize("case", CASES)
def test_encode(time_side: TimeSide, case: Case, name: str) -> None:
    time_side("encode", case, name)
