"""Modules that are provided where nobody has them: for whom, when, and that nothing is left."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import fastws
from fastws.adapters import HostWarning, _registry
from fastws.adapters._hook import ImportHook, is_provided

NAME = "fastws_stood_for"
PART = f"{NAME}.part"
USER = "fastws_user"
TAKEN = f"""
try:
    from {PART} import value
except ImportError:
    value = None
"""


def make(name: str) -> ModuleType:
    module = ModuleType(name)
    vars(module)["value"] = f"ours of {name}"
    return module


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give a folder on the path, with a module that tries to import what is stood for."""
    (tmp_path / f"{USER}.py").write_text(TAKEN)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in [name for name in sys.modules if name.partition(".")[0] in (NAME, USER)]:
        del sys.modules[name]


@pytest.fixture
def hook(folder: Path) -> Iterator[ImportHook]:
    """Give a hook that provides the modules, and keeps them from nobody."""
    hook = ImportHook(lambda name: None, lambda name: True)
    hook.provide((NAME, PART), make)
    yield hook
    hook.forget([USER])
    hook.withdraw((NAME, PART))
    assert hook not in sys.meta_path
    assert NAME not in sys.modules and PART not in sys.modules


def install_theirs(folder: Path) -> None:
    (folder / NAME).mkdir()
    (folder / NAME / "__init__.py").write_text("value = 'theirs'")
    (folder / NAME / "part.py").write_text("value = 'theirs'")
    importlib.invalidate_caches()


# --- The hook ------------------------------------------------------------------------------------


def test_provided_where_nothing_is_installed(hook: ImportHook) -> None:
    part: Any = importlib.import_module(PART)
    package: Any = sys.modules[NAME]
    assert (package.value, part.value) == (f"ours of {NAME}", f"ours of {PART}")
    assert package.part is part and package.__path__ == []
    assert is_provided(NAME) and is_provided(PART)
    assert importlib.util.find_spec(PART) is part.__spec__


def test_what_is_installed_comes_first(hook: ImportHook, folder: Path) -> None:
    install_theirs(folder)
    part: Any = importlib.import_module(PART)
    assert part.value == "theirs"
    assert not is_provided(NAME) and not is_provided(PART)
    hook.withdraw((NAME, PART))
    assert sys.modules.pop(PART) is part
    del sys.modules[NAME]


def test_no_part_is_provided_of_a_package_that_is_installed(hook: ImportHook, folder: Path) -> None:
    """Half of theirs and half of ours would be neither."""
    install_theirs(folder)
    (folder / NAME / "part.py").unlink()
    importlib.invalidate_caches()
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module(PART)
    del sys.modules[NAME]


def test_other_names_are_not_provided(hook: ImportHook) -> None:
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module(f"{NAME}.other")


def test_withdrawn_ones_are_imported_no_more(hook: ImportHook, folder: Path) -> None:
    importlib.import_module(PART)
    hook.withdraw((NAME, PART))
    assert NAME not in sys.modules and PART not in sys.modules
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module(PART)
    install_theirs(folder)
    part: Any = importlib.import_module(PART)
    assert part.value == "theirs"
    del sys.modules[PART], sys.modules[NAME]


def test_an_aloof_module_finds_none(hook: ImportHook) -> None:
    provided = importlib.import_module(PART)
    hook.watch([USER])
    user: Any = importlib.import_module(USER)
    assert user.value is None
    assert sys.modules[PART] is provided  # for all others they are there again
    hook.forget([USER])
    assert importlib.reload(user).value == f"ours of {PART}"


def test_an_aloof_module_that_fails_keeps_them_from_nobody(hook: ImportHook, folder: Path) -> None:
    (folder / f"{USER}.py").write_text("1 / 0")
    provided = importlib.import_module(PART)
    hook.watch([USER])
    with pytest.raises(ZeroDivisionError):
        importlib.import_module(USER)
    assert sys.modules[PART] is provided
    (folder / f"{USER}.py").write_text(TAKEN)


# --- The registry --------------------------------------------------------------------------------


class Adapter(ModuleType):
    """An adapter for what is stood for, and for who holds it."""

    SUPPORTED = _registry.Range("1.0", "2")

    def __init__(self) -> None:
        super().__init__("fastws.adapters.madeup_stand_in")
        self.make = make

    def patches(self) -> list[Any]:
        from fastws.adapters._patches import Patch

        return [Patch(sys.modules[USER], "value", "ours")] if USER in sys.modules else []


@pytest.fixture
def registered(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Register a stand-in; give its name."""
    name = "madeup_stand_in"
    monkeypatch.setitem(sys.modules, f"fastws.adapters.{name}", Adapter())
    stand_in = _registry.StandIn(name, "fastws-stood-for", (NAME, PART), USER)
    monkeypatch.setitem(_registry.HOSTS, name, stand_in)
    yield name
    fastws.uninstall(name)


def state(name: str) -> tuple[str, tuple[str, ...]]:
    found = fastws.status()[name]
    return found.state, found.replaced


def test_states_where_it_is_not_installed(registered: str) -> None:
    assert state(registered) == ("absent", ())
    fastws.install(registered)
    assert state(registered) == ("waiting", ())
    user: Any = importlib.import_module(USER)
    assert user.value == f"ours of {PART}"
    assert state(registered) == ("on", (NAME, PART))
    assert fastws.status()[registered].version is None
    fastws.uninstall(registered)
    assert state(registered) == ("absent", ())
    assert NAME not in sys.modules and PART not in sys.modules
    assert user.value == f"ours of {PART}"  # what was taken by value stays


def test_holders_are_patched_where_it_is_installed(registered: str, folder: Path) -> None:
    install_theirs(folder)
    (folder / NAME / "__init__.py").write_text("__version__ = '1.5'")
    user: Any = importlib.import_module(USER)
    fastws.install(registered)
    assert user.value == "ours"
    assert state(registered) == ("on", (f"{USER}.value",))
    fastws.uninstall(registered)
    assert user.value == "theirs"
    assert sys.modules[NAME].__version__ == "1.5"  # type: ignore[attr-defined]


def test_another_version_of_it_is_left_alone(registered: str, folder: Path) -> None:
    install_theirs(folder)
    (folder / NAME / "__init__.py").write_text("__version__ = '2.0'")
    user: Any = importlib.import_module(USER)
    with pytest.warns(HostWarning, match=r"version 2.0 is not one.*supported: >=1.0,<2"):
        fastws.install(registered)
    assert user.value == "theirs"


def test_a_host_that_is_asked_for_too_finds_none(
    registered: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that its own adapter alone decides, and takes all out again."""
    host = _registry.Host("madeup_user", "fastws-user", USER, stand_ins=False)
    adapter: Any = ModuleType("fastws.adapters.madeup_user")
    adapter.SUPPORTED, adapter.patches = _registry.Range("0", "9"), list
    monkeypatch.setattr(host, "version", lambda: "1")
    monkeypatch.setitem(sys.modules, "fastws.adapters.madeup_user", adapter)
    monkeypatch.setitem(_registry.HOSTS, "madeup_user", host)
    fastws.install(registered, "madeup_user")
    user: Any = importlib.import_module(USER)
    assert user.value is None
    assert importlib.import_module(PART).value == f"ours of {PART}"  # type: ignore[attr-defined]
    fastws.uninstall("madeup_user")
    assert importlib.reload(user).value == f"ours of {PART}"
