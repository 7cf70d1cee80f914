"""Streams that break a rule, or nearly do: what every adapter has to answer just as its host does.

Each is built for one reader: `masked` frames for a server, unmasked ones for a client. A host's
test feeds them whole and in pieces, stock and with fastws in, and compares all that can be seen.
Where a host has limits of its own, LIMIT is the one that these sizes are made for.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

from helpers import make_frame
from hypothesis import strategies as st

KEY = b"\x11\x22\x33\x44"
LIMIT = 64  # bytes, of a message

Build = Callable[[bool], bytes]


def framed(masked: bool, opcode: int, payload: bytes = b"", **kwargs: Any) -> bytes:
    """Build a frame as a reader of masked frames, or of unmasked ones, receives it."""
    kwargs.setdefault("mask", KEY if masked else None)
    return make_frame(opcode, payload, **kwargs)


def deflated(payload: bytes) -> bytes:
    """Compress a message (RFC 7692 7.2.1)."""
    squeeze = zlib.compressobj(wbits=-15)
    data = squeeze.compress(payload) + squeeze.flush(zlib.Z_SYNC_FLUSH)
    return data.removesuffix(b"\x00\x00\xff\xff")


def frame(opcode: int, payload: bytes = b"", **kwargs: Any) -> Build:
    return lambda masked: framed(masked, opcode, payload, **kwargs)


def wrongly_masked(masked: bool) -> bytes:
    return framed(masked, 1, b"x", mask=None if masked else KEY)


def close(code: int, reason: bytes = b"") -> Build:
    return frame(8, code.to_bytes(2, "big") + reason)


def both(*parts: Build) -> Build:
    return lambda masked: b"".join(part(masked) for part in parts)


start, end = frame(1, b"a", fin=False), frame(0, b"b")

VIOLATIONS: dict[str, Build] = {
    "reserved data opcode": frame(3, b"x"),
    "reserved control opcode": frame(11, b"x"),
    "reserved opcode, wrongly masked and too big": frame(3, b"x" * 100, mask=None),
    "RSV1 without an extension": frame(1, b"x", rsv=0x40),
    "RSV2": frame(1, b"x", rsv=0x20),
    "RSV3 on a ping": frame(9, b"x", rsv=0x10),
    "fragmented ping": frame(9, b"x", fin=False),
    "ping of 126 bytes": frame(9, b"x" * 126),
    "wrong masking": wrongly_masked,
    "wrong masking, reserved opcode": lambda masked: framed(
        masked, 5, b"x", mask=None if masked else KEY
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
    "close, then rubbish": lambda masked: close(1001)(masked) + b"\xff" * 300,
    "two close frames": both(close(1000), close(1000)),
    "text that is not UTF-8": frame(1, b"ab\xffcd"),
    "text cut inside a code point": frame(1, b"ab\xe2\x82"),
    "text with a surrogate": frame(1, b"a\xed\xa0\x80"),
    "fragment that is not UTF-8": both(frame(1, b"ab\xffcd", fin=False), frame(0, b"x")),
    "fragments that split a code point": both(frame(1, b"\xe2\x82", fin=False), frame(0, b"\xac")),
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
    "nothing": lambda masked: b"",
}

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


# --- Random frames -------------------------------------------------------------------------------

payloads = st.binary(max_size=8) | st.integers(0, 300).map(bytes)


@st.composite
def frames_for(draw: st.DrawFn, masked: bool) -> bytes:
    """Draw a frame that is mostly right."""
    odd = draw(st.integers(0, 19))
    opcode = draw(st.integers(0, 15) if odd == 0 else st.sampled_from([0, 1, 2, 2, 9, 10, 8]))
    payload = draw(payloads)
    if opcode == 8 and odd > 2:
        payload = draw(st.sampled_from([b"", b"\x03\xe8", b"\x03\xe8bye", b"\x03\xed"]))
    mask = KEY if masked is not (odd == 1) else None
    rsv = draw(st.sampled_from([0x10, 0x20, 0x40, 0x70])) if odd == 2 else 0
    form = draw(st.sampled_from([16, 64])) if odd in (3, 4) else None
    if odd > 15 and opcode < 8:
        payload, rsv = deflated(payload), 0x40
    return framed(masked, opcode, payload, fin=draw(st.booleans()), rsv=rsv, form=form, mask=mask)
