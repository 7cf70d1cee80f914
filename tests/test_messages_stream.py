"""MessageDecoder as a stream: random messages, valid and broken, cut anywhere, on every back end.

What comes out is held against the pure twin, step by step; against `naive_events`, a parser written
from RFC 6455 alone; and against wsproto and websockets, where `EXCUSES` names all that they do in
another way.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from helpers import cuts, make_frame, naive_mask, naive_utf8_fault
from hypothesis import given
from hypothesis import strategies as st

from fastws import CodecError, _pure
from fastws.deflate import Deflate, PerMessageDeflate

KEY = bytes.fromhex("37fa213d")
MIB = 1 << 20
Events = list[tuple[Any, ...]]


def plain(event: Any) -> tuple[Any, ...]:
    """Give an event as its name and its fields, of which the types count as well."""
    fields = [getattr(event, name) for name in event.__match_args__]
    return (type(event).__name__, *fields)


def run_dry(decoder: Any) -> tuple[Events, CodecError | None]:
    """Give the events that are whole, and the error that broke the stream, or None."""
    events: Events = []
    try:
        for event in decoder:
            events.append(plain(event))
    except CodecError as error:
        return events, error
    return events, None


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
        [b"\x80", b"\xc0\x80", b"\xe0\x9f\xbf", b"\xed\xa0\x80", b"\xf0\x8f\xbf\xbf", b"\xf4\x90"]
        + [b"\xf5", b"\xff", b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98", b"\xe2\x28\xa1", b"\xc3\xc3"]
    ),
    st.text("abc\u20ac", max_size=5),
)
BINARIES = st.one_of(
    st.binary(max_size=30), st.sampled_from([124, 125, 126, 127, 300, 5000]).map(bytes)
)
CODES = st.one_of(
    st.sampled_from([1000, 1001, 1003, 1007, 1011, 1013, 3000, 4999]),
    st.sampled_from([0, 999, 1004, 1005, 1006, 1014, 1015, 1016, 2999, 5000, 65535]),
)
RSVS = st.sampled_from([0] * 19 + [0x40, 0x20])
OPCODES = st.sampled_from([None] * 19 + [0, 1, 2, 3, 11])


@st.composite
def control(draw: st.DrawFn) -> tuple[int, bytes]:
    """Draw a control frame's opcode and payload: seldom a close, and seldom a broken one."""
    if draw(st.integers(0, 7)):
        return draw(st.sampled_from([9, 10])), draw(st.binary(max_size=125))
    reason = draw(st.one_of(st.text(max_size=20).map(str.encode), BAD_TEXTS))[:123]
    payload = draw(CODES).to_bytes(2, "big") + reason
    return 8, draw(st.sampled_from([payload, payload, payload, payload[:2], payload[:1], b""]))


@st.composite
def message(draw: st.DrawFn) -> list[tuple[int, bool, bytes]]:
    """Draw a message's frames as opcode, fin, payload, with control frames between them."""
    opcode = draw(st.sampled_from([1, 1, 2]))
    if opcode == 2:
        payload = draw(BINARIES)
    else:
        payload = draw(st.one_of(*[TEXTS.map(str.encode)] * 4, BAD_TEXTS))
    ends = sorted(draw(st.lists(st.integers(0, len(payload)), max_size=4)))
    frames = []
    for start, end in zip([0, *ends], [*ends, len(payload)], strict=True):
        if frames and not draw(st.integers(0, 3)):
            number, content = draw(control())
            frames.append((number, True, content))
        data_opcode = 0 if any(number < 8 for number, _, _ in frames) else opcode
        frames.append((data_opcode, end == len(payload), payload[start:end]))
    last = max(i for i, frame in enumerate(frames) if frame[0] < 8)
    return [(n, n >= 8 or i == last, content) for i, (n, _, content) in enumerate(frames)]


