"""Memory that runs out: a call is made again and again, each time another allocation fails.

What fails is chosen by CPython's own `_testcapi`.
"""

from __future__ import annotations

import gc
import itertools
import sys
from collections.abc import Callable
from typing import Any

try:
    import _testcapi as testcapi
except ImportError:  # not in every distribution; test_allocations.py is skipped then
    testcapi = None


class Starved:
    """Lets one allocation of one call fail, or some in a row; tells whether one did.

    Not all from one on: CPython itself goes round for ever where it finds no memory for the way out
    of a `with`.
    """

    def __init__(self, call: int, number: int, row: int) -> None:
        self.calls_left = call
        self.number = number
        self.row = row
        self.failed = False

    def __call__(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call without memory; None where that fails."""
        self.calls_left = max(self.calls_left - 1, -1)  # no large number, which is an object
        if self.calls_left:
            return call(*args, **kwargs)
        start = self.number - 1
        try:
            try:
                testcapi.set_nomemory(start, start + self.row)
                return call(*args, **kwargs)
            finally:
                testcapi.remove_mem_hooks()
        except MemoryError:
            self.failed = True
        except SystemError as error:
            # What CPython makes of an exception that it loses for want of memory.
            assert "without" in str(error)
            self.failed = True
        return None


def starve(case: Callable[[Starved], None], row: int, ours: bool = True) -> int:
    """Run a case with each allocation of each call failing; give how many those were.

    No object stays behind, unless it is the interpreter's own affair. To count them takes longer
    the more there are in the process, so it is done once for all.
    """
    gc.collect()  # what others left behind
    grown = []
    gc.collect()  # which also empties CPython's free lists: what is in them is none of the case's
    # What the first runs keep are the caches of the interpreter.
    while len(grown) < 8:
        before = sys.getallocatedblocks()
        total = starve_once(case, row)
        gc.collect()
        grown.append(sys.getallocatedblocks() - before)
        if grown[-1] <= 0 or not ours:
            return total
    raise AssertionError(f"something leaks: {grown}")


def starve_once(case: Callable[[Starved], None], row: int) -> int:
    total = 0
    for call in itertools.count(1):
        for number in itertools.count(1):
            starved = Starved(call, number, row)
            case(starved)
            if starved.calls_left > 0:
                return total
            if not starved.failed:
                break
            total += 1
    raise AssertionError
