"""UTF-8, whole and in chunks: validate_utf8 and Utf8Validator (RFC 3629)."""

from __future__ import annotations

from functools import cache
from itertools import product
from types import ModuleType

import pytest
from helpers import BUFFERS, kind, naive_utf8_fault, outcome, released
from hypothesis import given
from hypothesis import strategies as st

from fastws import _pure

# Every byte at which a rule of the table of well-formed sequences begins or ends.
EDGES = bytes.fromhex("00 41 7f 80 8f 90 9f a0 bf c0 c1 c2 df e0 e1 ec ed ee ef f0 f1 f3 f4 f5 ff")

# S19: what is not UTF-8, and the index of the byte that shows it.
FAULTS = {
    "80": 0,
    "bf": 0,
    "c0 80": 0,  # overlong NUL
    "c1 bf": 0,
    "c2 41": 1,
    "c3 c3": 1,
    "e0 80 80": 1,  # overlong
    "e0 9f bf": 1,
    "e1 80 41": 2,
    "e2 28 a1": 1,
    "ed a0 80": 1,  # surrogates: U+D800, U+DFFF, a pair
    "ed bf bf": 1,
    "ed a0 bd ed b8 80": 1,
    "f0 80 80 80": 1,  # overlong
    "f0 8f bf bf": 1,
    "f0 9f 98 41": 3,
    "f1 80 c0 80": 2,
    "f4 90 80 80": 1,  # U+110000
    "f5 80 80 80": 0,
    "f8 88 80 80 80": 0,  # 5 and 6 bytes, as once allowed
    "fc 84 80 80 80 80": 0,
    "fe": 0,
    "ff": 0,
}

# S19: what a text may end with, if more is to come.
OPEN = ["c2", "df", "e0", "e0 a0", "e2 82", "ed 9f", "ef bf", "f0", "f0 9f 98", "f4 8f bf"]

# Where a fault is put: around the borders of blocks, and of the runs that ASCII is skipped in.
PLACES = [*range(140), *range(252, 260), *range(316, 324), *range(572, 580), 5000]

FILLERS = {"ascii": b"a", "two": "é".encode(), "three": "€".encode(), "four": "😀".encode()}

# Strings that are nearly UTF-8: random bytes alone hardly ever pass the first one.
NEARLY = st.lists(
    st.one_of(
        st.text(max_size=40).map(str.encode),
        st.binary(max_size=3),
        st.sampled_from([bytes.fromhex(text) for text in [*FAULTS, *OPEN]]),
    ),
    max_size=12,
).map(b"".join)


