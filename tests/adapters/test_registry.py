"""install(), uninstall() and status() over a host made up for the purpose."""

from __future__ import annotations

import importlib
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import fastws
from fastws.adapters import HostWarning, _registry
from fastws.adapters._patches import Patch, Refusal
from fastws.adapters._registry import Host, Range

PACKAGE = "fastws_madeup"


def ours() -> str:
    return "ours"


class Madeup(ModuleType):
    """The adapter of the made-up host."""

    SUPPORTED = Range("1.2", "2")

    def __init__(self) -> None:
        super().__init__("fastws.adapters.madeup")
        self.refusal: Exception | None = None

    def supported(self) -> str:
        return str(self.SUPPORTED)

    def patches(self) -> list[Patch]:
        if self.refusal:
            raise self.refusal
        core = sys.modules[f"{PACKAGE}.core"]
        found = [Patch(core, "answer", ours), Patch(core.Thing, "work", ours)]
        if late := sys.modules.get(f"{PACKAGE}.late"):
            found.append(Patch(late, "answer", ours))
        return found


@pytest.fixture
def adapter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Madeup]:
    """Give the adapter of a host that is installed, not imported, of version 1.2.3."""
    folder = tmp_path / PACKAGE
    folder.mkdir()
    (folder / "__init__.py").write_text("__version__ = '1.2.3'")
    (folder / "core.py").write_text(
        "def answer(): return 'stock'\nclass Thing:\n    def work(self): return 'stock'\n"
    )
    (folder / "late.py").write_text("from .core import answer\n")
    monkeypatch.syspath_prepend(tmp_path)
    host = Host("madeup", "fastws-madeup", f"{PACKAGE}.core", f"{PACKAGE}.late")
    monkeypatch.setattr(_registry, "HOSTS", {"madeup": host})
    adapter = Madeup()
    monkeypatch.setitem(sys.modules, "fastws.adapters.madeup", adapter)
    yield adapter
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fastws.uninstall()
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


def load(name: str = "core") -> Any:
    return importlib.import_module(f"{PACKAGE}.{name}")


def state() -> str:
    return fastws.status()["madeup"].state


def test_at_once_where_the_host_is_imported(adapter: Madeup) -> None:
    core = load()
    stock = core.answer
    fastws.install("madeup")
    assert core.answer is ours
    assert state() == "on"
    fastws.uninstall("madeup")
    assert core.answer is stock
    assert state() == "off"


def test_otherwise_when_the_program_imports_it(adapter: Madeup) -> None:
    fastws.install()
    assert PACKAGE not in sys.modules
    importlib.import_module(PACKAGE)
    assert state() == "waiting"
    core = load()
    assert core.answer is ours
    found = fastws.status()["madeup"]
    assert found.state == "on"
    assert found.replaced == (f"{PACKAGE}.core.answer", f"{PACKAGE}.core.Thing.work")
    late = load("late")
    assert late.answer is ours
    assert len(fastws.status()["madeup"].replaced) == 3
    fastws.uninstall()
    assert late.answer is core.answer is not ours


def test_uninstalled_before_the_import(adapter: Madeup) -> None:
    before = list(sys.meta_path)
    fastws.install()
    fastws.uninstall()
    assert sys.meta_path == before
    assert load().answer() == "stock"


def test_twice_is_once(adapter: Madeup) -> None:
    core = load()
    stock, work = core.answer, vars(core.Thing)["work"]
    fastws.install("madeup", "madeup")
    fastws.install()
    assert len(fastws.status()["madeup"].replaced) == 2
    fastws.uninstall()
    assert core.answer is stock
    assert vars(core.Thing)["work"] is work
    fastws.uninstall()
    assert core.answer is stock


def test_a_reloaded_host_is_patched_anew(adapter: Madeup) -> None:
    core = load()
    fastws.install()
    old = core.Thing
    importlib.reload(core)
    assert core.answer is core.Thing.work is ours
    assert old().work() == "stock"
    fastws.uninstall()
    assert core.answer() == core.Thing().work() == "stock"


def test_unknown_names_are_refused_before_anything_is_done(adapter: Madeup) -> None:
    for call in (fastws.install, fastws.uninstall):
        with pytest.raises(ValueError, match="no adapter for 'nosuch'.*: madeup$"):
            call("madeup", "nosuch")
    assert fastws.status()["madeup"].state == "absent"
    load()
    assert state() == "off"


def refused(adapter: Madeup, match: str) -> None:
    """Import the host, and see it refused and untouched, once."""
    fastws.install()
    with pytest.warns(HostWarning, match=match) as caught:
        core = load()
    assert len(caught) == 1
    assert core.answer() == core.Thing().work() == "stock"
    load("late")  # no second warning
    found = fastws.status()["madeup"]
    assert (found.state, found.replaced) == ("refused", ())
    assert found.reason in str(caught[0].message)
    with pytest.warns(HostWarning, match=match):
        fastws.install()


