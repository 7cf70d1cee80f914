"""`WebSocketProtocol` of uvicorn: messages both ways, closes, and peers that break rules."""

from __future__ import annotations

import asyncio
import logging
import zlib
from typing import Any

import pytest
from adapters.uvicorn_driven import (
    ACCEPT,
    DEFLATE,
    KEY,
    Driven,
    Frame,
    echo,
    frames,
    recorder,
    scripted,
    stock,
    turns,
)
from adapters.violations import DEFLATE as COMPRESSED
from adapters.violations import LIMIT, VIOLATIONS, deflated
from helpers import make_frame
from hypothesis import given
from hypothesis import strategies as st
from uvicorn.protocols.utils import ClientDisconnected

from fastws.adapters.uvicorn import WebSocketProtocol

CLOSE = 8


def heard(
    data: bytes, cls: Any = WebSocketProtocol, step: int = 0, extra: bytes = b"", **config: Any
) -> tuple[list[Any], list[Frame], bool]:
    """Give what the application receives of this, what the client gets, and whether it ends."""
    seen: list[Any] = []

    async def run() -> tuple[list[Frame], bool]:
        driven = Driven(recorder(seen), cls, **config)
        await driven.open(extra)
        for i in range(0, len(data), step or len(data) or 1):
            driven.feed(data[i : i + (step or len(data))])
            await turns(3 if step else 8)
        await turns()
        written, ended = driven.frames(), driven.transport.closing
        await driven.end()
        return written, ended

    return seen, *asyncio.run(run())


def told(result: tuple[list[Any], list[Frame], bool]) -> tuple[list[Any], list[Frame], bool]:
    """Leave out what is in our own words: the reasons of errors."""
    seen, written, ended = result
    seen = [
        {name: value for name, value in message.items() if name != "reason"} for message in seen
    ]
    return seen, [(op, data[:2] if op == CLOSE else data) for op, data in written], ended


# Where our rules are those of RFC 6455 and not uvicorn's: how ours end.
OWN_RULES = {
    "ping of 126 bytes": 1002,  # 5.5; uvicorn looks at ws_max_size first: 1009
    "close inside a message": 1000,  # 5.4: control frames may stand there; uvicorn: 1002
    "16-bit length, not minimal": 1002,  # 5.2; uvicorn takes it
    "64-bit length, not minimal": 1002,
    "64-bit length, top bit set": 1002,  # 5.2; uvicorn: too big, 1009
    "64-bit length, all bits set": 1002,
    "control frame too big while a message is read": 1005,  # it is no part of it; uvicorn: 1009
}


@pytest.mark.parametrize("name", VIOLATIONS)
def test_rules_are_those_of_uvicorn(name: str) -> None:
    data = VIOLATIONS[name](True)
    config = {"ws_max_size": LIMIT}
    ours, theirs = told(heard(data, **config)), told(heard(data, stock(), **config))
    if name in OWN_RULES:
        assert ours != theirs
        assert ours[0][-1] == {"type": "websocket.disconnect", "code": OWN_RULES[name]}
    else:
        assert ours == theirs
    for step in (1, 3):
        assert told(heard(data, step=step, **config)) == ours


@pytest.mark.parametrize("name", COMPRESSED)
def test_rules_are_those_of_uvicorn_with_compression(name: str) -> None:
    data = COMPRESSED[name](True)
    config: Any = {"ws_max_size": 2000, "ws_per_message_deflate": True, "extra": DEFLATE}
    ours, theirs = told(heard(data, **config)), told(heard(data, stock(), **config))
    assert ours == theirs
    assert told(heard(data, step=1, **config)) == ours


@given(
    st.lists(st.text(max_size=200) | st.binary(max_size=200), max_size=12),
    st.booleans(),
    st.integers(1, 400),
)
def test_messages_are_echoed(messages: list[str | bytes], deflate: bool, step: int) -> None:
    data = b""
    for message in messages:
        payload = message.encode() if isinstance(message, str) else message
        opcode = 1 if isinstance(message, str) else 2
        data += make_frame(
            opcode,
            deflated(payload) if deflate else payload,
            rsv=0x40 if deflate else 0,
            mask=KEY,
        )

    async def run() -> list[Frame]:
        driven = Driven(echo, ws_per_message_deflate=deflate)
        head = await driven.open(DEFLATE if deflate else b"")
        assert (b"permessage-deflate" in head.lower()) is deflate
        for i in range(0, len(data), step):
            driven.feed(data[i : i + step])
            await turns(2)
        await turns()
        written = driven.frames()
        await driven.end()
        return written

    echoed = asyncio.run(run())
    assert [opcode for opcode, _ in echoed] == [1 if isinstance(m, str) else 2 for m in messages]
    if not deflate:
        assert [p.decode() if op == 1 else p for op, p in echoed] == messages


