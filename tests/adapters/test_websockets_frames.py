"""What websockets says to every stream, stock and with fastws in it: the two have to agree."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from adapters.transcript import EOF, SIDES, Lines, deflate, fast, logger_with, protocol_of, same
from adapters.violations import DEFLATE, VIOLATIONS, both, close, frame, frames_for
from helpers import cuts
from hypothesis import given
from hypothesis import strategies as st
from websockets.protocol import SERVER, Protocol, Side

LIMITS: dict[str, Any] = {
    "message 64": 64,
    "fragment 64": (None, 64),
    "message 64, fragment 30": (64, 30),
    "message 30, fragment 64": (30, 64),
    "nothing allowed": 0,
    "default": 1 << 20,
}


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("case", VIOLATIONS)
@pytest.mark.parametrize("side", SIDES, ids=["server", "client"])
def test_every_violation_in_every_split(side: Side, case: str, limit: str) -> None:
    data = VIOLATIONS[case](side is SERVER)
    streams = [[data, EOF, EOF], [*cuts(data, 1), EOF], [*cuts(data, 3), b"", EOF, b"late"]]
    if limit == "message 64":
        streams += [[data[:i], data[i:], EOF] for i in range(len(data))]
    same(partial(protocol_of, side, max_size=LIMITS[limit]), *streams)


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "deflate"])
@pytest.mark.parametrize("side", SIDES, ids=["server", "client"])
def test_end_of_stream_at_every_byte(side: Side, compressed: bool) -> None:
    data = both(
        frame(1, b"abc"),
        frame(9),
        frame(2, b"x" * 130, fin=False),
        frame(0, b"y" * 3, form=64),
        frame(2, b"z" * 5, form=16),
        close(1000),
        frame(1, b"late"),
    )(side is SERVER)
    make = partial(protocol_of, side, deflate if compressed else list)
    same(make, *([data[:i], EOF] for i in range(len(data) + 1)))
    same(make, *([*cuts(data[:i], 1), EOF] for i in range(0, len(data), 7)))


@pytest.mark.parametrize("side", SIDES, ids=["server", "client"])
@pytest.mark.parametrize("debug", [False, True], ids=["silent", "debug"])
def test_an_end_is_told_to_a_log_alone_that_listens(debug: bool, side: Side) -> None:
    def run() -> list[Any]:
        lines = Lines()
        protocol = Protocol(side, logger=logger_with(lines))
        protocol.debug = debug
        protocol.receive_data(frame(1, b"text")(side is SERVER))
        protocol.receive_eof()
        return [lines.lines, protocol.state, repr(protocol.parser_exc)]

    expected = run()
    with fast():
        assert run() == expected
    assert ("< EOF" in expected[0]) is debug


@pytest.mark.parametrize("limit", [None, 64, (None, 64), 1 << 20], ids=str)
@pytest.mark.parametrize("case", DEFLATE)
@pytest.mark.parametrize("side", SIDES, ids=["server", "client"])
def test_compression(side: Side, case: str, limit: Any) -> None:
    data = DEFLATE[case](side is SERVER)
    make = partial(protocol_of, side, deflate, max_size=limit)
    same(make, [data, EOF], [*cuts(data, 1), EOF], [*cuts(data, 5)])


# --- Random streams ------------------------------------------------------------------------------


@st.composite
def streams(draw: st.DrawFn) -> tuple[Side, list[bytes | None]]:
    """Draw a stream of frames, or of rubbish, cut anywhere, perhaps with its end."""
    side = draw(st.sampled_from(SIDES))
    data = b"".join(draw(st.lists(frames_for(side is SERVER), max_size=6)))
    data += draw(st.just(b"") | st.binary(max_size=12))
    at = sorted(draw(st.lists(st.integers(0, len(data)), max_size=5)))
    chunks: list[bytes | None] = [
        data[a:b] for a, b in zip([0, *at], [*at, len(data)], strict=True)
    ]
    return side, chunks + draw(st.sampled_from([[], [EOF], [EOF, EOF, b"x"]]))


@given(streams(), st.sampled_from([64, (None, 64), (200, 30), 1 << 20]), st.booleans())
def test_random_streams(
    stream: tuple[Side, list[bytes | None]], limit: Any, compressed: bool
) -> None:
    side, chunks = stream
    same(partial(protocol_of, side, deflate if compressed else list, max_size=limit), chunks)
