"""Streams of binary frames, by size: FrameDecoder and the rivals' parsers."""

from __future__ import annotations

import pytest
from data import KIB, MIB
from experiments import Case, TimeSide

CASES = [Case(size) for size in (16, 125, KIB, 64 * KIB, MIB)]


@pytest.mark.parametrize("name", ["ours", "aiohttp", "picows", "websockets", "wsproto"])
@pytest.mark.parametrize("case", CASES)
def test_frames(time_side: TimeSide, case: Case, name: str) -> None:
    time_side("frames", case, name)
