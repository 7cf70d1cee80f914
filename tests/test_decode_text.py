"""decode_text: bytes to str, unmasked on the way where a key is given."""

from __future__ import annotations

import sys
from functools import lru_cache
from random import Random
from types import ModuleType

import pytest
from helpers import BUFFERS, kind, naive_mask, naive_utf8_fault, outcome, released
from hypothesis import given
from hypothesis import strategies as st

from fastws import InvalidUtf8Error, _pure

KEY = b"\x37\xfa\x21\x3d"
MASKS = [None, KEY, bytes(4)]

# One character of each layout that CPython keeps text in.
LAYOUTS = {"ascii": "a", "latin1": "\xe9", "ucs2": "€", "ucs4": "\U0001f600"}

# Texts made of runs: what each layout is left and entered by.
RUNS = st.lists(
    st.tuples(
        st.sampled_from("a\x7f\x80\xff\u0100\u0800€\uffff\U00010000\U0010ffff"), st.integers(1, 99)
    ),
    max_size=9,
).map(lambda runs: "".join(letter * count for letter, count in runs))

# Where a fault is put: also around the borders of pieces, and far behind them.
PLACES = [*range(80), 200, 320, 1000, *range(4092, 4098), 5000]

# Around the borders of words, vectors and blocks, and of what is decoded piece by piece.
SIZES = [*range(140), *range(254, 260), *range(510, 516), *range(4094, 4099), 65_537]


cached_mask = lru_cache(4096)(naive_mask)  # the same for each level


def masked(data: bytes, mask: bytes | None) -> bytes:
    """Mask data, if there is a mask."""
    return data if mask is None else cached_mask(data, mask)


def check(codec: ModuleType, text: str, mask: bytes | None) -> None:
    """Decode a text, and check that what comes is a str like any other."""
    data = text.encode()
    decoded = codec.decode_text(masked(data, mask), mask)
    normal = data.decode()
    assert type(decoded) is str
    assert decoded == normal
    assert hash(decoded) == hash(normal)
    assert decoded.isascii() == normal.isascii()
    if sys.implementation.name == "cpython":
        # The same layout, with nothing to spare: a wider one would not even be equal elsewhere.
        assert sys.getsizeof(decoded) == sys.getsizeof(normal)


def fault_text(data: bytes) -> str:
    """Say how decode_text has to refuse."""
    fault = naive_utf8_fault(data)
    if fault == len(data):
        return f"UTF-8 ends inside a code point after {fault} bytes"
    return f"invalid UTF-8 at byte {fault}"


# --- Text ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_at_every_size(codec: ModuleType, layout: str, mask: bytes | None) -> None:
    for size in SIZES:
        check(codec, LAYOUTS[layout] * size, mask)


@pytest.mark.parametrize("mask", [None, KEY], ids=kind)
@pytest.mark.parametrize("wide", ["\x80", "\xff", "\u0100", "\uffff", "\U00010000", "\U0010ffff"])
def test_one_wide_character_at_every_place(
    codec: ModuleType, wide: str, mask: bytes | None
) -> None:
    for before in range(135):
        for after in (0, 1, 33, 100):
            check(codec, "a" * before + wide + "a" * after, mask)
    for before in range(4085, 4100):
        check(codec, "\x80" + "a" * before + wide + "a" * 9, mask)


@pytest.mark.parametrize("mask", [None, KEY], ids=kind)
def test_every_code_point(codec: ModuleType, mask: bytes | None) -> None:
    points = [*range(0xD800), *range(0xE000, 0x110000)]
    text = "".join(map(chr, points))
    check(codec, text, mask)
    for start in range(0, len(points), 509):
        check(codec, text[start : start + 509], mask)


@given(text=st.text(max_size=300) | RUNS, mask=st.none() | st.binary(min_size=4, max_size=4))
def test_any_text(codec: ModuleType, text: str, mask: bytes | None) -> None:
    check(codec, text, mask)


