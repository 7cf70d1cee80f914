"""encode_frame, encode_header and encode_close: what is sent (RFC 6455 5.2, 5.5 and 7.4)."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from helpers import (
    BAD_MASKS,
    BUFFERS,
    Index,
    kind,
    make_frame,
    naive_header,
    naive_mask,
    outcome,
    released,
)
from hypothesis import given
from hypothesis import strategies as st

from fastws import RSV1, RSV2, RSV3, CloseCode, Opcode, _pure

KEY = b"\x37\xfa\x21\x3d"
DATA = bytes(i * 167 + 13 & 0xFF for i in range(65_536))
MASKS = [None, False, KEY, bytearray(KEY)]

# The codes that may stand in a close frame (RFC 6455 7.4, and the IANA registry).
MAY_BE_SENT = {*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)}


def key_of(mask: Any) -> bytes | None:
    """Give a mask argument as the builder of the tests wants it."""
    return bytes(mask) if mask else None


def calls(codec: ModuleType, **options: Any) -> list[tuple[Any, ...]]:
    """Call each encoder with the same options, and give what comes of it."""
    return [
        outcome(codec.encode_frame, Opcode.TEXT, b"abc", **options),
        outcome(codec.encode_header, Opcode.TEXT, 3, **options),
    ]


# --- Frames --------------------------------------------------------------------------------------


def test_the_examples_of_the_rfc(codec: ModuleType) -> None:
    # RFC 6455 5.7.
    hello = bytes.fromhex("81 05 48 65 6c 6c 6f")
    assert codec.encode_frame(Opcode.TEXT, "Hello") == hello
    masked = bytes.fromhex("81 85 37 fa 21 3d 7f 9f 4d 51 58")
    assert codec.encode_frame(Opcode.TEXT, b"Hello", mask=KEY) == masked
    assert codec.encode_frame(Opcode.TEXT, "Hel", fin=False) == bytes.fromhex("01 03 48 65 6c")
    assert codec.encode_frame(Opcode.CONTINUATION, "lo") == bytes.fromhex("80 02 6c 6f")
    assert codec.encode_frame(Opcode.PING, "Hello") == bytes.fromhex("89 05 48 65 6c 6c 6f")
    assert codec.encode_frame(Opcode.BINARY, DATA[:256])[:4] == bytes.fromhex("82 7e 01 00")
    assert codec.encode_frame(Opcode.BINARY, DATA)[:10] == bytes.fromhex("827f0000000000010000")


@pytest.mark.parametrize("mask", MASKS, ids=kind)
@pytest.mark.parametrize("length", [0, 1, 31, 32, 124, 125, 126, 127, 65_534, 65_535, 65_536])
def test_s27_lengths(codec: ModuleType, length: int, mask: Any) -> None:
    data = DATA[:length]
    frame = codec.encode_frame(Opcode.BINARY, data, mask=mask)
    assert type(frame) is bytes
    assert frame == make_frame(2, data, mask=key_of(mask))
    assert codec.encode_header(2, length, mask=mask) + naive_mask(data, mask or bytes(4)) == frame


@pytest.mark.parametrize("mask", MASKS, ids=kind)
@pytest.mark.parametrize(
    "length", [2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**32 + 1, 2**62, 2**63 - 1]
)
def test_s27_long_headers(codec: ModuleType, length: int, mask: Any) -> None:
    header = codec.encode_header(Opcode.BINARY, length, mask=mask)
    assert header == naive_header(2, length, mask=key_of(mask))
    assert codec.parse_header(header).payload_length == length


@pytest.mark.parametrize("length", [2**63, 2**64, 2**64 + 5, 2**100, -1, -(2**63), -(2**100)])
def test_s27_length_out_of_range(codec: ModuleType, length: int) -> None:
    raised = "raises", ValueError, f"payload length out of range: {length}"
    assert outcome(codec.encode_header, Opcode.BINARY, length) == raised
    assert outcome(codec.encode_header, Opcode.BINARY, length, mask=KEY) == raised


@pytest.mark.parametrize("opcode", [Opcode.CLOSE, Opcode.PING, Opcode.PONG])
def test_s27_control_frames_are_short_and_whole(codec: ModuleType, opcode: Opcode) -> None:
    long, text = b"\x03\xe8" + bytes(124), "a control frame carries at most 125 bytes, not 126"
    for mask in (None, KEY, True):
        assert outcome(codec.encode_frame, opcode, long, mask=mask) == ("raises", ValueError, text)
        assert outcome(codec.encode_header, opcode, 126, mask=mask) == ("raises", ValueError, text)
    assert codec.encode_frame(opcode, long[:125]) == make_frame(opcode, long[:125])
    assert codec.encode_header(opcode, 125) == naive_header(opcode, 125)
    raised = "raises", ValueError, "a control frame cannot be fragmented"
    assert outcome(codec.encode_frame, opcode, fin=False) == raised
    assert outcome(codec.encode_frame, opcode, long, fin=False) == raised
    assert outcome(codec.encode_header, opcode, 126, fin=False) == raised
    assert outcome(codec.encode_header, opcode, 2**63)[2].endswith("not 9223372036854775808")


@pytest.mark.parametrize("rsv", [0, RSV1, RSV2, RSV3, RSV1 | RSV2 | RSV3])
@pytest.mark.parametrize("fin", [True, False, 1, 0, "yes", ""])
def test_first_byte(codec: ModuleType, fin: Any, rsv: int) -> None:
    for opcode in (Opcode.CONTINUATION, Opcode.TEXT, Opcode.BINARY):
        for number in (opcode, int(opcode)):
            frame = codec.encode_frame(number, b"abc", fin=fin, rsv=rsv)
            assert frame == make_frame(opcode, b"abc", fin=bool(fin), rsv=rsv)
            assert codec.encode_header(number, 3, fin=fin, rsv=rsv) == frame[:2]


def test_defaults(codec: ModuleType) -> None:
    assert codec.encode_frame(Opcode.TEXT) == b"\x81\x00"
    assert codec.encode_frame(opcode=1, payload="a") == b"\x81\x01a"
    assert codec.encode_header(opcode=1, payload_length=1) == b"\x81\x01"
    assert codec.encode_close() == b"\x88\x00"
    for arguments in ((1, b"", True), (1, b"", True, 0, None)):
        with pytest.raises(TypeError):
            codec.encode_frame(*arguments)
    with pytest.raises(TypeError):
        codec.encode_close(1000, "", None)


@given(
    opcode=st.sampled_from([0, 1, 2]),
    payload=st.binary(max_size=300) | st.text(max_size=100),
    fin=st.booleans(),
    rsv=st.integers(0, 7).map(lambda bits: bits << 4),
    mask=st.none() | st.binary(min_size=4, max_size=4),
)
def test_any_frame(codec: ModuleType, opcode: int, payload: bytes | str, **options: Any) -> None:
    data = payload.encode() if isinstance(payload, str) else payload
    frame = codec.encode_frame(opcode, payload, **options)
    assert frame == make_frame(opcode, data, **options)
    assert frame == _pure.encode_frame(opcode, payload, **options)
    header = codec.parse_header(frame)
    assert header == (
        options["fin"], options["rsv"], opcode, options["mask"] is not None, options["mask"],
        len(data), len(frame) - len(data),
    )  # fmt: skip


# --- Payloads ------------------------------------------------------------------------------------


@pytest.mark.parametrize("mask", [None, KEY], ids=kind)
@pytest.mark.parametrize("text", ["a", "\xe9", "€", "\U0001f600", "\0", "a\U0010ffff"])
def test_text_of_every_layout(codec: ModuleType, text: str, mask: bytes | None) -> None:
    for size in (0, 1, 7, 31, 32, 33, 63, 64, 125, 126, 40_000):
        data = (text * size).encode()
        assert codec.encode_frame(1, text * size, mask=mask) == make_frame(1, data, mask=mask)


def test_text_that_has_no_utf8(codec: ModuleType) -> None:
    for call in (
        lambda: codec.encode_frame(1, "a\ud800"),
        lambda: codec.encode_close(1000, "\ud800"),
    ):
        with pytest.raises(UnicodeEncodeError, match="surrogates not allowed"):
            call()


@pytest.mark.parametrize("wide", ["é", "€", "\U0001f30d"])
@pytest.mark.parametrize("mask", [None, True])
def test_text_that_has_no_utf8_among_wide_characters(
    codec: ModuleType, wide: str, mask: bool | None
) -> None:
    for text in (wide * 40 + "\udfff", "\ud800" + wide * 40):
        with pytest.raises(UnicodeEncodeError, match="surrogates not allowed"):
            codec.encode_frame(1, text, mask=mask)


def test_a_str_subclass_is_sent_as_its_text(codec: ModuleType) -> None:
    class Text(str):
        def encode(self, *args: Any, **kwargs: Any) -> bytes:  # type: ignore[override]
            return b"something else"

    for text in ("abc", "é€"):
        assert codec.encode_frame(1, Text(text)) == make_frame(1, text.encode())


@pytest.mark.parametrize("payload", [50, 1 << 40, 1.5, None, ["a"], object()], ids=kind)
def test_s21_payload_must_be_text_or_a_buffer(codec: ModuleType, payload: object) -> None:
    # An int above all: it must never be taken for a size to allocate.
    text = f"payload must be str or a bytes-like object, not '{type(payload).__name__}'"
    for opcode in (Opcode.BINARY, Opcode.PING, Opcode.CLOSE):
        assert outcome(codec.encode_frame, opcode, payload) == ("raises", TypeError, text)


@pytest.mark.parametrize("mask", [None, KEY], ids=kind)
@pytest.mark.parametrize("form", BUFFERS)
def test_s22_any_buffer_counts_in_bytes(codec: ModuleType, form: str, mask: bytes | None) -> None:
    for size in (24, 120, 240):
        payload = BUFFERS[form](DATA[:size])
        frame = codec.encode_frame(2, payload, mask=mask)
        assert frame == make_frame(2, DATA[:size], mask=mask)
        assert memoryview(payload).tobytes() == DATA[:size]


def test_s22_empty_and_released_buffers(codec: ModuleType) -> None:
    for data in (b"", bytearray(), "", memoryview(b"abc")[3:], memoryview(b"")[::-1]):
        assert codec.encode_frame(2, data) == b"\x82\x00"
        assert codec.encode_frame(2, data, mask=KEY) == b"\x82\x80" + KEY
    raised = "raises", ValueError, "operation forbidden on released memoryview object"
    assert outcome(codec.encode_frame, 2, released()) == raised
    assert calls(codec, mask=released()) == [raised, raised]


@pytest.mark.parametrize("opcode", [Opcode.BINARY, Opcode.PING, Opcode.CLOSE])
@pytest.mark.parametrize("mask", [None, KEY, b"abc", 4])
def test_s22_bytearray_can_be_resized_after_the_call(
    codec: ModuleType, opcode: Opcode, mask: Any
) -> None:
    # Also while the error is still held, with all that its traceback keeps alive.
    data = bytearray(200)
    try:
        codec.encode_frame(opcode, data, mask=mask)
    except (TypeError, ValueError):
        data.append(1)
    data.append(1)


def test_s23_payload_and_mask_may_be_the_same_memory(codec: ModuleType) -> None:
    buffer = bytearray(DATA[:100])
    frame = codec.encode_frame(2, buffer, mask=memoryview(buffer)[:4])
    buffer[:] = bytes(100)  # the frame is a copy
    assert frame == make_frame(2, DATA[:100], mask=DATA[:4])


def test_s24_every_alignment_and_length(codec: ModuleType) -> None:
    view = memoryview(DATA)
    for start in range(64):
        for length in range(0, 301, 1 if start < 4 else 5):
            frame = codec.encode_frame(2, view[start : start + length], mask=KEY)
            assert frame == make_frame(2, DATA[start : start + length], mask=KEY)


def test_s24_nothing_outside_is_read(codec: ModuleType, guarded: memoryview) -> None:
    for length in range(301):
        for piece in (guarded[:length], guarded[len(guarded) - length :]):
            for mask in (None, KEY):
                frame = codec.encode_frame(2, piece, mask=mask)
                assert frame == make_frame(2, bytes(piece), mask=mask)


# --- Masks ---------------------------------------------------------------------------------------


def test_a_fresh_mask_each_time(codec: ModuleType) -> None:
    keys = set()
    for _ in range(20):
        frame = codec.encode_frame(2, DATA[:300], mask=True)
        header = codec.parse_header(frame)
        assert frame == make_frame(2, DATA[:300], mask=header.mask)
        other = codec.encode_header(2, 2**40, mask=True)
        assert other[:-4] == naive_header(2, 2**40, mask=b"")
        close = codec.encode_close(1000, "bye", mask=True)
        assert naive_mask(close[6:], close[2:6]) == b"\x03\xe8bye"
        keys |= {header.mask, other[-4:], close[2:6]}
    assert len(keys) >= 59


@pytest.mark.parametrize(("mask", "error", "text"), BAD_MASKS, ids=kind)
def test_s21_mask_must_be_four_bytes(
    codec: ModuleType, mask: Any, error: type[Exception], text: str
) -> None:
    raised = "raises", error, text
    assert calls(codec, mask=mask) == [raised, raised]
    assert outcome(codec.encode_frame, 2, b"", mask=mask) == raised
    assert outcome(codec.encode_close, mask=mask) == raised


@pytest.mark.parametrize("form", sorted(BUFFERS.keys() - {"array_d", "cast_2d", "cast_3d"}))
def test_s22_any_buffer_is_a_mask(codec: ModuleType, form: str) -> None:
    key = BUFFERS[form](KEY)
    assert codec.encode_frame(2, DATA[:99], mask=key) == make_frame(2, DATA[:99], mask=KEY)
    assert codec.encode_header(2, 99, mask=key) == naive_header(2, 99, mask=KEY)
    assert codec.encode_close(1000, mask=key) == make_frame(8, b"\x03\xe8", mask=KEY)


# --- Opcodes, bits, and the order of the checks --------------------------------------------------


@pytest.mark.parametrize(
    "opcode", [3, 4, 5, 6, 7, 11, 12, 13, 14, 15, 16, 17, 0x81, 256, 2**70, -1]
)
def test_s7_reserved_opcodes(codec: ModuleType, opcode: int) -> None:
    raised = "raises", ValueError, f"reserved opcode {opcode:#x}"
    assert outcome(codec.encode_frame, opcode, b"abc") == raised
    assert outcome(codec.encode_header, opcode, 3) == raised


@pytest.mark.parametrize("wrong", ["1", 1.0, 0.0, None, b"\x01"], ids=kind)
def test_s21_numbers_must_be_integers(codec: ModuleType, wrong: object) -> None:
    text = f"'{type(wrong).__name__}' object cannot be interpreted as an integer"
    raised = "raises", TypeError, text
    assert outcome(codec.encode_frame, wrong, b"abc") == raised
    assert outcome(codec.encode_header, wrong, 3) == raised
    assert outcome(codec.encode_header, 1, wrong) == raised
    assert calls(codec, rsv=wrong) == [raised, raised]


def test_integers_in_any_guise(codec: ModuleType) -> None:
    for one in (True, Index(1)):
        assert codec.encode_frame(one, "a", rsv=Index(RSV1)) == b"\xc1\x01a"
        assert codec.encode_header(one, one, rsv=Index(RSV1)) == b"\xc1\x01"
    assert codec.encode_frame(False, "a", rsv=False) == b"\x80\x01a"
    assert codec.encode_close(Index(1000)) == b"\x88\x02\x03\xe8"


@pytest.mark.parametrize("opcode", [1, 3, -1, 16, 1 << 80])
def test_an_integer_in_another_guise_is_asked_once(codec: ModuleType, opcode: int) -> None:
    for call, what in ((codec.encode_frame, b""), (codec.encode_header, 0)):
        asked: list[None] = []
        outcome(call, Index(opcode, lambda: asked.append(None)), what)  # noqa: B023
        assert len(asked) == 1


@pytest.mark.parametrize("rsv", [1, 0x80, 0x08, 0x71, 0xF0, 256, 2**70, True])
def test_s7_reserved_bits(codec: ModuleType, rsv: int) -> None:
    text = f"rsv must be made of RSV1, RSV2 and RSV3, not {rsv:#x}"
    assert calls(codec, rsv=rsv) == [("raises", ValueError, text)] * 2


def test_the_order_of_the_checks(codec: ModuleType) -> None:
    def text(*args: Any, **options: Any) -> str:
        return str(outcome(codec.encode_frame, *args, **options)[2])

    assert text(3, 50, rsv=1, mask=b"") == "reserved opcode 0x3"
    assert text(9, 50, rsv=1, mask=b"").startswith("rsv must be made of")
    assert text(9, 50, fin=False, mask=b"").startswith("payload must be str")
    assert text(9, bytes(126), fin=False, mask=b"") == "masking key must be 4 bytes, not 0"
    assert text(9, bytes(126), fin=False) == "a control frame cannot be fragmented"
    assert text(8, bytes(126)) == "a control frame carries at most 125 bytes, not 126"
    for length, said in ((1.5, "'float' object"), (126, "masking key"), (-1, "masking key")):
        raised = outcome(codec.encode_header, 9, length, fin=False, mask=b"")
        assert raised[2].startswith(said)


# --- Close frames --------------------------------------------------------------------------------


def test_s20_every_close_code(codec: ModuleType) -> None:
    for code in range(65_536):
        payload = code.to_bytes(2, "big")
        if code in MAY_BE_SENT:
            assert (
                codec.encode_close(code) == codec.encode_frame(8, payload) == b"\x88\x02" + payload
            )
            continue
        raised = "raises", ValueError, f"close code {code} may not be sent"
        assert outcome(codec.encode_close, code) == raised
        assert outcome(codec.encode_frame, 8, payload) == raised


@pytest.mark.parametrize("code", [-1, -1000, 65_536, 65_536 + 1000, 2**70])
def test_s20_close_codes_of_more_than_two_bytes(codec: ModuleType, code: int) -> None:
    raised = "raises", ValueError, f"close code {code} may not be sent"
    assert outcome(codec.encode_close, code) == raised


def test_s20_close_codes_of_the_enum(codec: ModuleType) -> None:
    for code in CloseCode:
        if code in (1005, 1006, 1015):
            assert outcome(codec.encode_close, code)[2] == f"close code {int(code)} may not be sent"
        else:
            assert codec.encode_close(code) == b"\x88\x02" + int(code).to_bytes(2, "big")


@pytest.mark.parametrize("mask", MASKS, ids=kind)
def test_s27_close_reasons(codec: ModuleType, mask: Any) -> None:
    for reason in ("", "bye", "é€\U0001f600", "x" * 123, "é" * 61 + "x", "€" * 41):
        payload = b"\x03\xe8" + reason.encode()
        expected = make_frame(8, payload, mask=key_of(mask))
        assert codec.encode_close(1000, reason, mask=mask) == expected
        assert codec.encode_close(code=1000, reason=reason, mask=mask) == expected
        assert codec.encode_frame(8, payload, mask=mask) == expected
    for reason in ("x" * 124, "é" * 62, "€" * 42, "x" * 10_000):
        text = f"a close reason is at most 123 bytes, not {len(reason.encode())}"
        assert outcome(codec.encode_close, 1000, reason, mask=mask) == ("raises", ValueError, text)


def test_s20_close_payloads(codec: ModuleType) -> None:
    def text(payload: bytes) -> str:
        return str(outcome(codec.encode_frame, Opcode.CLOSE, payload, mask=KEY)[2])

    assert text(b"\x03") == "a close payload is empty or starts with a code of 2 bytes"
    assert text(b"\x03\xed") == "close code 1005 may not be sent"
    for reason in (b"\xff", b"abc\xe2\x82", b"\xed\xa0\x80", b"\xc0\x80"):
        assert text(b"\x03\xe8" + reason) == "close reason is not UTF-8"
    assert codec.encode_frame(Opcode.CLOSE, "") == b"\x88\x00"


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ((None, "bye"), ValueError, "a close reason needs a close code"),
        ((1000, b"bye"), TypeError, "reason must be a str, not 'bytes'"),
        ((1000, None), TypeError, "reason must be a str, not 'NoneType'"),
        (("1000",), TypeError, "'str' object cannot be interpreted as an integer"),
        ((1000.0,), TypeError, "'float' object cannot be interpreted as an integer"),
    ],
)
def test_s21_close_arguments(
    codec: ModuleType, arguments: tuple[Any, ...], error: type[Exception], text: str
) -> None:
    assert outcome(codec.encode_close, *arguments) == ("raises", error, text)
    assert outcome(codec.encode_close, *arguments, mask=b"") == ("raises", error, text)
