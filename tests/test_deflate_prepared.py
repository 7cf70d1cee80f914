"""Prepared messages: one frame for many connections, and none that does not fit one of them."""

from __future__ import annotations

import random
import zlib

import pytest
from deflates import BIG, SMB, SRN, TEXT, counting_zlib, new

from fastws import RSV1, Opcode, encode_frame
from fastws.deflate import PreparedMessage


def test_prepared_message_is_framed_once() -> None:
    message = PreparedMessage("caf\xe9 " * 50)
    assert message.frame() == encode_frame(Opcode.TEXT, "caf\xe9 " * 50)
    assert message.frame() is message.frame()
    assert PreparedMessage(bytearray(b"ab")).frame() == encode_frame(Opcode.BINARY, b"ab")
    assert PreparedMessage(b"ab", Opcode.TEXT).frame() == encode_frame(Opcode.TEXT, b"ab")
    with pytest.raises(TypeError, match="str or a bytes-like object"):
        PreparedMessage(50)  # type: ignore[arg-type]
    for opcode in (Opcode.PING, Opcode.CONTINUATION, 3):
        with pytest.raises(ValueError):
            PreparedMessage(b"", opcode)


def test_prepared_message_is_compressed_once_per_window() -> None:
    message, counting, frames = PreparedMessage(TEXT), counting_zlib(), []
    for bits in (9, 15, 9, 15):
        client, server = new(zlib=counting, **{SRN: True, SMB: bits})
        counting.made.clear()
        frames.append(message.frame(server))
        assert counting.made == (["c"] if len(frames) <= 2 else [])
        assert frames[-1][0] == 0x80 | RSV1 | Opcode.BINARY
        assert client.decompress(frames[-1][2:], limit=BIG) == TEXT
    assert frames[0] is frames[2] is not frames[1] is frames[3]


def test_prepared_message_follows_each_context() -> None:
    message = PreparedMessage(TEXT.decode())
    client, server = new()
    first, second = message.frame(server), message.frame(server)
    assert len(second) < len(first)
    for frame in (first, second):
        assert client.decompress(frame[2:], limit=BIG) == TEXT
    for payload, threshold in ((TEXT, len(TEXT) + 1), (zlib.compress(TEXT), 0)):
        server = new(threshold=threshold, **{SRN: True})[1]
        assert PreparedMessage(payload).frame(server) == encode_frame(Opcode.BINARY, payload)


def test_prepared_message_of_the_threshold_is_compressed() -> None:
    for size, compressed in ((len(TEXT), True), (len(TEXT) + 1, False)):
        server = new(threshold=size, **{SRN: True})[1]
        assert bool(PreparedMessage(TEXT).frame(server)[0] & RSV1) is compressed


def test_prepared_message_is_compressed_where_that_is_shorter() -> None:
    noise = bytes(random.Random(1).choices(range(64), k=400))
    server = new(threshold=0, **{SRN: True})[1]
    gains = set()
    for size in range(1, len(noise)):
        gain = size - len(server.compress(noise[:size]))
        gains.add(gain)
        frame = PreparedMessage(noise[:size]).frame(server)
        assert bool(frame[0] & RSV1) is (gain > 0)
    assert {-1, 0, 1} <= gains


@pytest.mark.parametrize("first", ["shared", "own"])
def test_a_connection_with_takeover_has_frames_of_its_own(first: str) -> None:
    # The same settings, of which a client may ask otherwise.
    settings = new()[1].settings
    shared = settings.accept("permessage-deflate; server_no_context_takeover")[1]
    client, own = new()
    assert client.decompress(own.compress(TEXT), limit=BIG) == TEXT
    other = TEXT[::-1]
    message = PreparedMessage(other)
    order = [shared, own, own, shared] if first == "shared" else [own, shared, own, shared]
    for deflate in order:
        frame = message.frame(deflate)
        payload = frame[4:] if frame[1] & 0x7F == 126 else frame[2:]
        inflating = client if deflate is own else new()[0]
        assert inflating.decompress(payload, limit=BIG) == other
        if deflate is own:
            assert client.decompress(own.compress(TEXT), limit=BIG) == TEXT


def test_with_takeover_what_cannot_be_compressed_stays_in_the_window() -> None:
    noise = random.Random(1).randbytes(200)
    client, server = new()
    for _ in range(3):
        frame = PreparedMessage(noise).frame(server)
        assert frame[0] == 0x80 | RSV1 | Opcode.BINARY
        payload = frame[4:] if frame[1] == 126 else frame[2:]
        assert client.decompress(payload, limit=BIG) == noise
