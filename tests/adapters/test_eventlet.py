"""fastws in eventlet: what is replaced, what is refused, and messages that are as stock has them.

Nothing is patched by eventlet here, and none of its loops runs: the sockets are in memory.
"""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from adapters.violations import DEFLATE, KEY, LIMIT, VIOLATIONS, frames_for
from helpers import cuts, kind, outcome
from hypothesis import given
from hypothesis import strategies as st

import fastws
from fastws.adapters import HostWarning
from fastws.adapters import eventlet as adapter

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it tells of its own end
    eventlet = pytest.importorskip("eventlet")
    host = pytest.importorskip("eventlet.websocket")
ours: Any = pytest.importorskip("fastws.adapters._eventlet_masks")

STOCK = host.RFC6455WebSocket._apply_mask


@contextmanager
def fast() -> Iterator[dict[str, int]]:
    """Have fastws in eventlet for a while; gives what the counters were before."""
    fastws.install("eventlet")
    try:
        yield adapter.counters()
    finally:
        fastws.uninstall("eventlet")


# --- Install -------------------------------------------------------------------------------------


def standing() -> object:
    return vars(host.RFC6455WebSocket)["_apply_mask"]


def test_the_very_object_is_restored() -> None:
    before = standing()
    adapter.install()
    fastws.install("eventlet")
    assert standing() is ours.apply_mask
    found = fastws.status()["eventlet"]
    assert (found.state, found.supported, found.reason) == ("on", adapter.supported(), "")
    assert found.replaced == ("eventlet.websocket.RFC6455WebSocket._apply_mask",)
    adapter.uninstall()
    assert standing() is before
    assert fastws.status()["eventlet"].state == "off"


@pytest.mark.parametrize(
    ("owner", "name", "other", "told"),
    [
        (ours, "STOCK_APPLY_MASK", print, "_apply_mask is not built as expected"),
        (ours, "STOCK_APPLY_MASK", kind, "_apply_mask is not built as expected"),
        (host.RFC6455WebSocket, "_apply_mask", kind, "_apply_mask is not built as expected"),
        (host, "RFC6455WebSocket", type("Other", (), {}), "it was imported anew"),
        (eventlet, "__version__", "0.42.0", "version 0.42.0 is not one"),
        (eventlet, "__version__", "0.37.0", "version 0.37.0 is not one"),
    ],
)
def test_another_host_is_refused(
    monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, other: Any, told: str
) -> None:
    before = standing()
    with monkeypatch.context() as patched:
        patched.setattr(owner, name, other)
        with pytest.warns(HostWarning, match=f"{told}.*supported: {adapter.supported()}"):
            fastws.install("eventlet")
        assert fastws.status()["eventlet"].state == "refused"
    assert standing() is before
    fastws.uninstall("eventlet")


def python(code: str) -> list[str]:
    """Run code in a fresh interpreter; give its lines."""
    path = str(Path(fastws.__file__).parent.parent)
    code = f"import sys; sys.path.insert(0, {path!r}); import fastws\n{code}"
    command = [sys.executable, "-W", "ignore", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


@pytest.mark.parametrize("names", ["'eventlet'", "'wsaccel', 'eventlet'"])
def test_installed_before_the_import(names: str) -> None:
    assert python(
        f"fastws.install({names})\n"
        "print(fastws.status()['eventlet'].state, 'eventlet' in sys.modules)\n"
        "from eventlet import websocket as host\n"
        "mask = host.RFC6455WebSocket._apply_mask\n"
        "print(fastws.status()['eventlet'].state, mask.__module__, host.utf8validator)\n"
        "fastws.uninstall()\n"
        "print(host.RFC6455WebSocket._apply_mask.__module__)\n"
    ) == ["waiting False", "on fastws.adapters._eventlet_masks None", "eventlet.websocket"]


# --- Messages ------------------------------------------------------------------------------------


class Wire:
    """Stands for a socket: gives chunks as they come, and notes what is sent."""

    def __init__(self, chunks: Sequence[bytes]) -> None:
        self.chunks = list(chunks)
        self.seen: list[Any] = []

    def recv(self, size: int) -> bytes:
        if not self.chunks:
            return b""
        chunk = self.chunks[0]
        self.chunks[:1] = [chunk[size:]] if len(chunk) > size else []
        return chunk[:size]

    def sendall(self, data: bytes) -> None:
        self.seen.append(data)

    def shutdown(self, how: int) -> None:
        self.seen.append("shut down")

    def close(self) -> None:
        self.seen.append("closed")


def transcript(chunks: Sequence[bytes], client: bool, deflate: bool) -> list[Any]:
    """Receive until the end; tell what came and what was sent."""
    wire = Wire(chunks)
    extensions = {"permessage-deflate": {}} if deflate else {}
    connection = host.RFC6455WebSocket(
        wire, {}, protocol=None, client=client, extensions=extensions, max_frame_length=LIMIT
    )
    connection.log = SimpleNamespace(write=wire.seen.append)
    steps: list[Any] = []
    for _ in range(12):
        found = outcome(connection.wait)
        steps.append((*found, list(wire.seen)))
        if found[0] == "raises" or found[2] is None:
            break
    return steps


def same(data: bytes, client: bool, deflate: bool = False, size: int = 1) -> None:
    chunked = [[data], list(cuts(data, size)) if data else []]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(host.time, "time", lambda: 1.5)  # from which it takes its masking keys
        expected = [transcript(chunks, client, deflate) for chunks in chunked]
        with fast():
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
    with fast() as before:
        data = fastws.encode_frame(fastws.Opcode.BINARY, message, mask=KEY)
        assert transcript(list(cuts(data, 7)), False, False)[0][2] == message
        wire = Wire([])
        connection = host.RFC6455WebSocket(wire, {}, client=True)
        connection.send(message)
        [sent] = wire.seen
        assert transcript([sent], False, False)[0][2] == message
    assert adapter.counters()["masked"] >= before["masked"] + 7


# --- Masks ---------------------------------------------------------------------------------------

KEYS = [tuple(KEY), list(KEY), KEY, bytearray(KEY), (1, 2, 3), (1, 2, 3, 4, 5), (1, 2, 3, 256)]
KEYS += [(1, 2, 3, -1), "abcd", None]


@pytest.mark.parametrize("key", KEYS, ids=kind)
@pytest.mark.parametrize("length", [None, 0, 1, 6, 7, 8, -1, "x"])
@pytest.mark.parametrize("offset", [0, 1, 2, 3, 4, 1001, -1, True, None])
def test_masking_is_that_of_stock(key: Any, length: Any, offset: Any) -> None:
    kinds: list[Any] = [b"", b"abcdefg", bytearray(b"abcdefg"), memoryview(b"abcdefg"), "abc", None]
    for data in kinds:
        expected = outcome(STOCK, data, key, length, offset)
        with fast():
            found = outcome(host.RFC6455WebSocket._apply_mask, data, key, length, offset)
        assert found == expected, data


def test_arguments_have_their_names_and_defaults() -> None:
    with fast():
        mask = host.RFC6455WebSocket._apply_mask
        assert mask(b"abcd", tuple(KEY)) == STOCK(b"abcd", tuple(KEY))
        assert mask(data=b"abcd", mask=KEY, length=2, offset=1) == STOCK(b"abcd", KEY, 2, 1)
