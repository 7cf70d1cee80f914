"""The guards that `.ci/mutants` takes out stand where tests/mutation/guards.toml says they do.

That takes minutes and is done each night; a guard whose line was changed is told here, at once.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GUARDS = tomllib.loads((ROOT / "tests" / "mutation" / "guards.toml").read_text(encoding="utf-8"))
ALL = [
    pytest.param(guard, id=f"{number}-{guard['back_end']}")
    for number, guards in GUARDS.items()
    for guard in guards
]

pytestmark = pytest.mark.slow  # the sources are the same for every interpreter


@pytest.mark.parametrize("guard", ALL)
def test_guard_is_there(guard: dict[str, str]) -> None:
    source = (ROOT / guard["file"]).read_text(encoding="utf-8")
    assert guard["line"] in [line.strip() for line in source.splitlines()]
    file, _, test = guard["test"].partition("::")
    name = test.partition("[")[0]
    assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8")


def test_each_attack_class_has_a_guard() -> None:
    assert list(GUARDS) == [f"S{number}" for number in range(1, 29)]
