"""What fastws._backend makes of the environment and of the core that it finds, in this process.

The module is run anew for each test, beside the one that is in use. test_backend.py sees what
whole processes make of it.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from types import ModuleType

import pytest

import fastws
from fastws import _pure

CORE = "fastws._codec"
Run = Callable[..., ModuleType]


class Finder:
    """Says of the core what is to be said of it."""

    def __init__(self, error: ImportError) -> None:
        self.error = error

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == CORE:
            raise self.error


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Give what runs the module with a core, or the error that stands for one, and switches."""

    def run(core: ModuleType | ImportError, **switches: str) -> ModuleType:
        for name in ("NO_EXTENSIONS", "REQUIRE_EXTENSIONS", "SIMD"):
            monkeypatch.delenv(f"FASTWS_{name}", raising=False)
        for name, value in switches.items():
            monkeypatch.setenv(f"FASTWS_{name}", value)
        monkeypatch.delattr(fastws, "_codec", raising=False)
        if isinstance(core, ImportError):
            monkeypatch.delitem(sys.modules, CORE, raising=False)
            monkeypatch.setattr(sys, "meta_path", [Finder(core), *sys.meta_path])
        else:
            monkeypatch.setitem(sys.modules, CORE, core)
        spec = importlib.util.find_spec("fastws._backend")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return run


@pytest.fixture
def core() -> ModuleType:
    """Give a module that passes for the core."""
    module = ModuleType(CORE)
    module._level = lambda: "steam"  # type: ignore[attr-defined]
    return module


def chosen(module: ModuleType) -> tuple[object, ...]:
    return module.codec, module.ACCELERATED, module.backend, module.simd


PURE = (_pure, False, "python", "python")
MISSING = ModuleNotFoundError("no core here", name=CORE)
BROKEN = ImportError("undefined symbol")
NO_LEVEL = ImportError("FASTWS_SIMD=steam is not to be had", name="FASTWS_SIMD")


@pytest.mark.parametrize("off", ["", "0"])
def test_core_that_is_there_is_taken(run: Run, core: ModuleType, off: str) -> None:
    wanted = (core, True, "c", "steam")
    assert chosen(run(core)) == wanted
    assert chosen(run(core, NO_EXTENSIONS=off, REQUIRE_EXTENSIONS=off)) == wanted
    assert chosen(run(core, REQUIRE_EXTENSIONS="1")) == wanted


def test_core_that_is_not_wanted_is_left(run: Run, core: ModuleType) -> None:
    assert chosen(run(core, NO_EXTENSIONS="1")) == PURE
    assert chosen(run(NO_LEVEL, NO_EXTENSIONS="1", REQUIRE_EXTENSIONS="1")) == PURE


@pytest.mark.parametrize("error", [MISSING, BROKEN], ids=["missing", "broken"])
def test_core_that_is_not_there_is_an_error_where_it_is_required(
    run: Run, error: ImportError
) -> None:
    assert chosen(run(error)) == PURE
    assert chosen(run(error, REQUIRE_EXTENSIONS="0")) == PURE
    with pytest.raises(ImportError) as caught:
        run(error, REQUIRE_EXTENSIONS="1")
    # Of a module that is nowhere, the import statement makes an error of its own.
    assert caught.value is error or "'_codec'" in str(caught.value)


@pytest.mark.parametrize("required", ["0", "1"])
def test_level_that_is_not_there_is_an_error(run: Run, required: str) -> None:
    with pytest.raises(ImportError) as caught:
        run(NO_LEVEL, SIMD="steam", REQUIRE_EXTENSIONS=required)
    assert caught.value is NO_LEVEL
