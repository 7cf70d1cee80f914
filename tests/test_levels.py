"""The SIMD level that is in use, which tests change in this process; test_backend.py has others."""

from __future__ import annotations

import pytest

import fastws

if not fastws.ACCELERATED:
    pytest.skip("levels are the compiled core's", allow_module_level=True)

from fastws import _codec

LEVELS = _codec.levels()


@pytest.mark.parametrize("level", LEVELS)
def test_level_that_is_taken_is_the_one_in_use(level: str) -> None:
    before = _codec._level()
    try:
        _codec._use_level(level)
        assert _codec._level() == level
    finally:
        _codec._use_level(before)


def test_level_that_is_not_there_is_refused() -> None:
    before = _codec._level()
    with pytest.raises(ImportError, match=f"^FASTWS_SIMD=avx: this machine has {LEVELS[0]}"):
        _codec._use_level("avx")
    assert _codec._level() == before
