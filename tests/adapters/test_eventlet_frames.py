"""fastws in eventlet: messages, judgments and what is sent are those of stock.

Nothing is patched by eventlet here, and none of its loops runs: the sockets are in memory.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from adapters.apart import only_apart
from adapters.small_hosts import FakeSocket, fast, outcome
from adapters.violations import DEFLATE, KEY, LIMIT, VIOLATIONS, frames_for
from helpers import cuts
from hypothesis import given
from hypothesis import strategies as st

import fastws
from fastws.adapters import eventlet as adapter

only_apart()
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it tells of its own end
    host: Any = pytest.importorskip("eventlet.websocket")


def transcript(chunks: Sequence[bytes], client: bool, deflate: bool) -> list[Any]:
    """Receive until the end; tell what came and what was sent."""
    wire = FakeSocket(*chunks)
    extensions = {"permessage-deflate": {}} if deflate else {}
    connection = host.RFC6455WebSocket(
        wire, {}, protocol=None, client=client, extensions=extensions, max_frame_length=LIMIT
    )
    logged: list[str] = []
    connection.log = SimpleNamespace(write=logged.append)
    steps: list[Any] = []
    for _ in range(12):
        found = outcome(connection.wait)
        steps.append((found, wire.sent, wire.closed, list(logged)))
        if found[1] is None or (isinstance(found[1], str) and len(found) == 3):
            break
    return steps


def same(data: bytes, client: bool, deflate: bool = False, size: int = 1) -> None:
    chunked = [[data], list(cuts(data, size)) if data else []]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(host.time, "time", lambda: 1.5)  # from which it takes its masking keys
        expected = [transcript(chunks, client, deflate) for chunks in chunked]
        with fast("eventlet"):
            assert [transcript(chunks, client, deflate) for chunks in chunked] == expected


@pytest.mark.parametrize("client", [False, True], ids=["server", "client"])
@pytest.mark.parametrize("name", VIOLATIONS)
def test_violations_are_judged_as_by_stock(name: str, client: bool) -> None:
    same(VIOLATIONS[name](not client), client)


@pytest.mark.parametrize("client", [False, True], ids=["server", "client"])
@pytest.mark.parametrize("name", DEFLATE)
def test_compressed_messages(name: str, client: bool) -> None:
    same(DEFLATE[name](not client), client, deflate=True)


@given(st.booleans(), st.booleans(), st.data(), st.integers(1, 40))
def test_random_streams(client: bool, deflate: bool, data: st.DataObject, size: int) -> None:
    frames = data.draw(st.lists(frames_for(not client), max_size=6))
    same(b"".join(frames), client, deflate, size)


def test_our_code_reads_and_writes() -> None:
    message = b"\x00\xff" * 20
    with fast("eventlet"):
        before = adapter.counters()["masked"]
        data = fastws.encode_frame(fastws.Opcode.BINARY, message, mask=KEY)
        assert transcript(list(cuts(data, 7)), False, False)[0][0] == (bytes, message)
        wire = FakeSocket()
        host.RFC6455WebSocket(wire, {}, client=True).send(message)
        assert transcript([wire.sent], False, False)[0][0] == (bytes, message)
    assert adapter.counters()["masked"] >= before + 7
