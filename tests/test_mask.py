"""Masking, out of place and in place (RFC 6455 5.3)."""

from __future__ import annotations

import collections
import sys
from types import ModuleType

import pytest
from helpers import (
    BAD_MASKS,
    BUFFERS,
    READONLY,
    WRITABLE,
    Index,
    cuts,
    kind,
    naive_mask,
    outcome,
    released,
)
from hypothesis import given
from hypothesis import strategies as st

from fastws import _pure

KEY = b"\x37\xfa\x21\x3d"
KEYS = st.binary(min_size=4, max_size=4)
PLAIN = bytes(i * 167 + 13 & 0xFF for i in range(64 + 300 + 64))

# What else is no mask here, though an encoder takes it.
NO_MASKS = [
    (None, TypeError, "a bytes-like object is required, not 'NoneType'"),
    (True, TypeError, "a bytes-like object is required, not 'bool'"),
]


def turned(phase: int) -> bytes:
    """Mask PLAIN from its first byte on, with the key turned by `phase`."""
    return naive_mask(PLAIN, KEY, phase)


# --- Results -------------------------------------------------------------------------------------


def test_the_example_of_the_rfc(codec: ModuleType) -> None:
    # RFC 6455 5.7: a masked "Hello".
    assert codec.apply_mask(b"Hello", KEY) == b"\x7f\x9f\x4d\x51\x58"


def test_s24_every_alignment_length_and_phase(codec: ModuleType) -> None:
    whole = [turned(phase) for phase in range(4)]
    view = memoryview(PLAIN)
    for start in range(64):
        for length in range(301):
            piece = view[start : start + length]
            for phase in range(4):
                expected = whole[(phase - start) % 4][start : start + length]
                assert codec.apply_mask(piece, KEY, phase) == expected, (start, length, phase)


def test_s24_every_alignment_length_and_phase_in_place(codec: ModuleType) -> None:
    whole = [turned(phase) for phase in range(4)]
    buffer = bytearray(PLAIN)
    view = memoryview(buffer)
    for start in range(64):
        for length in range(301):
            end = start + length
            for phase in range(4):
                codec.mask_inplace(view[start:end], KEY, phase)
                masked = whole[(phase - start) % 4][start:end]
                # What stands before and behind the slice is as it was.
                assert buffer == PLAIN[:start] + masked + PLAIN[end:], (start, length, phase)
                buffer[start:end] = PLAIN[start:end]


@pytest.mark.parametrize("length", [511, 512, 767, 1023, 1024, 1025, 1281, 4099])
def test_s24_every_alignment_of_long_data(codec: ModuleType, length: int) -> None:
    data = (PLAIN * 10)[:length]
    for phase in range(4):
        masked = naive_mask(data, KEY, phase)
        for start in range(64):
            buffer = bytearray(b"\xff" * start + data + b"\xff" * 64)
            piece = memoryview(buffer)[start : start + length]
            assert codec.apply_mask(piece, KEY, phase) == masked
            codec.mask_inplace(piece, KEY, phase)
            assert buffer == b"\xff" * start + masked + b"\xff" * 64


