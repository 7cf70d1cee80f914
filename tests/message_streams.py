"""Streams of messages for tests: a naive parser to hold decoders against, and random streams.

The parser is written from RFC 6455, byte by byte and without a look at the package.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from helpers import make_frame, naive_mask, naive_utf8_fault
from hypothesis import strategies as st
from twins import Events

KEY = bytes.fromhex("37fa213d")
MIB = 1 << 20
# --- The independent parser ----------------------------------------------------------------------


class Broken(Exception):
    """The stream breaks here; carries the close code."""


class Ended(Exception):
    """A close frame came."""


class Naive:
    """Messages as RFC 6455 has them, without a thought for speed."""

    def __init__(self, role: str | None, limit: int, fragments: int, text: str, check: bool):
        self.role, self.limit, self.fragments = role, limit, fragments
        self.as_str, self.check = text == "str", check or text == "str"
        self.events: Events = []
        self.opcode: int | None = None  # of the message in progress
        self.held = b""
        self.count = 0

    def judge(self, first: int, second: int) -> None:
        """Hold the first two bytes against 5.1, 5.2, 5.4 and 5.5."""
        opcode, masked = first % 16, second >= 0x80
        if (
            opcode not in (0, 1, 2, 8, 9, 10)
            or (opcode == 0 and self.opcode is None)
            or (opcode in (1, 2) and self.opcode is not None)
            or first & 0x70
            or (opcode >= 8 and (first < 0x80 or second % 128 > 125))
            or (self.role == "server" and not masked)
            or (self.role == "client" and masked)
        ):
            raise Broken(1002)

    def length(self, data: bytes) -> tuple[int, int] | None:
        """Read the length; give it with the place behind it, or None where bytes are missing."""
        length, at = data[1] % 128, 2
        if length >= 126:
            at = 4 if length == 126 else 10
            if len(data) < at:
                return None
            length = int.from_bytes(data[2:at], "big")
            if length < (126 if at == 4 else 65536) or length >= 1 << 63:
                raise Broken(1002)
        if data[0] % 16 < 8 and length > self.limit - len(self.held):
            raise Broken(1009)
        return length, at

    def frame(self, data: bytes) -> int:
        """Take the frame that opens the data; give its size, or 0 where bytes are missing."""
        if len(data) < 2:
            return 0
        self.judge(data[0], data[1])
        found = self.length(data)
        if found is None:
            return 0
        length, at = found
        key = bytes(4)
        if data[1] >= 0x80:
            key = data[at : at + 4]
            at += 4
            if len(data) < at:
                return 0
        opcode, fin = data[0] % 16, data[0] >= 0x80
        whole = len(data) >= at + length
        payload = naive_mask(data[at : at + length], key)
        if opcode >= 8:
            if whole:
                self.control(opcode, payload)
        else:
            self.data(opcode, payload, fin, whole)
        return at + length if whole else 0

    def control(self, opcode: int, payload: bytes) -> None:
        if opcode >= 9:
            self.events.append(("Ping" if opcode == 9 else "Pong", payload))
            return
        code = int.from_bytes(payload[:2], "big") if payload else 1005
        legal = (1000, 1001, 1002, 1003, *range(1007, 1015), *range(3000, 5000))
        if len(payload) == 1 or (payload and code not in legal):
            raise Broken(1002)
        if naive_utf8_fault(payload[2:]) is not None:
            raise Broken(1007)
        self.events.append(("Close", code, payload[2:].decode()))
        raise Ended

    def data(self, opcode: int, payload: bytes, fin: bool, whole: bool) -> None:
        kind = self.opcode or opcode
        if self.count == self.fragments:
            raise Broken(1009)
        message = self.held + payload
        if kind == 1 and self.check:
            fault = naive_utf8_fault(message)
            if fault is not None and (fault < len(message) or (fin and whole)):
                raise Broken(1007)
        if not whole:
            return
        if not fin:
            self.opcode, self.held, self.count = kind, message, self.count + 1
            return
        text = message.decode() if kind == 1 and self.as_str else message
        self.events.append(("Text" if kind == 1 else "Binary", text))
        self.opcode, self.held, self.count = None, b"", 0


@functools.lru_cache(maxsize=64)
def naive_events(
    stream: bytes,
    role: str | None,
    limit: int = MIB,
    fragments: int = 1 << 17,
    text: str = "str",
    check: bool = True,
) -> tuple[Events, int | None, int]:
    """Give the events of a stream, the close code of its fault or None, and what is buffered."""
    parser = Naive(role, limit, fragments, text, check)
    try:
        while size := parser.frame(stream):
            stream = stream[size:]
    except Broken as fault:
        return parser.events, fault.args[0], 0
    except Ended:
        return parser.events, None, 0
    return parser.events, None, len(stream) + len(parser.held)


# --- Streams -------------------------------------------------------------------------------------

# Text of every width, and of the code points at which the length of their UTF-8 changes.
ALPHABET = st.one_of(
    st.sampled_from("az \x00\x7f\x80\u07ff\u0800\ud7ff\ue000\ufeff\uffff\U00010000\U0010ffff"),
    st.characters(codec="utf-8"),
)
TEXTS = st.one_of(
    st.text("abc ", max_size=40),
    st.text(ALPHABET, max_size=30),
    st.builds(lambda n, text: "x" * n + text, st.integers(0, 200), st.text(ALPHABET, max_size=4)),
)
BAD_TEXTS = st.builds(
    lambda start, bad, end: start.encode() + bad + end.encode(),
    TEXTS,
    st.sampled_from(
        [
            *(
                b"\x80",
                b"\xc0\x80",
                b"\xe0\x9f\xbf",
                b"\xed\xa0\x80",
                b"\xf0\x8f\xbf\xbf",
                b"\xf4\x90",
            ),
            *(
                b"\xf5",
                b"\xff",
                b"\xc3",
                b"\xe2\x82",
                b"\xf0\x9f\x98",
                b"\xe2\x28\xa1",
                b"\xc3\xc3",
            ),
        ]
    ),
    st.text("abc\u20ac", max_size=5),
)
BINARIES = st.one_of(
    st.binary(max_size=30), st.sampled_from([124, 125, 126, 127, 300, 5000]).map(bytes)
)
LEGAL_CODES = st.sampled_from([1000, 1001, 1003, 1007, 1011, 1013, 1014, 3000, 4999])
CODES = st.sampled_from([0, 999, 1004, 1005, 1006, 1014, 1015, 1016, 2999, 5000, 65535])


@st.composite
def control(draw: st.DrawFn, legal: bool = True) -> tuple[int, bool, bytes]:
    """Draw a control frame as opcode, fin, payload; seldom a close."""
    if draw(st.integers(0, 7)):
        return draw(st.sampled_from([9, 10])), True, draw(st.binary(max_size=125))
    reason = draw(st.text(ALPHABET, max_size=20)).encode()
    payload = draw(LEGAL_CODES).to_bytes(2, "big") + reason
    if not legal:
        wrong = draw(CODES).to_bytes(2, "big") + reason
        bad = payload[:2] + draw(BAD_TEXTS)[:123]
        payload = draw(st.sampled_from([payload, wrong, bad, payload[:1]]))
    return 8, True, draw(st.sampled_from([payload, payload, b""]))


@st.composite
def message(draw: st.DrawFn, legal: bool = True) -> list[tuple[int, bool, bytes]]:
    """Draw the frames of a message as opcode, fin, payload, with control frames between them."""
    opcode = draw(st.sampled_from([1, 1, 2]))
    if opcode == 2:
        payload = draw(BINARIES)
    else:
        payload = draw(TEXTS.map(str.encode) if legal else BAD_TEXTS)
    ends = sorted(draw(st.lists(st.integers(0, len(payload)), max_size=4)))
    frames: list[tuple[int, bool, bytes]] = []
    for start, end in zip([0, *ends], [*ends, len(payload)], strict=True):
        if start and not draw(st.integers(0, 3)):
            frames.append(draw(control(legal)))
        frames.append((opcode, False, payload[start:end]))
        opcode = 0
    return [*frames[:-1], (frames[-1][0], True, frames[-1][2])]


def wire_of(frames: list[tuple[int, bool, bytes]], mask: bytes | None, **options: Any) -> bytes:
    """Write frames as they go over the wire."""
    return b"".join(make_frame(n, load, fin=fin, mask=mask, **options) for n, fin, load in frames)


@st.composite
def flaw(draw: st.DrawFn, masked: bool) -> bytes:
    """Draw something that breaks a rule, or seems to."""
    key = KEY if masked else None
    kind = draw(st.sampled_from(["text", "control", "frame", "mask", "form", "bytes"]))
    if kind == "text":
        return wire_of(draw(message(False)), key)
    if kind == "control":
        return wire_of([draw(control(False))], key)
    if kind == "mask":
        return make_frame(1, b"text", mask=None if masked else KEY)
    if kind == "form":
        return make_frame(draw(st.sampled_from([1, 2, 9])), b"abc", mask=key, form=16)
    if kind == "bytes":
        return draw(st.binary(max_size=12))
    opcode, rsv = draw(st.sampled_from([0, 1, 2, 3, 9, 11])), draw(st.sampled_from([0, 0, 64, 32]))
    return make_frame(opcode, b"payload", fin=draw(st.booleans()), rsv=rsv, mask=key)


@st.composite
def stream_for(draw: st.DrawFn, role: str | None) -> bytes:
    """Draw a stream: legal, or with one flaw in it, or with changed bytes, or cut off."""
    masked = role == "server" or (role is None and draw(st.booleans()))
    keys = st.sampled_from([KEY, bytes(4), b"\x00\xff\x80\x01"]) if masked else st.none()
    parts = []
    for part in draw(st.lists(st.one_of(message(), message(), control()), max_size=6)):
        parts.append(wire_of(part if isinstance(part, list) else [part], draw(keys)))
    kind = draw(st.sampled_from(["legal", "legal", "flaw", "flaw", "change", "cut"]))
    if kind == "flaw":
        parts.insert(draw(st.integers(0, len(parts))), draw(flaw(masked)))
    stream = bytearray(b"".join(parts))
    if kind == "change" and stream:
        stream[draw(st.integers(0, len(stream) - 1))] ^= 1 << draw(st.integers(0, 7))
    return bytes(stream[: draw(st.integers(0, len(stream)))] if kind == "cut" else stream)


ROLES = st.sampled_from(["server", "server", "client", None])


def pieces(data: st.DataObject, stream: bytes) -> Iterator[tuple[bytes, int]]:
    """Cut a stream at random; give each piece and where it ends."""
    most = data.draw(st.sampled_from([0, 1, 3, 8]))
    ends = sorted(data.draw(st.sets(st.integers(0, len(stream)), max_size=most)) | {len(stream)})
    for start, end in zip([0, *ends], ends, strict=False):
        yield stream[start:end], end
