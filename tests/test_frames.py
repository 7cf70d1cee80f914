"""Frames as values, and what FrameDecoder says to each header: roles, reserved bits, lengths.

How a stream may be cut, and what follows an error, is the subject of test_frames_stream.py; what
a decoder shows of a frame in progress, that of test_buffered.py.
"""

from __future__ import annotations

import itertools
import pickle
import sys
from types import ModuleType
from typing import Any

import pytest
from helpers import make_frame, naive_header

from fastws import (
    RSV1,
    RSV2,
    RSV3,
    CodecError,
    Opcode,
    PayloadTooBigError,
    ProtocolError,
)

KEY = bytes.fromhex("37fa213d")
NO_LIMIT = sys.maxsize - 64


def run_dry(decoder: Any) -> tuple[list[Any], CodecError | None]:
    """Give the frames that are whole, and the error that broke the stream, or None."""
    frames = []
    try:
        for frame in decoder:
            frames.append(frame)
    except CodecError as error:
        return frames, error
    return frames, None


def verdict(codec: ModuleType, data: bytes, role: str | None = None, **options: Any) -> Any:
    """Give the error that these bytes bring, or None, from a fresh decoder."""
    decoder = codec.FrameDecoder(role, **options)
    decoder.feed(data)
    return run_dry(decoder)[1]


# --- Frame ---------------------------------------------------------------------------------------


def test_frame_has_defaults(codec: ModuleType) -> None:
    frame = codec.Frame(1, b"hi")
    assert (frame.opcode, frame.payload, frame.fin) == (Opcode.TEXT, b"hi", True)
    assert (frame.rsv, frame.masked) == (0, False)
    assert type(frame.opcode) is Opcode
    assert type(frame.payload) is bytes
    assert type(frame.fin) is type(frame.masked) is bool


def test_frame_takes_keywords_and_reserved_opcodes(codec: ModuleType) -> None:
    frame = codec.Frame(opcode=11, payload=b"", fin=False, rsv=RSV2, masked=True)
    assert (frame.opcode, frame.fin, frame.rsv, frame.masked) == (11, False, RSV2, True)
    assert type(frame.opcode) is int


def test_frame_has_one_of_16_opcodes(codec: ModuleType) -> None:
    assert [codec.Frame(opcode, b"").opcode for opcode in range(16)] == [*range(16)]
    for wrong in (-1, 16, 255, 1 << 80):
        with pytest.raises(ValueError, match=f"^opcode must be from 0 to 15, not {wrong}$"):
            codec.Frame(wrong, b"")


@pytest.mark.parametrize("name", ["opcode", "payload", "fin", "rsv", "masked", "other"])
def test_frame_cannot_be_changed(codec: ModuleType, name: str) -> None:
    frame = codec.Frame(1, b"hi", False, RSV1)
    before = repr(frame)
    with pytest.raises(AttributeError):
        setattr(frame, name, 1)
    with pytest.raises(AttributeError):
        delattr(frame, name)
    assert repr(frame) == before
    assert not hasattr(frame, "__dict__")


def test_frame_cannot_be_made_anew_or_inherited_from(codec: ModuleType) -> None:
    frame = codec.Frame(1, b"hi")
    with pytest.raises(AttributeError):
        frame.__init__(2, b"other")
    assert frame == codec.Frame(1, b"hi")
    with pytest.raises(TypeError):
        type("Mutable", (codec.Frame,), {})


def test_frames_are_equal_by_what_they_carry(codec: ModuleType) -> None:
    frame = codec.Frame(1, b"hi", False, RSV1)
    same = codec.Frame(Opcode.TEXT, b"hi", fin=False, rsv=RSV1, masked=True)
    assert frame == same
    assert not frame != same
    assert hash(frame) == hash(same)
    assert len({frame, same}) == 1


@pytest.mark.parametrize(
    "other",
    [(2, b"hi", True, 0), (1, b"ho", True, 0), (1, b"hi", False, 0), (1, b"hi", True, RSV1)],
)
def test_frames_differ_in_each_field(codec: ModuleType, other: tuple[Any, ...]) -> None:
    assert codec.Frame(1, b"hi") != codec.Frame(*other)


