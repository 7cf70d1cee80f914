"""Streams of text beyond ASCII, by script and size: MessageDecoder, rivals and plain CPython."""

from __future__ import annotations

import pytest
from experiments import TimeSide

from fastws._bench.data import KIB
from fastws._bench.experiments import Case

CASES = [
    Case(size, script)
    for script in ("latin", "cyrillic", "cjk", "emoji")
    for size in (KIB, 16 * KIB, 64 * KIB)
]


@pytest.mark.parametrize(
    "name", ["ours", "pure", "plain", "aiohttp", "picows", "websockets", "tornado", "wsproto"]
)
@pytest.mark.parametrize("case", CASES)
def test_text(time_side: TimeSide, case: Case, name: str) -> None:
    time_side("messages", case, name)