@st.composite
def frames_of(draw: st.DrawFn, masked: bool | None) -> bytes:
    """Draw some messages and control frames as they go over the wire; each rule seldom broken."""
    wire = []
    for part in draw(st.lists(st.one_of(message(), message(), control()), max_size=5)):
        for number, fin, payload in part if isinstance(part, list) else [(part[0], True, part[1])]:
            opcode = draw(OPCODES)
            form = 16 if not draw(st.integers(0, 60)) else None
            marked = draw(st.booleans()) if masked is None else masked
            wire.append(
                make_frame(
                    number if opcode is None else opcode,
                    payload,
                    fin=fin if draw(st.integers(0, 25)) else not fin,
                    rsv=draw(RSVS),
                    mask=draw(st.sampled_from([KEY, b"\x00\xff\x80\x01"])) if marked else None,
                    form=form if len(payload) < 65536 else None,
                )
            )
    return b"".join(wire)


@st.composite
def stream_for(draw: st.DrawFn, role: str | None) -> bytes:
    """Draw a stream, now and then with broken bytes or a frame that is cut off."""
    masked = None if role is None else role == "server"
    stream = bytearray(draw(frames_of(masked)))
    if not draw(st.integers(0, 4)):
        stream += draw(st.binary(max_size=12))
    if stream and not draw(st.integers(0, 3)):
        stream[draw(st.integers(0, len(stream) - 1))] ^= 1 << draw(st.integers(0, 7))
    return bytes(stream[: len(stream) if draw(st.integers(0, 5)) else -7])


ROLES = st.sampled_from(["server", "server", "client", None])


def pieces(data: st.DataObject, stream: bytes) -> Iterator[tuple[bytes, int]]:
    """Cut a stream at random; give each piece and where it ends."""
    most = data.draw(st.sampled_from([0, 1, 3, 8]))
    ends = sorted(data.draw(st.sets(st.integers(0, len(stream)), max_size=most)) | {len(stream)})
    for start, end in zip([0, *ends], ends, strict=False):
        yield stream[start:end], end


# --- Against the independent parser --------------------------------------------------------------


@given(data=st.data())
def test_random_stream_with_random_cuts(codec: ModuleType, data: st.DataObject) -> None:
    role = data.draw(ROLES)
    stream = data.draw(stream_for(role))
    limit = data.draw(st.sampled_from([MIB, MIB, MIB, 200, 126, 20]))
    fragments = data.draw(st.sampled_from([1 << 17, 1 << 17, 3, 1]))
    text = data.draw(st.sampled_from(["str", "str", "bytes"]))
    check = data.draw(st.booleans())
    decoder = codec.MessageDecoder(
        role,
        max_message_size=limit,
        max_fragments=fragments,
        text=text,
        validate_utf8=check,
    )
    found: Events = []
    for piece, end in pieces(data, stream):
        decoder.feed(piece)
        if end != len(stream) and data.draw(st.booleans()):
            continue  # the next piece comes first
        events, error = run_dry(decoder)
        found += events
        expected, code, left = naive_events(stream[:end], role, limit, fragments, text, check)
        assert found == expected
        assert (error and error.close_code) == code
        assert decoder.buffered == left


WIRES = {
    "text": make_frame(1, "Hall\u00f6 \u20ac \U0001f600!".encode(), mask=KEY),
    "fragments": make_frame(1, b"x\xe2", fin=False, mask=KEY)
    + make_frame(9, b"ping", mask=KEY)
    + make_frame(0, b"", fin=False, mask=KEY)
    + make_frame(0, b"\x82\xac", mask=KEY)
    + make_frame(10, mask=KEY)
    + make_frame(2, b"\xff" * 130, mask=KEY)
    + make_frame(2, b"", mask=KEY),
    "closed": make_frame(1, mask=KEY)
    + make_frame(2, b"lost", fin=False, mask=KEY)
    + make_frame(8, b"\x03\xe8bye", mask=KEY)
    + make_frame(1, b"after", mask=KEY),
    "bad byte": make_frame(1, b"fine", mask=KEY) + make_frame(1, b"1234567\xed\xa0\x80", mask=KEY),
    "late bad byte": make_frame(1, b"\xf0", fin=False, mask=KEY)
    + make_frame(0, b"\x9f", fin=False, mask=KEY)
    + make_frame(0, b"\x98\x28", mask=KEY),
    "new message": make_frame(1, b"a", fin=False, mask=KEY) + make_frame(2, b"b", mask=KEY),
}