def test_frame_is_equal_to_nothing_else(codec: ModuleType) -> None:
    frame = codec.Frame(1, b"hi")
    assert all(frame != other for other in (None, (1, b"hi", True, 0), b"hi"))
    with pytest.raises(TypeError):
        _ = frame < frame  # frames have no order


def test_frame_shows_itself(codec: ModuleType) -> None:
    text = "Frame(opcode=<Opcode.TEXT: 1>, payload=b'hi', fin=True, rsv=0)"
    assert repr(codec.Frame(1, b"hi")) == str(codec.Frame(1, b"hi", masked=True)) == text
    text = "Frame(opcode=3, payload=b'', fin=False, rsv=64)"
    assert repr(codec.Frame(3, b"", False, RSV1)) == text


def test_frame_is_matched_by_position_and_by_name(codec: ModuleType) -> None:
    assert codec.Frame.__match_args__ == ("opcode", "payload", "fin", "rsv")
    frame_type = codec.Frame
    match codec.Frame(9, b"p"):
        case frame_type(Opcode.TEXT, _):
            pytest.fail("a PING is no TEXT")
        case frame_type(Opcode.PING, payload, True, rsv=0, masked=False):
            assert payload == b"p"
        case _:
            pytest.fail("nothing matched")


def test_frame_survives_pickling(codec: ModuleType) -> None:
    frame = codec.Frame(2, b"\x00\xff", False, RSV3, True)
    copy = pickle.loads(pickle.dumps(frame))
    assert copy == frame
    assert type(copy) is codec.Frame
    assert copy.masked is True


# --- Construction and attributes -----------------------------------------------------------------


@pytest.mark.parametrize("role", ["server", "client", None])
def test_decoder_shows_what_it_was_made_with(codec: ModuleType, role: str | None) -> None:
    decoder = codec.FrameDecoder(role)
    assert (decoder.role, decoder.rsv, decoder.strict) == (role, 0, True)
    assert decoder.max_payload_size == 1 << 20
    assert (decoder.buffered, decoder.header, decoder.partial_header) == (0, None, b"")
    decoder = codec.FrameDecoder(role, max_payload_size=7, rsv=RSV1 | RSV3, strict=False)
    assert (decoder.role, decoder.rsv, decoder.strict) == (role, RSV1 | RSV3, False)
    assert decoder.max_payload_size == 7
    assert iter(decoder) is decoder


@pytest.mark.parametrize("role", ["Server", "", b"server", 0, 1, True, ["server"]])
def test_unknown_role_is_refused(codec: ModuleType, role: Any) -> None:
    with pytest.raises(ValueError, match='^role must be "server", "client" or None, not '):
        codec.FrameDecoder(role)


def test_options_are_keywords(codec: ModuleType) -> None:
    with pytest.raises(TypeError):
        codec.FrameDecoder()
    with pytest.raises(TypeError):
        codec.FrameDecoder("server", 1024)


@pytest.mark.parametrize("rsv", [1, 0x80, -1, 0x170])
def test_wrong_rsv_is_refused(codec: ModuleType, rsv: int) -> None:
    with pytest.raises(ValueError, match="^rsv must be made of RSV1, RSV2 and RSV3, not "):
        codec.FrameDecoder("server", rsv=rsv)
    with pytest.raises(TypeError):
        codec.FrameDecoder("server", rsv="RSV1")


def test_wrong_limit_is_refused(codec: ModuleType) -> None:
    decoder = codec.FrameDecoder("server", max_payload_size=5)
    with pytest.raises(ValueError, match="^a size limit cannot be negative: -1$"):
        codec.FrameDecoder("server", max_payload_size=-1)
    with pytest.raises(ValueError, match="^a size limit cannot be negative: -2$"):
        decoder.max_payload_size = -2
    with pytest.raises(TypeError):
        decoder.max_payload_size = 1.5
    assert decoder.max_payload_size == 5


