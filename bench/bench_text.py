"""Streams of text beyond ASCII, by script and size: MessageDecoder, rivals and plain CPython."""

from __future__ import annotations

import pytest
from data import KIB
from experiments import Case, TimeSide

CASES = [
    Case(size, script)
    for script in ("latin", "cyrillic", "cjk", "emoji")
    for size in (KIB, 16 * KIB, 64 * KIB)
]


@pytest.mark.parametrize("name", ["ours", "plain", "aiohttp", "picows"])
@pytest.mark.parametrize("case", CASES)
def test_text(time_side: TimeSide, case: Case, name: str) -> None:
    time_side("messages", case, name)
