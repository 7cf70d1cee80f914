"""One fixture: time one side of one case, in a group with the other sides of that case.

What a run says of itself, and how its tables look where nothing else is asked for, stands here too.
"""

from __future__ import annotations

from typing import Any

import pytest
from experiments import EXPERIMENTS, TimeSide

from fastws._bench.experiments import Case
from fastws._bench.facts import environment

# Enough for a table that is looked at; more by --benchmark-max-time.
SECONDS = "0.2"
OURS = {"ours": "fastws", "pure": "fastws, pure"}  # how their rows are called


def pytest_configure(config: pytest.Config) -> None:
    """Show little, the quickest first, and do not take all day."""
    given = " ".join(config.invocation_params.args)
    for option, value in (
        ("columns", ["min", "median"]),
        ("sort", "min"),
        ("max_time", SECONDS),
        ("warmup", False),
    ):
        if f"--benchmark-{option.replace('_', '-')}" not in given:
            setattr(config.option, f"benchmark_{option}", value)


def pytest_benchmark_update_machine_info(machine_info: dict[str, Any]) -> None:
    """Say in the JSON what is measured, and whom it is compared with."""
    machine_info["environment"] = environment()


def pytest_benchmark_update_json(output_json: dict[str, Any]) -> None:
    """Leave out every single sample, of which there are hundreds of megabytes."""
    for each in output_json["benchmarks"]:
        each["stats"].pop("data", None)


def pytest_benchmark_group_stats(
    benchmarks: list[dict[str, Any]], group_by: str
) -> list[tuple[str, list[dict[str, Any]]]] | None:
    """Put the tables in the order of sizes, where theirs is that of their names."""
    if group_by != "group" or not all("size" in each["extra_info"] for each in benchmarks):
        return None
    groups: dict[str, list[dict[str, Any]]] = {}
    for each in sorted(benchmarks, key=lambda each: place_of(each["extra_info"])):
        groups.setdefault(each["group"], []).append(each)
    return [*groups.items()]


def place_of(extra: dict[str, Any]) -> tuple[int, str, int]:
    return [*EXPERIMENTS].index(extra["experiment"]), extra["script"], extra["size"]


@pytest.fixture
def time_side(benchmark: Any) -> TimeSide:
    """Give what times a side, and holds that its result is ours.

    A row's time is that of a whole pass (all messages of a stream, whose number stands in the
    group's name), with the call of a Python function around it. claims.py times without these.
    """

    def time_it(experiment: str, case: Case, name: str) -> None:
        work = EXPERIMENTS[experiment].build(case)
        if name not in work.makers:
            pytest.skip(f"{name} is not here")
        side = work.makers[name]()
        assert side.result() == work.makers["ours"]().result()
        kind = case.script or ("binary" if experiment == "messages" else "")
        many = f"{work.units} of " if work.units > 1 else ""
        benchmark.group = ", ".join(filter(None, [experiment, kind, many + case.label]))
        benchmark.name = OURS.get(name, name)
        benchmark.extra_info |= {
            "experiment": experiment,
            "side": name,
            "size": case.size,
            "script": case.script,
            "messages": work.units,
        }
        benchmark(side.once)

    return time_it


def pytest_make_parametrize_id(val: object) -> str | None:
    return f"{val.script}-{val.size}".strip("-") if isinstance(val, Case) else None
