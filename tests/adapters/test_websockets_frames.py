"""What websockets says to every stream, stock and with fastws in it: the two have to agree."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from adapters.transcript import EOF, KEY, SIDES, deflate, deflated, framed, protocol_of, same
from helpers import cuts
from hypothesis import given
from hypothesis import strategies as st
from websockets.protocol import SERVER, Side

Build = Callable[[Side], bytes]


def frame(opcode: int, payload: bytes = b"", **kwargs: Any) -> Build:
    return lambda side: framed(side, opcode, payload, **kwargs)


def wrongly_masked(side: Side) -> bytes:
    return framed(side, 1, b"x", mask=None if side is SERVER else KEY)


def close(code: int, reason: bytes = b"") -> Build:
    return frame(8, code.to_bytes(2, "big") + reason)


def both(*parts: Build) -> Build:
    return lambda side: b"".join(part(side) for part in parts)


start, end = frame(1, b"a", fin=False), frame(0, b"b")

MATRIX: dict[str, Build] = {
    "reserved data opcode": frame(3, b"x"),
    "reserved control opcode": frame(11, b"x"),
    "reserved opcode, wrongly masked and too big": frame(3, b"x" * 100, mask=None),
    "RSV1 without an extension": frame(1, b"x", rsv=0x40),
    "RSV2": frame(1, b"x", rsv=0x20),
    "RSV3 on a ping": frame(9, b"x", rsv=0x10),
    "fragmented ping": frame(9, b"x", fin=False),
    "ping of 126 bytes": frame(9, b"x" * 126),
    "wrong masking": wrongly_masked,
    "wrong masking, reserved opcode": lambda side: framed(
        side, 5, b"x", mask=None if side is SERVER else KEY
    ),
    "continuation without a start": frame(0, b"x"),
    "text inside a message": both(start, frame(1, b"b")),
    "text fragment inside a message": both(start, frame(1, b"b", fin=False)),
    "binary inside a message": both(start, frame(2, b"b")),
    "close of 1 byte": frame(8, b"\x03"),
    **{
        f"close {code}": close(code)
        for code in (0, 999, 1000, 1004, 1005, 1006, 1012, 1014, 1015, 1016, 2999, 3000, 5000)
    },
    "close with a bad reason": close(1000, b"\xff"),
    "close with a cut reason": close(1000, b"\xe2\x82"),
    "close inside a message": both(start, close(1000)),
    "close with a reason": close(1000, b"bye"),
    "close, empty": frame(8),
    "close, then more": both(close(1001), frame(1, b"late"), frame(3)),
    "close, then rubbish": lambda side: close(1001)(side) + b"\xff" * 300,
    "two close frames": both(close(1000), close(1000)),
    "text that is not UTF-8": frame(1, b"ab\xffcd"),
    "16-bit length, not minimal": frame(2, b"hello", form=16),
    "64-bit length, not minimal": frame(2, b"hello", form=64),
    "64-bit length, top bit set": frame(2, b"hello", form=64, length=1 << 63),
    "64-bit length, all bits set": frame(2, b"hello", form=64, length=(1 << 64) - 1),
    "too big": frame(2, b"z" * 100),
    "too big in 16 bits": frame(2, b"z" * 1000),
    "too big by one": frame(2, b"z" * 65),
    "just as big as allowed": frame(2, b"z" * 64),
    "fragments too big": both(frame(2, b"z" * 40, fin=False), frame(0, b"z" * 40)),
    "fragments just as big as allowed": both(
        frame(2, b"z" * 40, fin=False),
        frame(9, b"p" * 24),
        frame(0, b"z" * 24),
        frame(2, b"y" * 64),
    ),
    "control frame too big while a message is read": both(
        frame(2, b"z" * 40, fin=False), frame(9, b"p" * 25)
    ),
    "ping": frame(9, b"pp"),
    "pong": frame(10, b"pp"),
    "empty text": frame(1),
    "empty fragments": both(frame(1, fin=False), frame(0, fin=False), frame(0)),
    "messages with a ping between": both(start, frame(9, b"?"), end, frame(2, b"\x00\x01")),
    "nothing": lambda side: b"",
}

LIMITS: dict[str, Any] = {
    "message 64": 64,
    "fragment 64": (None, 64),
    "message 64, fragment 30": (64, 30),
    "message 30, fragment 64": (30, 64),
    "nothing allowed": 0,
    "default": 1 << 20,
}


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("case", MATRIX)
@pytest.mark.parametrize("side", SIDES, ids=["server", "client"])
def test_every_violation_in_every_split(side: Side, case: str, limit: str) -> None:
    data = MATRIX[case](side)
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
    )(side)
    make = partial(protocol_of, side, deflate if compressed else list)
    same(make, *([data[:i], EOF] for i in range(len(data) + 1)))
    same(make, *([*cuts(data[:i], 1), EOF] for i in range(0, len(data), 7)))


DEFLATE: dict[str, Build] = {
    "text": frame(1, deflated(b"hello" * 5), rsv=0x40),
    "uncompressed text": frame(1, b"hello"),
    "large text": frame(1, deflated(bytes(range(256)) * 40), rsv=0x40),
    "two messages with one window": both(*[frame(2, deflated(b"spam"), rsv=0x40)] * 2),
    "fragments": both(
        frame(1, deflated(b"hello world")[:4], rsv=0x40, fin=False),
        frame(9, b"?"),
        frame(0, deflated(b"hello world")[4:]),
    ),
    "RSV1 on a continuation": both(
        frame(1, deflated(b"hello")[:4], rsv=0x40, fin=False), frame(0, b"x", rsv=0x40)
    ),
    "RSV1 on a ping": frame(9, b"x", rsv=0x40),
    "RSV2 beside RSV1": frame(1, deflated(b"hello"), rsv=0x60),
    "rubbish": frame(1, b"\xff\xff\xff\xff", rsv=0x40),
    "bomb": frame(2, deflated(bytes(100_000)), rsv=0x40),
    "bomb in fragments": both(
        frame(2, deflated(bytes(40))[:3], rsv=0x40, fin=False), frame(0, deflated(bytes(3000)))
    ),
    "reserved opcode": frame(4, b"x", rsv=0x40),
}


@pytest.mark.parametrize("limit", [None, 64, (None, 64), 1 << 20], ids=str)
@pytest.mark.parametrize("case", DEFLATE)
@pytest.mark.parametrize("side", SIDES, ids=["server", "client"])
def test_compression(side: Side, case: str, limit: Any) -> None:
    data = DEFLATE[case](side)
    make = partial(protocol_of, side, deflate, max_size=limit)
    same(make, [data, EOF], [*cuts(data, 1), EOF], [*cuts(data, 5)])


# --- Random streams ------------------------------------------------------------------------------

payloads = st.binary(max_size=8) | st.integers(0, 300).map(bytes)


@st.composite
def frames_for(draw: st.DrawFn, side: Side) -> bytes:
    """Draw a frame that is mostly right."""
    odd = draw(st.integers(0, 19))
    opcode = draw(st.integers(0, 15) if odd == 0 else st.sampled_from([0, 1, 2, 2, 9, 10, 8]))
    payload = draw(payloads)
    if opcode == 8 and odd > 2:
        payload = draw(st.sampled_from([b"", b"\x03\xe8", b"\x03\xe8bye", b"\x03\xed"]))
    mask = KEY if (side is SERVER) is not (odd == 1) else None
    rsv = draw(st.sampled_from([0x10, 0x20, 0x40, 0x70])) if odd == 2 else 0
    form = draw(st.sampled_from([16, 64])) if odd in (3, 4) else None
    if odd > 15 and opcode < 8:
        payload, rsv = deflated(payload), 0x40
    return framed(side, opcode, payload, fin=draw(st.booleans()), rsv=rsv, form=form, mask=mask)


@st.composite
def streams(draw: st.DrawFn) -> tuple[Side, list[bytes | None]]:
    """Draw a stream of frames, or of rubbish, cut anywhere, perhaps with its end."""
    side = draw(st.sampled_from(SIDES))
    data = b"".join(draw(st.lists(frames_for(side), max_size=6)))
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
