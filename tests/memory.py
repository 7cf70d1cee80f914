"""What a process holds, memory and objects: work that is repeated adds nothing to them."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from fastws import _pure

KIB = 1024
MIB = 1 << 20
on_cpython = pytest.mark.skipif(
    sys.implementation.name != "cpython", reason="counts references and blocks as CPython does"
)
# Nightly all that is asked for, elsewhere a part of it that takes seconds.
WHOLE = os.environ.get("FASTWS_TEST_WHOLE", "") not in ("", "0")


def resident() -> int:
    """Give the bytes of memory in use; 0 where the system does not tell."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0
    (line,) = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) * KIB


def blocks() -> int:
    """Give the number of objects allocated."""
    _pure.pool.clear()  # a batch of masking keys, of which more or fewer are left
    gc.collect()
    return sys.getallocatedblocks()


def assert_flat(work: Callable[[], Any], runs: int, slack: int = 100) -> None:
    """Hold that memory after many runs of work is what it was after a few."""
    work()
    work()
    objects, memory = blocks(), resident()
    for _ in range(runs):
        work()
    assert blocks() - objects < slack
    assert resident() - memory < 4 * MIB


def scaled(codec: ModuleType, count: int) -> int:
    """Give a count that the pure twin gets through in about the same time."""
    return count // 20 if codec is _pure else count


# All references, where an interpreter counts those (python3-dbg); else all objects. No more than 0
# where every allocation is the system's own.
count_all: Callable[[], int] = getattr(
    sys, "gettotalrefcount", getattr(sys, "getallocatedblocks", int)
)


def kept_by(call: Callable[[], object], times: int = 50) -> int:
    """Give how much each call keeps at the least; caches and pools fill up meanwhile, once."""
    least = sys.maxsize
    for _ in range(8):
        before = count_all()
        for _ in range(times):
            call()
        least = min(least, count_all() - before)
        if least < times:
            break
    return least // times  # the counts are objects too
