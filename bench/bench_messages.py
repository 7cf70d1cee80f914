"""Streams of ASCII and of binary messages, by size: MessageDecoder, rivals and plain CPython."""

from __future__ import annotations

import pytest
from data import KIB, MIB
from experiments import Case, TimeSide

CASES = [
    Case(size, script)
    for script in ("ascii", "")
    for size in (16, 125, KIB, 16 * KIB, 64 * KIB, MIB)
]


@pytest.mark.parametrize("name", ["ours", "plain", "aiohttp", "picows"])
@pytest.mark.parametrize("case", CASES)
def test_messages(time_side: TimeSide, case: Case, name: str) -> None:
    time_side("messages", case, name)
