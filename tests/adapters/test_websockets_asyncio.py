"""Sending on websockets.asyncio: what comes of it, stock and with fastws in it, has to agree."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from unittest.mock import patch

import pytest
from adapters.transcript import KEY, SIDES, Lines, fast, framed, logger_with
from websockets.asyncio.connection import Connection
from websockets.exceptions import ConcurrencyError, ProtocolError
from websockets.protocol import CLIENT, CONNECTING, OPEN, SERVER, Protocol, Side

from fastws.adapters import websockets as adapter
from fastws.adapters._websockets_asyncio import SendContext

if not hasattr(Connection, "set_connection_exc"):
    pytest.skip("this version of websockets keeps its own", allow_module_level=True)


class Transport(asyncio.Transport):
    """A transport in memory that writes down what is done to it, and may fail."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self.connection = connection
        self.log: list[Any] = []
        self.failure: Exception | None = None
        self.lost = False

    def write(self, data: Any) -> None:
        if self.failure:
            raise self.failure
        self.log.append(bytes(data))

    def lose(self, error: Exception | None = None) -> None:
        if not self.lost:
            self.lost = True
            asyncio.get_running_loop().call_soon(self.connection.connection_lost, error)

    def abort(self) -> None:
        self.log.append("abort")
        self.lose()

    def is_closing(self) -> bool:
        return self.lost

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.log.append("eof")

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


Scene = Callable[[Connection, Transport], Awaitable[Any]]
SCENES: dict[str, Scene] = {}


def scene(function: Scene) -> Scene:
    SCENES[function.__name__] = function
    return function


@scene
async def sends(connection: Connection, transport: Transport) -> None:
    await connection.send("text")
    await connection.send(b"binary" * 100)
    await connection.send(["in", "parts"])
    await connection.pong(b"!")


@scene
async def pings(connection: Connection, transport: Transport) -> Any:
    waiter = await connection.ping(b"?")
    connection.data_received(framed(connection.protocol.side, 10, b"?"))
    return await waiter >= 0


@scene
async def closes(connection: Connection, transport: Transport) -> None:
    asyncio.get_running_loop().call_soon(
        connection.data_received, framed(connection.protocol.side, 8, b"\x03\xe8")
    )
    asyncio.get_running_loop().call_later(0.01, transport.lose)
    await connection.close()
    await connection.close()


@scene
async def closes_and_nobody_answers(connection: Connection, transport: Transport) -> None:
    await connection.close(1001, "away")


@scene
async def sends_after_the_end(connection: Connection, transport: Transport) -> None:
    transport.lose(OSError("line cut"))
    await asyncio.sleep(0.01)
    await connection.send("late")


@scene
async def sends_while_closing(connection: Connection, transport: Transport) -> None:
    connection.data_received(framed(connection.protocol.side, 8, b"\x03\xe8bye"))
    asyncio.get_running_loop().call_later(0.01, transport.lose)
    await connection.send("late")


@scene
async def sends_while_closing_for_ever(connection: Connection, transport: Transport) -> None:
    connection.data_received(framed(connection.protocol.side, 8, b"\x03\xe8bye"))
    await connection.send("late")


@scene
async def breaks_the_order_of_fragments(connection: Connection, transport: Transport) -> Any:
    with pytest.raises(ProtocolError) as caught:
        async with connection.send_context():
            connection.protocol.send_continuation(b"x", fin=True)
    await connection.send("still open")
    return str(caught.value), caught.value.__context__


@scene
async def is_told_of_concurrency(connection: Connection, transport: Transport) -> None:
    async with connection.send_context():
        raise ConcurrencyError("two at once")


@scene
async def fails_inside(connection: Connection, transport: Transport) -> None:
    async with connection.send_context():
        raise RuntimeError("oops")


@scene
async def is_cancelled_inside(connection: Connection, transport: Transport) -> None:
    async with connection.send_context():
        raise asyncio.CancelledError


@scene
async def fails_to_write(connection: Connection, transport: Transport) -> None:
    transport.failure = OSError("broken pipe")
    await connection.send("lost")


