"""What the README and docs/ show: every Python block runs, and every file linked to is there."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import fastws
from fastws.adapters import _registry

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").glob("*.md"))]
BLOCKS = [
    pytest.param(page, block, id=f"{page.stem}-{number}")
    for page in PAGES
    for number, block in enumerate(
        re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)
    )
]
LINK = re.compile(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)")


def run(block: str, page: Path = README) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(block, str(page), "exec"), names)
    return names


def block_with(page: Path, text: str) -> str:
    """Give the one block of a page that has this text."""
    pairs = [param.values for param in BLOCKS]
    (block,) = [block for where, block in pairs if where == page and text in str(block)]
    return str(block)


def test_there_are_blocks() -> None:
    found = [param.values[0].name for param in BLOCKS]
    assert found.count("README.md") == 4
    assert found.count("server.md") == 8
    assert found.count("adapters.md") == 2


@pytest.mark.parametrize(("page", "block"), BLOCKS)
def test_each_block_runs(page: Path, block: str) -> None:
    try:
        run(block, page)
    finally:
        fastws.uninstall()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_is_linked_to_is_there(page: Path) -> None:
    targets = LINK.findall(page.read_text(encoding="utf-8"))
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert not missing


def test_the_server_answers_pings_and_closes_on_errors() -> None:
    data_received = run(block_with(README, "def data_received"))["data_received"]
    ping = fastws.encode_frame(fastws.Opcode.PING, b"hi", mask=True)
    assert data_received(ping[:3]) == b""
    assert data_received(ping[3:]) == fastws.encode_frame(fastws.Opcode.PONG, b"hi")
    assert data_received(b"\x89\x00") == fastws.encode_close(
        1002, "frame from the client is not masked"
    )


def test_the_adapter_that_is_shown_works(monkeypatch: pytest.MonkeyPatch) -> None:
    adapter = ModuleType("acme_fastws")
    vars(adapter).update(run(block_with(ROOT / "docs" / "adapters.md", "def patches")))
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
