"""Checking UTF-8, by script and size: ours, and CPython's decoder."""

from __future__ import annotations

import pytest
from experiments import TimeSide

from fastws._bench.data import KIB
from fastws._bench.experiments import Case

CASES = [
    Case(size, script)
    for script in ("ascii", "2-byte", "3-byte", "4-byte")
    for size in (16, 125, KIB, 64 * KIB)
]


@pytest.mark.parametrize("name", ["ours", "pure", "decode"])
@pytest.mark.parametrize("case", CASES)
def test_utf8(time_side: TimeSide, case: Case, name: str) -> None:
    time_side("utf8", case, name)
