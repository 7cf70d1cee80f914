"""`WebSocketProtocol` of uvicorn: who waits for whom, in writing and in reading."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from adapters.uvicorn_driven import ACCEPT, KEY, Driven, recorder, text, turns
from helpers import make_frame
from uvicorn.protocols.utils import ClientDisconnected

import fastws
from fastws.adapters import _uvicorn_flow as flow

PING, PONG, CLOSE = 9, 10, 8


# --- Writing -------------------------------------------------------------------------------------


def test_a_lone_message_goes_out_at_once_and_more_leave_in_one_write() -> None:
    writes = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(ACCEPT)
        await receive()
        await asyncio.sleep(0)
        before = driven.transport.writes
        for i in range(10):
            await send(text(str(i)))
            writes.append(driven.transport.writes - before)
        await receive()

    async def run() -> list[Any]:
        global driven
        driven = Driven(app)
        await driven.open()
        driven.frame(1, b"go")
        await turns()
        writes.append(driven.transport.writes)
        written = driven.frames()
        await driven.end()
        return written

    assert [payload for _, payload in asyncio.run(run())] == [b"%d" % i for i in range(10)]
    assert writes[:10] == [1] * 10
    assert writes[-1] == 3  # the answer to the request, the first, the others


def test_answers_leave_in_one_write_while_there_is_more_to_read() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(ACCEPT)
        while (message := await receive())["type"] == "websocket.receive":
            await send(text(message["text"]))

    async def run() -> None:
        driven = Driven(app)
        await driven.open()
        before = driven.transport.writes
        texts = [b"%d" % i for i in range(10)]
        driven.feed(b"".join(fastws.encode_frame(1, text, mask=True) for text in texts))
        await turns()
        assert driven.transport.writes == before + 1
        assert [payload for _, payload in driven.frames()] == texts
        await driven.end()

    asyncio.run(run())


def test_an_answer_does_not_wait_for_an_application_that_does_something_else() -> None:
    done: asyncio.Event

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(ACCEPT)
        await receive()
        await send(text("first"))
        await done.wait()

    async def run() -> None:
        nonlocal done
        done = asyncio.Event()
        driven = Driven(app)
        await driven.open()
        driven.feed(fastws.encode_frame(1, "a", mask=True) * 2)
        await turns()
        assert driven.frames() == [(1, b"first")]
        done.set()
        await driven.end()

    asyncio.run(run())


def test_what_is_held_back_is_bounded() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(ACCEPT)
        for _ in range(100):
            await send(text("x" * 10_000))
            assert driven.protocol._cork_size < flow.CORK_MOST
        await receive()

    async def run() -> None:
        global driven
        driven = Driven(app)
        await driven.open()
        assert driven.transport.written.count(b"x" * 10_000) == 100
        await driven.end()

    asyncio.run(run())


def test_a_client_that_does_not_read_makes_the_application_wait() -> None:
    sent = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(ACCEPT)
        for i in range(3):
            await receive()
            await send(text(str(i)))
            sent.append(i)
        await receive()

    async def run() -> None:
        driven = Driven(app)
        await driven.open()
        driven.protocol.pause_writing()
        for _ in range(3):
            driven.frame(1, b"x")
        driven.frame(PING, b"first")
        driven.frame(PING, b"last")
        await turns()
        assert not sent
        assert not driven.take()
        driven.protocol.resume_writing()
        await turns()
        assert sent == [0, 1, 2]
        # RFC 6455 5.5.3: of the pings only the latest need be answered.
        assert sorted(driven.frames()) == [(1, b"0"), (1, b"1"), (1, b"2"), (PONG, b"last")]
        await driven.end()

    asyncio.run(run())


@pytest.mark.parametrize("cancelled", [False, True])
def test_a_send_that_waits_ends_with_its_client_or_its_task(cancelled: bool) -> None:
    ended = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(ACCEPT)
        driven.protocol.pause_writing()
        try:
            await send(text("x"))
        except BaseException as error:
            ended.append(type(error))
            raise

    async def run() -> None:
        global driven
        driven = Driven(app)
        await driven.open()
        if cancelled:
            (task,) = driven.state.tasks
            task.cancel()
            await turns()
            assert driven.transport.closing
        await driven.end()

    asyncio.run(run())
    assert ended == [asyncio.CancelledError if cancelled else ClientDisconnected]


def test_who_was_cancelled_is_not_woken() -> None:
    ended: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(ACCEPT)
        driven.protocol.pause_writing()
        sending = [asyncio.ensure_future(send(text(word))) for word in ("one", "two")]
        await asyncio.sleep(0)
        assert len(driven.protocol._drained) == 2
        sending[0].cancel()
        driven.protocol.resume_writing()  # before the task has had its turn
        ended.extend(await asyncio.gather(*sending, return_exceptions=True))
        await receive()

    async def run() -> None:
        global driven
        driven = Driven(app)
        await driven.open()
        await driven.end()

    asyncio.run(run())
    assert [type(each) for each in ended] == [asyncio.CancelledError, type(None)]


# --- Reading -------------------------------------------------------------------------------------


@pytest.mark.parametrize("most", [1, 4, 32])
def test_a_client_that_floods_is_paused(most: int) -> None:
    seen: list[Any] = []
    allowed = asyncio.Semaphore(0)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(ACCEPT)
        while True:
            await allowed.acquire()
            seen.append(await receive())
            if seen[-1]["type"] == "websocket.disconnect":
                return

    async def run() -> None:
        driven = Driven(app, ws_max_queue=most)
        await driven.open()
        sent = 0
        while driven.transport.reading:
            driven.frame(1, str(sent).encode())
            sent += 1
        assert sent == most + 1
        for i in range(sent):
            assert driven.transport.reading is (i >= max(2, most // 2))
            allowed.release()
            await turns(2)
        driven.frame(CLOSE, b"\x03\xe8")
        allowed.release()
        await driven.end()
        assert [message.get("text") for message in seen[:-1]] == [str(i) for i in range(sent)]
        assert (seen[-1]["type"], seen[-1]["code"]) == ("websocket.disconnect", 1000)

    asyncio.run(run())


def test_a_flood_that_is_read_into_is_paused_too() -> None:
    seen: list[Any] = []
    go = asyncio.Event()

    async def run() -> None:
        driven = Driven(recorder(seen, after=go), ws_max_queue=1)
        await driven.open()
        stream = b"".join(make_frame(2, bytes([i]) * 60_000, mask=KEY) for i in range(9))
        while stream:
            room = driven.protocol.get_buffer(65536)
            count = min(len(room), len(stream), 65536)
            room[:count], stream = stream[:count], stream[count:]
            del room
            driven.protocol.buffer_updated(count)
            if not driven.transport.reading:
                break
        assert 0 < len(stream) < 500_000
        go.set()
        await turns()
        assert driven.transport.reading
        driven.feed(stream)
        await turns()
        await driven.end()

    asyncio.run(run())
    assert [message["bytes"] for message in seen[:-1]] == [bytes([i]) * 60_000 for i in range(9)]


@pytest.mark.parametrize(("shut_down", "code"), [(False, 1005), (True, 1012)])
def test_what_is_unread_comes_before_the_disconnect(shut_down: bool, code: int) -> None:
    """The first disconnect is the one that is told, where there are two."""
    seen: list[Any] = []
    go = asyncio.Event()

    async def run() -> None:
        driven = Driven(recorder(seen, after=go), ws_max_queue=2)
        await driven.open()
        for i in range(9):
            driven.feed(make_frame(1, str(i).encode(), mask=KEY) * 2)
        if shut_down:
            driven.protocol.shutdown()
        driven.transport.close()
        await turns()
        go.set()
        await driven.end()

    asyncio.run(run())
    there = [str(i // 2) for i in range(18)]  # where we have closed, what is decoded already
    texts = [message.get("text") for message in seen]
    assert texts == [*(there[:2] if shut_down else there), None]
    assert seen[-1]["code"] == code


def test_messages_that_are_there_come_without_a_turn_of_the_loop() -> None:
    turned = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(ACCEPT)
        await receive()
        asyncio.get_running_loop().call_soon(turned.append, True)
        for _ in range(99):
            await receive()
        assert not turned
        await receive()

    async def run() -> None:
        driven = Driven(app, ws_max_queue=5)
        await driven.open()
        driven.feed(make_frame(1, b"x", mask=KEY) * 100)
        await turns()
        assert turned
        await driven.end()

    asyncio.run(run())


def test_several_may_wait_for_messages_and_be_cancelled() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(ACCEPT)
        waiting = [asyncio.ensure_future(receive()) for _ in range(4)]
        await turns()
        waiting[0].cancel()
        waiting[2].cancel()
        waiting.append(asyncio.ensure_future(receive()))
        done = await asyncio.gather(*waiting, return_exceptions=True)
        kinds.extend(type(one).__name__ for one in done)
        texts.extend(one["text"] for one in done if isinstance(one, dict))

    kinds: list[str] = []
    texts: list[str] = []

    async def run() -> None:
        driven = Driven(app)
        await driven.open()
        await turns()
        for i in range(3):
            driven.frame(1, str(i).encode())
            await turns()
        await driven.end()

    asyncio.run(run())
    assert kinds == ["CancelledError", "dict", "CancelledError", "dict", "dict"]
    assert sorted(texts) == ["0", "1", "2"]


@pytest.mark.parametrize("size", [10, 70_000, 1_000_000])
def test_a_buffered_transport_is_read_into(size: int) -> None:
    payload = bytes(range(256)) * (size // 256 + 1)
    data = make_frame(2, payload, mask=KEY) + make_frame(1, b"behind", mask=KEY)
    seen: list[Any] = []

    async def run() -> None:
        driven = Driven(recorder(seen), ws_max_queue=1)
        await driven.open()
        at = 0
        while at < len(data):
            driven.protocol.get_buffer(-1)  # a transport that finds nothing to read after all
            room = driven.protocol.get_buffer(65536)
            count = min(len(room), len(data) - at)
            room[:count] = data[at : at + count]
            del room
            driven.protocol.buffer_updated(count)
            at += count
            await turns(2)
        await driven.end()

    asyncio.run(run())
    assert seen[0]["bytes"] == payload
    assert seen[1]["text"] == "behind"