@scene
async def fails_to_write_a_close_frame(connection: Connection, transport: Transport) -> None:
    transport.failure = OSError("broken pipe")
    async with connection.send_context():
        connection.protocol.fail(1011, "oops")


@scene
async def is_lost_while_draining(connection: Connection, transport: Transport) -> None:
    connection.pause_writing()
    asyncio.get_running_loop().call_later(0.01, transport.lose, OSError("line cut"))
    await connection.send("lost")


@scene
async def is_closed_by_the_peer_while_draining(
    connection: Connection, transport: Transport
) -> None:
    connection.pause_writing()
    loop = asyncio.get_running_loop()
    loop.call_soon(connection.data_received, framed(connection.protocol.side, 8, b"\x03\xe9"))
    loop.call_later(0.01, transport.lose, OSError("line cut"))
    await connection.send("lost")


@scene
async def waits_while_writing_is_paused(connection: Connection, transport: Transport) -> Any:
    connection.pause_writing()
    sending = asyncio.create_task(connection.send("slow"))
    await asyncio.sleep(0.01)
    waited = not sending.done()
    connection.resume_writing()
    await sending
    return waited


@scene
async def is_cancelled_while_draining(connection: Connection, transport: Transport) -> Any:
    connection.pause_writing()
    try:
        async with asyncio.timeout(0.01):
            await connection.send("slow")
    finally:
        connection.resume_writing()


@scene
async def expects_another_state(connection: Connection, transport: Transport) -> None:
    asyncio.get_running_loop().call_later(0.01, transport.lose)
    async with connection.send_context(expected_state=CONNECTING):
        raise AssertionError("not reached")


def seen_chain(error: BaseException | None) -> Any:
    """Give an exception, with all that it is chained to."""
    if error is None:
        return None
    chain = seen_chain(error.__cause__), seen_chain(error.__context__)
    return type(error), str(error), chain, error.__suppress_context__


async def play(play_scene: Scene, side: Side, debug: bool = True) -> Any:
    """Play a scene and give all that can be seen of it."""
    lines = Lines()
    protocol = Protocol(side, logger=logger_with(lines))
    protocol.debug = debug
    connection = Connection(protocol, close_timeout=0.4, ping_interval=None)
    transport = Transport(connection)
    connection.connection_made(transport)
    assert protocol.state is OPEN
    result = None
    error: BaseException | None = None
    try:
        async with asyncio.timeout(10):
            result = await play_scene(connection, transport)
    except BaseException as exc:
        error = exc
    seen = result, seen_chain(error), transport.log, lines.lines, protocol.state
    transport.lose()
    await asyncio.sleep(0)
    return *seen, connection.close_code, connection.close_reason


@pytest.mark.parametrize("side", SIDES, ids=["server", "client"])
@pytest.mark.parametrize("name", SCENES)
def test_every_scene(name: str, side: Side) -> None:
    with patch("secrets.token_bytes", return_value=KEY):
        expected = asyncio.run(play(SCENES[name], side))
        with fast():
            assert asyncio.run(play(SCENES[name], side)) == expected
    assert expected[0] or expected[1] or expected[2]


@pytest.mark.parametrize("side", SIDES, ids=["server", "client"])
def test_a_failure_without_a_log_of_all(side: Side) -> None:
    with patch("secrets.token_bytes", return_value=KEY):
        expected = asyncio.run(play(fails_to_write, side, debug=False))
        with fast():
            assert asyncio.run(play(fails_to_write, side, debug=False)) == expected
    assert "! error while sending data" not in expected[3]


@pytest.mark.parametrize("side", [SERVER, CLIENT])
def test_the_context_is_ours(side: Side) -> None:
    async def context() -> Any:
        connection = Connection(Protocol(side))
        return connection.send_context()

    assert type(asyncio.run(context())) is not SendContext
    with fast():
        assert type(asyncio.run(context())) is SendContext


def test_the_official_door_has_it_too() -> None:
    send_context = adapter.AsyncioServerConnection.send_context
    assert send_context is adapter.AsyncioClientConnection.send_context
    assert type(send_context(None)) is SendContext
    assert not hasattr(adapter.SyncServerConnection.send_context, "SendContext")
