"""fastws in aiohttp's reader: what it queues, answers and ends in is what it is without it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import helpers
import pytest
from adapters.violations import DEFLATE, LIMIT, VIOLATIONS, framed, frames_for
from hypothesis import given, settings
from hypothesis import strategies as st

from fastws.adapters import _aiohttp_frames as ours
from fastws.adapters import aiohttp as adapter

sides = pytest.mark.parametrize("server", [True, False], ids=["server", "client"])


def cuts(data: bytes, size: int) -> list[bytes]:
    return list(helpers.cuts(data, size))


@pytest.fixture(autouse=True)
def rather_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have shorter messages count as large: so there can be more of them."""
    monkeypatch.setattr(ours, "LARGE", 32_768)


@pytest.fixture
def large(rather_large: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have messages of any size count as large."""
    monkeypatch.setattr(ours, "LARGE", 0)


class Protocol:
    """What a queue wants of the connection behind it."""

    _reading_paused = False

    def pause_reading(self) -> None:
        self._reading_paused = True

    def resume_reading(self) -> None:
        self._reading_paused = False


def drain(queue: Any) -> Any:
    """Take one message out of a queue that has some; give it, or what it ends in."""
    try:
        queue.read().send(None)
    except StopIteration as stopped:
        return list(map(repr, stopped.value)), type(stopped.value), type(stopped.value[1])
    except Exception as error:
        return repr(error)
    return "waits"


def transcript(
    kind: Any, chunks: Sequence[Any], limit: int = LIMIT, *, patience: int = 0, **options: Any
) -> list[Any]:
    """Feed chunks to a reader; tell all that can be seen of each.

    Args:
        kind: the class of the reader.
        limit: of a message.
        patience: read a message from the queue after so many chunks; 0 for at the end only.
        options: of the reader, and how much the queue holds.
    """
    protocol = Protocol()
    queue = ours.WebSocketDataQueue(protocol, options.pop("room", 1 << 20), loop=None)
    reader = kind(queue, limit, **{"compress": False, "decode_text": True, **options})
    seen: list[Any] = []

    def note(*what: Any) -> None:
        error = queue.exception()
        cause = repr(getattr(error, "__cause__", None))
        state = (protocol._reading_paused, queue._stalled_reader is not None, queue._size)
        seen.append([*what, len(queue._buffer), state, repr(error), cause])

    for number, chunk in enumerate(chunks, 1):
        note(reader.feed_data(chunk))
        if patience and number % patience == 0 and queue._buffer:
            note(drain(queue))
    while queue._buffer:
        note(drain(queue))
    reader.feed_eof()
    note(queue.is_eof())
    return seen


def same(streams: Sequence[Sequence[Any]], *arguments: Any, **options: Any) -> list[Any]:
    """Compare the transcripts of streams, stock and fast; give them."""
    found = [transcript(ours.Reader, chunks, *arguments, **options) for chunks in streams]
    for chunks, one in zip(streams, found, strict=True):
        assert one == transcript(ours.STOCK_READER, chunks, *arguments, **options)
    return found


def splits(data: bytes) -> list[list[bytes]]:
    """Give a stream whole, in small pieces, and cut once at each place near its start."""
    pieces = cuts(data, max(1, len(data) // 150)) if data else []
    return [[data], pieces, *([data[:cut], data[cut:]] for cut in range(1, min(len(data), 40)))]


@sides
@pytest.mark.parametrize("name", VIOLATIONS)
def test_every_violation_ends_as_in_stock(large: None, name: str, server: bool) -> None:
    same(splits(VIOLATIONS[name](server)), LIMIT)
    around = framed(server, 2, b"a" * 30) + VIOLATIONS[name](server) + framed(server, 1, b"b" * 30)
    same(splits(around), LIMIT)


@sides
@pytest.mark.parametrize("name", VIOLATIONS)
def test_a_violation_behind_a_large_message(name: str, server: bool) -> None:
    big = framed(server, 2, b"a" * 40_000)
    stream = big + big + VIOLATIONS[name](server) + big
    same([[stream], cuts(stream, 7_001), [big, big, stream[2 * len(big) :]]], 1 << 20)


@sides
@pytest.mark.parametrize("name", DEFLATE)
def test_compressed_streams(large: None, name: str, server: bool) -> None:
    same(splits(DEFLATE[name](server)), LIMIT, compress=True)


@sides
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_random_streams(server: bool, data: st.DataObject) -> None:
    stream = b"".join(data.draw(st.lists(frames_for(server), max_size=8)))
    places = sorted(data.draw(st.sets(st.integers(1, max(1, len(stream) - 1)), max_size=5)))
    pieces = [stream[a:b] for a, b in pairwise([0, *places, len(stream)]) if a < b]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ours, "LARGE", data.draw(st.sampled_from([0, 1, 20, 64])))
        same(
            [pieces],
            data.draw(st.sampled_from([LIMIT, 0])),
            room=data.draw(st.sampled_from([1, 100, 300, 1 << 16])),
            patience=data.draw(st.integers(0, 3)),
            decode_text=data.draw(st.booleans()),
        )


@sides
@pytest.mark.parametrize("size", [32_767, 32_768, 65_535, 65_536, 300_000])
@pytest.mark.parametrize("opcode", [1, 2])
@pytest.mark.parametrize("decode_text", [True, False])
def test_large_messages(size: int, opcode: int, server: bool, decode_text: bool) -> None:
    payload = ("ß" * size).encode()[: size // 2 * 2] if opcode == 1 else b"z" * size
    frame = framed(server, opcode, payload)
    stream = (
        framed(server, 9, b"?")
        + framed(server, 1, b"first")
        + frame
        + framed(server, 1, b"small")
        + frame
        + frame[:99]
    )
    before = adapter.counters()["decoded"]
    streams = [[stream], cuts(stream, 50_000), cuts(stream, 7_919), [bytearray(stream)]]
    same(streams, 1 << 20, decode_text=decode_text)
    expected = 2 * len(streams) if len(payload) >= ours.LARGE else 0
    assert adapter.counters()["decoded"] - before == expected


@sides
@pytest.mark.parametrize("cut", [0, 1, 5, 100, 39_999, 40_003])
def test_large_text_that_is_none(server: bool, cut: int) -> None:
    payload = bytearray(b"a" * 40_000)
    payload[min(cut, 39_999)] = 0xFF
    first = framed(server, 1, b"first")
    stream = first + framed(server, 1, bytes(payload)) + framed(server, 2, b"z" * 40_000)
    found = same(
        [[stream], [first, *cuts(stream[len(first) :], cut + 9)], cuts(stream, 5_000)], 1 << 20
    )
    assert "Invalid UTF-8 text message" in str(found[0])


@sides
@pytest.mark.parametrize("size", [39_999, 40_000, 40_001])
def test_the_limit(server: bool, size: int) -> None:
    stream = framed(server, 2, b"z" * size) * 2
    same([[stream], cuts(stream, 5_000), cuts(stream, 3)], 40_000)
    same([[stream], cuts(stream, 5_000)], 0)


@sides
def test_fragments_are_left_to_aiohttp(server: bool) -> None:
    big = b"z" * 40_000
    parts = [framed(server, 2, big, fin=False), framed(server, 9, b"?")]
    parts += [framed(server, 0, big, fin=False), framed(server, 0, big), framed(server, 2, big)]
    stream = b"".join(parts)
    before = adapter.counters()["decoded"]
    same([[stream], parts, cuts(stream, 7_000), cuts(stream, 19_000)], 1 << 20)
    assert adapter.counters()["decoded"] == before + 4  # the last one, each time


@sides
@pytest.mark.parametrize("room", [1, 10_000, 40_000])
@pytest.mark.parametrize("patience", [0, 1, 3])
def test_a_full_queue_holds_back(server: bool, room: int, patience: int) -> None:
    big, small = framed(server, 2, b"z" * 40_000), framed(server, 1, b"s")
    stream = (big + small * 3) * 6
    found = same([[stream], cuts(stream, 30_000), cuts(stream, 997)], 1 << 20, room=room)
    assert "(True, True" in str(found[0])  # paused and stalled
    same([[stream], cuts(stream, 30_000)], 1 << 20, room=room, patience=patience)


@sides
def test_a_violation_behind_what_was_held_back(server: bool) -> None:
    """It comes to light when the queue is read, and not when more comes."""
    small, big = framed(server, 1, b"s" * 100), framed(server, 2, b"z" * 40_000)
    held = small * 3 + framed(server, 3, b"no such opcode")
    same([[held, *[big] * 6]], 1 << 20, room=50, patience=1)


@sides
@pytest.mark.parametrize("size", [1, 1000])
@pytest.mark.parametrize("at_once", [False, True])
def test_a_connection_without_large_messages_is_left_alone(
    server: bool, size: int, at_once: bool
) -> None:
    """But not while there is one now and then."""
    readers: list[Any] = []

    def make(*arguments: Any, **options: Any) -> Any:
        readers.append(ours.Reader(*arguments, **options))
        return readers[-1]

    small = [framed(server, 1, b"s" * size)] * (ours.PATIENCE - 2)
    big = [framed(server, 2, b"z" * 40_000)]
    before = adapter.counters()["decoded"]
    for number, chunks in enumerate([small + big + small[2:] + big, small * 3 + big]):
        stream = [b"".join(chunks)] if at_once else chunks
        found = transcript(make, stream, 1 << 20)
        assert found == transcript(ours.STOCK_READER, stream, 1 << 20)
        if not at_once:
            assert ("feed_data" in vars(readers[-1])) is bool(number)
            assert adapter.counters()["decoded"] == before + 2


def test_compression_keeps_us_out() -> None:
    queue = ours.WebSocketDataQueue(Protocol(), 1 << 20, loop=None)
    assert "feed_data" in vars(ours.Reader(queue, 0, True))
