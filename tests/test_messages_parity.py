"""MessageDecoder against its pure twin, step by step, and against wsproto and websockets."""

from __future__ import annotations

import zlib
from types import ModuleType
from typing import Any

import pytest
from helpers import make_frame
from hypothesis import given
from hypothesis import strategies as st
from message_peers import EXCUSES, INFLATING, REFERENCES, excuses
from message_streams import MIB, ROLES, message, pieces, stream_for, wire_of
from twins import Events, ask, event_fields, message_state, read_into, run_dry

from fastws import _pure
from fastws.deflate import Deflate, PerMessageDeflate

# --- Against the pure twin, step by step ---------------------------------------------------------


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
            compiled, pure = (
                ask(decoder, 1 if step == "next" else 1000, event_fields) for decoder in pair
            )
            assert compiled == pure
        assert message_state(pair[0]) == message_state(pair[1])
    compiled, pure = (ask(decoder, 1000, event_fields) for decoder in pair)
    assert compiled == pure
    assert message_state(pair[0]) == message_state(pair[1])


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
        assert excuses(name, ours, theirs, reason), (ours, theirs, reason)


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


# Where permessage-deflate was agreed; ff is a block of a type that does not exist. What follows the
# stored block begins a character, and the four bytes that RFC 7692 puts behind a message end it.
STORED = (
    b"\x00" + (2044).to_bytes(2, "little") + (2044 ^ 0xFFFF).to_bytes(2, "little") + bytes(2044)
)
INFLATING_EXAMPLES = [
    ("wsproto", "closes with 1007 for corrupt data", b"\xc1\x02\xff\xff"),
    ("wsproto", "inflates frames that are not whole", b"\xc1\x09\xff\xff"),
    ("wsproto", "inflates frames before it judges their order", b"\x41\x00\xc1\x02\xff\xff"),
    (
        "websockets",
        "fails where the end of a message adds to it",
        make_frame(2, STORED + b"\x62", rsv=0x40),
    ),
]


@pytest.mark.parametrize(
    ("name", "difference", "stream"),
    EXAMPLES + INFLATING_EXAMPLES,
    ids=lambda value: str(value)[:60],
)
def test_each_difference_is_there(
    codec: ModuleType, name: str, difference: str, stream: bytes
) -> None:
    terms = None if difference in EXCUSES[name] else Deflate(PerMessageDeflate())
    known = EXCUSES[name] if terms is None else INFLATING[name]
    decoder = codec.MessageDecoder("client", max_message_size=None, deflate=terms)
    decoder.feed(stream)
    found, error = run_dry(decoder)
    ours = found, error and error.close_code
    theirs = REFERENCES[name](iter([stream]), "client", terms)
    assert ours != theirs
    assert known[difference](ours, theirs, "" if error is None else error.reason)


def test_all_differences_have_an_example() -> None:
    for examples, known in ((EXAMPLES, EXCUSES), (INFLATING_EXAMPLES, INFLATING)):
        named = {difference for _, difference, _ in examples}
        assert named == {n for excused in known.values() for n in excused}


def test_others_go_astray_in_compressed_messages(codec: ModuleType) -> None:
    # What the fuzzer leaves uncompared, since it has to: see compare_peers.Watched.
    message = Deflate(PerMessageDeflate()).compress(b"hello, hello, hello")
    ping = (
        make_frame(1, message[:4], rsv=0x40, fin=False) + make_frame(9) + make_frame(0, message[4:])
    )
    final = zlib.compressobj(wbits=-15)
    ended = final.compress(b"first") + final.flush() + b"\x00"
    passed = make_frame(1, ended, rsv=0x40) + make_frame(1, message, rsv=0x40)
    # It refers to what stands 1800 bytes before, in a window of 1024: zlib tells where that was
    # the output of another call, and wsproto calls it with what each read brings.
    wide = Deflate(PerMessageDeflate(), 15, 10)
    unlike = "".join(map(chr, range(256, 1156)))
    far = make_frame(1, wide.compress((unlike + unlike[:20]).encode()), rsv=0x40)
    for reads, name, bits, whole in (
        ([ping], "wsproto", 15, 1),
        ([passed], "wsproto", 15, 2),
        ([passed], "websockets", 15, 2),
        ([far[:-8], far[-8:]], "wsproto", 10, 1),
    ):
        decoder = codec.MessageDecoder("client", deflate=Deflate(PerMessageDeflate(), 15, bits))
        decoder.feed(b"".join(reads))
        found, error = run_dry(decoder)
        assert (sum(event[0] == "Text" for event in found), error) == (whole, None)
        theirs = REFERENCES[name](iter(reads), "client", Deflate(PerMessageDeflate(), 15, bits))
        assert theirs != (found, None)
