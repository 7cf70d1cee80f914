"""fastws in websocket-client: received, sent, masked and validated as without it."""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

import pytest
from adapters.small_hosts import FakeSocket, fast, frames_of, outcome, same, told
from adapters.violations import VIOLATIONS, framed, frames_for
from helpers import cuts
from hypothesis import given, settings
from hypothesis import strategies as st
from processes import python

import fastws
from fastws.adapters import HostWarning
from fastws.adapters import websocket_client as adapter

websocket = pytest.importorskip("websocket")
abnf: Any = sys.modules["websocket._abnf"]
utils: Any = sys.modules["websocket._utils"]
ABNF = abnf.ABNF

REPLACED = (
    "websocket._utils._validate_utf8",
    "websocket._abnf.ABNF.mask",
    "websocket._abnf.ABNF.format",
)
HOST = "websocket_client"


def receive(*pieces: bytes, **options: Any) -> list[Any]:
    """Read from a peer until something ends it; give what came, what was sent, and the end."""
    client = websocket.WebSocket(**options)
    client.sock = peer = FakeSocket(*pieces)
    client.connected = True
    seen: list[Any] = []
    for _ in range(40):
        try:
            opcode, frame = client.recv_data_frame(control_frame=True)
        except Exception as error:
            seen.append(told(error))
            break
        data = getattr(frame, "data", frame)
        seen.append((type(opcode), opcode, type(data), data))
        if opcode == ABNF.OPCODE_CLOSE:
            break
    return [seen, frames_of(peer.sent), client.connected]


def splits(data: bytes) -> list[list[bytes]]:
    return [[data], cuts(data, 1), *([data[:at], data[at:]] for at in range(1, min(len(data), 40)))]


