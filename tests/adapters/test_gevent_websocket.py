"""fastws in gevent-websocket: what is replaced, what is refused, and messages as stock has them.

Nothing is patched by gevent here, and none of its loops runs: the streams are in memory.
"""

from __future__ import annotations

import io
import logging
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from adapters.violations import KEY, VIOLATIONS, frames_for
from helpers import kind, outcome
from hypothesis import given
from hypothesis import strategies as st

import fastws
from fastws.adapters import HostWarning
from fastws.adapters import gevent_websocket as adapter

host = pytest.importorskip("geventwebsocket.websocket")
ours: Any = pytest.importorskip("fastws.adapters._gevent_websocket_frames")

REPLACED = (
    "geventwebsocket.websocket.Header.mask_payload",
    "geventwebsocket.websocket.Header.unmask_payload",
    "geventwebsocket.websocket.Utf8Validator",
)


@contextmanager
def fast() -> Iterator[dict[str, int]]:
    """Have fastws in gevent-websocket for a while; gives what the counters were before."""
    fastws.install("gevent_websocket")
    try:
        yield adapter.counters()
    finally:
        fastws.uninstall("gevent_websocket")


# --- Install -------------------------------------------------------------------------------------


def standing() -> list[object]:
    members = vars(host.Header)
    return [members["mask_payload"], members["unmask_payload"], host.Utf8Validator]


def test_the_very_objects_are_restored() -> None:
    before = standing()
    adapter.install()
    fastws.install("gevent_websocket")
    assert standing() == [ours.mask_payload, ours.mask_payload, ours.Utf8Validator]
    found = fastws.status()["gevent_websocket"]
    assert (found.state, found.supported, found.reason) == ("on", adapter.supported(), "")
    assert found.replaced == REPLACED
    adapter.uninstall()
    assert all(one is other for one, other in zip(standing(), before, strict=True))
    assert fastws.status()["gevent_websocket"].state == "off"


@pytest.mark.parametrize(
    ("owner", "name", "other", "told"),
    [
        (ours, "STOCK_MASK", print, "Header.mask_payload is not built"),
        (ours, "STOCK_UNMASK", print, "Header.unmask_payload is not built"),
        (ours, "STOCK_VALIDATOR", None, "Utf8Validator is not built"),
        (host.WebSocket, "validate_utf8", print, "WebSocket.validate_utf8 is not built"),
        (host, "Header", type("Header", (), {}), "it was imported anew"),
        (None, "version", "0.11", "version 0.11 is not one"),
        (None, "version", "0.9.5", "version 0.9.5 is not one"),
    ],
)
def test_another_host_is_refused(
    monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, other: Any, told: str
) -> None:
    before = standing()
    with monkeypatch.context() as patched:
        if owner is None:
            patched.setattr("importlib.metadata.version", lambda distribution: other)
        else:
            patched.setattr(owner, name, other)
        with pytest.warns(HostWarning, match=f"{told}.*supported: {adapter.supported()}"):
            fastws.install("gevent_websocket")
        assert fastws.status()["gevent_websocket"].state == "refused"
    assert standing() == before
    fastws.uninstall("gevent_websocket")


def python(code: str) -> list[str]:
    """Run code in a fresh interpreter; give its lines."""
    path = str(Path(fastws.__file__).parent.parent)
    code = f"import sys; sys.path.insert(0, {path!r}); import fastws\n{code}"
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


@pytest.mark.parametrize("names", ["'gevent_websocket'", "'wsaccel', 'gevent_websocket'"])
def test_installed_before_the_import(names: str) -> None:
    assert python(
        f"fastws.install({names})\n"
        "print(fastws.status()['gevent_websocket'].state, 'geventwebsocket' in sys.modules)\n"
        "from geventwebsocket import websocket as host\n"
        "print(fastws.status()['gevent_websocket'].state, host.Utf8Validator.__module__)\n"
        "fastws.uninstall()\n"
        "print(host.Header.mask_payload.__module__, host.Utf8Validator.__module__)\n"
    ) == [
        "waiting False",
        "on fastws.adapters._gevent_websocket_frames",
        "geventwebsocket.websocket geventwebsocket.utf8validator",
    ]


# --- Messages ------------------------------------------------------------------------------------


class App:
    """Stands for the application, which is told of the end."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def on_close(self, *reason: Any) -> None:
        self.told.append(reason)


def transcript(data: bytes, method: str) -> list[Any]:
    """Receive until the end; tell what came, what was sent, and what the application was told."""
    sent = bytearray()
    app = App()
    handler = SimpleNamespace(
        rfile=io.BytesIO(data),
        socket=SimpleNamespace(sendall=sent.extend),
        server=SimpleNamespace(application=SimpleNamespace(current_app=app)),
        logger=logging.getLogger("gevent of a test"),
    )
    connection = host.WebSocket({}, host.Stream(handler), handler)
    steps: list[Any] = []
    for _ in range(12):
        found = outcome(getattr(connection, method))
        if found[0] == "raises":
            found = (*found[:2], found[2].split(" mask=b")[0].split(" at 0x")[0])
        steps.append((found, bytes(sent), connection.closed, list(app.told)))
        if connection.closed:
            break
    return steps


def same(data: bytes) -> None:
    for method in ("receive", "read_message"):
        expected = transcript(data, method)
        with fast():
            assert transcript(data, method) == expected


@pytest.mark.parametrize("masked", [True, False], ids=["masked", "unmasked"])
@pytest.mark.parametrize("name", VIOLATIONS)
def test_violations_are_judged_as_by_stock(name: str, masked: bool) -> None:
    same(VIOLATIONS[name](masked))


@given(st.lists(frames_for(True), max_size=6))
def test_random_streams(frames: list[bytes]) -> None:
    same(b"".join(frames))


def test_our_code_reads_large_messages() -> None:
    text = "Grüße, 世界 " * 9000
    data = fastws.encode_frame(fastws.Opcode.TEXT, text, mask=KEY)
    blob = fastws.encode_frame(fastws.Opcode.BINARY, b"\xff" * 70_000, mask=KEY)
    with fast() as before:
        steps = transcript(data + blob, "receive")
    assert [step[0][1:] for step in steps[:2]] == [(str, text), (bytearray, b"\xff" * 70_000)]
    after = adapter.counters()
    assert after["masked"] == before["masked"] + 2
    assert after["validated"] == before["validated"] + 2


# --- Masks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key", [KEY, bytearray(KEY), b"", "", "abcd", None, b"12", b"12345"], ids=kind
)
@pytest.mark.parametrize(
    "data", [b"", b"x", b"hello" * 30, bytearray(b"spam"), memoryview(b"spam"), "x", None], ids=kind
)
@pytest.mark.parametrize("more", [0, 1, -1])
def test_masking_is_that_of_stock(key: Any, data: Any, more: int) -> None:
    header = host.Header(length=(len(data) if data is not None else 3) + more)
    header.mask = key

    def masked() -> list[Any]:
        return [outcome(header.mask_payload, data), outcome(header.unmask_payload, data)]

    expected = masked()
    with fast():
        assert masked() == expected
