"""Connections for tests: on each back end, and what their peers say and hear."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from helpers import make_frame

from fastws import CodecError, FrameDecoder, connection
from fastws.connection import Connection

KEY = bytes.fromhex("37fa213d")
PEER: Any = {"server": "client", "client": "server"}
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
# What the module took from the back end in use.
NAMES = ["Binary", "Close", "MessageDecoder", "Ping", "Text", "encode_close", "encode_frame"]


@pytest.fixture
def make(codec: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Connection]:
    """Give the class, on each back end."""
    for name in NAMES:
        assert getattr(connection, name).__name__ == name
        monkeypatch.setattr(connection, name, getattr(codec, name))
    return Connection


@pytest.fixture(params=["server", "client"])
def role(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def from_peer(to: Connection, opcode: int, payload: bytes = b"", **options: Any) -> bytes:
    """Give a frame as the peer of this connection writes it."""
    return make_frame(opcode, payload, mask=KEY if to.role == "server" else None, **options)


def frames(of: Connection, data: bytes) -> list[tuple[int, bytes]]:
    """Give opcode and payload of the frames that a connection wrote, whole and in one piece."""
    assert type(data) is bytes
    decoder = FrameDecoder(PEER[of.role], rsv=0x40)
    decoder.feed(data)
    found = list(decoder)
    assert decoder.buffered == 0
    assert all(frame.fin and not frame.rsv for frame in found)
    return [(int(frame.opcode), frame.payload) for frame in found]


def owed(by: Connection) -> list[tuple[int, bytes]]:
    """Take the frames that a connection owes."""
    return frames(by, by.data_to_send())


def close_frame(code: int, reason: str = "") -> tuple[int, bytes]:
    return CLOSE, code.to_bytes(2, "big") + reason.encode()


def run(connection: Connection) -> list[Any]:
    """Iterate until nothing comes, or a fault shows."""
    events: list[Any] = []
    try:
        for event in connection:
            events.append((event.opcode, *(getattr(event, n) for n in event.__match_args__)))
    except CodecError as error:
        events.append(error)
    return events
