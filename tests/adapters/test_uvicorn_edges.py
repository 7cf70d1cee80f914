"""`WebSocketProtocol` of uvicorn at its edges: what comes in pieces, too late, or not at all."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import uvicorn
from adapters.uvicorn_driven import KEY, REQUEST, Driven, echo, recorder, scripted, turns
from helpers import make_frame
from uvicorn.server import ServerState

from fastws.adapters.uvicorn import WebSocketProtocol

ACCEPT = {"type": "websocket.accept"}
CLOSE = {"type": "websocket.close"}
PING, PONG = 9, 10


def test_a_request_in_pieces_opens() -> None:
    async def run() -> None:
        driven = Driven(echo)
        for at in range(0, len(REQUEST), 50):
            driven.feed(REQUEST[at : at + 50])
            assert driven.take() == b""
        driven.feed(b"\r\n")
        await turns()
        assert driven.take().startswith(b"HTTP/1.1 101 ")
        await driven.end()

    asyncio.run(run())


def test_what_is_no_http_is_refused() -> None:
    async def run() -> None:
        driven = Driven(echo)
        driven.feed(b"\x16\x03\x01 no request\r\n\r\n")
        assert driven.take().startswith(b"HTTP/1.1 400 ")
        assert driven.transport.closing
        driven.protocol.data_received(b"more of it")  # which was on its way
        assert driven.take() == b""
        await driven.end()

    asyncio.run(run())


def test_a_configuration_is_loaded_where_nobody_did() -> None:
    async def run() -> bool:
        settings = uvicorn.Config(echo, log_config=None, lifespan="off")
        assert not settings.loaded
        WebSocketProtocol(settings, ServerState(), {})
        return settings.loaded

    assert asyncio.run(run())


@pytest.mark.parametrize("message", [ACCEPT, CLOSE])
def test_an_answer_to_who_is_going_is_not_written(message: dict[str, Any]) -> None:
    """The transport is closed, and has not said so yet."""
    going = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        if message is CLOSE:
            await send(ACCEPT)
        await going.wait()
        await send(message)

    async def run() -> bytes:
        driven = Driven(app)
        await driven.open()
        driven.transport.closing = True
        going.set()
        await turns()
        driven.protocol.connection_lost(None)
        await driven.end()
        return driven.take()

    assert asyncio.run(run()) == b""


def test_a_denial_in_many_parts_with_a_status_of_ones_own() -> None:
    start = {"type": "websocket.http.response.start", "status": 499, "headers": []}
    part = {"type": "websocket.http.response.body", "body": b"<p>", "more_body": True}

    async def run() -> bytes:
        driven = Driven(scripted(start, part, part, part | {"more_body": False}))
        driven.feed(REQUEST + b"\r\n")
        await turns()
        answer = driven.take()
        await driven.end()
        return answer

    head, _, body = asyncio.run(run()).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 499 \r\n")
    assert body == b"3\r\n<p>\r\n" * 3 + b"0\r\n\r\n"


def test_a_denial_without_a_body_is_sent() -> None:
    start = {"type": "websocket.http.response.start", "status": 404, "headers": []}

    async def run() -> bytes:
        driven = Driven(scripted(start))
        driven.feed(REQUEST + b"\r\n")
        await turns()
        await driven.end()
        return driven.take()

    assert asyncio.run(run()).startswith(b"HTTP/1.1 404 Not Found\r\n")


def test_an_application_that_gives_something_is_told(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> str:
        await receive()
        await send(ACCEPT)
        return "something"

    async def run() -> None:
        driven = Driven(app)
        await driven.open()
        await driven.end()

    asyncio.run(run())
    assert "should return None, but returned 'something'" in caplog.text


def test_a_close_before_all_that_has_come_is_taken() -> None:
    """Behind our own close frame what is undecoded is read on, for the answer to it."""
    enough = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(ACCEPT)
        await enough.wait()
        await send(CLOSE)

    async def run() -> None:
        driven = Driven(app, ws_max_queue=1)
        await driven.open()
        for number in range(4):
            driven.frame(1, b"%d" % number)
        assert not driven.transport.reading
        enough.set()
        await turns()
        assert driven.frames() == [(8, b"\x03\xe8")]
        assert driven.transport.reading
        driven.frame(8, b"\x03\xe8")
        await turns()
        assert driven.transport.closing
        await driven.end()

    asyncio.run(run())


@pytest.mark.parametrize("bad", [make_frame(1, b"\xff", mask=KEY), make_frame(3, b"", mask=KEY)])
def test_what_breaks_a_rule_before_or_behind_is_no_reason_to_answer(bad: bytes) -> None:
    async def run(*script: Any, behind: bytes = b"", then: bytes = b"") -> bytes:
        driven = Driven(scripted(*script))
        driven.feed(REQUEST + b"\r\n" + behind)
        await turns()
        driven.feed(then)
        await turns()
        assert driven.transport.closing
        await driven.end()
        return driven.take().partition(b"\r\n\r\n")[2]

    assert asyncio.run(run(behind=bad)) == b""
    assert asyncio.run(run(ACCEPT, CLOSE, then=bad)) == make_frame(8, b"\x03\xe8")


def test_a_ping_that_is_answered_and_has_no_timeout() -> None:
    async def run() -> None:
        seen: list[Any] = []
        driven = Driven(recorder(seen), ws_ping_interval=0.005, ws_ping_timeout=None)
        await driven.open()
        for _ in range(2):
            while not (found := driven.frames()):
                await asyncio.sleep(0.002)
            ((opcode, payload),) = found
            assert opcode == PING
            driven.frame(PONG, payload)
        assert not driven.transport.closing
        await driven.end()

    asyncio.run(run())


def test_two_tasks_wait_for_a_client_that_does_not_read() -> None:
    """One of them may be cancelled meanwhile."""
    ended: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(ACCEPT)
        await turns()
        sends = [asyncio.create_task(send({"type": "websocket.send", "text": t})) for t in "ab"]
        await turns()
        sends[0].cancel()
        ended.append(await asyncio.gather(*sends, return_exceptions=True))

    async def run() -> None:
        driven = Driven(app)
        await driven.open()
        driven.protocol.pause_writing()
        await turns(16)
        assert ended == []
        driven.protocol.resume_writing()
        await turns(16)
        assert driven.frames()[:1] == [(1, b"b")]
        await driven.end()

    asyncio.run(run())
    assert [type(result) for result in ended[0]] == [asyncio.CancelledError, type(None)]
