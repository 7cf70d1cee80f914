"""The import hook: it is told of a module when its code has run, and changes nothing else."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
import zipfile
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from fastws.adapters._hook import ImportHook, is_loaded

PACKAGE = "fastws_hooked"
SOURCE = """
import sys
loader, spec = __loader__, __spec__
seen = __spec__.loader is __loader__, type(__loader__).__name__
done = True
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give a package that can be imported anew."""
    folder = tmp_path / PACKAGE
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "core.py").write_text(SOURCE)
    (folder / "broken.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


@pytest.fixture
def told() -> Iterator[tuple[ImportHook, list[tuple[str, Any]]]]:
    """Give a hook, and the list of what it is told."""
    calls: list[tuple[str, Any]] = []
    hook = ImportHook(lambda name: calls.append((name, vars(sys.modules[name]).get("done"))))
    yield hook, calls
    hook.forget(list(hook._watched))
    assert hook not in sys.meta_path


Told = tuple[ImportHook, list[tuple[str, Any]]]


def test_called_once_when_the_code_has_run(package: Path, told: Told) -> None:
    hook, calls = told
    hook.watch([f"{PACKAGE}.core", f"{PACKAGE}.absent"])
    importlib.import_module(PACKAGE)
    assert calls == []
    importlib.import_module(f"{PACKAGE}.core")
    importlib.import_module(f"{PACKAGE}.core")
    assert calls == [(f"{PACKAGE}.core", True)]
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module(f"{PACKAGE}.absent")


def test_other_modules_are_not_looked_at(told: Told) -> None:
    told[0].watch([PACKAGE])
    assert told[0].find_spec("json") is None


class NoLoader:
    """A finder of what has no loader: a namespace."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        return ModuleSpec(name, None, is_package=True) if name == "fastws_namespace" else None


def test_a_spec_without_a_loader_is_passed_on(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    hook, calls = told
    monkeypatch.setattr(sys, "meta_path", [NoLoader(), *sys.meta_path])
    hook.watch(["fastws_namespace"])
    importlib.import_module("fastws_namespace")
    del sys.modules["fastws_namespace"]
    assert calls == []
    hook.forget(["fastws_namespace"])


def test_the_module_sees_its_own_loader(package: Path, told: Told) -> None:
    told[0].watch([f"{PACKAGE}.core", PACKAGE])
    module = importlib.import_module(f"{PACKAGE}.core")
    assert module.seen == (True, "SourceFileLoader")
    assert module.__spec__ is not None
    assert module.__spec__.loader is module.__loader__ is module.loader
    assert inspect.getsource(module) == SOURCE
    assert sys.modules[PACKAGE].__path__ == [str(package)]


def test_a_reload_is_told_of(package: Path, told: Told) -> None:
    hook, calls = told
    hook.watch([f"{PACKAGE}.core"])
    importlib.reload(importlib.import_module(f"{PACKAGE}.core"))
    assert len(calls) == 2


def test_a_module_that_fails_to_import_is_not_told_of(package: Path, told: Told) -> None:
    hook, calls = told
    hook.watch([f"{PACKAGE}.broken"])
    with pytest.raises(ZeroDivisionError):
        importlib.import_module(f"{PACKAGE}.broken")
    assert calls == []
    assert f"{PACKAGE}.broken" not in sys.modules


def test_other_loaders_are_wrapped_as_well(
    tmp_path: Path, told: Told, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook, calls = told
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as archive:
        archive.writestr("fastws_zipped.py", SOURCE)
    monkeypatch.syspath_prepend(tmp_path / "archive.zip")
    hook.watch(["fastws_zipped", "_fastws_builtin"])
    module = importlib.import_module("fastws_zipped")
    del sys.modules["fastws_zipped"]
    assert calls == [("fastws_zipped", True)]
    assert type(module.__loader__).__name__ == "zipimporter"


def test_the_loader_under_the_wrapper_can_be_asked(package: Path, told: Told) -> None:
    told[0].watch([f"{PACKAGE}.core"])
    importlib.import_module(PACKAGE)
    spec = importlib.util.find_spec(f"{PACKAGE}.core")
    assert spec is not None
    assert spec.loader.get_source(f"{PACKAGE}.core") == SOURCE  # type: ignore


def test_a_module_without_a_spec_is_run_as_well(package: Path, told: Told) -> None:
    hook, calls = told
    hook.watch([PACKAGE])
    spec = importlib.util.find_spec(PACKAGE)
    assert spec is not None and spec.loader is not None
    (package / "__init__.py").write_text("done = __loader__.name")
    module = sys.modules[PACKAGE] = ModuleType(PACKAGE)
    spec.loader.exec_module(module)
    assert calls == [(PACKAGE, PACKAGE)]
    assert type(module.__loader__).__name__ == "SourceFileLoader"
    assert module.__spec__ is None


def test_forgotten_between_search_and_import(package: Path, told: Told) -> None:
    hook, calls = told
    hook.watch([PACKAGE])
    spec = importlib.util.find_spec(PACKAGE)
    hook.forget([PACKAGE])
    assert spec is not None and spec.loader is not None
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    assert calls == []


def test_in_the_path_only_while_something_is_waited_for() -> None:
    hook = ImportHook(lambda name: None)
    hook.watch([])
    assert hook not in sys.meta_path
    hook.watch(["one"])
    hook.watch(["one", "two"])
    assert sys.meta_path.count(hook) == 1
    hook.forget(["one"])
    assert hook in sys.meta_path
    hook.forget(["two", "three"])
    assert hook not in sys.meta_path


def test_a_module_is_loaded_only_at_its_end(package: Path) -> None:
    (package / "early.py").write_text(
        "from fastws.adapters._hook import is_loaded\nearly = is_loaded(__name__)\n"
    )
    module = importlib.import_module(f"{PACKAGE}.early")
    assert module.early is False
    assert is_loaded(module.__name__)
    assert not is_loaded(f"{PACKAGE}.absent")
    sys.modules[f"{PACKAGE}.handmade"] = ModuleType("handmade")
    assert is_loaded(f"{PACKAGE}.handmade")
