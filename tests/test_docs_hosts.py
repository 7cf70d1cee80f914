"""The page of each host names the versions, what is replaced and the figures as they are."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib import import_module
from importlib.util import find_spec

import pytest
from pages import DOCS, README, prose_of
from processes import lines_of

from fastws.adapters._registry import HOSTS

pytestmark = pytest.mark.slow  # the pages are the same for every interpreter

PAGES = {name: DOCS / f"{name.replace('_', '-')}.md" for name in [*HOSTS, "uvicorn"]}
PAGES["autobahn"] = DOCS / "autobahn-daphne.md"
GAINS = re.compile(r"^<!-- gains: (.+) -->$", re.M)
NAME = re.compile(r"`([a-z]\w+(?:\.\w+)+)`")
REPLACED = re.compile(r"^\| replaced \|.*\n\|.*\n((?:\|.*\n)+)", re.M)
SECTIONS = ("Add it", "See that it is in", "What it gains", "Take it out")


@pytest.mark.parametrize("host", PAGES)
def test_a_page_says_which_versions_are_supported(host: str) -> None:
    supported = import_module(f"fastws.adapters.{host}").supported()
    assert f"`{supported}`" in prose_of(PAGES[host])


@pytest.mark.parametrize("host", sorted({*PAGES} - {"uvicorn", "websockets"}))
def test_a_page_says_how_to_add_it_and_how_to_take_it_out(host: str) -> None:
    text = prose_of(PAGES[host])
    assert [title for title in SECTIONS if f"\n## {title}\n" not in text] == []


@pytest.mark.parametrize("host", PAGES)
def test_the_readme_and_the_overview_lead_to_each_page(host: str) -> None:
    assert f"](docs/{PAGES[host].name})" in prose_of(README)
    assert f"]({PAGES[host].name})" in prose_of(DOCS / "adding.md")


@pytest.mark.parametrize("host", sorted({*HOSTS} - {"wsaccel"}))
def test_a_page_names_what_is_replaced_and_nothing_else(host: str) -> None:
    first, *others = HOSTS[host].modules
    if find_spec(first.partition(".")[0]) is None:  # not to be imported here: eventlet minds forks
        pytest.skip(f"{host} is not installed")
    # autobahn goes with asyncio or with Twisted, not with both.
    ways = [[first, each] for each in others] if host == "autobahn" else [HOSTS[host].modules]
    replaced = {name for modules in ways for name in replaced_in(host, modules)}
    (rows,) = REPLACED.findall(prose_of(PAGES[host]))
    names = {name for row in rows.splitlines() for name in NAME.findall(row.split("|")[1])}
    if host == "autobahn":  # where it has compiled ones, they stay
        names = {name for name in names if not name.endswith("Utf8Validator") or name in replaced}
    assert names == replaced


def replaced_in(host: str, modules: Iterable[str]) -> list[str]:
    """Give what is replaced in a process that imports these."""
    imports = "\n".join(f"import {module}" for module in modules)
    show = f"print(*fastws.status()['{host}'].replaced, sep='\\n')"
    return lines_of(f"fastws.install('{host}')\n{imports}\n{show}")


@pytest.mark.parametrize("host", sorted({*PAGES} - {"wsaccel"}))
def test_a_page_has_rows_of_the_table_of_figures(host: str) -> None:
    (names,) = GAINS.findall(prose_of(PAGES[host]))
    rows = re.findall(r"^\| ([^|]+?) \|", (DOCS / "hosts.md").read_text(encoding="utf-8"), re.M)
    assert not {*names.split("; ")} - {*rows}
