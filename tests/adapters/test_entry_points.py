"""Adapters that other distributions offer: found, used like ours, and never in our way."""

from __future__ import annotations

import importlib
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import python

import fastws
from fastws.adapters import HostWarning, _entry_points, _registry

HOST = """
def answer():
    return "stock"
"""
ADAPTER = """
import sys
import fastws
from fastws.adapters import Patch, Range, Refusal

HOST = ("Acme.Host", "acme_host.core", "acme_host.late")
SUPPORTED = Range("1.2", "2")

def install():
    fastws.install("acme")

def answer():
    return "ours"

def patches():
    core = sys.modules["acme_host.core"]
    if not callable(core.answer):
        raise Refusal("answer is not built as expected")
    return [Patch(core, "answer", answer)]
"""
ENTRY = "[console_scripts]\nx = y:z\n\n[fastws.adapters]\nacme = acme_adapter\n"


def write_into(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def write_distribution(folder: Path, name: str, version: str, entry_points: str = "") -> None:
    """Write what an installer would leave of a distribution besides its modules."""
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    write_into(folder, {f"{info}/METADATA": metadata})
    if entry_points:
        write_into(folder, {f"{info}/entry_points.txt": entry_points})


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give a folder on the path that holds a host and the adapter that another offers for it."""
    files = {"acme_host/__init__.py": "", "acme_host/core.py": HOST, "acme_adapter.py": ADAPTER}
    write_into(tmp_path, files)
    write_distribution(tmp_path, "Acme.Host", "1.2.3")
    write_distribution(tmp_path, "acme-adapter", "0.1", ENTRY)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(_registry, "_theirs", {})
    yield tmp_path
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fastws.uninstall()
    for name in [name for name in sys.modules if name.startswith("acme_")]:
        del sys.modules[name]


def state() -> str:
    return fastws.status()["acme"].state


# --- Used like ours ------------------------------------------------------------------------------


@pytest.mark.parametrize("names", [(), ("acme",)])
def test_installed_when_the_host_is_imported(site: Path, names: tuple[str, ...]) -> None:
    assert state() == "off"
    fastws.install(*names)
    assert state() == "waiting"
    assert "acme_host" not in sys.modules
    core = importlib.import_module("acme_host.core")
    assert core.answer() == "ours"
    assert fastws.status()["acme"] == (
        *("acme", "1.2.3", ">=1.2,<2", "on", ""),
        ("acme_host.core.answer",),
    )
    fastws.uninstall(*names)
    assert core.answer() == "stock"
    assert state() == "off"


def test_installed_at_once_and_by_its_own_function(site: Path) -> None:
    core = importlib.import_module("acme_host.core")
    stock = core.answer
    importlib.import_module("acme_adapter").install()
    assert core.answer() == "ours"
    fastws.uninstall("acme")
    assert core.answer is stock


def test_ours_come_first(site: Path) -> None:
    assert list(fastws.status()) == [*_registry.HOSTS, "acme"]


def test_other_versions_are_refused(site: Path) -> None:
    (site / "Acme.Host-1.2.3.dist-info").rename(site / "Acme.Host-2.0.dist-info")
    write_distribution(site, "Acme.Host", "2.0")
    fastws.install("acme")
    with pytest.warns(HostWarning, match=r"version 2\.0 .*>=1\.2,<2 by acme_adapter of acme-ad"):
        core = importlib.import_module("acme_host.core")
    assert core.answer() == "stock"
    assert state() == "refused"


def test_found_as_soon_as_it_is_there(site: Path, tmp_path: Path) -> None:
    entry_points = tmp_path / "acme_adapter-0.1.dist-info" / "entry_points.txt"
    entry_points.rename(tmp_path / "aside")
    with pytest.raises(ValueError, match=r"no adapter for 'acme'; .* for: .*websockets"):
        fastws.install("acme")
    assert "acme" not in fastws.status()
    (tmp_path / "aside").rename(entry_points)
    fastws.install("acme")
    assert state() == "waiting"


def test_hosts_that_share_a_module_do_not_disturb_each_other(site: Path) -> None:
    entry = "[fastws.adapters]\nacme2 = acme_adapter2\n"
    write_distribution(site, "acme2", "1", entry)
    other = ADAPTER.replace('"answer"', '"other"').replace("core.answer", "core.other")
    write_into(site, {"acme_adapter2.py": other, "acme_host/core.py": HOST + "other = answer\n"})
    fastws.install("acme", "acme2")
    fastws.uninstall("acme2")
    core = importlib.import_module("acme_host.core")
    assert (core.answer(), core.other()) == ("ours", "stock")
    assert fastws.status()["acme2"].state == "off"


# --- Broken ones ---------------------------------------------------------------------------------

BROKEN = {
    "no module": (None, "ModuleNotFoundError(\"No module named 'acme_adapter'\")"),
    "an error": ("import json\njson.nothing", "AttributeError"),
    "an exit": ("raise SystemExit(3)", "SystemExit(3)"),
    "syntax": ("def", "SyntaxError"),
    "empty": ("", "it has no HOST, a tuple of str"),
    "HOST is a str": ("HOST = 'acme'", "it has no HOST, a tuple of str"),
    "HOST of others": ("HOST = ('acme', 1)", "it has no HOST, a tuple of str"),
    "HOST is short": ("HOST = ('acme',)", "its HOST does not name a distribution and a module"),
    "no SUPPORTED": ("HOST = ('acme', 'acme')", "it has no SUPPORTED, a Range"),
    "no patches": ("HOST = ('acme', 'acme')\nSUPPORTED = ''", "it has no function patches()"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_one_is_left_out_with_a_warning(site: Path, case: str) -> None:
    text, reason = BROKEN[case]
    (site / "acme_adapter.py").unlink()
    if text is not None:
        (site / "acme_adapter.py").write_text(text)
    for names in ((), ("acme",), ("websockets", "acme")):
        with pytest.warns(HostWarning) as caught:
            fastws.install(*names)
        assert len(caught) == 1
        said = str(caught[0].message)
        assert said.startswith("fastws leaves out the adapter acme_adapter of acme-adapter: ")
        assert reason in said
        fastws.uninstall(*names)
    found = fastws.status()["acme"]
    assert (found.state, found.version, found.supported, found.replaced) == (
        "refused",
        None,
        "",
        (),
    )
    assert reason in found.reason


def test_ours_are_in_even_where_the_warning_is_an_error(site: Path) -> None:
    (site / "acme_adapter.py").write_text("")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(HostWarning):
            fastws.install()
    assert all(
        found.state in ("on", "waiting", "absent")
        for name, found in fastws.status().items()
        if name != "acme"
    )


def test_a_repaired_one_is_taken(site: Path) -> None:
    (site / "acme_adapter.py").write_text("raise ImportError('not now')")
    assert state() == "refused"
    (site / "acme_adapter.py").write_text(ADAPTER)
    importlib.invalidate_caches()
    fastws.install()
    assert state() == "waiting"


def test_what_its_patches_do_wrong_is_a_warning_too(site: Path) -> None:
    text = ADAPTER.replace("return [Patch", "return 1 / 0, [Patch")
    (site / "acme_adapter.py").write_text(text)
    fastws.install()
    match = r"leaves acme as it is: ZeroDivisionError.* by acme_adapter of acme-adapter\)"
    with pytest.warns(HostWarning, match=match):
        core = importlib.import_module("acme_host.core")
    assert core.answer() == "stock"


# --- Whose name it is ----------------------------------------------------------------------------


def test_a_name_of_ours_stays_ours(site: Path) -> None:
    write_distribution(site, "acme-adapter", "0.1", ENTRY + "websockets = acme_adapter\n")
    match = "acme_adapter of acme-adapter: the name is taken by fastws.adapters.websockets"
    with pytest.warns(HostWarning, match=match):
        fastws.install()
    fastws.install("websockets", "acme")  # no warning: what was asked for is there
    assert _registry.hosts()["websockets"] is _registry.HOSTS["websockets"]
    assert fastws.status()["websockets"].state != "refused"


def test_of_two_others_the_first_on_the_path_counts(site: Path) -> None:
    write_distribution(site, "zzz", "1", "[fastws.adapters]\nacme = zzz\n")
    with pytest.warns(HostWarning, match="adapter zzz of zzz: the name is taken by acme_adapter"):
        fastws.install()
    assert state() == "waiting"


def test_a_distribution_may_be_on_the_path_twice(site: Path, tmp_path: Path) -> None:
    later = tmp_path / "later"
    write_into(later, {"Acme_Adapter.egg-info/entry_points.txt": "[fastws.adapters]\nacme = old\n"})
    sys.path.append(str(later))
    fastws.install()
    assert state() == "waiting"


# --- Finding -------------------------------------------------------------------------------------


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_entry_points_are_read_as_the_standard_library_does(
    site: Path, monkeypatch: pytest.MonkeyPatch, newline: str
) -> None:
    from importlib.metadata import distribution

    lines = [
        *("# fastws.adapters", "[other]", "a = a", "", "[fastws.adapters]", "b = p.b", "c=p.c"),
        *("# d = d", "  e  =  p.e [extra]  ", "", "[ fastws.adapters.not ]", "f = f"),
        *("[fastws.adapters]", "g = p.g"),
    ]
    write_distribution(site, "acme-adapter", "0.1", newline.join(lines))
    monkeypatch.setattr(sys, "path", [str(site)])
    expected = [
        (entry.name, entry.module, "acme-adapter")
        for entry in distribution("acme-adapter").entry_points
        if entry.group == "fastws.adapters"
    ]
    assert [name for name, _, _ in expected] == ["b", "c", "e", "g"]
    assert list(_entry_points.find()) == expected


def test_strange_places_on_the_path_do_no_harm(
    site: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "archive.zip").write_bytes(b"PK")
    (tmp_path / "file.egg-info").write_text("[fastws.adapters]\nx = x\n")
    (tmp_path / "folder.dist-info" / "entry_points.txt").mkdir(parents=True)
    write_into(tmp_path, {"odd-1.dist-info/entry_points.txt": ""})
    (tmp_path / "odd-1.dist-info" / "entry_points.txt").write_bytes(
        b"\xff[fastws.adapters]\n= \xfe"
    )
    places = [str(tmp_path / "archive.zip"), "/no/such/place", "", str(tmp_path)]
    monkeypatch.setattr(sys, "path", places)
    monkeypatch.chdir(tmp_path)
    assert [name for name, _, _ in _entry_points.find()] == ["acme"]


COST = """
import sys, time
start = time.process_time()
import fastws
before = time.process_time()
fastws.install()
print(start, time.process_time() - before, "importlib.metadata" in sys.modules)
"""


@pytest.mark.slow
def test_among_many_distributions_install_takes_at_most_five_milliseconds(tmp_path: Path) -> None:
    for number in range(150):
        entry_points = "[console_scripts]\na = b:c\n" if number % 3 == 0 else ""
        write_distribution(tmp_path, f"package-{number}", "1.0", entry_points)
    # Compiled modules count, as everywhere but in a first run.
    kept = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(tmp_path / "compiled")}
    runs = [python("-c", COST, path=str(tmp_path), **kept).stdout.split() for _ in range(9)]
    assert {run[2] for run in runs} == {"False"}
    # 5 ms where the interpreter itself starts within 12; in proportion on slower machines.
    assert min(float(run[1]) for run in runs) <= max(
        0.005, 0.4 * min(float(run[0]) for run in runs)
    )


# --- A real one ----------------------------------------------------------------------------------

PYPROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "{name}"
version = "{version}"
{more}
[tool.setuptools]
{modules}
"""
PROJECTS = {
    "Acme.Host": ("1.5", "", 'packages = ["acme_host"]'),
    "acme-adapter": (
        "0.1",
        '[project.entry-points."fastws.adapters"]\nacme = "acme_adapter"',
        'py-modules = ["acme_adapter"]',
    ),
}
USE = """
import fastws
fastws.install()
from acme_host import core
print(core.answer(), fastws.status()["acme"])
fastws.uninstall()
print(core.answer())
"""


@pytest.mark.packaging
def test_a_distribution_that_was_built_and_installed(tmp_path: Path) -> None:
    files = {"acme_host/__init__.py": "", "acme_host/core.py": HOST, "acme_adapter.py": ADAPTER}
    for name, (version, more, modules) in PROJECTS.items():
        source = tmp_path / f"source-{name}"
        text = PYPROJECT.format(name=name, version=version, more=more, modules=modules)
        write_into(source, {**files, "pyproject.toml": text})
        pip = (sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps")
        target = ("--no-build-isolation", "--target", str(tmp_path / "site"), str(source))
        subprocess.run([*pip, *target], check=True, capture_output=True)
    done = python("-c", USE, path=str(tmp_path / "site"))
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "ours Status(host='acme', version='1.5', supported='>=1.2,<2', state='on', reason='', "
        "replaced=('acme_host.core.answer',))",
        "stock",
    ]
    table = python("-m", "fastws", "info", path=str(tmp_path / "site")).stdout
    (row,) = [line for line in table.splitlines() if line.startswith("acme ")]
    assert row.split()[:4] == ["acme", "1.5", ">=1.2,<2", "on"]
