"""Attributes as members: the C of _members.h by itself, in an extension that makes it fail.

As the core is imported nothing of this fails, so nothing else sees what happens then.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import fastws

PROBE = Path(__file__).parent / "members" / "probe.pyx"
PACKAGE = Path(fastws.__file__).parent
MEMORY, DESCRIPTOR = 1, 2

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not fastws.ACCELERATED, reason="members are the compiled core's"),
]


@pytest.fixture(scope="module")
def probe(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    folder = tmp_path_factory.mktemp("members")
    shutil.copy(PROBE, folder)
    done = subprocess.run(
        [sys.executable, "-m", "Cython.Build.Cythonize", "-i", "-q", PROBE.name],
        cwd=folder,
        env={**os.environ, "CFLAGS": f"{os.environ.get('CFLAGS', '')} -I{PACKAGE}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = [path for path in folder.glob("probe.*") if path.suffix in (".so", ".pyd")]
    spec = importlib.util.spec_from_file_location("probe", built)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Holder:
    __slots__ = ("first", "last")

    def __init__(self) -> None:
        self.first, self.last = object(), object()


def test_offsets_are_those_of_the_slots(probe: ModuleType) -> None:
    holder = Holder()
    last = Holder.__basicsize__ - tuple.__itemsize__
    assert probe.offset_of(holder, holder.last) == last
    assert probe.offset_of(holder, holder.first) == last - tuple.__itemsize__


def test_what_is_not_held_has_no_offset(probe: ModuleType) -> None:
    holder, behind = Holder(), [Holder() for _ in range(100)]
    assert probe.offset_of(holder, object()) == -1
    assert {probe.offset_of(holder, other.last) for other in behind} == {-1}


def test_member_reads_what_is_held(probe: ModuleType) -> None:
    holder = Holder()
    probe.add_member(Holder, b"other", probe.offset_of(holder, holder.last))
    assert holder.other is holder.last  # type: ignore[attr-defined]
    member = vars(Holder)["other"]
    assert (type(member).__name__, member.__doc__) == ("member_descriptor", "documented")
    with pytest.raises(AttributeError):
        holder.other = 1  # type: ignore[attr-defined]
    probe.add_member(type("Other", (), {}), b"start", 0)  # not to be read


@pytest.mark.parametrize(
    ("offset", "fail", "error"),
    [
        (-1, 0, SystemError("no such pointer in the object")),
        (16, MEMORY, MemoryError()),
        (16, DESCRIPTOR, RuntimeError("no descriptor")),
    ],
)
def test_what_fails_adds_nothing(
    probe: ModuleType, offset: int, fail: int, error: Exception
) -> None:
    with pytest.raises(type(error)) as raised:
        probe.add_member(Holder, b"lacking", offset, fail)
    assert str(raised.value) == str(error)
    assert not hasattr(Holder, "lacking")
