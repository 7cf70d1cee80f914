"""fastws writing tornado's frames: the same bytes at the same moments, and the same errors."""

from __future__ import annotations

import asyncio
import errno
import os
from typing import Any
from unittest.mock import patch

import pytest
import tornado.util
import tornado.web
import tornado.websocket
from adapters.tornado_transcript import KEY, Lines, Peer, fast, run_both
from tornado.websocket import WebSocketClosedError

from fastws.adapters import tornado as adapter

sides = pytest.mark.parametrize("server", [True, False], ids=["server", "client"])
STOCK = tornado.util._websocket_mask

MESSAGES: list[Any] = [
    "",
    "hällo",
    b"",
    b"\x00\xff" * 60,
    "x" * 126,
    b"y" * 65_535,
    b"z" * 65_536,
    {"json": [1, 2]},
]
WRONG: list[Any] = [7, None, ["list"], bytearray(b"x"), memoryview(b"x"), "\ud800"]


async def outcome(call: Any) -> list[Any]:
    """Call, wait for what it gives, and tell how both went."""
    try:
        waiting = call()
    except Exception as error:
        return ["raised", type(error), str(error)]
    try:
        return ["done", type(waiting).__mro__[-2:], await waiting]
    except Exception as error:
        return ["failed", type(error), str(error)]


@sides
@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "deflate"])
@pytest.mark.parametrize("binary", [False, True])
def test_every_message_is_written_as_in_stock(server: bool, compressed: bool, binary: bool) -> None:
    async def scene() -> list[Any]:
        peer = Peer(server, compressed)
        seen = []
        for message in [*MESSAGES, *WRONG]:
            seen.append(await outcome(lambda m=message: peer.protocol.write_message(m, binary)))
            seen.append(peer.seen())
        return [*seen, await peer.close()]

    with fast():
        before = adapter.counters()["encoded"]
    seen = run_both(scene)
    assert adapter.counters()["encoded"] == before + len(MESSAGES)
    assert [step[0] for step in seen[:16:2]] == ["done"] * len(MESSAGES)


@sides
def test_frames_of_every_kind(server: bool) -> None:
    """Also those that the protocol itself sends, and those that nobody should."""

    async def scene() -> list[Any]:
        peer = Peer(server)
        seen = []
        for fin in (True, False):
            for opcode in range(-1, 17):
                for size in (0, 125, 126):
                    for flags in (0, 0x40, 0x70):
                        write = peer.protocol._write_frame
                        seen.append(
                            await outcome(
                                lambda w=write, a=(fin, opcode, b"d" * size): w(*a, flags=flags)  # noqa: B023
                            )
                        )
                        seen.append(peer.seen())
        return [*seen, await peer.close()]

    run_both(scene)


@sides
def test_pings_pongs_and_closes(server: bool) -> None:
    async def scene() -> list[Any]:
        peer = Peer(server)
        peer.protocol.write_ping(b"are you there")
        peer.protocol._send_pong(b"yes") if hasattr(peer.protocol, "_send_pong") else None
        await peer.settle()
        seen = [peer.seen()]
        peer.protocol.close(4001, "reason")
        await peer.settle()
        return [*seen, peer.seen(), await peer.close()]

    run_both(scene)


@sides
def test_a_future_is_done_when_stocks_is(server: bool) -> None:
    """Who awaits write_message() gets his turn no sooner and no later."""

    async def scene() -> list[Any]:
        peer = Peer(server)
        order: list[str] = []
        loop = asyncio.get_running_loop()
        waiting = peer.protocol.write_message("x")
        waiting.add_done_callback(lambda future: order.append("written"))
        for turn in range(4):
            loop.call_soon(order.append, f"turn {turn}")
            order.append(f"done: {waiting.done()}")
            await asyncio.sleep(0)
        return [order, await peer.close()]

    run_both(scene)