@pytest.mark.parametrize("text", ["str", "bytes"])
@pytest.mark.parametrize("kind", WIRES)
def test_stream_cut_once_and_twice_anywhere(codec: ModuleType, kind: str, text: str) -> None:
    stream = WIRES[kind]
    for cut in range(len(stream) + 1):
        for second in {cut + 1, cut + 3, len(stream)}:
            decoder = codec.MessageDecoder("server", text=text)
            found: Events = []
            for start, end in ((0, cut), (cut, second), (second, len(stream))):
                decoder.feed(stream[start:end])
                events, error = run_dry(decoder)
                found += events
                expected, code, left = naive_events(stream[: max(start, end)], "server", text=text)
                assert (found, error and error.close_code) == (expected, code)
                assert decoder.buffered == left


@pytest.mark.parametrize("kind", WIRES)
@pytest.mark.parametrize("size", [1, 2, 5])
def test_what_comes_out_does_not_depend_on_the_cut(
    codec: ModuleType, kind: str, size: int
) -> None:
    def shown(pieces: Iterator[bytes]) -> Any:
        decoder = codec.MessageDecoder("server")
        found, error = [], None
        for piece in pieces:
            decoder.feed(b"")
            decoder.feed(piece)
            events, error = run_dry(decoder)
            found += events
        state = decoder.buffered, decoder.header, decoder.partial_header
        return found, type(error), str(error), state

    assert shown(cuts(WIRES[kind], size)) == shown(iter([WIRES[kind]]))


# --- Against the pure twin, step by step ---------------------------------------------------------


def state(decoder: Any) -> tuple[Any, ...]:
    """Give all that a decoder shows."""
    header = decoder.header
    kinds = None if header is None else [type(field) for field in header]
    shown = (decoder.buffered, header, kinds, decoder.partial_header)
    options = (decoder.role, decoder.text, decoder.validate_utf8)
    return (*shown, *options, decoder.max_message_size, decoder.max_fragments)


def fields(event: Any) -> tuple[Any, ...]:
    """Give what an event shows, with the types."""
    shown = plain(event)
    return (*shown, *map(type, shown), event.opcode, hash(event), repr(event))


def ask(decoder: Any, most: int) -> list[Any]:
    """Ask for at most so many events; give them, and how it ended."""
    seen: list[Any] = []
    for _ in range(most):
        try:
            seen.append(fields(next(decoder)))
        except StopIteration:
            return [*seen, "dry"]
        except CodecError as error:
            return [*seen, (type(error), str(error), error.reason, error.close_code)]
    return seen


def read_into(decoders: list[Any], data: bytes) -> int:
    """Write data into the buffer of each decoder, as much as fits all; give how much."""
    views = [decoder.get_buffer(-1) for decoder in decoders]
    size = min(len(data), *map(len, views))
    for decoder, view in zip(decoders, views, strict=True):
        view[:size] = data[:size]
        decoder.buffer_updated(size)
    return size


def walk_together(data: st.DataObject, pair: list[Any], stream: bytes) -> None:
    """Drive two decoders through the same steps, and hold them against each other."""
    limits = st.sampled_from([None, MIB, MIB, 126, 20, 1, 0])
    while stream:
        step = data.draw(st.sampled_from(["feed", "feed", "next", "loop", "loop", "read", "limit"]))
        piece = stream[: data.draw(st.sampled_from([1, 2, 3, 4, 6, 10, 14, 50, 1000, 100_000]))]
        if step == "feed":
            for decoder in pair:
                decoder.feed(piece)
            stream = stream[len(piece) :]
        elif step == "read":
            stream = stream[read_into(pair, piece) :]
        elif step == "limit" and not data.draw(st.integers(0, 2)):
            limit = data.draw(limits)
            for decoder in pair:
                decoder.max_message_size = limit
        else:
            compiled, pure = (ask(decoder, 1 if step == "next" else 1000) for decoder in pair)
            assert compiled == pure
        assert state(pair[0]) == state(pair[1])
    compiled, pure = (ask(decoder, 1000) for decoder in pair)
    assert compiled == pure
    assert state(pair[0]) == state(pair[1])