@pytest.mark.parametrize("mask", [None, KEY], ids=kind)
@pytest.mark.parametrize(
    "letters", ["a\xe9", "a\xe9€", "a€\U0001f600", "a\x7f\x80\u07ff\u0800\U00010000"]
)
def test_mixed_letters(codec: ModuleType, letters: str, mask: bytes | None) -> None:
    for size in (*range(1, 140), 1000, 5000):
        check(codec, "".join(Random(size).choices(letters, k=size)), mask)


@pytest.mark.parametrize("mask", [None, KEY], ids=kind)
def test_no_and_one_character_are_the_shared_objects(codec: ModuleType, mask: bytes | None) -> None:
    for text in ["", *map(chr, range(256))]:
        data = text.encode()
        assert codec.decode_text(masked(data, mask), mask) is data.decode()


def test_byte_order_mark_and_nul_are_kept(codec: ModuleType) -> None:
    assert codec.decode_text(b"\xef\xbb\xbfabc") == "\ufeffabc"
    assert codec.decode_text(bytes(100)) == "\0" * 100
    assert codec.decode_text(KEY * 25, KEY) == "\0" * 100


def test_arguments_have_names(codec: ModuleType) -> None:
    assert codec.decode_text(data=naive_mask(b"abc", KEY), mask=KEY) == "abc"


# --- Not text ------------------------------------------------------------------------------------

NOT_TEXT = ["ff", "80", "c080", "c241", "e08080", "e28241", "eda080", "f4908080", "f09f9841"]