@pytest.mark.parametrize("version", ["1.1.9", "2", "2.0", "2.0rc1", "3.1", "0", "junk"])
def test_versions_outside_the_range_are_refused(
    adapter: Madeup, tmp_path: Path, version: str
) -> None:
    (tmp_path / PACKAGE / "__init__.py").write_text(f"__version__ = {version!r}")
    refused(adapter, rf"leaves madeup as it is: version {version} .*>=1\.2,<2\)")


def test_an_unknown_version_is_refused(adapter: Madeup, tmp_path: Path) -> None:
    (tmp_path / PACKAGE / "__init__.py").write_text("")
    refused(adapter, r"version cannot be found \(supported: >=1\.2,<2\)")


def test_a_host_that_tells_its_version_is_not_looked_up(
    adapter: Madeup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.metadata.version", {}.__getitem__)  # an error, whatever is asked
    fastws.install()
    load()
    assert fastws.status()["madeup"][1:4] == ("1.2.3", ">=1.2,<2", "on")


def test_another_structure_is_refused(adapter: Madeup) -> None:
    adapter.refusal = Refusal("Thing is not built as expected")
    refused(adapter, r"Thing is not built as expected \(supported: >=1\.2,<2\)")
    adapter.refusal = None
    fastws.install()
    found = fastws.status()["madeup"]
    assert (found.state, found.reason) == ("on", "")


def test_a_fault_of_the_adapter_does_not_break_the_import(adapter: Madeup) -> None:
    adapter.refusal = KeyError("gone")
    refused(adapter, r"KeyError\('gone'\) \(supported")


def test_what_a_late_module_lacks_takes_all_out(adapter: Madeup, tmp_path: Path) -> None:
    fastws.install()
    core = load()
    assert core.answer is ours
    (tmp_path / PACKAGE / "late.py").write_text("")
    with pytest.warns(HostWarning, match="late.answer does not exist"):
        load("late")
    assert core.answer() == "stock"
    assert state() == "refused"


def test_the_warning_points_at_the_caller(adapter: Madeup) -> None:
    adapter.refusal = Refusal("no")
    load()
    with pytest.warns(HostWarning) as caught:
        fastws.install()
    assert caught[0].filename == __file__


def test_versions_inside_the_range() -> None:
    for version in ("1.2", "1.2.0", "1.10", "1.99.3.dev5+g123", "1.2.3.post1", "1.2b1"):
        assert version in Range("1.2", "2")
    assert "17" in Range("17.0", "18")
    assert str(Range("17.0", "18")) == ">=17.0,<18"


def test_status_cannot_be_changed(adapter: Madeup) -> None:
    found = fastws.status()["madeup"]
    assert found == ("madeup", None, ">=1.2,<2", "absent", "", ())
    with pytest.raises(AttributeError):
        found.state = "on"  # type: ignore


def test_only_warnings_of_our_own_class(adapter: Madeup) -> None:
    adapter.refusal = Refusal("no")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HostWarning)
        fastws.install()
        load()
    assert state() == "refused"


# --- The real hosts, in a process of their own ---------------------------------------------------


def python(code: str) -> str:
    """Run code in a fresh interpreter."""
    path = str(Path(fastws.__file__).parent.parent)
    code = f"import sys; sys.path.insert(0, {path!r}); import fastws\n{code}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout


def test_install_imports_no_host_and_is_quick() -> None:
    out = python(
        "import time; start = time.perf_counter(); fastws.install();"
        "print(time.perf_counter() - start);"
        "print(*sys.modules)"
    )
    seconds, modules = out.splitlines()
    loaded = set(modules.split())
    assert not loaded & {*_registry.HOSTS, "asyncio", "importlib.metadata", "typing"}
    assert not any(name.startswith("fastws.adapters.") and "._" not in name for name in loaded)
    # The promise is 5 ms. A busy machine is not to fail it: this is to catch an import too many.
    assert float(seconds) < 0.05


@pytest.mark.parametrize("name", _registry.HOSTS)
def test_every_adapter_has_its_functions_and_imports_no_host(name: str) -> None:
    modules = _registry.HOSTS[name].modules
    assert modules
    out = python(
        f"from fastws.adapters import {name} as adapter\n"
        f"print(adapter.supported(), callable(adapter.install), callable(adapter.uninstall))\n"
        f"print([m for m in {modules!r} if m in sys.modules])"
    )
    lines = out.splitlines()
    assert lines[0] == f"{fastws.status()[name].supported} True True"
    assert lines[1] == "[]"