@given(data=st.data())
def test_twins_agree_after_each_step(codec: ModuleType, data: st.DataObject) -> None:
    role = data.draw(ROLES)
    options = {
        "max_message_size": data.draw(st.sampled_from([None, MIB, MIB, 126, 20])),
        "max_fragments": data.draw(st.sampled_from([None, 1 << 17, 3, 1])),
        "text": data.draw(st.sampled_from(["str", "bytes"])),
        "validate_utf8": data.draw(st.booleans()),
    }
    pair = [back_end.MessageDecoder(role, **options) for back_end in (codec, _pure)]
    walk_together(data, pair, data.draw(stream_for(role)))


@given(data=st.data())
def test_twins_agree_on_compressed_streams(codec: ModuleType, data: st.DataObject) -> None:
    settings = PerMessageDeflate()
    sender = Deflate(settings)
    wire = b""
    for frames in data.draw(st.lists(message(), max_size=4)):
        squeezed = data.draw(st.integers(0, 3))
        for number, fin, payload in frames:
            if squeezed and number < 8:
                payload = sender.compress(payload, fin=fin)
            rsv = 0x40 if squeezed and number in (1, 2) else data.draw(RSVS)
            wire += make_frame(number, payload, fin=fin, rsv=rsv)
    stream = bytearray(wire)
    if stream and not data.draw(st.integers(0, 3)):
        stream[data.draw(st.integers(0, len(stream) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    options = {
        "max_message_size": data.draw(st.sampled_from([None, MIB, MIB, 126, 20])),
        "text": data.draw(st.sampled_from(["str", "bytes"])),
        "validate_utf8": data.draw(st.booleans()),
    }
    pair = [
        back_end.MessageDecoder("client", deflate=Deflate(settings), **options)
        for back_end in (codec, _pure)
    ]
    walk_together(data, pair, bytes(stream))


# --- Against wsproto and websockets --------------------------------------------------------------


class Joined:
    """Puts the messages of another library together, which gives them in parts."""

    def __init__(self) -> None:
        self.events: Events = []
        self.kind = 0
        self.parts: list[Any] = []

    def data(self, opcode: int, payload: Any, last: bool) -> None:
        self.kind = opcode or self.kind
        self.parts.append(payload)
        if last:
            whole = type(self.parts[0])().join(self.parts)
            name = "Text" if self.kind == 1 else "Binary"
            self.events.append((name, whole if isinstance(whole, str) else bytes(whole)))
            self.parts = []


def wsproto_events(stream: Iterator[bytes], role: str) -> tuple[Events, int | None]:
    """Give what wsproto makes of a stream, and the close code of its error, or None."""
    from wsproto.frame_protocol import FrameProtocol, Opcode, ParseFailed

    protocol = FrameProtocol(client=role == "client", extensions=[])
    joined = Joined()
    try:
        for piece in stream:
            protocol.receive_bytes(piece)
            for frame in protocol.received_frames():
                if frame.opcode is Opcode.CLOSE:
                    joined.events.append(("Close", *frame.payload))
                    return joined.events, None
                if frame.opcode in (Opcode.PING, Opcode.PONG):
                    joined.events.append((frame.opcode.name.title(), bytes(frame.payload)))
                else:
                    # It gives the parts of a message all its opcode.
                    joined.data(frame.opcode, frame.payload, frame.message_finished)
    except ParseFailed as error:
        return joined.events, int(error.code)
    return joined.events, None


def websockets_events(stream: Iterator[bytes], role: str) -> tuple[Events, int | None]:
    """Give what websockets makes of a stream, and the close code of its error, or None."""
    from websockets.frames import Close, Opcode
    from websockets.protocol import OPEN, Protocol, Side

    protocol = Protocol(Side[role.upper()], state=OPEN, max_size=None)
    joined = Joined()
    for piece in stream:
        protocol.receive_data(piece)
    for frame in protocol.events_received():
        if frame.opcode is Opcode.CLOSE:
            close = Close.parse(bytes(frame.data))
            joined.events.append(("Close", int(close.code), close.reason))
        elif frame.opcode in (Opcode.PING, Opcode.PONG):
            joined.events.append((frame.opcode.name.title(), bytes(frame.data)))
        else:
            joined.data(frame.opcode, bytes(frame.data), frame.fin)
            if frame.fin and joined.kind == Opcode.TEXT:
                # Text is decoded when the program asks for it.
                try:
                    joined.events[-1] = ("Text", joined.events[-1][1].decode())
                except UnicodeDecodeError:
                    return joined.events[:-1], 1007
    error = protocol.parser_exc
    return joined.events, None if error is None else protocol.close_sent.code


REFERENCES = {"wsproto": wsproto_events, "websockets": websockets_events}
Excuse = Callable[[Any, Any, str], bool]


def starts_alike(ours: Any, theirs: Any) -> bool:
    """Tell whether the other side goes on where we stop."""
    return bool(theirs[0][: len(ours[0])] == ours[0])


# What the libraries do in another way, by name: (our events and code, theirs, our reason).
EXCUSES: dict[str, dict[str, Excuse]] = {
    "wsproto": {
        # It looks at the order of the frames of a message, at reserved bits and at masking only
        # with the bytes that follow the length, or with the payload.
        "judges headers later": lambda ours, theirs, reason: (
            ours[1] == 1002 and theirs == (ours[0], None)
        ),
        # Its decoder takes ED A0 for the start of something until the third byte is there.
        "sees surrogates a byte later": lambda ours, theirs, reason: (
            ours[1] == 1007 and starts_alike(ours, theirs)
        ),
        # RFC 6455 does not list it, IANA does.
        "does not know close code 1014": lambda ours, theirs, reason: (
            ours[0][-1:] != [] and ours[0][-1][:2] == ("Close", 1014) and theirs[1] == 1002
        ),
        "has no limit on sizes": lambda ours, theirs, reason: ours[1] == 1009,
    },
    "websockets": {
        # It looks at reserved bits, control frames and the order of frames with the whole frame.
        "judges frames when they are whole": lambda ours, theirs, reason: (
            ours[1] == 1002 and theirs == (ours[0], None)
        ),
        "takes any form of length": lambda ours, theirs, reason: (
            "length" in reason and starts_alike(ours, theirs)
        ),
        "checks text when the message is whole": lambda ours, theirs, reason: (
            ours[1] == 1007 and starts_alike(ours, theirs)
        ),
        "refuses a close inside a message": lambda ours, theirs, reason: (
            ours[0][-1:] != []
            and ours[0][-1][0] == "Close"
            and theirs == (ours[0][:-1], 1002)
        ),
        "reads the close reason before the code": lambda ours, theirs, reason: (
            "close code" in reason and theirs == (ours[0], 1007)
        ),
        "has no limit on sizes here": lambda ours, theirs, reason: ours[1] == 1009,
    },
}


@given(data=st.data())
@pytest.mark.parametrize("name", REFERENCES)
def test_other_libraries_make_the_same_of_it(
    codec: ModuleType, name: str, data: st.DataObject
) -> None:
    role = data.draw(st.sampled_from(["server", "client"]))
    stream = data.draw(stream_for(role))
    decoder = codec.MessageDecoder(role, max_message_size=None)
    found: Events = []
    error = None
    for piece, _ in pieces(data, stream):
        decoder.feed(piece)
        events, error = run_dry(decoder)
        found += events
    ours = found, error and error.close_code
    theirs = REFERENCES[name]((piece for piece, _ in pieces(data, stream)), role)
    if ours != theirs:
        reason = "" if error is None else error.reason
        applying = [n for n, excuse in EXCUSES[name].items() if excuse(ours, theirs, reason)]
        assert applying, (ours, theirs, reason)