def test_large_messages_are_compressed() -> None:
    text = "a" * 5000

    async def run() -> bytes:
        driven = Driven(scripted(ACCEPT, {"type": "websocket.send", "text": text}))
        driven.protocol.config.ws_per_message_deflate = True
        await driven.open(DEFLATE)
        written = bytes(driven.transport.written).partition(b"\r\n\r\n")[2]
        await driven.end()
        return written

    written = asyncio.run(run())
    assert written[0] == 0xC1
    assert len(written) < 100
    unpacked = zlib.decompressobj(-15).decompress(written[2:] + b"\x00\x00\xff\xff")
    assert unpacked.decode() == text


@pytest.mark.parametrize("key", ["text", "bytes"])
@pytest.mark.parametrize("deflate", [True, False])
def test_a_message_of_the_wrong_type_is_the_applications_fault(key: str, deflate: bool) -> None:
    data = b"x" if key == "text" else "x"
    errors = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(ACCEPT)
        try:
            await send({"type": "websocket.send", key: data})
        except TypeError as error:
            errors.append(str(error))
        await send({"type": "websocket.send", "bytes": None, "text": None})
        await send({"type": "websocket.send", "bytes": b"", "text": None})

    async def run() -> list[Frame]:
        driven = Driven(app, ws_per_message_deflate=deflate)
        await driven.open(DEFLATE if deflate else b"")
        written = bytes(driven.transport.written).partition(b"\r\n\r\n")[2]
        await driven.end()
        return frames(written)

    assert asyncio.run(run()) == [(2, b"")]
    assert len(errors) == 1


# --- Closing -------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [1000, 1001, 3000, 4999, None])
@pytest.mark.parametrize("reason", ["", "byé", None])
def test_the_application_closes(code: int | None, reason: str | None) -> None:
    if code is None and reason:
        return  # a reason needs a code
    seen: list[Any] = []
    close = {"type": "websocket.close", "code": code, "reason": reason}

    async def run(cls: Any) -> list[Frame]:
        driven = Driven(recorder(seen, send=[close]), cls)
        await driven.open()
        written = bytes(driven.transport.written).partition(b"\r\n\r\n")[2]
        assert not driven.transport.closing
        driven.frame(1, b"crossing")
        driven.frame(9, b"crossing")
        driven.frame(CLOSE, b"\x03\xe8")
        assert driven.transport.closing
        await driven.end()
        return frames(written)

    assert asyncio.run(run(WebSocketProtocol)) == asyncio.run(run(stock()))
    assert seen[0] == seen[1]
    assert seen[0] == {"type": "websocket.disconnect", "code": code, "reason": reason or ""}


@pytest.mark.parametrize("code", [1006, 5000, 999])
def test_a_code_that_cannot_be_sent_is_refused(code: int) -> None:
    errors = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(ACCEPT)
        try:
            await send({"type": "websocket.close", "code": code})
        except ValueError as error:
            errors.append(error)

    async def run() -> None:
        driven = Driven(app)
        await driven.open()
        await driven.end()

    asyncio.run(run())
    assert len(errors) == 1


@pytest.mark.parametrize("late", [0, 5])
def test_sending_behind_the_peers_close(late: int) -> None:
    """Closing then is ignored until the transport is gone; all else raises."""
    errors: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(ACCEPT)
        await receive()
        await turns(late)
        for kind in ("close", "send"):
            try:
                await send({"type": f"websocket.{kind}", "text": "x"})
            except OSError as error:
                errors.append((kind, type(error)))

    async def run(cls: Any) -> list[Any]:
        errors.clear()
        driven = Driven(app, cls)
        await driven.open()
        driven.frame(CLOSE, b"\x03\xe9")
        await driven.end()
        return list(errors)

    ours = asyncio.run(run(WebSocketProtocol))
    assert ours == asyncio.run(run(stock()))
    assert ours[-1] == ("send", ClientDisconnected)
    assert len(ours) == (2 if late else 1)


def test_a_vanished_client_is_told_to_the_application() -> None:
    for cls in (WebSocketProtocol, stock()):
        seen, written, _ = heard(b"", cls)
        assert seen == [{"type": "websocket.disconnect", "code": 1005}]
        assert written == []


def test_what_uvicorn_logs_of_a_connection(caplog: pytest.LogCaptureFixture) -> None:
    logs = []
    caplog.set_level(logging.INFO, "uvicorn.error")
    for cls in (WebSocketProtocol, stock()):
        caplog.clear()
        heard(make_frame(CLOSE, b"\x03\xe8", mask=KEY), cls)
        logs.append([r.getMessage() for r in caplog.records if r.name == "uvicorn.error"])
    assert (
        logs[0][:2]
        == logs[1][:2]
        == ['127.0.0.2:4000 - "WebSocket /chat?a=1" [accepted]', "connection open"]
    )
    assert logs[0][2:] == ["connection closed"]
