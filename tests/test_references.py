"""References are exact: what is handed in is let go, what is handed out is the caller's alone.

Each case is called again and again with the same objects, whose counts have to stay. So has the
number of all references, in an interpreter that counts those (python3-dbg), or that of all objects
in one that does not.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from helpers import Index, make_frame, outcome
from memory import count_all, kept_by, on_cpython

from fastws import CodecError, Connection
from fastws.deflate import Deflate, PerMessageDeflate

pytestmark = on_cpython
KEY = bytes.fromhex("37fa213d")
WIDE = "Grüße, 世界 🌍 " * 9
LARGE = 40_000  # a payload into which get_buffer() gives a view


def alone() -> int:
    """Give what sys.getrefcount() says of an object that one variable holds."""
    fresh = object()
    return sys.getrefcount(fresh)


class Hook:
    """What inflates: gives an object of its own, or fails."""

    def __init__(self, gives: Any) -> None:
        self.gives = gives

    def decompress(self, payload: bytes, *, limit: int, fin: bool) -> Any:
        if self.gives is None:
            raise ValueError(payload)
        return self.gives


class Given:
    """What is handed in: objects of this case alone, none of them shared or immortal."""

    def __init__(self) -> None:
        self.data = bytes(bytearray(range(256)))
        self.key = bytes(bytearray(KEY))
        self.array = bytearray(self.data)
        self.view = memoryview(bytearray(self.data))
        self.odd = memoryview(self.data)[::2]
        self.ascii = self.data[:100].decode()
        self.wide = "".join(list(WIDE))
        self.utf8 = self.wide.encode()
        self.bad = self.utf8 + b"\xff"
        self.number = int("4000")
        self.reason = "".join(["good", "bye"])
        self.index = Index(self.number)
        self.wrong = bytes(bytearray(3))
        self.text_frame = make_frame(1, self.utf8, mask=KEY)
        self.half_frame = self.text_frame[:-1]
        self.packed = make_frame(1, b"packed", rsv=0x40, mask=KEY)
        self.broken = make_frame(2, b"fine", mask=KEY) + b"\x83\x80" + bytes(100)
        self.hook = Hook(self.utf8)
        self.failing = Hook(None)
        self.lying = Hook(self.number)

    def counts(self) -> dict[str, int]:
        return {name: sys.getrefcount(thing) for name, thing in vars(self).items()}


Case = Callable[[ModuleType, Given], object]
FUNCTIONS: dict[str, Case] = {
    "apply_mask": lambda codec, g: codec.apply_mask(g.data, g.key, g.number),
    "apply_mask, array": lambda codec, g: codec.apply_mask(g.array, memoryview(g.key), g.index),
    "apply_mask, strided": lambda codec, g: codec.apply_mask(g.odd, g.key),
    "apply_mask, key": lambda codec, g: codec.apply_mask(g.data, g.wrong),
    "apply_mask, no key": lambda codec, g: codec.apply_mask(g.data, g.ascii),
    "apply_mask, no offset": lambda codec, g: codec.apply_mask(g.view, g.key, g.ascii),
    "mask_inplace": lambda codec, g: codec.mask_inplace(g.array, g.key, g.number),
    "mask_inplace, view": lambda codec, g: codec.mask_inplace(g.view, g.key, g.index),
    "mask_inplace, key": lambda codec, g: codec.mask_inplace(g.array, g.wrong),
    "mask_inplace, read-only": lambda codec, g: codec.mask_inplace(g.data, g.key),
    "mask_inplace, strided": lambda codec, g: codec.mask_inplace(g.view[::2], g.key),
    "new_mask_key": lambda codec, g: len(codec.new_mask_key()),
    "validate_utf8": lambda codec, g: (codec.validate_utf8(g.utf8), codec.validate_utf8(g.odd)),
    "decode_text": lambda codec, g: codec.decode_text(g.utf8),
    "decode_text, masked": lambda codec, g: codec.decode_text(g.text_frame[8:], g.key),
    "decode_text, bad": lambda codec, g: codec.decode_text(memoryview(g.bad)),
    "decode_text, key": lambda codec, g: codec.decode_text(g.utf8, g.wrong),
    "parse_header": lambda codec, g: codec.parse_header(g.text_frame),
    "parse_header, offset": lambda codec, g: codec.parse_header(g.array, g.index),
    "parse_header, broken": lambda codec, g: codec.parse_header(g.broken, 10),
    "encode_frame": lambda codec, g: codec.encode_frame(2, g.data, mask=g.key),
    "encode_frame, array": lambda codec, g: codec.encode_frame(Index(2), g.array, mask=g.view[:4]),
    "encode_frame, strided": lambda codec, g: codec.encode_frame(2, g.odd),
    "encode_frame, ASCII": lambda codec, g: codec.encode_frame(1, g.ascii, mask=True),
    "encode_frame, text": lambda codec, g: codec.encode_frame(1, g.wide, mask=g.key),
    "encode_frame, opcode": lambda codec, g: codec.encode_frame(g.index, g.data),
    "encode_frame, payload": lambda codec, g: codec.encode_frame(2, g.number),
    "encode_frame, surrogate": lambda codec, g: codec.encode_frame(1, g.wide + "\ud800"),
    "encode_frame, long ping": lambda codec, g: codec.encode_frame(9, g.data),
    "encode_frame, key": lambda codec, g: codec.encode_frame(2, g.data, mask=g.wrong),
    "encode_header": lambda codec, g: codec.encode_header(2, g.index, mask=g.key),
    "encode_header, length": lambda codec, g: codec.encode_header(2, -g.number, mask=g.key),
    "encode_close": lambda codec, g: codec.encode_close(g.number, g.reason, mask=g.key),
    "encode_close, long": lambda codec, g: codec.encode_close(g.number, g.ascii * 2),
    "Frame": lambda codec, g: repr(codec.Frame(2, g.data)),
    "Frame, array": lambda codec, g: hash(codec.Frame(2, g.array)),
    "Frame, wrong": lambda codec, g: codec.Frame(2, g.ascii),
    "Text": lambda codec, g: codec.Text(g.wide) == codec.Text(g.wide),
    "Text, wrong": lambda codec, g: codec.Text(g.number),
    "Binary": lambda codec, g: repr(codec.Binary(g.data)) + repr(codec.Ping(g.array)),
    "Binary, again": lambda codec, g: codec.Binary(g.data).__init__(g.array),
    "Binary, pickled": lambda codec, g: codec.Binary(g.data).__reduce__(),
    "Close": lambda codec, g: (codec.Close(g.number, g.reason), hash(codec.Close(1, g.reason))),
    "Close, wrong": lambda codec, g: codec.Close(g.number * 100, g.reason),
}


def decoded(decoder: Any, *pieces: Any) -> list[object]:
    """Feed, and take what there is each time; an error is taken as well, twice."""
    found: list[object] = []
    for piece in pieces:
        decoder.feed(piece)
        for _ in range(2):
            try:
                found.extend(decoder)
            except (CodecError, ValueError, TypeError) as error:
                found.append(str(error))
    return found


def read_into_place(codec: ModuleType, g: Given, kind: str) -> object:
    """Read a large payload through views, the last of which is left unused."""
    decoder = getattr(codec, kind)("server")
    wire = make_frame(1, b"a" * LARGE + g.utf8, mask=g.key)
    while wire:
        view = decoder.get_buffer(g.index)
        size = min(len(view), len(wire))
        view[:size] = wire[:size]
        decoder.buffer_updated(size)
        wire = wire[size:]
        list(decoder)
    return outcome(decoder.buffer_updated, g.number), decoder.get_buffer(g.index)


def fed_beside_a_view(codec: ModuleType, g: Given, kind: str) -> object:
    """Feed what follows while a view of the payload is out, which leaves it its memory."""
    decoder = getattr(codec, kind)("server")
    wire = make_frame(1, b"a" * LARGE, mask=g.key)
    found = decoded(decoder, wire[:100])
    view = decoder.get_buffer(g.index)
    return found, view, decoded(decoder, wire[100:])


def checked(codec: ModuleType, g: Given) -> object:
    validator = codec.Utf8Validator()
    answers = [validator.feed(part) for part in (g.utf8, g.view[:0], g.odd[:9], g.bad, g.bad)]
    return answers, outcome(validator.feed, g.ascii), validator.reset()


DECODERS: dict[str, Case] = {
    "frames": lambda codec, g: decoded(codec.FrameDecoder("server"), g.text_frame, g.text_frame),
    "frames, array": lambda codec, g: decoded(codec.FrameDecoder(None), bytearray(g.packed), g.odd),
    "frames, unfinished": lambda codec, g: decoded(codec.FrameDecoder("server"), g.half_frame),
    "frames, broken": lambda codec, g: decoded(codec.FrameDecoder("server"), g.broken, g.broken),
    "frames, wrong": lambda codec, g: codec.FrameDecoder("server").feed(g.ascii),
    "frames, role": lambda codec, g: codec.FrameDecoder(g.reason),
    "frames, limit": lambda codec, g: codec.FrameDecoder(None, max_payload_size=g.number),
    "messages": lambda codec, g: decoded(codec.MessageDecoder("server"), g.text_frame),
    "messages, bytes": lambda codec, g: decoded(
        codec.MessageDecoder("server", text="bytes"), g.text_frame, g.half_frame
    ),
    "messages, in parts": lambda codec, g: decoded(
        codec.MessageDecoder("server"),
        *[memoryview(g.text_frame)[i:][:9] for i in range(0, 240, 9)],
    ),
    "messages, broken": lambda codec, g: decoded(codec.MessageDecoder("server"), g.broken, g.data),
    "messages, not UTF-8": lambda codec, g: decoded(
        codec.MessageDecoder("client"), make_frame(1, g.bad)
    ),
    "messages, limit": lambda codec, g: decoded(
        codec.MessageDecoder("server", max_message_size=Index(10)), g.text_frame
    ),
    "inflater": lambda codec, g: decoded(
        codec.MessageDecoder("server", deflate=g.hook), g.packed, g.packed
    ),
    "inflater fails": lambda codec, g: decoded(
        codec.MessageDecoder("server", deflate=g.failing), g.packed, g.packed
    ),
    "inflater lies": lambda codec, g: decoded(
        codec.MessageDecoder("server", deflate=g.lying), g.packed
    ),
    "frames into place": lambda codec, g: read_into_place(codec, g, "FrameDecoder"),
    "messages into place": lambda codec, g: read_into_place(codec, g, "MessageDecoder"),
    "frames beside a view": lambda codec, g: fed_beside_a_view(codec, g, "FrameDecoder"),
    "messages beside a view": lambda codec, g: fed_beside_a_view(codec, g, "MessageDecoder"),
    "validator": checked,
}
CASES = {**FUNCTIONS, **DECODERS}


@pytest.mark.parametrize("name", CASES)
def test_what_is_handed_in_is_let_go(back_end: ModuleType, name: str) -> None:
    case, given = CASES[name], Given()
    outcome(case, back_end, given)
    before = given.counts()
    for _ in range(30):
        outcome(case, back_end, given)
        assert given.counts() == before


@pytest.mark.parametrize("name", CASES)
def test_nothing_is_kept(back_end: ModuleType, name: str) -> None:
    case, given = CASES[name], Given()
    assert kept_by(lambda: outcome(case, back_end, given)) <= 0


def test_what_is_kept_is_seen() -> None:
    if not count_all():
        pytest.skip("this interpreter counts nothing")
    kept: list[object] = []
    assert kept_by(lambda: kept.append(object())) >= 1


@pytest.mark.parametrize("kind", ["FrameDecoder", "MessageDecoder"])
def test_a_step_that_finds_nothing_and_a_view_keep_nothing(back_end: ModuleType, kind: str) -> None:
    """Before Python 3.12, None is counted like any other object."""
    decoder = getattr(back_end, kind)("server")
    decoder.feed(Given().half_frame)
    before = sys.getrefcount(None)
    for _ in range(1000):
        assert next(decoder, decoder) is decoder
    assert sys.getrefcount(None) - before < 100
    for _ in range(1000):
        decoder.get_buffer()
    assert sys.getrefcount(None) - before < 100


# --- What is handed out --------------------------------------------------------------------------

FRESH: dict[str, Callable[[ModuleType, Given], object]] = {
    "apply_mask": lambda codec, g: codec.apply_mask(g.array, g.key),
    "new_mask_key": lambda codec, g: codec.new_mask_key(),
    "decode_text": lambda codec, g: codec.decode_text(g.utf8),
    "decode_text, ASCII": lambda codec, g: codec.decode_text(g.data[:100]),
    "parse_header": lambda codec, g: codec.parse_header(g.text_frame),
    "its key": lambda codec, g: codec.parse_header(g.text_frame).mask,
    "encode_frame": lambda codec, g: codec.encode_frame(2, g.data, mask=g.key),
    "encode_frame, text": lambda codec, g: codec.encode_frame(1, g.wide),
    "encode_header": lambda codec, g: codec.encode_header(2, 70_000, mask=True),
    "encode_close": lambda codec, g: codec.encode_close(1000, g.reason),
    "a frame": lambda codec, g: decoded(codec.FrameDecoder("server"), g.text_frame).pop(),
    "its payload": lambda codec, g: decoded(codec.FrameDecoder(None), g.text_frame).pop().payload,
    "a text": lambda codec, g: decoded(codec.MessageDecoder("server"), g.text_frame).pop(),
    "its data": lambda codec, g: decoded(codec.MessageDecoder(None), g.text_frame).pop().data,
    "its data, in parts": lambda codec, g: (
        decoded(codec.MessageDecoder(None), g.half_frame, g.text_frame[-1:]).pop().data
    ),
    "a reason": lambda codec, g: (
        decoded(codec.MessageDecoder(None), codec.encode_close(1000, g.reason)).pop().reason
    ),
    "a view": lambda codec, g: codec.FrameDecoder("server").get_buffer(),
    "partial_header": lambda codec, g: partial(codec.FrameDecoder("server"), g.text_frame[:3]),
}


def partial(decoder: Any, data: bytes) -> bytes:
    decoder.feed(data)
    assert next(decoder, None) is None
    return decoder.partial_header


@pytest.mark.parametrize("name", FRESH)
def test_what_is_handed_out_is_the_callers(back_end: ModuleType, name: str) -> None:
    given = Given()
    for _ in range(3):
        result = FRESH[name](back_end, given)
        assert sys.getrefcount(result) == alone()
        del result


def test_errors_are_the_callers(back_end: ModuleType) -> None:
    decoder = back_end.FrameDecoder("server")
    decoder.feed(Given().broken)
    next(decoder)
    for _ in range(3):
        try:
            next(decoder)
        except CodecError as error:
            # The variable, and the exception that is being handled.
            assert sys.getrefcount(error) <= alone() + 1
            error.__traceback__ = None


# --- What lives longer than a call ---------------------------------------------------------------


def test_a_control_frame_that_is_cut_goes_with_its_decoder(back_end: ModuleType) -> None:
    def call() -> None:
        decoder = back_end.MessageDecoder("client")
        decoder.feed(make_frame(9, bytes(100))[:50])
        assert next(decoder, None) is None

    assert kept_by(call) == 0


def test_a_decoder_lets_its_inflater_go(back_end: ModuleType) -> None:
    hook = Hook(b"inflated")
    before = sys.getrefcount(hook)
    for feed in (b"", Given().packed, Given().packed[:-1], b"\x83\x80"):
        decoder = back_end.MessageDecoder("server", deflate=hook)
        decoded(decoder, feed)
        assert sys.getrefcount(hook) == before + 1
        assert outcome(decoder.__init__, "server", deflate=None)[0] == "returns"
        assert sys.getrefcount(hook) == before
        del decoder
    assert sys.getrefcount(hook) == before


def test_a_connection_lets_its_deflate_go() -> None:
    settings = PerMessageDeflate()
    for code in (1000, None):
        ours, theirs = Deflate(settings), Deflate(settings)
        before = [sys.getrefcount(ours), sys.getrefcount(theirs), sys.getrefcount(settings)]
        client, server = Connection("client", deflate=ours), Connection("server", deflate=theirs)
        server.feed(client.send_text(WIDE * 9) + client.send_text("part", fin=False))
        server.feed(client.close(code))
        assert len(list(server)) == 2
        del client, server
        after = [sys.getrefcount(ours), sys.getrefcount(theirs), sys.getrefcount(settings)]
        assert after == before
