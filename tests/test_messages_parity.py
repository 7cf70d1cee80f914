"""MessageDecoder against its pure twin, step by step, and against wsproto and websockets.

`EXCUSES` names all that those libraries do in another way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from helpers import make_frame
from hypothesis import given
from hypothesis import strategies as st
from message_streams import MIB, ROLES, Events, message, pieces, plain, run_dry, stream_for, wire_of

from fastws import CodecError, _pure
from fastws.deflate import Deflate, PerMessageDeflate

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
    stream = bytearray()
    for frames in data.draw(st.lists(message(), max_size=5)):
        if not data.draw(st.integers(0, 3)):
            stream += wire_of(frames, None)
            continue
        for number, fin, payload in frames:
            packed = payload if number > 7 else sender.compress(payload, fin=fin)
            rsv = 0x40 if number in (1, 2) else data.draw(st.sampled_from([0] * 20 + [0x40]))
            stream += make_frame(number, packed, fin=fin, rsv=rsv)
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
            ("length" in reason or "longer than 125" in reason) and starts_alike(ours, theirs)
        ),
        "checks text when the message is whole": lambda ours, theirs, reason: (
            ours[1] == 1007 and starts_alike(ours, theirs)
        ),
        "refuses a close inside a message": lambda ours, theirs, reason: (
            ours[0][-1:] != [] and ours[0][-1][0] == "Close" and theirs == (ours[0][:-1], 1002)
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


EXAMPLES = [
    ("wsproto", "judges headers later", b"\x80\x05"),
    ("wsproto", "sees surrogates a byte later", b"\x01\x02\xed\xa0\x89\x01p"),
    ("wsproto", "does not know close code 1014", b"\x88\x02" + (1014).to_bytes(2, "big")),
    ("wsproto", "has no limit on sizes", b"\x82\x7f\x7f" + b"\xff" * 7),
    ("websockets", "judges frames when they are whole", b"\x80\x05"),
    ("websockets", "takes any form of length", b"\x82\x7e\x00\x01x"),
    ("websockets", "checks text when the message is whole", b"\x01\x02\xc0\x80\x89\x01p"),
    ("websockets", "refuses a close inside a message", b"\x01\x01x\x88\x00"),
    ("websockets", "reads the close reason before the code", b"\x88\x03\x00\x00\xff"),
    ("websockets", "has no limit on sizes here", b"\x82\x7f\x7f" + b"\xff" * 7),
]


@pytest.mark.parametrize(("name", "difference", "stream"), EXAMPLES)
def test_each_difference_is_there(
    codec: ModuleType, name: str, difference: str, stream: bytes
) -> None:
    decoder = codec.MessageDecoder("client", max_message_size=None)
    decoder.feed(stream)
    found, error = run_dry(decoder)
    ours = found, error and error.close_code
    theirs = REFERENCES[name](iter([stream]), "client")
    assert ours != theirs
    assert EXCUSES[name][difference](ours, theirs, "" if error is None else error.reason)
    assert {difference for _, difference, _ in EXAMPLES} == {n for e in EXCUSES.values() for n in e}
