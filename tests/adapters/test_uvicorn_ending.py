"""`WebSocketProtocol` of uvicorn: what keeps a connection alive, and how it ends."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import Any

import pytest
from adapters.uvicorn_driven import ACCEPT, KEY, Driven, echo, recorder, scripted, text, turns
from helpers import make_frame
from uvicorn.protocols.utils import ClientDisconnected

from fastws.adapters import _uvicorn_flow as flow
from fastws.adapters import _uvicorn_protocol as protocol

PING, PONG, CLOSE = 9, 10, 8

# --- Pings ---------------------------------------------------------------------------------------


def test_pings_go_out_as_long_as_they_are_answered() -> None:
    async def run() -> None:
        seen: list[Any] = []
        driven = Driven(recorder(seen), ws_ping_interval=0.02, ws_ping_timeout=0.02)
        await driven.open()
        for _ in range(3):
            while not (found := driven.frames()):
                await asyncio.sleep(0.002)
            ((opcode, payload),) = found
            assert (opcode, len(payload)) == (PING, 4)
            driven.frame(PONG, b"stale")
            driven.frame(PONG, payload)
        assert not driven.transport.closing
        while not driven.transport.closing:
            await asyncio.sleep(0.002)
        *_, (opcode, payload) = driven.frames()
        assert (opcode, payload) == (CLOSE, (1011).to_bytes(2, "big") + b"keepalive ping timeout")
        await driven.end()
        assert seen == [{"type": "websocket.disconnect", "code": 1005}]

    asyncio.run(run())


def test_pings_without_a_timeout() -> None:
    async def run() -> None:
        driven = Driven(echo, ws_ping_interval=0.005, ws_ping_timeout=None)
        await driven.open()
        await asyncio.sleep(0.05)
        assert len(driven.frames()) >= 2
        assert not driven.transport.closing
        await driven.end()

    asyncio.run(run())


def test_no_pong_is_late_while_we_do_not_read() -> None:
    async def run() -> None:
        driven = Driven(
            scripted_and_waiting, ws_ping_interval=0.01, ws_ping_timeout=0.01, ws_max_queue=1
        )
        await driven.open()
        driven.frame(1, b"a")
        driven.frame(1, b"b")
        assert not driven.transport.reading
        await asyncio.sleep(0.08)
        assert not driven.transport.closing
        (task,) = driven.state.tasks
        task.cancel()
        await driven.end()

    asyncio.run(run())


async def scripted_and_waiting(scope: Any, receive: Any, send: Any) -> None:
    """Accept, and then do nothing."""
    await receive()
    await send(ACCEPT)
    await asyncio.Event().wait()


# --- The end -------------------------------------------------------------------------------------


def collect() -> None:
    for _ in range(3):  # PyPy does not find everything at once
        gc.collect()


@pytest.mark.parametrize("moment", ["opening", "open", "inside", "unread", "unwritten", "closing"])
def test_clients_that_vanish_leave_nothing(moment: str) -> None:
    """In whatever they vanish: no task, no timer, no object."""

    async def vanish() -> weakref.ref[Any]:
        app = echo
        if moment == "closing":
            app = scripted(ACCEPT, {"type": "websocket.close"})
        driven = Driven(app, ws_ping_interval=20, ws_ping_timeout=20, ws_max_queue=2)
        await driven.open()
        if moment == "inside":
            driven.feed(make_frame(2, b"x" * 100_000, mask=KEY)[:70_000])
        elif moment == "unread":
            driven.feed(make_frame(1, b"x", mask=KEY) * 9)
        elif moment == "unwritten":
            driven.protocol.pause_writing()
            driven.frame(1, b"x")
            await turns()
        await driven.end()
        return weakref.ref(driven.protocol)

    async def run() -> None:
        left = [await vanish() for _ in range(20)]
        assert len(asyncio.all_tasks()) == 1
        live = [t for t in asyncio.get_running_loop()._scheduled if not t.cancelled()]  # type: ignore[attr-defined]
        assert not live
        asyncio.get_running_loop()._scheduled.clear()  # type: ignore[attr-defined]
        collect()
        assert [ref() for ref in left] == [None] * 20

    asyncio.run(run())


def test_a_peer_that_does_not_answer_a_close_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        driven = Driven(scripted(ACCEPT, {"type": "websocket.close"}))
        driven.protocol.close_timeout = 0.01
        await driven.open()
        assert not driven.transport.closing
        await asyncio.sleep(0.03)
        assert driven.transport.closing
        await driven.end()

    asyncio.run(run())


def test_a_peer_that_takes_nothing_is_cut_off_and_one_that_is_slow_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(flow, "LINGER", 0.01)

    async def run() -> None:
        driven = Driven(scripted(ACCEPT, text("x")))
        driven.transport.unsent = 20
        await driven.open()
        assert driven.transport.closing
        while driven.transport.unsent > 10:
            driven.transport.unsent -= 1
            await asyncio.sleep(0.005)
        assert driven.state.connections
        await asyncio.sleep(0.05)
        assert not driven.state.connections
        await driven.end()

    asyncio.run(run())


@pytest.mark.parametrize("answers", [True, False])
def test_the_server_ends(answers: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "SHUTDOWN_GRACE", 0.02)
    seen: list[Any] = []

    async def run() -> None:
        driven = Driven(recorder(seen))
        await driven.open()
        driven.protocol.shutdown()
        await turns()
        assert driven.frames() == [(CLOSE, (1012).to_bytes(2, "big"))]
        assert not driven.transport.closing
        if answers:
            driven.frame(CLOSE, (1012).to_bytes(2, "big"))
            assert driven.transport.closing
        else:
            await asyncio.sleep(0.05)
            assert driven.transport.closing
        await driven.end()

    asyncio.run(run())
    assert seen == [{"type": "websocket.disconnect", "code": 1012}]


def test_the_server_ends_before_a_connection_is_accepted() -> None:
    errors = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await asyncio.sleep(0.01)
        try:
            await send(ACCEPT)
        except OSError as error:
            errors.append(type(error))

    async def run() -> None:
        driven = Driven(app)
        await driven.open()
        driven.protocol.shutdown()
        assert driven.take().startswith(b"HTTP/1.1 500 ")
        assert driven.transport.closing
        await driven.end()

    asyncio.run(run())
    assert errors == [ClientDisconnected]


def test_an_application_that_fails_or_returns_ends_the_connection() -> None:
    async def failing(scope: Any, receive: Any, send: Any) -> None:
        await send(ACCEPT)
        raise ValueError

    for app in (failing, scripted(ACCEPT)):

        async def run(app: Any) -> None:
            driven = Driven(app)
            await driven.open()
            assert driven.transport.closing
            await driven.end()

        asyncio.run(run(app))


def test_loops_are_not_kept() -> None:
    async def run() -> weakref.ref[Any]:
        driven = Driven(echo)
        await driven.open()
        await driven.end()
        return weakref.ref(asyncio.get_running_loop())

    loop = asyncio.run(run())
    collect()
    assert loop() is None
