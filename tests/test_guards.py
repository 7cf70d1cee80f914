"""What `.ci/mutants` takes out stands where tests/mutation/*.toml says that it does.

That takes minutes, or hours, and is done at night; a line that was changed since is told here.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MUTATION = ROOT / "tests" / "mutation"
GUARDS = tomllib.loads((MUTATION / "guards.toml").read_text(encoding="utf-8"))
ALL = [
    pytest.param(guard, id=f"{number}-{guard['back_end']}")
    for number, guards in GUARDS.items()
    for guard in guards
]

pytestmark = pytest.mark.slow  # the sources are the same for every interpreter


def lines_of(file: str) -> list[str]:
    return [line.strip() for line in (ROOT / file).read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("guard", ALL)
def test_guard_is_there(guard: dict[str, str]) -> None:
    assert guard["line"] in lines_of(guard["file"])
    file, _, test = guard["test"].partition("::")
    name = test.partition("[")[0]
    assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8")


def test_each_attack_class_has_a_guard() -> None:
    assert list(GUARDS) == [f"S{number}" for number in range(1, 29)]


@pytest.mark.parametrize("name", ["pure", "cython", "c"])
def test_what_is_declared_to_change_no_result_is_there(name: str) -> None:
    data = tomllib.loads((MUTATION / f"equivalent_{name}.toml").read_text(encoding="utf-8"))
    for entry in data["equivalent"]:
        lines = lines_of(entry["file"])
        for place in entry.get("at", [entry]):
            assert place["line"] in lines, entry["file"]
