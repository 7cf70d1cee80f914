"""A plugin of pytest: of the back ends and levels of a test, run one alone.

Under coverage.py all levels are the same Python, and the pure twin has a run of its own; the levels
have theirs in C.
"""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    from fastws import _codec

    kept, left_out = [], []
    for item in items:
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        wanted = parameters.get("codec", "compiled") in ("compiled", _codec._level())
        wanted = wanted and parameters.get("back_end", "compiled") == "compiled"
        (kept if wanted else left_out).append(item)
    config.hook.pytest_deselected(items=left_out)
    items[:] = kept