def is_utf8(data: bytes) -> bool:
    """Tell what CPython's strict decoder thinks."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def filled(filler: bytes, length: int) -> bytes:
    """Give whole characters, as many as go into `length` bytes, and ASCII before them."""
    count, rest = divmod(length, len(filler))
    return b"a" * rest + filler * count


# --- The whole text ------------------------------------------------------------------------------


def test_s19_every_code_point(codec: ModuleType) -> None:
    validate = codec.validate_utf8
    pad = b"a" * 62  # across the border of a block, where a level has blocks
    for point in range(0x110000):
        data = chr(point).encode("utf-8", "surrogatepass")
        expected = not 0xD800 <= point <= 0xDFFF
        assert validate(data) is expected, hex(point)
        if point % 16 in (0, 15):
            assert validate(pad + data + pad) is expected, hex(point)


def test_s19_every_one_and_two_bytes(codec: ModuleType) -> None:
    validate = codec.validate_utf8
    pads = [(b"", b""), *((b"a" * n, b"b" * 40) for n in (15, 31, 62, 63))]
    for data in [*product(range(256)), *product(range(256), repeat=2)]:
        expected = is_utf8(bytes(data))
        for before, after in pads:
            assert validate(before + bytes(data) + after) is expected, (data, len(before))


def test_s19_three_and_four_bytes_at_each_edge(codec: ModuleType) -> None:
    validate = codec.validate_utf8
    for data in map(bytes, product(EDGES, repeat=3)):
        assert validate(data) is validate(b"a" * 62 + data + b"a" * 9) is is_utf8(data), data
    for data in map(bytes, product(EDGES[13:], EDGES, EDGES, EDGES)):
        assert validate(b"a" * 61 + data + b"a" * 9) is is_utf8(data), data


@cache
def third_bytes() -> list[tuple[bytes, bytes]]:
    """Give each two bytes, and for each third byte 1 where the three are UTF-8, else 0."""
    ascii_only, continuation, never = b"\1" * 128 + bytes(128), bytes(128) + b"\1" * 64, bytes(256)
    rows = []
    for two in map(bytes, product(range(256), repeat=2)):
        if naive_utf8_fault(two) is None:
            row = ascii_only
        elif naive_utf8_fault(two + b"\xbf") is None:
            row = continuation + bytes(64)
        else:
            row = never
        rows.append((two, row))
    return rows


@pytest.mark.slow
def test_s19_every_three_bytes(codec: ModuleType) -> None:
    if codec is _pure:
        pytest.skip("the twin asks CPython's own decoder, which takes too long to refuse")
    validate = codec.validate_utf8
    before = b"a" * 62
    ends = [bytes([third]) + b"a" * 8 for third in range(256)]
    for two, row in third_bytes():
        start = before + two
        assert bytes([validate(start + end) for end in ends]) == row, two


@pytest.mark.parametrize("filler", FILLERS)
def test_s19_faults_at_every_position(codec: ModuleType, filler: str) -> None:
    for text, index in FAULTS.items():
        fault = bytes.fromhex(text)
        for length in PLACES:
            data = filled(FILLERS[filler], length) + fault + filled(FILLERS[filler], length % 140)
            assert not codec.validate_utf8(data), (text, length)
            validator = codec.Utf8Validator()
            assert not validator.feed(data)
            assert validator.position == length + index, (text, length)


@pytest.mark.parametrize("filler", FILLERS)
def test_s19_truncated_at_the_end(codec: ModuleType, filler: str) -> None:
    for end in OPEN:
        for length in PLACES:
            data = filled(FILLERS[filler], length) + bytes.fromhex(end)
            assert not codec.validate_utf8(data), (end, length)
            validator = codec.Utf8Validator()
            assert validator.feed(data)
            assert (validator.complete, validator.position) == (False, len(data))


@pytest.mark.parametrize("filler", FILLERS)
def test_s24_every_alignment_and_length(codec: ModuleType, filler: str) -> None:
    # Faults on both sides of the text: whoever reads beyond it does not find it valid.
    for start in range(64):
        for length in range(0, 301, 1 if start < 4 else 7):
            text = filled(FILLERS[filler], length)
            data = memoryview(b"\xff" * start + text + b"\xff" * 64)[start : start + length]
            assert codec.validate_utf8(data), (start, length)


def test_s19_byte_order_mark_and_nul_are_text(codec: ModuleType) -> None:
    for data in (b"", b"\0", bytes(500), b"\xef\xbb\xbf", b"\xef\xbb\xbfabc", b"\xef\xbf\xbf"):
        assert codec.validate_utf8(data) is True


@given(data=NEARLY)
def test_equals_cpython_and_the_naive_reference(codec: ModuleType, data: bytes) -> None:
    expected = is_utf8(data)
    assert (naive_utf8_fault(data) is None) is expected
    assert codec.validate_utf8(data) is expected is _pure.validate_utf8(data)


# --- In chunks -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "position"),
    [
        (b"ab\xff", 2),
        (b"\xc0\x80", 0),
        (b"\xf4\x90\x80\x80", 1),
        (b"a\xed\xa0\x80", 2),
    ],
)
def test_reference_values_of_rejected_text(codec: ModuleType, data: bytes, position: int) -> None:
    validator = codec.Utf8Validator()
    assert validator.feed(data) is False
    assert (validator.complete, validator.position) == (False, position)
    # It stays failed until it is reset.
    for more in (b"", b"abc", data):
        assert validator.feed(more) is False
        assert (validator.complete, validator.position) == (False, position)
    assert validator.reset() is None
    assert (validator.complete, validator.position) == (True, 0)
    assert validator.feed(b"abc") is True
    assert (validator.complete, validator.position) == (True, 3)


def test_reference_values_of_accepted_text(codec: ModuleType) -> None:
    validator = codec.Utf8Validator()
    assert (validator.feed(b""), validator.complete, validator.position) == (True, True, 0)
    assert (validator.feed(b"\xe2\x82"), validator.complete, validator.position) == (True, False, 2)
    assert (validator.feed(b""), validator.complete, validator.position) == (True, False, 2)
    assert (validator.feed(b"\xac"), validator.complete, validator.position) == (True, True, 3)


def fed(codec: ModuleType, chunks: list[bytes]) -> tuple[bool, bool, int]:
    """Feed chunks, and check that a fault shows with the very chunk that it is in."""
    validator = codec.Utf8Validator()
    so_far = b""
    good = True
    for chunk in chunks:
        so_far += chunk
        fault = naive_utf8_fault(so_far)
        good = fault in (None, len(so_far))
        assert validator.feed(chunk) is good, chunks
    return good, validator.complete, validator.position


@pytest.mark.parametrize(
    "text", [*FAULTS, *OPEN, "24 c2a2 e282ac f09f9880", "f48fbfbf ed9fbf ee8080"]
)
def test_s19_split_at_each_byte(codec: ModuleType, text: str) -> None:
    for length in (0, 1, 30, 62, 127):
        data = b"a" * length + bytes.fromhex(text) + b"a" * 34
        whole = fed(codec, [data])
        cut_at = [0, *range(max(length - 1, 0), length + 10), len(data)]
        for first in range(len(data) + 1):
            assert fed(codec, [data[:first], data[first:]]) == whole
        for first, second in product(cut_at, repeat=2):
            assert (
                fed(codec, [data[:first], data[first:second], data[max(first, second) :]]) == whole
            )
        assert fed(codec, [data[i : i + 1] for i in range(len(data))]) == whole


@given(data=NEARLY, sizes=st.lists(st.integers(0, 70), min_size=1, max_size=8))
def test_chunks_are_judged_as_the_whole(codec: ModuleType, data: bytes, sizes: list[int]) -> None:
    chunks, start = [], 0
    for size in sizes:
        chunks.append(data[start : start + size])
        start += size
    chunks.append(data[start:])
    fault = naive_utf8_fault(data)
    expected = fault in (None, len(data)), fault is None, len(data) if fault is None else fault
    assert fed(codec, chunks) == expected == fed(_pure, chunks)


def test_validators_are_independent(codec: ModuleType) -> None:
    one, other = codec.Utf8Validator(), codec.Utf8Validator()
    assert one.feed(b"\xe2")
    assert other.feed(b"a")
    assert not other.feed(b"\xff")
    assert one.feed(b"\x82\xac")
    assert (one.complete, one.position) == (True, 3)


def test_reset_forgets_an_open_sequence(codec: ModuleType) -> None:
    validator = codec.Utf8Validator()
    assert validator.feed(b"abc\xe2\x82")
    validator.reset()
    assert (validator.complete, validator.position) == (True, 0)
    assert not validator.feed(b"\xac")


def test_a_validator_that_is_initialised_again_is_new(codec: ModuleType) -> None:
    validator = codec.Utf8Validator()
    for data in (b"ok \xff", b"ok \xe2\x82"):
        validator.feed(data)
        validator.__init__()
        assert (validator.complete, validator.position) == (True, 0)
        assert validator.feed(b"ok")


def test_a_validator_cannot_be_misused(codec: ModuleType) -> None:
    validator = codec.Utf8Validator()
    for name in ("complete", "position", "anything"):
        with pytest.raises(AttributeError):
            setattr(validator, name, 1)
    with pytest.raises(TypeError):
        codec.Utf8Validator(b"")


# --- Buffers and wrong use -----------------------------------------------------------------------


@pytest.mark.parametrize("data", [50, 1 << 40, None, "text", ["a"]], ids=kind)
def test_s21_data_must_be_a_buffer(codec: ModuleType, data: object) -> None:
    raised = "raises", TypeError, f"a bytes-like object is required, not '{type(data).__name__}'"
    validator = codec.Utf8Validator()
    validator.feed(b"\xe2\x82")
    assert outcome(codec.validate_utf8, data) == outcome(validator.feed, data) == raised
    assert (validator.feed(b"\xac"), validator.complete, validator.position) == (True, True, 3)


@pytest.mark.parametrize("form", BUFFERS)
def test_s22_any_buffer_counts_in_bytes(codec: ModuleType, form: str) -> None:
    for text in ("12345678 é€😀" * 12, "ascii 24" * 9):
        data = text.encode()
        assert len(data) % 24 == 0
        assert codec.validate_utf8(BUFFERS[form](data)) is True
        assert codec.validate_utf8(BUFFERS[form](data[:-1] + b"\xff")) is False
        validator = codec.Utf8Validator()
        assert validator.feed(BUFFERS[form](data))
        assert (validator.complete, validator.position) == (True, len(data))


def test_s22_empty_and_released_buffers(codec: ModuleType) -> None:
    validator = codec.Utf8Validator()
    for data in (b"", bytearray(), memoryview(b"abc")[3:], memoryview(b"")[::-1]):
        assert codec.validate_utf8(data) is validator.feed(data) is True
    raised = "raises", ValueError, "operation forbidden on released memoryview object"
    assert outcome(codec.validate_utf8, released()) == raised
    assert outcome(validator.feed, released()) == raised


@pytest.mark.parametrize("text", [b"abc", b"\xff", b"\xe2"])
def test_s22_bytearray_can_be_resized_after_the_call(codec: ModuleType, text: bytes) -> None:
    data = bytearray(text * 30)
    codec.validate_utf8(data)
    data.append(1)
    validator = codec.Utf8Validator()
    for _ in range(2):
        validator.feed(data)
        data.append(1)


def test_s24_nothing_outside_is_read(codec: ModuleType, guarded: memoryview) -> None:
    for filler in FILLERS.values():
        for length in range(301):
            for piece in (guarded[:length], guarded[len(guarded) - length :]):
                piece[:] = filled(filler, length)
                assert codec.validate_utf8(piece)
                assert codec.Utf8Validator().feed(piece)
                if length:
                    piece[length - 1] = 0xFF
                    assert not codec.validate_utf8(piece)
