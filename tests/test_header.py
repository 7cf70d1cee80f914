"""parse_header: one frame header, read and judged (RFC 6455 5.2)."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from helpers import BUFFERS, Index, kind, make_frame, naive_header, outcome, released
from hypothesis import given
from hypothesis import strategies as st

from fastws import RSV1, RSV2, RSV3, FrameHeader, Opcode, ProtocolError, _pure

KEY = b"\x37\xfa\x21\x3d"
OPCODES = {0: "CONTINUATION", 1: "TEXT", 2: "BINARY", 8: "CLOSE", 9: "PING", 10: "PONG"}

# The length forms, and the lengths at which they begin and end (RFC 6455 5.2: the shortest form).
LENGTHS = [0, 1, 125, 126, 127, 255, 256, 65_535, 65_536, 2**31 - 1, 2**31, 2**32, 2**63 - 1]
LENGTHS += [2**32 - 1, 2**40, 2**62]

NOT_SHORTEST = "payload length is not in its shortest form"
MOST_SIGNIFICANT = "payload length has its most significant bit set"


def refused(codec: ModuleType, data: bytes) -> str | None:
    """Give the text with which a header is refused, or None where it is not."""
    result = outcome(codec.parse_header, data)
    if result[0] == "returns":
        return None
    assert result[1] is ProtocolError
    return str(result[2])


def start_fault(first: int, second: int) -> str | None:
    """Say what is wrong with the first two bytes, in the order of the rules."""
    if first & 0x0F not in OPCODES:
        return f"reserved opcode {hex(first & 0x0F)}"
    if first & 0x08 and first < 0x80:
        return "fragmented control frame"
    if first & 0x08 and second & 0x7F > 125:
        return "control frame payload longer than 125 bytes"
    return None


# --- Every header --------------------------------------------------------------------------------


def test_s7_every_first_two_bytes(codec: ModuleType) -> None:
    # 0x7e12 bytes and 0x7e123456789abcde bytes, where the length is extended.
    tail = bytes.fromhex("7e123456789abcde 01020304")
    for first in range(256):
        for second in range(256):
            start = bytes([first, second])
            fault = start_fault(first, second)
            if fault is not None:
                # At once: what follows is not waited for.
                assert refused(codec, start) == refused(codec, start + tail) == fault
                continue
            size = {126: 2, 127: 8}.get(second & 0x7F, 0)
            marked = second >= 0x80
            expected = (
                first >= 0x80,
                first & 0x70,
                first & 0x0F,
                marked,
                tail[size : size + 4] if marked else None,
                int.from_bytes(tail[:size], "big") if size else second & 0x7F,
                2 + size + (4 if marked else 0),
            )
            assert codec.parse_header(start + tail) == expected


@pytest.mark.parametrize("mask", [None, KEY], ids=kind)
@pytest.mark.parametrize("length", LENGTHS)
def test_s5_cut_at_each_byte(codec: ModuleType, length: int, mask: bytes | None) -> None:
    header = naive_header(2, length, fin=False, rsv=RSV2, mask=mask)
    expected = FrameHeader(False, RSV2, Opcode.BINARY, mask is not None, mask, length, len(header))
    for size in range(len(header)):
        assert codec.parse_header(header[:size]) is None
    for after in (b"", b"\0", bytes(100)):
        assert codec.parse_header(header + after) == expected


def test_the_types_of_the_fields(codec: ModuleType) -> None:
    for number, name in OPCODES.items():
        header = codec.parse_header(make_frame(number, b"abc", rsv=RSV1, mask=KEY))
        assert type(header) is FrameHeader
        assert header.opcode is Opcode[name]
        assert header.fin is header.masked is True
        assert [type(header[i]) for i in (1, 4, 5, 6)] == [int, bytes, int, int]
    header = codec.parse_header(make_frame(1, b"abc", fin=False))
    assert header.fin is header.masked is False
    assert header.mask is None


@pytest.mark.parametrize("opcode", [3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
@pytest.mark.parametrize("fin", [True, False])
def test_s7_reserved_opcodes(codec: ModuleType, opcode: int, fin: bool) -> None:
    assert refused(codec, make_frame(opcode, fin=fin)) == f"reserved opcode {opcode:#x}"
    # Before anything else that is wrong with the same two bytes.
    assert refused(codec, make_frame(opcode, bytes(126), fin=fin)) == f"reserved opcode {opcode:#x}"


@pytest.mark.parametrize("rsv", [0, RSV1, RSV2, RSV3, RSV1 | RSV3, RSV1 | RSV2 | RSV3])
def test_s7_reserved_bits_are_given_and_not_judged(codec: ModuleType, rsv: int) -> None:
    for opcode in OPCODES:
        header = codec.parse_header(make_frame(opcode, b"abc", rsv=rsv))
        assert (header.rsv, header.opcode) == (rsv, opcode)


def test_s6_control_frames(codec: ModuleType) -> None:
    for opcode in (8, 9, 10):
        for mask in (None, KEY):
            fragment = make_frame(opcode, b"", fin=False, mask=mask)
            assert refused(codec, fragment[:2]) == "fragmented control frame"
            for form in (16, 64):
                # Whatever length the long form would have declared.
                for length in (0, 125, 126, 65_536):
                    long = naive_header(opcode, length & 0xFFFF, form=form, mask=mask)
                    text = "control frame payload longer than 125 bytes"
                    assert refused(codec, long) == refused(codec, long[:2]) == text
            assert (
                codec.parse_header(make_frame(opcode, bytes(125), mask=mask)).payload_length == 125
            )


@pytest.mark.parametrize("mask", [None, KEY], ids=kind)
@pytest.mark.parametrize(
    ("form", "length"), [(16, 0), (16, 1), (16, 125), (64, 0), (64, 125), (64, 126), (64, 65_535)]
)
def test_s4_lengths_not_in_their_shortest_form(
    codec: ModuleType, form: int, length: int, mask: bytes | None
) -> None:
    header = naive_header(1, length, form=form, mask=mask)
    whole = 2 + form // 8  # the length is judged when it is there: not before, and not after
    for size in range(whole):
        assert codec.parse_header(header[:size]) is None
    for size in range(whole, len(header) + 1):
        assert refused(codec, header[:size]) == NOT_SHORTEST


@pytest.mark.parametrize("mask", [None, KEY], ids=kind)
@pytest.mark.parametrize("length", [2**63, 2**63 + 1, 2**64 - 10, 2**64 - 1])
def test_s1_lengths_with_their_most_significant_bit(
    codec: ModuleType, length: int, mask: bytes | None
) -> None:
    header = naive_header(2, length, form=64, mask=mask)
    for size in range(10):
        assert codec.parse_header(header[:size]) is None
    for size in range(10, len(header) + 1):
        assert refused(codec, header[:size]) == MOST_SIGNIFICANT


def test_s1_headers_that_broke_others(codec: ModuleType) -> None:
    ones = b"\xff" * 8
    assert refused(codec, b"\x82\xff" + ones + b"\xff" * 20) == MOST_SIGNIFICANT
    assert refused(codec, b"\x80\x7f" + ones) == MOST_SIGNIFICANT
    assert refused(codec, b"\x0a\xff" + ones + b"\xeb\x0e\x8f") == "fragmented control frame"
    assert refused(codec, b"\x82\x7f\x80" + bytes(7)) == MOST_SIGNIFICANT


def test_errors_carry_their_close_code(codec: ModuleType) -> None:
    with pytest.raises(ProtocolError) as caught:
        codec.parse_header(b"\x83\x00")
    assert (caught.value.close_code, caught.value.reason) == (1002, "reserved opcode 0x3")


@given(data=st.binary(max_size=20), offset=st.integers(0, 25))
def test_any_bytes_equal_the_twin(codec: ModuleType, data: bytes, offset: int) -> None:
    expected = outcome(_pure.parse_header, data, offset)
    assert outcome(codec.parse_header, data, offset) == expected
    assert outcome(codec.parse_header, data[offset:]) == expected


@given(
    opcode=st.sampled_from([0, 1, 2]),
    length=st.integers(0, 2**63 - 1) | st.integers(0, 70_000),
    fin=st.booleans(),
    rsv=st.integers(0, 7).map(lambda bits: bits << 4),
    mask=st.none() | st.binary(min_size=4, max_size=4),
)
def test_what_was_written_is_read(codec: ModuleType, length: int, **fields: Any) -> None:
    header = naive_header(
        fields["opcode"], length, **{k: fields[k] for k in ("fin", "rsv", "mask")}
    )
    read = codec.parse_header(header)._asdict()
    assert {name: read[name] for name in fields} == fields
    assert (read["payload_length"], read["header_length"]) == (length, len(header))


# --- Where it starts -----------------------------------------------------------------------------


def test_offset(codec: ModuleType) -> None:
    frames = [make_frame(1, b"abc"), make_frame(2, bytes(300), mask=KEY), make_frame(9)]
    data = b"".join(frames)
    offset = 0
    for frame in frames:
        assert codec.parse_header(data, offset) == codec.parse_header(frame)
        assert codec.parse_header(data=data, offset=offset) == codec.parse_header(frame)
        offset += len(frame)
    for past in (offset - 1, offset, offset + 1, 2**31, 2**32, 2**63, 2**64, 2**100):
        assert codec.parse_header(data, past) is None
    assert codec.parse_header(b"\x83", 0) is codec.parse_header(b"\x83\x00", 1) is None
    assert codec.parse_header(b"?" + data, Index(1)) == codec.parse_header(data)
    assert codec.parse_header(b"?" + data, True) == codec.parse_header(data)


@pytest.mark.parametrize("offset", [-1, -(2**63), -(2**63) - 1, -(2**100)])
def test_offset_cannot_be_negative(codec: ModuleType, offset: int) -> None:
    raised = "raises", ValueError, "offset cannot be negative"
    assert outcome(codec.parse_header, b"\x81\x00", offset) == raised
    assert outcome(codec.parse_header, b"", offset) == raised


@pytest.mark.parametrize("offset", [1.0, "1", None], ids=kind)
def test_offset_must_be_an_integer(codec: ModuleType, offset: object) -> None:
    text = f"'{type(offset).__name__}' object cannot be interpreted as an integer"
    assert outcome(codec.parse_header, b"\x81\x00", offset) == ("raises", TypeError, text)


# --- Buffers and wrong use -----------------------------------------------------------------------


@pytest.mark.parametrize("data", [50, 1 << 40, None, "text", [0x81, 0]], ids=kind)
def test_s21_data_must_be_a_buffer(codec: ModuleType, data: object) -> None:
    raised = "raises", TypeError, f"a bytes-like object is required, not '{type(data).__name__}'"
    assert outcome(codec.parse_header, data) == outcome(codec.parse_header, data, -1) == raised


@pytest.mark.parametrize("form", BUFFERS)
def test_s22_any_buffer_counts_in_bytes(codec: ModuleType, form: str) -> None:
    frame = make_frame(2, bytes(24 - 8), mask=KEY, form=16, length=300)
    assert codec.parse_header(BUFFERS[form](frame)) == (True, 0, 2, True, KEY, 300, 8)
    assert codec.parse_header(BUFFERS[form](b"\xff" * 8 + frame[:16]), 8).mask == KEY
    assert codec.parse_header(BUFFERS[form](b"\xff" * 17 + frame[:7]), 17) is None
    assert codec.parse_header(BUFFERS[form](frame), 23) is None


def test_s22_empty_and_released_buffers(codec: ModuleType) -> None:
    for data in (b"", bytearray(), memoryview(b"abc")[3:], memoryview(b"")[::-1]):
        assert codec.parse_header(data) is None
    raised = "raises", ValueError, "operation forbidden on released memoryview object"
    assert outcome(codec.parse_header, released()) == raised


@pytest.mark.parametrize(
    "start",
    [b"\x81\x00", b"\x81", b"\x83\x00", b"\x81" + b"\xff" * 9],
    ids=["whole", "cut", "reserved", "long"],
)
def test_s22_bytearray_can_be_resized_after_the_call(codec: ModuleType, start: bytes) -> None:
    # Also while the error is still held, with all that its traceback keeps alive.
    data = bytearray(start)
    for offset in (0, -1, None):
        try:
            codec.parse_header(data, offset)
        except (ProtocolError, TypeError, ValueError):
            data.append(1)
        data.append(1)


def test_s23_a_header_does_not_keep_its_buffer(codec: ModuleType) -> None:
    data = bytearray(make_frame(1, mask=KEY))
    header = codec.parse_header(data)
    data[:] = bytes(len(data))
    assert header.mask == KEY


def test_s24_every_alignment(codec: ModuleType) -> None:
    header = naive_header(2, 2**40, mask=KEY)
    for start in range(64):
        data = b"\xff" * start + header
        view = memoryview(data)[start:]
        assert codec.parse_header(view) == codec.parse_header(data, start)
        assert codec.parse_header(view).payload_length == 2**40
        for size in range(14):
            assert codec.parse_header(view[:size]) is None


def test_s24_nothing_outside_is_read(codec: ModuleType, guarded: memoryview) -> None:
    header = naive_header(2, 2**40, mask=KEY)
    for size in range(15):
        end = guarded[len(guarded) - size :]
        end[:] = header[:size]
        expected = None if size < 14 else codec.parse_header(header)
        assert (
            codec.parse_header(end) == codec.parse_header(guarded, len(guarded) - size) == expected
        )
        end[:] = bytes(size)
