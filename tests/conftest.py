"""What every test shares: the fixture that runs it on each back end and SIMD level.

The compiled core has to be there. A missing one would leave the pure twin alone under test, and
green; so it is an error of the whole run, unless FASTWS_NO_EXTENSIONS=1 says that it is not wanted.
"""

from __future__ import annotations

import ctypes
import gc
import mmap
import os
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest
from hypothesis import HealthCheck, settings

from fastws import _pure

if os.environ.get("FASTWS_NO_EXTENSIONS", "") in ("", "0"):
    from fastws import _codec

    LEVELS = _codec.levels()
    # What FASTWS_SIMD asked for stands again after each test.
    CHOSEN = os.environ.get("FASTWS_SIMD") or LEVELS[0]
else:
    LEVELS = ()

# An example takes as long as the slowest emulated processor needs, and no longer is told from that.
# The back end stays the same for all examples of a test, so a fixture of function scope is right.
settings.register_profile(
    "fastws",
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.register_profile("ci", settings.get_profile("fastws"), derandomize=True, database=None)
settings.register_profile("nightly", settings.get_profile("fastws"), max_examples=2000)
settings.load_profile("ci" if os.environ.get("CI") else "fastws")


@pytest.fixture(scope="module", autouse=True)
def only_what_is_new_is_collected() -> None:
    """Leave tests and reports of tests out of each collection of garbage: there are many of all."""
    gc.collect()
    if hasattr(gc, "freeze"):  # PyPy has none
        gc.freeze()


@pytest.fixture(params=["python", *LEVELS])
def codec(request: pytest.FixtureRequest) -> Iterator[ModuleType]:
    """Give each back end, and the compiled one at each SIMD level that this machine has."""
    if request.param == "python":
        yield _pure
        return
    _codec._use_level(request.param)
    yield _codec
    _codec._use_level(CHOSEN)


@pytest.fixture(params=["python", *(["compiled"] if LEVELS else [])])
def back_end(request: pytest.FixtureRequest) -> ModuleType:
    """Give each back end once, for what is the same at each level: allocations, growth."""
    return _pure if request.param == "python" else _codec


@pytest.fixture
def guarded() -> memoryview:
    """Give a page of memory between two that end the process when they are touched."""
    if sys.platform not in ("linux", "darwin") or sys.implementation.name != "cpython":
        pytest.skip("memory cannot be protected here")
    size = mmap.PAGESIZE
    mapped = mmap.mmap(-1, 3 * size)
    start = ctypes.addressof(ctypes.c_char.from_buffer(mapped))
    protect = ctypes.CDLL(None, use_errno=True).mprotect
    protect.argtypes = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
    for page in (0, 2):
        assert protect(start + page * size, size, 0) == 0
    return memoryview(mapped)[size : 2 * size]
