"""What the pages show: every Python block runs, and every file linked to is there."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pages import BLOCKS, DOCS, IS_WHOLE, PAGES, README, Block, block_with, blocks_in, prose_of

import fastws
from fastws.adapters import _registry

# Blocks in any of these are tested: python and toml here, sh and text in test_docs_commands,
# cython in test_docs_cython.
LANGUAGES = {"cython", "python", "sh", "text", "toml"}
LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)")
HEADING = re.compile(r"^#+ (.*)$", re.M)


def run(block: str, page: Path = README) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(block, str(page), "exec"), names)
    return names


def test_there_are_blocks() -> None:
    found = [block.page.name for block in blocks_in("python")]
    assert found.count("README.md") == 2
    assert found.count("server.md") == 9
    assert found.count("adapters.md") == 2
    assert len(blocks_in("sh")) > 20


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_each_block_is_in_a_language_that_is_tested(block: Block) -> None:
    assert block.language in LANGUAGES


@pytest.mark.parametrize("block", blocks_in("python"), ids=str)
def test_each_python_block_runs(block: Block) -> None:
    try:
        run(block.text, block.page)
    except ModuleNotFoundError as error:
        # The libraries of pages about hosts are not to be had on every interpreter.
        if block.page.parent != DOCS or (error.name or "").startswith("fastws"):
            raise
        pytest.skip(f"{error.name} is not installed")
    finally:
        fastws.uninstall()


@pytest.mark.skipif(not IS_WHOLE, reason="this copy of the checkout lacks what is linked to")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_is_linked_to_is_there(page: Path) -> None:
    missing = []
    for name, anchor in LINK.findall(prose_of(page)):
        target = page.parent / name if name else page
        if not target.exists():
            missing.append(name)
        elif anchor and not anchor.startswith("fastws.") and anchor not in anchors(target):
            missing.append(f"{name}#{anchor}")  # those of the reference are made by mkdocs
    assert not missing


def anchors(page: Path) -> set[str]:
    """Give the anchors of a page's headings, as code hosts and mkdocs make them."""
    titles = [
        re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", t) for t in HEADING.findall(prose_of(page))
    ]
    return {re.sub(r"[^\w -]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def test_the_server_answers_and_closes_on_errors() -> None:
    talk = run(block_with(DOCS / "server.md", "def talk"))["talk"]
    server = fastws.Connection("server")
    ping = fastws.encode_frame(fastws.Opcode.PING, b"hi", mask=True)
    assert talk(server, ping[:3]) == b""
    assert talk(server, ping[3:]) == fastws.encode_frame(fastws.Opcode.PONG, b"hi")
    assert talk(server, b"\x89\x00") == fastws.encode_close(
        1002, "frame from the client is not masked"
    )


def test_the_entry_point_that_is_shown_is_one_of_ours() -> None:
    (block,) = blocks_in("toml")
    assert tomllib.loads(block.text) == {
        "project": {"entry-points": {"fastws.adapters": {"acme": "acme_fastws"}}}
    }


def test_the_adapter_that_is_shown_works(monkeypatch: pytest.MonkeyPatch) -> None:
    adapter = ModuleType("acme_fastws")
    vars(adapter).update(run(block_with(DOCS / "adapters.md", "def patches")))
    frames = ModuleType("acme.frames")
    frames.xor = stock = lambda data, key: data  # type: ignore[attr-defined]
    frames.__version__ = "1.3"  # type: ignore[attr-defined]
    acme = ModuleType("acme")
    acme.__version__ = "1.3"  # type: ignore[attr-defined]
    for module in (adapter, frames, acme):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    host = _registry.Host("acme", *adapter.HOST, adapter="acme_fastws")
    monkeypatch.setitem(_registry._theirs, "acme", host)
    fastws.install("acme")
    try:
        assert fastws.status()["acme"].replaced == ("acme.frames.xor",)
        assert frames.xor(b"\x7f\x9f", b"\x37\xfa\x21\x3d") == b"He"  # type: ignore[attr-defined]
        assert adapter.COUNTERS == {"masks": 1}
    finally:
        fastws.uninstall("acme")
    assert frames.xor is stock  # type: ignore[attr-defined]
