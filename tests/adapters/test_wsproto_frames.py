"""What wsproto says to every stream, stock and with fastws in it: the two have to agree."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from adapters.violations import DEFLATE, VIOLATIONS, both, close, frame, frames_for
from adapters.wsproto_transcript import (
    CLIENT,
    EOF,
    KEY,
    SERVER,
    SIDES,
    connection_of,
    decoder_of,
    drive_connection,
    drive_protocol,
    fast,
    framed,
    layers,
    protocol_of,
    same,
    seen,
)
from helpers import cuts
from hypothesis import given
from hypothesis import strategies as st
from wsproto import frame_protocol
from wsproto.connection import Connection, ConnectionType
from wsproto.extensions import Extension
from wsproto.frame_protocol import CloseReason, FrameProtocol, RsvBits

from fastws.adapters import wsproto as adapter

sides = pytest.mark.parametrize("side", SIDES, ids=["server", "client"])


@pytest.mark.parametrize("case", VIOLATIONS)
@sides
def test_every_violation_in_every_split(side: ConnectionType, case: str) -> None:
    data = VIOLATIONS[case](side is SERVER)
    streams: list[list[bytes | None]] = [
        [data, EOF, EOF],
        [*cuts(data, 1), EOF],
        [*cuts(data, 3), b"", EOF, b"late"],
        [b"", data, b"late"],
    ]
    streams += [[data[:i], data[i:], EOF] for i in range(min(len(data), 60))]
    same(layers(side), *streams)


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "deflate"])
@sides
def test_end_of_stream_at_every_byte(side: ConnectionType, compressed: bool) -> None:
    data = both(
        frame(1, b"abc"),
        frame(9),
        frame(2, b"x" * 130, fin=False),
        frame(0, b"y" * 3),
        frame(2, b"z" * 5),
        close(1000),
        frame(1, b"late"),
    )(side is SERVER)
    streams = [[data[:i], EOF] for i in range(len(data) + 1)]
    streams += [[*cuts(data[:i], 1), EOF] for i in range(0, len(data), 7)]
    same(layers(side, compressed), *streams, ours=not compressed)


@pytest.mark.parametrize("case", [*DEFLATE, *VIOLATIONS])
@sides
def test_compression(side: ConnectionType, case: str) -> None:
    data = {**VIOLATIONS, **DEFLATE}[case](side is SERVER)
    streams = [[data, EOF], [*cuts(data, 1), EOF], [*cuts(data, 5)]]
    streams += [[data[:i], data[i:]] for i in range(min(len(data), 20))]
    masked = adapter.counters()["masked"]
    same(layers(side, compressed=True), *streams, ours=False)
    if case == "text" and side is SERVER:
        assert adapter.counters()["masked"] > masked


class Reserving(Extension):
    """An extension that allows RSV2 and RSV3, and fails at what it is told to."""

    name = "reserving"

    def __init__(self, fails: str = "") -> None:
        self.fails = fails

    def offer(self) -> str:
        return self.name

    def enabled(self) -> bool:
        return self.fails != "disabled"

    def frame_inbound_header(
        self, proto: Any, opcode: Any, rsv: RsvBits, payload_length: int
    ) -> Any:
        if self.fails == "header":
            return CloseReason.POLICY_VIOLATION
        return RsvBits(False, True, True)

    def frame_inbound_payload_data(self, proto: Any, data: Any) -> Any:
        if self.fails == "payload":
            return CloseReason.MESSAGE_TOO_BIG
        return b"<" + data

    def frame_inbound_complete(self, proto: Any, fin: bool) -> Any:
        if self.fails == "complete":
            return CloseReason.MANDATORY_EXT
        return b">" if fin else None


@pytest.mark.parametrize("fails", ["", "header", "payload", "complete", "disabled"])
@pytest.mark.parametrize("rsv", [0, 0x10, 0x20, 0x30, 0x40, 0x70])
@sides
def test_extensions_of_others(side: ConnectionType, rsv: int, fails: str) -> None:
    data = framed(side, 1, b"hello", rsv=rsv) + framed(side, 9, b"?", rsv=rsv)
    same(
        [
            (lambda: Connection(side, [Reserving(fails)]), drive_connection),
            (lambda: FrameProtocol(side is CLIENT, [Reserving(fails)]), drive_protocol),
        ],
        [data, EOF],
        [*cuts(data, 1), EOF],
        ours=False,
    )


# --- Pieces --------------------------------------------------------------------------------------

LETTERS = ["a", "ß", "€", "\U0001f600"]


@pytest.mark.parametrize(
    "text",
    [
        "".join(LETTERS).encode() * 3,
        b"a\xe2\x82",
        b"\xf0\x9f\x98",
        b"ab\xe2\x82x\xac",
        b"\xe2\x82\xe2\x82\xac",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xc0\x80",
        b"abc\x80",
        b"\xf0\x80\x80\x80",
        b"ok\xff",
    ],
    ids=repr,
)
@sides
def test_text_in_every_split(side: ConnectionType, text: bytes) -> None:
    whole = framed(side, 1, text)
    streams = [[*cuts(whole, size), EOF] for size in (1, 2, 3, 5)]
    streams += [[whole[:i], whole[i:]] for i in range(len(whole))]
    streams += [
        [whole[:i], whole[i:j], whole[j:]] for i in range(6, len(whole)) for j in range(i, i + 5)
    ]
    for i in range(len(text)):  # in fragments, with a ping between
        data = framed(side, 1, text[:i], fin=False) + framed(side, 9) + framed(side, 0, text[i:])
        streams += [[data], [*cuts(data, 1)]]
    same(layers(side)[:3:2], *streams)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 8191, 8192, 8193, 65535, 65536, 300_000])
@pytest.mark.parametrize("opcode", [1, 2])
@sides
def test_every_size_in_pieces(side: ConnectionType, opcode: int, size: int) -> None:
    payload = ("ab€" * (size // 3 + 1)).encode()[:size]
    one = framed(side, opcode, payload)
    data = framed(side, 2, b"before") + one + framed(side, 2, b"behind") + one
    streams = [[*cuts(data, step), EOF] for step in (4096, 65536, len(data)) if step * 99 > size]
    same(layers(side)[:3:2], *streams, [one, one], [one[:7], one[7:] + one[:9], one[9:]])


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
@sides
def test_what_is_fed_may_be_any_buffer_and_change_later(side: ConnectionType, kind: Any) -> None:
    data = framed(side, 2, b"first") + framed(side, 2, b"x" * 9000)
    for step in (1, 7, 9000, len(data)):

        def steps(step: int = step) -> list[Any]:
            protocol = FrameProtocol(side is CLIENT, [])
            found = []
            for chunk in cuts(data, step):
                store = bytearray(chunk)
                protocol.receive_bytes(kind(store))
                store[:] = bytes(len(store))
                found += [seen(frame) for frame in protocol.received_frames()]
            return found

        expected = steps()
        with fast():
            assert steps() == expected


@pytest.mark.parametrize("wrong", [None, 3, "text", [1]], ids=repr)
def test_what_is_no_buffer_is_refused_alike(wrong: Any) -> None:
    def steps() -> list[Any]:
        protocol = FrameProtocol(False, [])
        found = []
        for chunk in (wrong, framed(SERVER, 1, b"abc")[:-1], wrong, b"x"):
            try:
                protocol.receive_bytes(chunk)
            except TypeError as error:
                found.append(str(error))
            found.append([seen(frame) for frame in protocol.received_frames()])
        return found

    expected = steps()
    with fast():
        assert steps() == expected


def test_frames_taken_one_at_a_time() -> None:
    data = b"".join(framed(SERVER, 2, bytes([i])) for i in range(5))

    def steps() -> list[Any]:
        protocol = FrameProtocol(False, [])
        found = []
        for chunk in cuts(data, 9):
            protocol.receive_bytes(chunk)
            found.append(next(protocol.received_frames(), None))
        return [*found, *protocol.received_frames(), *protocol.received_frames()]

    expected = steps()
    with fast():
        assert steps() == expected


# --- What others make of it ----------------------------------------------------------------------


def test_a_decoder_that_others_derive_is_their_own() -> None:
    """Made while fastws is in, it works on the buffer and the header of wsproto."""
    data = framed(SERVER, 1, b"abc") + framed(SERVER, 1, b"x", rsv=0x40)
    with fast():

        class Derived(frame_protocol.FrameDecoder):
            def parse_header(self) -> bool:
                found = super().parse_header()
                seen_sizes.append(self.payload_required)
                return found

        seen_sizes: list[int] = []
        decoder = Derived(False)
        decoder.receive_bytes(data)
        frame = decoder.process_buffer()
        assert frame is not None and frame.payload == b"abc"
        assert seen_sizes == [0]
        with pytest.raises(frame_protocol.ParseFailed, match="Reserved bit set unexpectedly"):
            decoder.process_buffer()
    assert issubclass(Derived, frame_protocol.FrameDecoder)


def test_a_decoder_that_is_put_in_is_used() -> None:
    stock = frame_protocol.FrameDecoder(False)
    with fast():
        protocol = FrameProtocol(False, [])
        protocol._frame_decoder = stock
        decoded = adapter.counters()["decoded"]
        for data in (framed(SERVER, 1, b"abc"), framed(SERVER, 8)):
            protocol.receive_bytes(data)
            assert len(list(protocol.received_frames())) == 1
        protocol.receive_bytes(framed(SERVER, 1, b"late"))
        assert not list(protocol.received_frames()) and not list(protocol.received_frames())
        assert adapter.counters()["decoded"] == decoded


# --- Random streams ------------------------------------------------------------------------------


@st.composite
def streams(draw: st.DrawFn) -> tuple[ConnectionType, list[bytes | None]]:
    """Draw a stream of frames, or of rubbish, cut anywhere, perhaps with its end."""
    side = draw(st.sampled_from(SIDES))
    data = b"".join(draw(st.lists(frames_for(side is SERVER), max_size=6)))
    data += draw(st.just(b"") | st.binary(max_size=12))
    at = sorted(draw(st.lists(st.integers(0, len(data)), max_size=5)))
    chunks: list[bytes | None] = [data[a:b] for a, b in pairwise([0, *at, len(data)])]
    return side, chunks + draw(st.sampled_from([[], [EOF], [EOF, EOF, b"x"]]))


@given(streams(), st.booleans())
def test_random_streams(
    stream: tuple[ConnectionType, list[bytes | None]], compressed: bool
) -> None:
    side, chunks = stream
    same(layers(side, compressed), chunks, ours=not compressed)


@given(
    st.lists(st.sampled_from([*LETTERS, "\x00"]), max_size=12).map("".join).map(str.encode)
    | st.binary(max_size=12),
    st.lists(st.integers(0, 60), max_size=6),
    st.lists(st.integers(0, 12), max_size=3),
    st.sampled_from(SIDES),
)
def test_random_text(
    text: bytes, at: list[int], fragments: list[int], side: ConnectionType
) -> None:
    parts = [0, *sorted(min(part, len(text)) for part in fragments), len(text)]
    data = b"".join(
        framed(side, 0 if i else 1, text[a:b], fin=i == len(parts) - 2)
        for i, (a, b) in enumerate(pairwise(parts))
    )
    bounds = [0, *sorted(min(cut, len(data)) for cut in at), len(data)]
    chunks = [data[a:b] for a, b in pairwise(bounds)]
    same(layers(side)[:3:2], chunks)


def test_each_layer_is_tried() -> None:
    """The drives see what they are to see: a message, its pieces, an error and its text."""
    data = framed(SERVER, 1, b"abc") + framed(SERVER, 3)
    steps = drive_connection(connection_of(SERVER)(), [data[:8], data[8:], EOF])
    assert "Invalid opcode 0x3" in str(steps) and "message_finished=False" in str(steps)
    assert "Invalid opcode" in str(drive_protocol(protocol_of(SERVER)(), [data]))
    assert decoder_of(CLIENT)().client is True and KEY != bytes(4)
