"""Streams of binary frames, by size: FrameDecoder and the rivals' parsers."""

from __future__ import annotations

import pytest
from experiments import TimeSide

from fastws._bench.data import KIB, MIB
from fastws._bench.experiments import Case

CASES = [Case(size) for size in (16, 125, KIB, 64 * KIB, MIB)]


@pytest.mark.parametrize(
    "name", ["ours", "pure", "aiohttp", "picows", "websockets", "tornado", "wsproto"]
)
@pytest.mark.parametrize("case", CASES)
def test_frames(time_side: TimeSide, case: Case, name: str) -> None:
    time_side("frames", case, name)
