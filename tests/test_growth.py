"""Nothing grows: a million frames and messages, a hundred thousand connections and errors.

The pure twin does so many where FASTWS_TEST_WHOLE=1 asks for it, as each night, else a tenth.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from types import ModuleType
from typing import Any

import pytest
from connections import NAMES
from helpers import make_frame
from memory import MIB, WHOLE, assert_flat, on_cpython

from fastws import CodecError, Connection, _pure, connection
from fastws.deflate import Deflate, PerMessageDeflate, PreparedMessage

pytestmark = on_cpython
KEY = bytes.fromhex("37fa213d")
WIDE = "Grüße, 世界 🌍 " * 5
SETTINGS = PerMessageDeflate(mem_level=1)


def runs_of(back_end: ModuleType, count: int, size: int) -> int:
    """Say how often to do work of this size, so that it comes to the count."""
    part = 10 if back_end is _pure and not WHOLE else 1
    return count // part // size


@pytest.fixture
def connect(back_end: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Connection]:
    """Give the class on each back end."""
    for name in NAMES:
        monkeypatch.setattr(connection, name, getattr(back_end, name))
    return Connection


def everything(decoder: Any) -> int:
    """Take all that a decoder or a connection has; count it."""
    return sum(1 for _ in decoder)


# --- A million frames and messages ---------------------------------------------------------------


def test_frames(back_end: ModuleType) -> None:
    wire = make_frame(2, b"0123456789", mask=KEY) * 300 + make_frame(1, bytes(300), mask=KEY) * 200
    decoder = back_end.FrameDecoder("server")

    def work() -> None:
        decoder.feed(wire[:9001])
        count = everything(decoder)
        decoder.feed(wire[9001:])
        count += everything(decoder)
        assert count == 500
        for number in range(500):
            back_end.encode_frame(1 + number % 2, WIDE if number % 3 else b"012", mask=KEY)

    assert_flat(work, runs_of(back_end, 1_000_000, 1000))


def test_messages(back_end: ModuleType) -> None:
    text = WIDE.encode()
    packed = Deflate(SETTINGS, send_takeover=False).compress(text * 3)
    messages = [
        make_frame(1, text, mask=KEY),
        make_frame(1, b"ascii", mask=KEY),
        make_frame(2, text, mask=KEY),
        make_frame(9, b"ping", mask=KEY),
        make_frame(1, text[:9], fin=False, mask=KEY) + make_frame(0, text[9:], mask=KEY),
    ]
    wire = b"".join(messages) * 100
    inflating = Deflate(SETTINGS, receive_takeover=False)
    decoder = back_end.MessageDecoder("server", deflate=inflating)

    def work() -> None:
        for at in range(0, len(wire), 7001):
            decoder.feed(wire[at : at + 7001])
            everything(decoder)
        decoder.feed(make_frame(1, packed, rsv=0x40, mask=KEY))
        assert everything(decoder) == 1
        assert decoder.buffered == 0

    assert_flat(work, runs_of(back_end, 1_000_000, 501))


# --- A hundred thousand connections --------------------------------------------------------------


def talk(client: Connection, server: Connection) -> None:
    """Say something in both directions, and answer a ping."""
    server.feed(client.send_text(WIDE) + client.ping(b"there?") + client.send_bytes(b"data" * 30))
    assert everything(server) == 3
    client.feed(server.send_text("part", fin=False))
    client.feed(server.send_text("and the rest") + server.data_to_send())
    assert everything(client) == 2


def close(client: Connection, server: Connection) -> None:
    server.feed(client.close(1000, "bye"))
    assert everything(server) == 1
    client.feed(server.data_to_send())
    assert everything(client) == 1
    server.feed_eof()
    client.feed_eof()


def break_a_rule(client: Connection, server: Connection) -> None:
    server.feed(client.send_text("the last") + make_frame(3, b"?", mask=KEY) + b"more")
    with suppress(CodecError):
        everything(server)
    client.feed(server.data_to_send())
    everything(client)
    assert server.close_code == client.close_code == 1002


def vanish(client: Connection, server: Connection) -> None:
    """End the transport inside a message, with pongs owed and a view given out."""
    server.feed(client.send_text("begun", fin=False) + client.ping(b"owed"))
    server.feed(client.send_text(WIDE * 9)[:-1])
    everything(server)
    server.get_buffer()
    server.feed_eof()


def throw_away(client: Connection, server: Connection) -> None:
    server.feed(client.send_text(WIDE))
    with suppress(RuntimeError):
        client.buffer_updated(1)


ENDS = [close, break_a_rule, vanish, throw_away]


@pytest.mark.parametrize("deflate", [False, True], ids=["plain", "deflate"])
def test_connections(
    back_end: ModuleType, connect: Callable[..., Connection], deflate: bool
) -> None:
    prepared = PreparedMessage("to all of them, " * 10)

    def work() -> None:
        for end in ENDS * 5:
            options = [{"deflate": Deflate(SETTINGS, 9, 9) if deflate else None} for _ in "cs"]
            client, server = connect("client", **options[0]), connect("server", **options[1])
            talk(client, server)
            client.feed(server.send_prepared(prepared))
            assert everything(client) == 1
            end(client, server)

    assert_flat(work, runs_of(back_end, 100_000, 2 * 5 * len(ENDS)))


# --- A hundred thousand errors -------------------------------------------------------------------

BROKEN = [
    b"\x83\x80",
    b"\x81\x05plain",
    b"\x82\xff" + b"\xff" * 8,
    b"\x82\xfe\x00\x01",
    b"\x80\x80" + KEY,
    make_frame(1, b"good \xff", mask=KEY),
    make_frame(1, "good \u20ac".encode(), fin=False, mask=KEY) + make_frame(0, b"\xff", mask=KEY),
    make_frame(1, b"x" * 2000, mask=KEY),
    make_frame(8, b"\x03", mask=KEY),
    make_frame(9, b"", fin=False, mask=KEY),
]


def refused(call: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    try:
        call(*args, **kwargs)
    except (CodecError, ValueError, TypeError, BufferError, RuntimeError):
        return
    raise AssertionError("no error")


def test_errors(back_end: ModuleType) -> None:
    class Inflater:
        def decompress(self, payload: bytes, *, limit: int, fin: bool) -> bytes:
            raise ValueError(payload)

    compressed = make_frame(2, b"any", rsv=0x40, mask=KEY)

    def work() -> None:
        for wire in BROKEN:
            decoder = back_end.MessageDecoder("server", max_message_size=1000)
            decoder.feed(wire)
            decoder.feed(wire * 3)
            for _ in range(3):
                refused(list, decoder)
        for wrong in ("text", None, 7):
            decoder = back_end.FrameDecoder("server")
            refused(decoder.feed, wrong)
            refused(decoder.buffer_updated, 1)
            refused(back_end.apply_mask, wrong, KEY)
            refused(back_end.apply_mask, b"data", wrong)
            refused(back_end.mask_inplace, b"read-only", KEY)
            refused(back_end.decode_text, b"\xff" * 10)
            refused(back_end.parse_header, b"\x83\x00")
            refused(back_end.encode_frame, 3, wrong)
            refused(back_end.encode_close, 1005, "never")
        hooked = back_end.MessageDecoder("server", deflate=Inflater())
        hooked.feed(compressed)
        refused(next, hooked)

    assert_flat(work, runs_of(back_end, 100_000, 3 * len(BROKEN) + 28))


def test_growth_is_seen() -> None:
    kept: list[object] = []
    if sys.getallocatedblocks():
        with pytest.raises(AssertionError):
            assert_flat(lambda: kept.append(object()), 1000)
    # Beyond 32 MiB glibc asks the system, however much earlier tests have left free.
    with pytest.raises(AssertionError):
        assert_flat(lambda: kept.append(b"x" * (33 * MIB)), 2)
