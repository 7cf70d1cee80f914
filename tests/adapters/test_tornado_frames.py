"""fastws reading tornado's frames: what can be seen is what is seen without it."""

from __future__ import annotations

import asyncio
import errno
from itertools import pairwise
from typing import Any
from unittest.mock import patch

import pytest
from adapters.tornado_transcript import EOF, Lines, Peer, fast, run_both, same, splits, transcript
from adapters.violations import DEFLATE, VIOLATIONS, deflated, framed, frames_for
from helpers import cuts
from hypothesis import given, settings
from hypothesis import strategies as st
from tornado.iostream import IOStream
from tornado.websocket import WebSocketProtocol13

from fastws.adapters import tornado as adapter

sides = pytest.mark.parametrize("server", [True, False], ids=["server", "client"])


@sides
@pytest.mark.parametrize("name", VIOLATIONS)
def test_every_violation_ends_as_in_stock(name: str, server: bool) -> None:
    data = VIOLATIONS[name](server)
    same(splits(data), server)


@sides
@pytest.mark.parametrize("name", DEFLATE)
def test_compressed_streams(name: str, server: bool) -> None:
    data = DEFLATE[name](server)
    same(splits(data), server, True)


@sides
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_random_streams(server: bool, data: st.DataObject) -> None:
    stream = b"".join(data.draw(st.lists(frames_for(server), max_size=8)))
    places = sorted(data.draw(st.sets(st.integers(1, max(1, len(stream) - 1)), max_size=5)))
    edges = [0, *places, len(stream)]
    pieces = [stream[a:b] for a, b in pairwise(edges) if a < b]
    same([[*pieces, EOF]], server, data.draw(st.booleans()))


@sides
@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536, 70_000, 300_000, 1_000_000])
@pytest.mark.parametrize("opcode", [1, 2])
def test_messages_of_every_size(size: int, opcode: int, server: bool) -> None:
    stream = framed(server, opcode, b"z" * size) + framed(server, 9, b"?")
    whole, _ = same(
        [[*cuts(stream, 50_000), EOF], [stream[:3], *cuts(stream[3:], 7_919), EOF]],
        server,
        limit=1 << 20,
    )
    assert "('ping', <class 'bytes'>, b'?')" in str(whole)


def test_what_fastws_reads_is_counted() -> None:
    stream = framed(True, 1, b"a") * 10
    with fast():
        before = adapter.counters()["decoded"]
        transcript([stream, EOF], True)
        assert adapter.counters()["decoded"] == before + 10


# --- Handlers that take their time ---------------------------------------------------------------


@sides
def test_a_handler_that_waits_holds_back_what_comes_behind(server: bool) -> None:
    """No message is given while the coroutine of the last one runs; then they come in order."""

    async def scene() -> list[Any]:
        gate = asyncio.Event()

        async def wait(protocol: Any, message: Any) -> None:
            await gate.wait()
            protocol.write_message(message)

        peer = Peer(server, react=wait)
        frames = framed(server, 1, b"one") + framed(server, 9, b"?") + framed(server, 1, b"two")
        seen = [await peer.step(frames), await peer.step(framed(server, 2, b"three"))]
        gate.set()
        await peer.settle()
        seen.append(peer.seen())
        gate.clear()
        seen += [await peer.step(framed(server, 1, b"four")), await peer.step(EOF)]
        gate.set()
        await peer.settle()
        return [*seen, peer.seen(), await peer.close()]

    run_both(scene)


@sides
def test_a_handler_that_fails_ends_it(server: bool) -> None:
    def fail(protocol: Any, message: Any) -> None:
        if message == "bad":
            raise RuntimeError("no")

    frames = framed(server, 1, b"good") + framed(server, 1, b"bad") + framed(server, 1, b"late")
    same(splits(frames), server, react=fail)


@sides
def test_a_handler_that_closes(server: bool) -> None:
    def close(protocol: Any, message: Any) -> None:
        protocol.close(4000, "enough")

    frames = framed(server, 1, b"a") + framed(server, 1, b"b") + framed(server, 8, b"\x0f\xa0")
    same(splits(frames), server, react=close)


@sides
def test_others_get_their_turn(server: bool) -> None:
    """A flood of frames does not keep the event loop from anything else."""

    async def scene() -> int:
        peer = Peer(server, limit=1 << 20)
        peer.socket.sendall(framed(server, 1, b"") * 20_000)
        turns = 0
        while len(peer.delegate.heard) < 20_000:
            await asyncio.sleep(0)
            turns += 1
        await peer.close()
        return turns

    stock = asyncio.run(scene())
    with fast():
        assert asyncio.run(scene()) >= stock // 20 > 0 or stock < 20


def test_memory_is_bounded_by_the_stream() -> None:
    """`max_buffer_size` holds for what is read ahead too."""

    async def scene() -> list[Any]:
        peer = Peer(True, limit=1 << 30)
        peer.stream.max_buffer_size = 100_000
        stream = framed(True, 2, b"z" * 200_000)
        return [[await peer.step(part) for part in cuts(stream, 20_000)], await peer.close()]

    expected = asyncio.run(scene())
    with fast():
        found = asyncio.run(scene())
    assert found[0][-1] == expected[0][-1]