@sides
def test_a_peer_that_does_not_read_is_waited_for(server: bool) -> None:
    async def scene() -> list[Any]:
        peer = Peer(server)
        big = b"z" * 3_000_000
        futures = [peer.protocol.write_message(m, binary=True) for m in (big, b"behind", b"last")]
        await peer.settle()
        steps = [[future.done() for future in futures]]
        data = b""
        while len(data) < 3_000_000 + 3 * 2 + 8 + 6 + 4 + (not server) * 12:
            part = peer.written()
            assert isinstance(part, bytes)
            data += part
            await asyncio.sleep(0)
        await asyncio.wait(futures)
        steps.append([future.exception() for future in futures])
        return [steps, data, await peer.close()]

    ((before, _), data, _) = run_both(scene)
    assert before == [False] * 3
    assert len(data) > 3_000_000


@sides
@pytest.mark.parametrize("how", ["closed", "gone"])
def test_writing_to_what_has_ended(server: bool, how: str) -> None:
    async def scene() -> list[Any]:
        peer = Peer(server)
        if how == "closed":
            peer.stream.close()
        else:
            peer.socket.close()
        seen = []
        for _ in range(3):
            seen.append(await outcome(lambda: peer.protocol.write_message("x")))
            await peer.settle()
            seen.append(peer.stream.closed())
        peer.task.cancel()
        await asyncio.wait([peer.task])
        peer.stream.close()
        peer.socket.close()
        return seen

    seen = run_both(scene)
    assert seen[-2][:2] == ["raised", WebSocketClosedError]


@sides
@pytest.mark.parametrize("number", [errno.EAGAIN, errno.ECONNRESET, errno.EIO])
def test_a_write_that_fails_ends_as_in_stock(server: bool, number: int) -> None:
    """What is not there to be written to yet is waited for; anything else closes the stream."""

    async def scene() -> list[Any]:
        peer = Peer(server)
        failures = [OSError(number, "not now")]
        write = peer.stream.write_to_fd

        def fail(data: Any) -> int:
            if failures:
                raise failures.pop()
            return write(data)

        with patch.object(peer.stream, "write_to_fd", fail), Lines().listening() as lines:
            seen = [await outcome(lambda: peer.protocol.write_message("x"))]
            await peer.settle()
        assert not failures
        told = [line.partition(" on ")[0] for _, line in lines]
        return [seen, told, peer.seen(), await peer.close()]

    seen = run_both(scene)
    assert (seen[0][0][0] == "done") is (number == errno.EAGAIN)
    assert seen[1] == (["Write error"] if number == errno.EIO else [])


# --- Masks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mask", "data"),
    [
        (b"abcd", b""),
        (b"abcd", b"hello world"),
        (b"abc", b"x"),
        (b"abcde", b"x"),
        (b"abcd", bytearray(b"x")),
        (bytearray(b"abcd"), b"x"),
        (b"abcd", "x"),
        (None, b"x"),
    ],
)
def test_masks_are_stocks(mask: Any, data: Any) -> None:
    def result() -> Any:
        try:
            found = tornado.websocket._websocket_mask(mask, data)
        except Exception as error:
            return type(error), str(error)
        return type(found), found

    expected = result()
    with fast():
        assert tornado.util._websocket_mask is not STOCK
        assert tornado.web._websocket_mask is tornado.util._websocket_mask
        assert result() == expected


def test_keys_are_fresh() -> None:
    async def scene() -> set[bytes]:
        peer = Peer(False)
        for _ in range(50):
            await peer.protocol.write_message("")
        data = peer.written()
        assert isinstance(data, bytes)
        await peer.close()
        return {data[at + 2 : at + 6] for at in range(0, len(data), 6)}

    with fast():
        assert len(asyncio.run(scene())) == 50
        with patch("os.urandom", lambda size: KEY[:size]):  # a test's own source of keys
            assert asyncio.run(scene()) == {KEY}
    assert os.urandom(4) != KEY