@pytest.mark.parametrize("mask", [None, KEY], ids=kind)
@pytest.mark.parametrize("filler", LAYOUTS)
def test_s19_faults_are_told_with_their_place(
    codec: ModuleType, filler: str, mask: bytes | None
) -> None:
    for fault in NOT_TEXT:
        for size in PLACES:
            start = LAYOUTS[filler].encode() * (size // len(LAYOUTS[filler].encode()))
            data = start.rjust(size, b"a") + bytes.fromhex(fault) + b"abc"
            raised = outcome(codec.decode_text, masked(data, mask), mask)
            assert raised == ("raises", InvalidUtf8Error, fault_text(data))


@pytest.mark.parametrize("mask", [None, KEY], ids=kind)
def test_s19_an_open_end_is_told_as_such(codec: ModuleType, mask: bytes | None) -> None:
    for end in ("c2", "e0", "e282", "ed9f", "f0", "f09f98", "f48fbf"):
        for size in PLACES:
            data = b"a" * size + bytes.fromhex(end)
            text = f"UTF-8 ends inside a code point after {len(data)} bytes"
            raised = outcome(codec.decode_text, masked(data, mask), mask)
            assert raised == ("raises", InvalidUtf8Error, text)


def test_surrogates_fail_at_their_second_byte(codec: ModuleType) -> None:
    # Where CPython's incremental decoder would name the third.
    with pytest.raises(InvalidUtf8Error, match="^invalid UTF-8 at byte 2$") as caught:
        codec.decode_text(b"a\xed\xa0\x80")
    assert caught.value.close_code == 1007
    assert caught.value.reason == "invalid UTF-8 at byte 2"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@given(data=st.binary(max_size=120), mask=st.none() | st.binary(min_size=4, max_size=4))
def test_any_bytes(codec: ModuleType, data: bytes, mask: bytes | None) -> None:
    result = outcome(codec.decode_text, masked(data, mask), mask)
    if naive_utf8_fault(data) is None:
        assert result == ("returns", str, data.decode())
    else:
        assert result == ("raises", InvalidUtf8Error, fault_text(data))
    assert result == outcome(_pure.decode_text, masked(data, mask), mask)


# --- Buffers and wrong use -----------------------------------------------------------------------


@pytest.mark.parametrize("data", [50, 1 << 40, None, "text", [97]], ids=kind)
def test_s21_data_must_be_a_buffer(codec: ModuleType, data: object) -> None:
    raised = "raises", TypeError, f"a bytes-like object is required, not '{type(data).__name__}'"
    for mask in (None, KEY, b"abc", 4):
        assert outcome(codec.decode_text, data, mask) == raised


@pytest.mark.parametrize("length", [0, 1, 2, 3, 5, 8])
def test_s21_mask_must_be_four_bytes(codec: ModuleType, length: int) -> None:
    raised = "raises", ValueError, f"masking key must be 4 bytes, not {length}"
    for data in (b"", b"abc", b"a" * 100):
        assert outcome(codec.decode_text, data, bytes(length)) == raised


@pytest.mark.parametrize("mask", ["mask", 4, True, False, [1, 2, 3, 4]], ids=kind)
def test_s21_mask_must_be_a_buffer(codec: ModuleType, mask: object) -> None:
    raised = "raises", TypeError, f"a bytes-like object is required, not '{type(mask).__name__}'"
    for data in (b"", b"abc", b"a" * 100):
        assert outcome(codec.decode_text, data, mask) == raised


@pytest.mark.parametrize("mask", [None, KEY], ids=kind)
@pytest.mark.parametrize("form", BUFFERS)
def test_s22_any_buffer_counts_in_bytes(codec: ModuleType, form: str, mask: bytes | None) -> None:
    for text in ("12345678 é€😀" * 12, "ascii 24" * 9):
        data = BUFFERS[form](masked(text.encode(), mask))
        before = memoryview(data).tobytes()
        assert codec.decode_text(data, mask) == text
        assert memoryview(data).tobytes() == before


@pytest.mark.parametrize("mask", [None, KEY], ids=kind)
def test_s22_empty_and_released_buffers(codec: ModuleType, mask: bytes | None) -> None:
    for data in (b"", bytearray(), memoryview(b"abc")[3:], memoryview(b"")[::-1]):
        assert codec.decode_text(data, mask) == ""
    raised = "raises", ValueError, "operation forbidden on released memoryview object"
    assert outcome(codec.decode_text, released(), mask) == raised
    assert outcome(codec.decode_text, b"abc", released()) == raised


@pytest.mark.parametrize("mask", [None, KEY, b"abc"])
@pytest.mark.parametrize("text", [b"a", b"\xff"])
def test_s22_bytearray_can_be_resized_after_the_call(
    codec: ModuleType, text: bytes, mask: bytes | None
) -> None:
    # Also while the error is still held, with all that its traceback keeps alive.
    data = bytearray(text * 100)
    try:
        codec.decode_text(data, mask)
    except (InvalidUtf8Error, ValueError):
        data.append(1)
    data.append(1)


def test_s23_data_and_mask_may_be_the_same_memory(codec: ModuleType) -> None:
    buffer = bytearray(naive_mask(bytes(4) + b"abc" * 30, KEY))
    assert codec.decode_text(buffer, memoryview(buffer)[:4]) == "\0" * 4 + "abc" * 30


def test_s24_every_alignment_and_length(codec: ModuleType) -> None:
    text = "".join(chr(97 + i % 26) for i in range(301))
    plain, hidden = text.encode(), naive_mask(text.encode(), KEY)
    for start in range(64):
        view = memoryview(b"\xff" * start + plain + b"\xff" * 64)
        hidden_view = memoryview(b"\xff" * start + hidden + b"\xff" * 64)
        for length in range(301):
            assert codec.decode_text(view[start : start + length]) == text[:length]
            assert codec.decode_text(hidden_view[start : start + length], KEY) == text[:length]


@pytest.mark.parametrize("mask", [None, KEY], ids=kind)
def test_s24_nothing_outside_is_read(
    codec: ModuleType, guarded: memoryview, mask: bytes | None
) -> None:
    for letter in LAYOUTS.values():
        for size in range(140):
            data = masked((letter * size).encode(), mask)
            for piece in (guarded[: len(data)], guarded[len(guarded) - len(data) :]):
                piece[:] = data
                assert codec.decode_text(piece, mask) == letter * size
