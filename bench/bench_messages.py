"""Streams of ASCII and of binary messages, by size: MessageDecoder, rivals and plain CPython."""

from __future__ import annotations

import pytest
from experiments import TimeSide

from fastws._bench.data import KIB, MIB
from fastws._bench.experiments import Case

CASES = [
    Case(size, script)
    for script in ("ascii", "")
    for size in (16, 125, KIB, 16 * KIB, 64 * KIB, MIB)
]


@pytest.mark.parametrize(
    "name", ["ours", "pure", "plain", "aiohttp", "picows", "websockets", "tornado", "wsproto"]
)
@pytest.mark.parametrize("case", CASES)
def test_messages(time_side: TimeSide, case: Case, name: str) -> None:
    time_side("messages", case, name)
