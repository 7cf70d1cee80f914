"""Masking, by size: ours, the rivals' and a plain copy."""

from __future__ import annotations

import pytest
from experiments import TimeSide

from fastws._bench.data import KIB, MIB
from fastws._bench.experiments import Case

CASES = [Case(size) for size in (8, 125, KIB, 16 * KIB, 64 * KIB, MIB)]


@pytest.mark.parametrize(
    "name", ["ours", "pure", "websockets", "aiohttp", "picows", "tornado", "wsproto", "copy"]
)
@pytest.mark.parametrize("case", CASES)
def test_mask(time_side: TimeSide, case: Case, name: str) -> None:
    time_side("mask", case, name)


@pytest.mark.parametrize("name", ["ours", "pure", "aiohttp"])
@pytest.mark.parametrize("case", CASES)
def test_mask_inplace(time_side: TimeSide, case: Case, name: str) -> None:
    time_side("mask_inplace", case, name)