@pytest.mark.parametrize("most", [1_000, 10_000])
def test_a_frame_that_came_at_once_is_held_to_the_bound_too(most: int) -> None:
    async def scene() -> list[Any]:
        peer = Peer(True, limit=1 << 30)
        peer.stream.max_buffer_size = most
        heard, written, ended, *_ = await peer.step(framed(True, 2, b"z" * 5_000))
        await peer.close()
        return [[what[0] for what in heard], written, ended]

    with Lines().listening() as lines:
        seen = run_both(scene)
    assert seen == [["message"], b"", False] if most > 5_000 else [["closed"], b"", True]
    full = ("ERROR", "Reached maximum read buffer size")
    assert lines.count(full) == 2 * (most < 5_000)


# --- Streams -------------------------------------------------------------------------------------


@sides
@pytest.mark.parametrize("number", [errno.ECONNRESET, errno.EIO])
@pytest.mark.parametrize("at", [0, 1])
def test_a_read_that_fails_ends_as_in_stock(server: bool, number: int, at: int) -> None:
    async def scene() -> list[Any]:
        peer = Peer(server)
        read, reads = peer.stream.read_from_fd, []

        def fail(buffer: Any) -> Any:
            reads.append(1)
            if len(reads) > at:
                raise OSError(number, "no")
            return read(buffer)

        seen = [await peer.step(framed(server, 1, b"one"))]
        with patch.object(peer.stream, "read_from_fd", fail):
            seen.append(await peer.step(framed(server, 1, b"two")))
        return [*seen, await peer.close()]

    with Lines().listening():
        seen = run_both(scene)
    assert ("'two'" in str(seen[1])) is (at > 0)
    assert "closed" in str(seen[1])


@sides
@pytest.mark.parametrize("listens", [False, True])
def test_the_end_is_heard_of_while_a_handler_is_busy(server: bool, listens: bool) -> None:
    """By who listens for the end of the stream, which nobody reads meanwhile."""

    async def scene() -> list[Any]:
        gate = asyncio.Event()

        async def wait(protocol: Any, message: Any) -> None:
            await gate.wait()

        peer = Peer(server, react=wait)
        told: list[str] = []
        if listens:
            peer.stream.set_close_callback(lambda: told.append("end"))
        await peer.settle()  # until it waits for a first frame
        await peer.step(framed(server, 1, b"one"))
        peer.socket.close()
        await peer.settle()
        seen = [[*told], peer.stream.closed()]
        gate.set()
        await peer.settle()
        return [*seen, peer.delegate.heard, told, peer.task.done()]

    seen = run_both(scene)
    assert seen[0] == (["end"] if listens else [])


@sides
@pytest.mark.parametrize("way", ["own class", "read before"])
def test_a_stream_that_has_something_is_asked_for_it(server: bool, way: str) -> None:
    """A stream of a user's own, and one that has read behind the handshake."""
    data = framed(server, 1, b"first") + framed(server, 2, b"z" * 70_000) + framed(server, 9, b"?")

    class Own(IOStream):
        pass

    async def scene() -> list[Any]:
        peer = Peer(server, limit=1 << 20)
        if way == "own class":
            peer.stream.__class__ = Own
        else:
            peer.stream._read_buffer += data[:9]
            peer.stream._read_buffer_size += 9
        pieces = cuts(data if way == "own class" else data[9:], 30_000)
        return [[await peer.step(piece) for piece in pieces], await peer.close()]

    seen = run_both(scene)
    assert "'first'" in str(seen)
    assert "'ping'" in str(seen)


# --- Subclasses ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["_receive_frame", "_read_bytes"])
def test_a_subclass_that_reads_itself_is_left_alone(name: str) -> None:
    calls = []

    async def own(self: Any, *args: Any) -> Any:
        calls.append(name)
        return await getattr(WebSocketProtocol13, name)(self, *args)

    made = type("Own", (WebSocketProtocol13,), {name: own})
    stream = framed(True, 1, b"abc")
    with fast():
        before = adapter.counters()["decoded"]
        ((_first, *_), _) = transcript([stream, EOF], True, make=made)
        assert adapter.counters()["decoded"] == before
    assert calls


def test_a_handler_keeps_a_protocol_of_its_own() -> None:
    class Own(WebSocketProtocol13):
        pass

    class Handler:
        def __init__(self, make: type) -> None:
            self.make = make

        def get_websocket_protocol(self) -> Any:
            return self.make.__new__(self.make)

    class FastHandler(adapter.FastHandlerMixin, Handler):
        pass

    assert type(FastHandler(Own).get_websocket_protocol()) is Own
    ours = FastHandler(WebSocketProtocol13).get_websocket_protocol()
    assert type(ours) is adapter.FastProtocol13


def test_a_message_hook_of_a_subclass_is_called() -> None:
    class Own(WebSocketProtocol13):
        def _handle_message(self, opcode: int, data: bytes) -> Any:
            return super()._handle_message(opcode, data[::-1])

    (found,) = same([[framed(True, 1, b"abc"), EOF]], True, make=Own)
    assert "'cba'" in str(found)


def test_deflated_is_what_the_stream_says() -> None:
    """The table of compressed streams really holds compressed messages."""
    (found,) = same([[framed(True, 1, deflated(b"hello"), rsv=0x40), EOF]], True, True)
    assert "'hello'" in str(found)