@pytest.mark.parametrize("length", [65_535, 65_536, 100_003])
def test_long_data(codec: ModuleType, length: int) -> None:
    data = (PLAIN * (length // len(PLAIN) + 1))[:length]
    masked = naive_mask(data, KEY, 3)
    assert codec.apply_mask(data, KEY, 3) == masked == _pure.apply_mask(data, KEY, 3)
    buffer = bytearray(data)
    codec.mask_inplace(buffer, KEY, 3)
    assert buffer == masked


@given(data=st.binary(max_size=600), mask=KEYS, offset=st.integers())
def test_equals_the_naive_reference_and_the_twin(
    codec: ModuleType, data: bytes, mask: bytes, offset: int
) -> None:
    masked = codec.apply_mask(data, mask, offset)
    assert masked == naive_mask(data, mask, offset) == _pure.apply_mask(data, mask, offset)
    assert codec.apply_mask(masked, mask, offset) == data


@given(data=st.binary(max_size=300), mask=KEYS, size=st.integers(1, 70))
def test_pieces_with_their_offsets_are_the_whole(
    codec: ModuleType, data: bytes, mask: bytes, size: int
) -> None:
    pieces = [codec.apply_mask(p, mask, i * size) for i, p in enumerate(cuts(data, size))]
    assert b"".join(pieces) == codec.apply_mask(data, mask)


@pytest.mark.parametrize("offset", [2**31 - 1, 2**32 + 1, 2**63 + 2, 2**100 + 3, -1, -(2**100) - 1])
def test_any_integer_is_an_offset(codec: ModuleType, offset: int) -> None:
    for data in (PLAIN[:7], PLAIN):
        expected = naive_mask(data, KEY, offset % 4)
        assert codec.apply_mask(data, KEY, offset) == expected
        assert codec.apply_mask(data, KEY, Index(offset)) == expected
        buffer = bytearray(data)
        codec.mask_inplace(buffer, KEY, offset)
        assert buffer == expected


def test_arguments_have_names(codec: ModuleType) -> None:
    assert codec.apply_mask(data=b"abc", mask=KEY, offset=1) == naive_mask(b"abc", KEY, 1)
    buffer = bytearray(b"abc")
    assert codec.mask_inplace(buffer=buffer, mask=KEY, offset=1) is None
    assert buffer == naive_mask(b"abc", KEY, 1)


@pytest.mark.parametrize("mask", [bytes(4), b"\xff" * 4])
def test_the_result_is_new_bytes(codec: ModuleType, mask: bytes) -> None:
    data = bytearray(PLAIN)
    masked = codec.apply_mask(data, mask)
    kept = bytes(masked)
    data[:] = bytes(len(data))
    assert type(masked) is bytes
    assert masked == kept == naive_mask(PLAIN, mask)


# --- Wrong use -----------------------------------------------------------------------------------


# The last is a type of C's that has its module in its own name, which the error leaves out.
NO_BUFFERS = [50, 1 << 40, None, "text", 1.5, [1, 2], object(), collections.deque()]


@pytest.mark.parametrize("data", NO_BUFFERS, ids=kind)
def test_s21_data_must_be_a_buffer(codec: ModuleType, data: object) -> None:
    # An int above all: it must never be taken for a size to allocate.
    text = f"a bytes-like object is required, not '{type(data).__name__}'"
    for call in (codec.apply_mask, codec.mask_inplace):
        assert outcome(call, data, KEY) == ("raises", TypeError, text)


@pytest.mark.parametrize(("mask", "error", "text"), BAD_MASKS + NO_MASKS, ids=kind)
def test_s21_mask_must_be_four_bytes(
    codec: ModuleType, mask: object, error: type[Exception], text: str
) -> None:
    for data in (b"", b"abc", PLAIN):
        assert outcome(codec.apply_mask, data, mask) == ("raises", error, text)
        buffer = bytearray(data)
        assert outcome(codec.mask_inplace, buffer, mask) == ("raises", error, text)
        assert buffer == data


@pytest.mark.parametrize("offset", [1.0, "1", None, b"1"], ids=kind)
def test_s21_offset_must_be_an_integer(codec: ModuleType, offset: object) -> None:
    text = f"'{type(offset).__name__}' object cannot be interpreted as an integer"
    assert outcome(codec.apply_mask, b"abc", KEY, offset) == ("raises", TypeError, text)
    assert outcome(codec.mask_inplace, bytearray(3), KEY, offset) == ("raises", TypeError, text)


def test_s21_data_is_judged_before_mask_and_mask_before_offset(codec: ModuleType) -> None:
    for call in (codec.apply_mask, codec.mask_inplace):
        assert outcome(call, 7, b"abc", 1.5)[2] == "a bytes-like object is required, not 'int'"
        assert outcome(call, bytearray(3), b"abc", 1.5)[1] is ValueError


# --- Buffers -------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", BUFFERS)
def test_s22_any_buffer_counts_in_bytes(codec: ModuleType, form: str) -> None:
    for size in (24, 240):
        data = BUFFERS[form](PLAIN[:size])
        assert codec.apply_mask(data, KEY, 1) == naive_mask(PLAIN[:size], KEY, 1)


@pytest.mark.parametrize("form", WRITABLE)
def test_s22_any_writable_buffer_is_masked_in_place(codec: ModuleType, form: str) -> None:
    for size in (24, 240):
        data = WRITABLE[form](PLAIN[:size])
        codec.mask_inplace(data, KEY, 1)
        assert memoryview(data).tobytes() == naive_mask(PLAIN[:size], KEY, 1)


@pytest.mark.parametrize("form", READONLY)
def test_s22_in_place_needs_a_writable_buffer(codec: ModuleType, form: str) -> None:
    data = READONLY[form](PLAIN[:24])
    text = "buffer is read-only"
    assert outcome(codec.mask_inplace, data, KEY) == ("raises", BufferError, text)
    assert memoryview(data).tobytes() == PLAIN[:24]


@pytest.mark.parametrize("step", [2, -1])
def test_s22_in_place_needs_a_contiguous_buffer(codec: ModuleType, step: int) -> None:
    buffer = bytearray(PLAIN)
    text = "buffer is not C-contiguous"
    call = outcome(codec.mask_inplace, memoryview(buffer)[::step], KEY)
    assert call == ("raises", BufferError, text)
    assert buffer == PLAIN


@pytest.mark.parametrize("form", BUFFERS)
def test_s22_any_buffer_is_a_mask(codec: ModuleType, form: str) -> None:
    # A key of 4 bytes in whatever form: 24 bytes in the same form are no key.
    wrong = BUFFERS[form](PLAIN[:24])
    assert outcome(codec.apply_mask, b"abc", wrong)[2] == "masking key must be 4 bytes, not 24"
    if form not in ("array_d", "cast_2d", "cast_3d"):
        assert codec.apply_mask(PLAIN, BUFFERS[form](KEY)) == naive_mask(PLAIN, KEY)


def test_s22_empty_buffers(codec: ModuleType) -> None:
    for data in (b"", bytearray(), memoryview(b""), memoryview(b"abc")[3:], memoryview(b"")[::-1]):
        assert codec.apply_mask(data, KEY) == b""
    assert codec.mask_inplace(bytearray(), KEY) is None
    assert outcome(codec.mask_inplace, b"", KEY)[2] == "buffer is read-only"


def test_s22_released_memoryview(codec: ModuleType) -> None:
    text = "operation forbidden on released memoryview object"
    for call in (codec.apply_mask, codec.mask_inplace):
        assert outcome(call, released(), KEY) == ("raises", ValueError, text)
        assert outcome(call, bytearray(8), released()) == ("raises", ValueError, text)


def test_s22_arrays_of_numpy(codec: ModuleType) -> None:
    # It refuses a buffer with a ValueError, where others have a BufferError.
    numpy = pytest.importorskip("numpy")
    array = numpy.frombuffer(bytearray(PLAIN[:120]), "u4").reshape(5, 6)
    codec.mask_inplace(array, KEY)
    assert array.tobytes() == naive_mask(PLAIN[:120], KEY)
    for data in (array, array[:, ::2], array[::-1], array.T, numpy.asfortranarray(array)):
        assert codec.apply_mask(data, KEY) == naive_mask(data.tobytes(), KEY)
    for data in (array[:, ::2], array[::-1], array.T):
        text = "buffer is not C-contiguous"
        assert outcome(codec.mask_inplace, data, KEY) == ("raises", BufferError, text)
    array.flags.writeable = False
    raised = "raises", BufferError, "buffer is read-only"
    assert outcome(codec.mask_inplace, array, KEY) == raised


@pytest.mark.skipif(sys.version_info < (3, 12), reason="__buffer__ is new in Python 3.12")
@pytest.mark.parametrize("error", [BufferError, ValueError, OSError])
def test_s22_errors_of_the_buffer_itself_come_through(
    codec: ModuleType, error: type[Exception]
) -> None:
    class Failing:
        def __buffer__(self, flags: int) -> memoryview:
            raise error("of its own")

    raised = "raises", error, "of its own"
    assert outcome(codec.apply_mask, Failing(), KEY) == raised
    assert outcome(codec.apply_mask, b"abc", Failing()) == raised
    assert outcome(codec.mask_inplace, bytearray(3), Failing()) == raised


@pytest.mark.skipif(sys.version_info < (3, 12), reason="__buffer__ is new in Python 3.12")
def test_s22_a_buffer_that_tells_nothing_is_taken_for_read_only(codec: ModuleType) -> None:
    class Refusing:
        def __buffer__(self, flags: int) -> memoryview:
            raise BufferError("of its own")

    raised = "raises", BufferError, "buffer is read-only"
    assert outcome(codec.mask_inplace, Refusing(), KEY) == raised


@pytest.mark.parametrize("mask", [KEY, b"abc", None, Index(1)], ids=kind)
def test_s22_bytearray_can_be_resized_after_the_call(codec: ModuleType, mask: object) -> None:
    # Also while the error is still held, with all that its traceback keeps alive.
    for call in (codec.apply_mask, codec.mask_inplace):
        data = bytearray(PLAIN)
        try:
            call(data, mask)
        except (TypeError, ValueError):
            data.append(1)
        data.append(1)


def test_s22_a_buffer_that_is_resized_during_the_call(codec: ModuleType) -> None:
    data = bytearray(PLAIN)
    try:
        masked = codec.apply_mask(data, KEY, Index(0, data.clear))
    except BufferError:  # it was locked
        assert data == PLAIN
    else:  # it was copied before
        assert masked == naive_mask(PLAIN, KEY)
    data = bytearray(PLAIN)
    with pytest.raises(BufferError):
        codec.mask_inplace(data, KEY, Index(0, data.clear))


@pytest.mark.skipif(sys.version_info < (3, 12), reason="__buffer__ is new in Python 3.12")
def test_s22_a_buffer_is_locked_before_the_key_is_asked_for(codec: ModuleType) -> None:
    class Key:
        def __buffer__(self, flags: int) -> memoryview:
            data.clear()
            return memoryview(KEY)

    data = bytearray(PLAIN)
    with pytest.raises(BufferError):
        codec.mask_inplace(data, Key())
    assert data == PLAIN
    assert data == PLAIN
    data.clear()


def test_s23_data_and_mask_may_be_the_same_memory(codec: ModuleType) -> None:
    assert codec.apply_mask(KEY, KEY) == bytes(4)
    buffer = bytearray(PLAIN)
    codec.mask_inplace(buffer, memoryview(buffer)[4:8])
    assert buffer == naive_mask(PLAIN, PLAIN[4:8])
    key = bytearray(KEY)
    codec.mask_inplace(key, key)
    assert key == bytes(4)


def test_s23_overlapping_slices(codec: ModuleType) -> None:
    buffer = bytearray(PLAIN)
    view = memoryview(buffer)
    codec.mask_inplace(view[:200], KEY)
    codec.mask_inplace(view[100:300], KEY)
    expected = bytearray(PLAIN)
    expected[:200] = naive_mask(expected[:200], KEY)
    expected[100:300] = naive_mask(expected[100:300], KEY)
    assert buffer == expected


def test_s24_nothing_outside_is_touched(codec: ModuleType, guarded: memoryview) -> None:
    data = bytes(guarded)
    for length in range(301):
        for piece in (guarded[:length], guarded[len(guarded) - length :]):
            plain = bytes(piece)
            assert codec.apply_mask(piece, KEY) == naive_mask(plain, KEY)
            codec.mask_inplace(piece, KEY)
            assert piece == naive_mask(plain, KEY)
            piece[:] = plain
    assert guarded == data


@pytest.mark.skipif(sys.version_info < (3, 12), reason="__buffer__ in Python came with 3.12")
def test_buffer_that_can_be_had_once_only_is_refused(codec: ModuleType) -> None:
    class Once:
        asked = False

        def __buffer__(self, flags: int) -> memoryview:
            if self.asked:
                raise BufferError("no more")
            self.asked = True
            return memoryview(b"data")

    with pytest.raises(BufferError, match="^buffer is read-only$"):
        codec.mask_inplace(Once(), b"mask")
