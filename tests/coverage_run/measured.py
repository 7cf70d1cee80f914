"""A plugin of pytest for tests that are measured.

Left out is what cannot be so: limits on what is imported or how large the core is. Of the back ends
and levels of a test one alone is run: under coverage.py all levels are the same Python, the pure
twin has a run of its own, and the levels have theirs in C.
"""

from __future__ import annotations

import ctypes
import os

import pytest

OUT_OF_PLACE = [
    "test_stripped_core_is_small",  # the core counts
    "test_install_imports_no_host_and_is_quick",  # coverage.py is imported before
]


# Their processes are not measured: no tracer works in an interpreter beside the first, and
# coverage.py says so on stderr in each.
OTHER_INTERPRETERS = "test_interpreters.py"


@pytest.fixture(autouse=True)
def unmeasured(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep coverage.py out of processes in which it would disturb."""
    if request.path.name == OTHER_INTERPRETERS:
        monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)


def count_at_exit() -> None:
    """Have forks that end without a goodbye leave what gcov counted."""
    from fastws import _codec

    core = ctypes.CDLL(_codec.__file__)
    leave = os._exit

    def leave_counted(status: int) -> None:
        core.fws_dump()
        leave(status)

    os._exit = leave_counted  # type: ignore[assignment]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    from fastws import ACCELERATED, simd

    if ACCELERATED:
        count_at_exit()
    here = ("compiled", simd)
    kept, left_out = [], []
    for item in items:
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        wanted = getattr(item, "originalname", item.name) not in OUT_OF_PLACE
        if ACCELERATED:
            wanted = wanted and parameters.get("codec", simd) in here
            wanted = wanted and parameters.get("back_end", "compiled") in here
        (kept if wanted else left_out).append(item)
    config.hook.pytest_deselected(items=left_out)
    items[:] = kept
