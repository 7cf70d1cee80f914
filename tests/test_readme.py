"""What the README shows: every Python block of it runs, and the decoder of it does what it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import fastws

README = Path(__file__).parent.parent / "README.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.M | re.S)


def run(block: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(block, str(README), "exec"), names)
    return names


def test_there_are_blocks() -> None:
    assert len(BLOCKS) == 4


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.splitlines()[-1][:30])
def test_each_block_runs(block: str) -> None:
    try:
        run(block)
    finally:
        fastws.uninstall()


def test_the_server_answers_pings_and_closes_on_errors() -> None:
    (block,) = [block for block in BLOCKS if "def data_received" in block]
    data_received = run(block)["data_received"]
    ping = fastws.encode_frame(fastws.Opcode.PING, b"hi", mask=True)
    assert data_received(ping[:3]) == b""
    assert data_received(ping[3:]) == fastws.encode_frame(fastws.Opcode.PONG, b"hi")
    assert data_received(b"\x89\x00") == fastws.encode_close(
        1002, "frame from the client is not masked"
    )