@pytest.mark.parametrize("limit", [None, sys.maxsize, 1 << 63, 1 << 80])
def test_largest_limit_is_what_one_bytes_object_holds(codec: ModuleType, limit: Any) -> None:
    decoder = codec.FrameDecoder("server", max_payload_size=limit)
    assert decoder.max_payload_size == NO_LIMIT
    for value, effective in ((0, 0), (limit, NO_LIMIT)):
        decoder.max_payload_size = value
        assert decoder.max_payload_size == effective


# --- What a legal frame gives --------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536])
@pytest.mark.parametrize("mask", [None, KEY, bytes(4)], ids=["plain", "masked", "zero-key"])
def test_payload_comes_back(codec: ModuleType, mask: bytes | None, size: int) -> None:
    payload = (bytes(range(256)) * (size // 256 + 1))[:size]
    decoder = codec.FrameDecoder(None)
    decoder.feed(make_frame(2, payload, mask=mask))
    (frame,) = decoder
    assert frame == codec.Frame(2, payload)
    assert type(frame) is codec.Frame
    assert type(frame.payload) is bytes
    assert frame.masked is (mask is not None)
    assert type(frame.opcode) is Opcode


def test_bytes_are_held_and_not_copied(codec: ModuleType) -> None:
    payload = bytes(range(256))
    assert codec.Frame(2, payload).payload is payload
    assert codec.Binary(payload).data is payload
    assert codec.Text(payload).data is payload


@pytest.mark.parametrize("opcode", list(Opcode))
def test_frame_shows_opcode_fin_and_rsv(codec: ModuleType, opcode: Opcode) -> None:
    decoder = codec.FrameDecoder("server", rsv=RSV2 | RSV3)
    fin = opcode >= 8
    decoder.feed(make_frame(opcode, b"ab", fin=fin, rsv=RSV3, mask=KEY))
    (frame,) = decoder
    assert (frame.opcode, frame.payload, frame.fin, frame.rsv) == (opcode, b"ab", fin, RSV3)


def test_frames_after_a_close_are_still_framed(codec: ModuleType) -> None:
    decoder = codec.FrameDecoder("client")
    decoder.feed(make_frame(8, b"\x03\xe8") + make_frame(0, b"x") + make_frame(8))
    assert [frame.opcode for frame in decoder] == [8, 0, 8]


# --- Judging: the first two bytes ----------------------------------------------------------------

RESERVED = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]
# What RFC 6455 forbids in the first two bytes: (first, second), role, rsv allowed, reason.
BROKEN_STARTS = [
    *[((0x80 | op, 0), None, 0, f"reserved opcode {op:#x}") for op in RESERVED],
    ((0xF3, 0xFF), "client", 0, "reserved opcode 0x3"),  # the opcode is judged before the rest
    ((0xC1, 0), None, 0, "RSV1 set without an extension that uses it"),
    ((0xA2, 0), None, 0, "RSV2 set without an extension that uses it"),
    ((0x90, 0), None, 0, "RSV3 set without an extension that uses it"),
    ((0xF1, 0), None, 0, "RSV1 and RSV2 and RSV3 set without an extension that uses it"),
    ((0xF1, 0), None, RSV2, "RSV1 and RSV3 set without an extension that uses it"),
    ((0x59, 0xFF), "client", RSV1, "RSV3 set without an extension that uses it"),
    ((0xC0, 0), None, RSV1, "RSV1 set on a continuation frame"),
    ((0x40, 0), None, RSV1 | RSV2, "RSV1 set on a continuation frame"),
    ((0xC8, 0), None, RSV1, "RSV1 set on a control frame"),
    ((0x49, 0), None, RSV1, "RSV1 set on a control frame"),
    ((0xFA, 0), None, RSV1 | RSV2 | RSV3, "RSV1 set on a control frame"),
    ((0x08, 0), None, 0, "fragmented control frame"),
    ((0x09, 0x80), "client", 0, "fragmented control frame"),
    ((0x0A, 0x7F), None, 0, "fragmented control frame"),
    ((0x88, 126), None, 0, "control frame payload longer than 125 bytes"),
    ((0x89, 127), "server", 0, "control frame payload longer than 125 bytes"),
    ((0x8A, 0xFE), "client", 0, "control frame payload longer than 125 bytes"),
    ((0x81, 0), "server", 0, "frame from the client is not masked"),
    ((0x82, 0x7F), "server", 0, "frame from the client is not masked"),
    ((0x81, 0x80), "client", 0, "frame from the server is masked"),
    ((0x88, 0x80), "client", 0, "frame from the server is masked"),
]


@pytest.mark.parametrize(("start", "role", "rsv", "reason"), BROKEN_STARTS)
def test_two_bytes_are_enough_for_a_verdict(
    codec: ModuleType, start: tuple[int, int], role: str | None, rsv: int, reason: str
) -> None:
    error = verdict(codec, bytes(start), role, rsv=rsv)
    assert type(error) is ProtocolError
    assert (error.reason, str(error), error.close_code) == (reason, reason, 1002)


@pytest.mark.parametrize(("start", "role", "rsv", "reason"), BROKEN_STARTS)
def test_what_follows_and_the_limit_do_not_change_the_verdict(
    codec: ModuleType, start: tuple[int, int], role: str | None, rsv: int, reason: str
) -> None:
    for tail in (b"\xff" * 8, bytes(20), b"\x00\x00"):
        error = verdict(codec, bytes(start) + tail, role, rsv=rsv, max_payload_size=0)
        assert (type(error), error.reason) == (ProtocolError, reason)


@pytest.mark.parametrize("allowed", [RSV1, RSV2, RSV3, RSV1 | RSV2, RSV1 | RSV2 | RSV3])
def test_reserved_bits_of_an_extension_pass(codec: ModuleType, allowed: int) -> None:
    for bits in range(0, 0x80, 0x10):
        for opcode in Opcode:
            legal = not bits & ~allowed and (not bits & RSV1 or opcode in (1, 2))
            decoder = codec.FrameDecoder(None, rsv=allowed)
            decoder.feed(make_frame(opcode, b"z", rsv=bits))
            frames, error = run_dry(decoder)
            assert frames == ([codec.Frame(opcode, b"z", True, bits)] if legal else [])
            assert (error is None) is legal


@pytest.mark.parametrize(("role", "mask"), [("server", KEY), ("client", None)])
def test_masking_that_the_role_asks_for_passes(
    codec: ModuleType, role: str, mask: bytes | None
) -> None:
    assert verdict(codec, make_frame(1, b"ok", mask=mask), role) is None


def test_no_role_takes_masked_and_plain_frames(codec: ModuleType) -> None:
    decoder = codec.FrameDecoder(None)
    decoder.feed(make_frame(1, b"ab", mask=KEY) + make_frame(1, b"cd") + make_frame(9, mask=KEY))
    assert [(f.payload, f.masked) for f in decoder] == [(b"ab", True), (b"cd", False), (b"", True)]


# --- Judging: lengths and the limit --------------------------------------------------------------

NOT_SHORTEST = "payload length is not in its shortest form"
TOP_BIT = "payload length has its most significant bit set"


@pytest.mark.parametrize(
    ("form", "length", "reason"),
    [
        *[(16, n, NOT_SHORTEST) for n in (0, 1, 125)],
        *[(64, n, NOT_SHORTEST) for n in (0, 125, 126, 65535)],
        *[(64, n, TOP_BIT) for n in (1 << 63, (1 << 63) + 1, (1 << 64) - 1)],
    ],
)
@pytest.mark.parametrize("mask", [None, KEY], ids=["plain", "masked"])
def test_wrong_length_shows_with_its_last_byte(
    codec: ModuleType, mask: bytes | None, form: int, length: int, reason: str
) -> None:
    header = naive_header(2, length, mask=mask, form=form)
    whole = 2 + form // 8
    for limit in (None, 0):  # the form is judged before the limit
        assert verdict(codec, header[: whole - 1], max_payload_size=limit) is None
        for size in (whole, len(header)):
            error = verdict(codec, header[:size], max_payload_size=limit)
            assert (type(error), error.reason) == (ProtocolError, reason)


@pytest.mark.parametrize(
    ("limit", "size"), [(0, 0), (5, 5), (125, 125), (126, 126), (65536, 65536)]
)
def test_limit_itself_passes_and_one_byte_more_does_not(
    codec: ModuleType, limit: int, size: int
) -> None:
    decoder = codec.FrameDecoder(None, max_payload_size=limit)
    decoder.feed(make_frame(2, bytes(size)))
    assert len(next(decoder).payload) == size
    decoder.feed(naive_header(2, size + 1))
    _, error = run_dry(decoder)
    assert type(error) is PayloadTooBigError
    assert error.reason == f"frame of {size + 1} bytes exceeds the limit of {limit} bytes"
    assert error.close_code == 1009


@pytest.mark.parametrize("size", [65, 125, 126, 65535, 65536, 1 << 40])
def test_limit_is_judged_as_soon_as_the_length_is_known(codec: ModuleType, size: int) -> None:
    header = naive_header(2, size, mask=KEY)
    known = len(header) - 4
    assert verdict(codec, header[: known - 1], "server", max_payload_size=64) is None
    error = verdict(codec, header[:known], "server", max_payload_size=64)
    assert type(error) is PayloadTooBigError


def test_no_limit_still_ends_at_what_memory_can_address(codec: ModuleType) -> None:
    fits = naive_header(2, min(NO_LIMIT, 1 << 62))
    assert verdict(codec, fits, max_payload_size=None) is None
    error = verdict(codec, naive_header(2, NO_LIMIT + 1, form=64), max_payload_size=None)
    assert type(error) is PayloadTooBigError
    assert error.reason.endswith(f"exceeds the limit of {NO_LIMIT} bytes")


# --- strict=False --------------------------------------------------------------------------------


def every_kind() -> tuple[bytes, list[tuple[Any, ...]]]:
    """Give a stream with a frame of every opcode, bit, masking and form, and what is in it."""
    stream, expected = [], []
    for opcode, rsv, fin, mask, form in itertools.product(
        range(16), range(0, 0x80, 0x10), (True, False), (None, KEY), (7, 16, 64)
    ):
        payload = bytes([opcode, rsv, form])
        stream.append(make_frame(opcode, payload, fin=fin, rsv=rsv, mask=mask, form=form))
        expected.append((opcode, payload, fin, rsv, mask is not None))
    return b"".join(stream), expected


@pytest.mark.parametrize("role", ["server", "client", None])
def test_loose_decoder_frames_whatever_comes(codec: ModuleType, role: str | None) -> None:
    stream, expected = every_kind()
    decoder = codec.FrameDecoder(role, strict=False)
    decoder.feed(stream)
    assert [(f.opcode, f.payload, f.fin, f.rsv, f.masked) for f in decoder] == expected


def test_loose_decoder_takes_long_control_frames(codec: ModuleType) -> None:
    decoder = codec.FrameDecoder("server", strict=False)
    decoder.feed(make_frame(9, bytes(126)) + make_frame(8, bytes(70000), form=64))
    assert [(f.opcode, len(f.payload)) for f in decoder] == [(9, 126), (8, 70000)]


@pytest.mark.parametrize("length", [(1 << 63) - 1, 1 << 63, (1 << 64) - 1])
@pytest.mark.parametrize("limit", [None, 0, 1 << 20])
def test_loose_decoder_measures_lengths_unsigned(
    codec: ModuleType, limit: int | None, length: int
) -> None:
    data = naive_header(2, length, form=64) + b"xyz"
    error = verdict(codec, data, strict=False, max_payload_size=limit)
    effective = NO_LIMIT if limit is None else limit
    assert type(error) is PayloadTooBigError
    assert error.reason == f"frame of {length} bytes exceeds the limit of {effective} bytes"


@pytest.mark.parametrize("opcode", [-1, 16, 1 << 40])
def test_frame_has_an_opcode_of_four_bits(codec: ModuleType, opcode: int) -> None:
    with pytest.raises(ValueError, match=f"^opcode must be from 0 to 15, not {opcode}$"):
        codec.Frame(opcode, b"")