# --- Receiving -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", VIOLATIONS)
@pytest.mark.parametrize("unchecked", [False, True], ids=["checked", "unchecked"])
def test_every_violation_ends_as_in_stock(name: str, unchecked: bool) -> None:
    data = VIOLATIONS[name](False)
    options = {"skip_utf8_validation": unchecked}
    same(HOST, lambda: [receive(*pieces, **options) for pieces in splits(data)])
    same(HOST, lambda: receive(data, fire_cont_frame=True, **options))
    masked = VIOLATIONS[name](True)  # which websocket-client takes as well
    same(HOST, lambda: receive(masked, **options))


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_random_streams(data: st.DataObject) -> None:
    stream = b"".join(data.draw(st.lists(frames_for(False), max_size=8)))
    size = data.draw(st.integers(1, 50))
    same(HOST, lambda: receive(*cuts(stream, size)))


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536, 300_000])
def test_texts_of_every_size(size: int) -> None:
    text = ("Grüße, 世界 🌍 " * size)[:size].encode()
    stream = framed(False, 1, text) + framed(False, 1, text[: size // 2], fin=False)
    stream += framed(False, 0, text[size // 2 :])
    before = adapter.counters()["validated"]
    seen, *_ = same(HOST, lambda: receive(*cuts(stream, 16_384)))
    assert [data for *_, data in seen[:2]] == [text, text]
    assert adapter.counters()["validated"] > before


@pytest.mark.parametrize(
    "data", [b"", "ü".encode(), b"\xc3", b"a\xff", bytearray(b"\xe2\x82"), "text", "ü", None, 7]
)
def test_texts_are_judged_as_in_stock(data: Any) -> None:
    same(HOST, lambda: outcome(lambda: utils.validate_utf8(data)))


# --- Sending -------------------------------------------------------------------------------------

PAYLOADS: list[Any] = ["", "Grüße", b"", b"\x00\xff" * 70, b"z" * 70_000, bytearray(b"ba")]
PAYLOADS += [memoryview(b"view"), None, 7, ["list"]]


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda payload: str(payload)[:10])
def test_what_is_sent(payload: Any) -> None:
    def run() -> list[Any]:
        seen: list[Any] = []
        for opcode in (*ABNF.OPCODES, 3, 11, -1, 300):
            client = websocket.WebSocket()
            client.sock = peer = FakeSocket()
            client.connected = True
            size = outcome(lambda c=client, o=opcode: c.send(payload, o))
            seen.append([size, frames_of(peer.sent)])
        client = websocket.WebSocket()
        client.sock = peer = FakeSocket()
        for name in ("send_binary", "send_bytes", "send_text", "ping", "pong"):
            seen.append(outcome(lambda name=name: getattr(client, name)(payload)))
        seen.append(outcome(lambda: client.send_close(1001, payload)))
        return [*seen, frames_of(peer.sent)]

    same(HOST, run)


def test_frames_of_every_kind() -> None:
    """Flags that are no bits, opcodes that are none, keys of the user's own."""

    def run() -> list[Any]:
        seen = []
        for fin in (0, 1, 2):
            for rsv in range(8):
                for opcode in (0, 1, 2, 3, 8, 9, 10):
                    for mask_value in (0, 1, 2):
                        frame = ABNF(fin, rsv >> 2, rsv >> 1 & 1, rsv & 1, opcode, mask_value)
                        frame.data = b"data" * 40
                        seen.append(formatted(frame))
        frame = ABNF.create_frame("own key", ABNF.OPCODE_TEXT)
        frame.get_mask_key = lambda size: "abcd"[:size]
        return [*seen, outcome(frame.format)]

    def formatted(frame: Any) -> Any:
        result = outcome(frame.format)
        return frames_of(result[1]) if result[0] is bytes else result

    before = adapter.counters()["encoded"]
    same(HOST, run)
    assert adapter.counters()["encoded"] > before


@pytest.mark.parametrize("key", [b"abcd", "abcd", "ab\xff\xfe", bytearray(b"abcd"), b"abc", "", 7])
@pytest.mark.parametrize("data", [b"", b"data" * 40, "däta", bytearray(b"x"), None, 7, "世"])
def test_masks_are_stocks(key: Any, data: Any) -> None:
    same(HOST, lambda: outcome(lambda: ABNF.mask(key, data)))


def test_keys_are_fresh() -> None:
    with fast(HOST):
        frames = {ABNF.create_frame(b"", ABNF.OPCODE_BINARY).format() for _ in range(100)}
    assert len(frames) == 100


# --- Install -------------------------------------------------------------------------------------


def standing() -> list[object]:
    members = vars(ABNF)
    return [utils._validate_utf8, members["mask"], members["format"], abnf.validate_utf8]


def test_the_very_objects_are_restored() -> None:
    before = standing()
    adapter.install()
    fastws.install(HOST)
    found = fastws.status()[HOST]
    assert (found.state, found.supported, found.reason) == ("on", adapter.supported(), "")
    assert found.replaced == REPLACED
    assert [one is other for one, other in zip(standing(), before, strict=True)] == [
        *[False] * 3,
        True,
    ]
    adapter.uninstall()
    assert all(one is other for one, other in zip(standing(), before, strict=True))


def of_other_names(self: Any, payload: Any) -> None:
    """Hold nothing of what the stock ones use."""


@pytest.mark.parametrize(
    ("owner", "name", "other", "told_of"),
    [
        (ABNF, "mask", of_other_names, "ABNF.mask"),
        (utils, "_validate_utf8", lambda: True, "_utils._validate_utf8"),
        (abnf, "validate_utf8", of_other_names, "_utils.validate_utf8"),
        (abnf, "validate_utf8", len, "is not a function"),
        (websocket, "__version__", "1.6.4", "version 1.6.4 is not one"),
        (websocket, "__version__", "1.10.0", "version 1.10.0 is not one"),
    ],
)
def test_another_host_is_refused(
    monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, other: Any, told_of: str
) -> None:
    from fastws.adapters import _websocket_client_frames as ours

    before = standing()
    monkeypatch.setattr(owner, name, other)
    if owner is utils:
        monkeypatch.setattr(ours, "STOCK_VALIDATE", other)
    with pytest.warns(HostWarning, match=f"{told_of}.*supported: {adapter.supported()}"):
        fastws.install(HOST)
    assert fastws.status()[HOST].replaced == ()
    fastws.uninstall(HOST)
    monkeypatch.undo()
    assert standing() == before


def test_installed_before_the_import_and_imported_anew() -> None:
    done = python(
        "-c",
        "import importlib, sys, fastws\n"
        "fastws.install('websocket_client', 'wsaccel')\n"
        "print(fastws.status()['websocket_client'].state, 'websocket' in sys.modules)\n"
        "import websocket._abnf as abnf, websocket._utils as utils\n"
        "print(*fastws.status()['websocket_client'].replaced)\n"
        "print('wsaccel' in sys.modules)\n"  # the adapter does it all
        "importlib.reload(abnf)\n"
        "print(*fastws.status()['websocket_client'].replaced)\n"
        "print(utils.validate_utf8('ü'.encode()), abnf.ABNF.mask(b'abcd', b'abcd'))\n"
        "del sys.modules['websocket._utils']\n"
        "import websocket._utils\n"
        "print(fastws.status()['websocket_client'].state, abnf.validate_utf8.__module__)\n"
        "fastws.uninstall()\n"
        "print(abnf.validate_utf8.__module__, abnf.ABNF.format.__module__)\n",
    )
    assert done.stdout.splitlines() == [
        "waiting False",
        " ".join(REPLACED),
        "False",
        " ".join([REPLACED[0], *REPLACED[1:]]),
        "True b'\\x00\\x00\\x00\\x00'",
        "on fastws.adapters._websocket_client_frames",
        "websocket._utils websocket._abnf",
    ], done.stderr


# --- A real server -------------------------------------------------------------------------------


def test_echoes_of_a_real_server() -> None:
    sync = pytest.importorskip("websockets.sync.server")

    def echo(connection: Any) -> None:
        for message in connection:
            connection.send(message)

    messages = ["", "Grüße " * 30_000, os.urandom(100_000), b""]
    with sync.serve(echo, "127.0.0.1", 0, max_size=None) as server, fast(HOST):
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        before = adapter.counters()
        try:
            client = websocket.create_connection("ws://%s:%d" % server.socket.getsockname())  # noqa: UP031
            for message in messages:
                if isinstance(message, str):
                    client.send(message)
                else:
                    client.send_binary(message)
                assert client.recv() == message
            client.close()
        finally:
            server.shutdown()
            thread.join()
        after = adapter.counters()
    assert after["encoded"] - before["encoded"] == len(messages)
    assert after["validated"] - before["validated"] >= 2
