"""One fixture: time one side of one case, in a group with the other sides of that case."""

from __future__ import annotations

from typing import Any

import pytest
from experiments import EXPERIMENTS, Case, TimeSide


@pytest.fixture
def time_side(benchmark: Any) -> TimeSide:
    """Give what times a side, and holds that its result is ours.

    A row's time is that of a whole pass (all messages of a stream, whose number stands in
    extra_info), with the call of a Python function around it. claims.py times without these.
    """

    def time_it(experiment: str, case: Case, name: str) -> None:
        work = EXPERIMENTS[experiment].build(case)
        sides = {side.name: side for side in work.sides}
        if name not in sides:
            pytest.skip(f"{name} is not here")
        assert sides[name].result() == sides["ours"].result()
        benchmark.group = " ".join(filter(None, [experiment, case.script, case.label]))
        benchmark.extra_info["messages"] = work.units
        benchmark(sides[name].once)

    return time_it


def pytest_make_parametrize_id(val: object) -> str | None:
    return f"{val.script}-{val.size}".strip("-") if isinstance(val, Case) else None
