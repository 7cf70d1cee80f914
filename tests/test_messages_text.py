"""Text messages: equal to what CPython decodes, whatever the characters and however they come.

A text begins as ASCII in its final place, moves to bytes at the first other character, and is made
a str of the narrowest width at its end. So each text here differs from the one before it: what is
left in memory of that must not pass for this one.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from helpers import cuts, make_frame, naive_utf8_fault
from hypothesis import given
from hypothesis import strategies as st
from message_streams import KEY, TEXTS
from twins import run_dry

from fastws import CodecError, InvalidUtf8Error

MASKS = pytest.mark.parametrize("mask", [None, KEY], ids=["plain", "masked"])
serial = itertools.count()


def ascii_of(size: int) -> str:
    """Give so many ASCII characters, other ones each time."""
    start = next(serial) * 7 % 89
    letters = "".join(chr(33 + (start + 5 * i) % 89) for i in range(89))
    return (letters * (size // 89 + 1))[:size]


def come(codec: ModuleType, pieces: Any, **options: Any) -> tuple[list[Any], CodecError | None]:
    """Give the content of the messages that come in these pieces, and the error, or None."""
    decoder = codec.MessageDecoder(None, max_message_size=None, **options)
    found: list[Any] = []
    error = None
    for piece in pieces:
        decoder.feed(piece)
        events, error = run_dry(decoder)
        found += [event[1] for event in events]
    return found, error


def assert_same(text: Any, content: bytes) -> None:
    """Hold that text is what CPython makes of the bytes, down to how it is stored."""
    expected = content.decode()
    assert type(text) is str
    assert text == expected
    assert hash(text) == hash(expected)
    assert (len(text), text.isascii()) == (len(expected), expected.isascii())
    if sys.implementation.name == "cpython":
        assert sys.getsizeof(text) == sys.getsizeof(expected)
        assert text is expected or len(text) != 1 or text > "\xff"  # CPython keeps one of each


def assert_comes(codec: ModuleType, pieces: Any, content: bytes) -> None:
    found, error = come(codec, pieces)
    assert error is None
    assert len(found) == 1
    assert_same(found[0], content)


def halves(data: bytes, *places: int) -> list[bytes]:
    """Cut data at these places."""
    ends = [0, *places, len(data)]
    return [data[start:end] for start, end in itertools.pairwise(ends)]


def in_fragments(content: bytes, mask: bytes | None, *places: int) -> Iterator[bytes]:
    """Give the frames of a text whose fragments end at these places."""
    parts = halves(content, *places)
    for i, part in enumerate(parts):
        yield make_frame(0 if i else 1, part, fin=i == len(parts) - 1, mask=mask)


# --- Every character -----------------------------------------------------------------------------


@pytest.mark.parametrize("character", ["a", "\xe9", "\u20ac"], ids=ascii)
def test_text_of_one_character(codec: ModuleType, character: str) -> None:
    content = character.encode()
    for frames in ([make_frame(1, content)], list(in_fragments(content, None, 0))):
        for size in (1, 100):
            assert_comes(codec, cuts(b"".join(frames), size), content)


@MASKS
def test_every_character(codec: ModuleType, mask: bytes | None) -> None:
    points = [*range(0xD800), *range(0xE000, 0x110000)]
    for start in range(0, len(points), 509):
        content = "".join(map(chr, points[start : start + 509])).encode()
        wire = codec.encode_frame(1, content, mask=mask)
        assert_comes(codec, [wire], content)
        assert_comes(codec, halves(wire, len(wire) // 2), content)


# Runs of each width, and of each of Unicode's planes.
RUNS = ["\x80\xff\xe9", "\u0100\u07ff", "\u0800\u20ac\ud7ff", "\ue000\ufeff\uffff"]
RUNS += [chr(plane << 16) + chr(plane << 16 | 0xFFFF) for plane in range(1, 17)]
RUNS += ["\xe9\u20ac", "\u20ac\U0001f600", "\xff\U00010000", "\x00\x7f\x80", "\U0010ffff\xe9"]


@MASKS
@pytest.mark.parametrize("run", RUNS, ids=ascii)
def test_characters_at_every_offset(codec: ModuleType, run: str, mask: bytes | None) -> None:
    for offset in range(71):
        start = ascii_of(offset).encode()
        middle = run.encode()
        content = start + middle + ascii_of(offset * 7 % 67).encode()
        wire = codec.encode_frame(1, content, mask=mask)
        head = len(wire) - len(content)
        assert_comes(codec, [wire], content)
        assert_comes(codec, [wire[:head], wire[head:]], content)
        for inside in range(1, len(middle)):
            place = offset + inside
            assert_comes(codec, halves(wire, head + place), content)
            assert_comes(codec, in_fragments(content, mask, place), content)
            assert_comes(codec, [b"".join(in_fragments(content, mask, offset, place))], content)


# --- Every split ---------------------------------------------------------------------------------

LAYOUTS = {
    "ascii": lambda: ascii_of(90),
    "latin-1": lambda: ascii_of(20) + "\xe9\xff" + ascii_of(17) + "\x80" + ascii_of(20),
    "two bytes": lambda: "\u07ff\u0100" * 10 + ascii_of(9) + "\xe9" * 5,
    "three bytes": lambda: "\u20ac" * 9 + ascii_of(33) + "\uffff\u0800",
    "four bytes": lambda: "\U0001f600" * 5 + ascii_of(40) + "\U0010ffff",
    "wider and wider": lambda: ascii_of(16) + "\xe9" * 8 + "\u20ac" * 8 + "\U0001f600" * 4,
    "narrower": lambda: "\U0001f600" * 4 + "\u20ac" * 8 + "\xe9" * 8 + ascii_of(16),
    "late": lambda: ascii_of(80) + "\u20ac",
}


@MASKS
@pytest.mark.parametrize("layout", LAYOUTS)
def test_text_cut_once_and_in_small_pieces(
    codec: ModuleType, layout: str, mask: bytes | None
) -> None:
    size = len(LAYOUTS[layout]().encode())
    for place in range(size + 7):
        content = LAYOUTS[layout]().encode()
        wire = make_frame(1, content, mask=mask)
        assert_comes(codec, halves(wire, place), content)
        assert_comes(codec, cuts(wire, place + 1), content)


@MASKS
@pytest.mark.parametrize("layout", LAYOUTS)
def test_text_in_fragments(codec: ModuleType, layout: str, mask: bytes | None) -> None:
    size = len(LAYOUTS[layout]().encode())
    for place in range(size + 1):
        content = LAYOUTS[layout]().encode()
        frames = list(in_fragments(content, mask, place))
        assert_comes(codec, frames, content)
        assert_comes(codec, [b"".join(frames)], content)
        later = min(size, place + 3)
        frames = list(in_fragments(content, mask, place, place, later))
        frames.insert(1, make_frame(0, b"", fin=False, mask=mask))
        assert_comes(codec, cuts(b"".join(frames), place % 9 + 1), content)


def test_short_text_cut_and_fragmented_everywhere(codec: ModuleType) -> None:
    for text in ("a\xe9", "\u20acb", "c\U0001f600", "\x7f\x80", "\u07ff\u0800"):
        content = (ascii_of(1) + text + ascii_of(2)).encode()
        for places in itertools.combinations_with_replacement(range(len(content) + 1), 2):
            wire = b"".join(in_fragments(content, KEY, *places))
            for cut in range(len(wire) + 1):
                assert_comes(codec, halves(wire, cut), content)


@pytest.mark.parametrize("place", [0, 1, 4095, 4096, 16383, 16400, 65535, 65536, 69998])
@pytest.mark.parametrize("character", ["\xe9", "\u20ac", "\U0001f600"], ids=ascii)
@MASKS
def test_long_text(codec: ModuleType, mask: bytes | None, character: str, place: int) -> None:
    content = (ascii_of(place) + character + ascii_of(70_000 - place)).encode()
    wire = codec.encode_frame(1, content, mask=mask)
    head = len(wire) - len(content)
    assert_comes(codec, [wire], content)
    assert_comes(codec, cuts(wire, 9001), content)
    assert_comes(codec, halves(wire, head + place + 1), content)
    halved = [codec.encode_frame(1, content[:40_000], fin=False, mask=mask)]
    halved.append(codec.encode_frame(0, content[40_000:], mask=KEY))
    assert_comes(codec, halved, content)
    assert_comes(codec, cuts(b"".join(halved), 30_000), content)


@pytest.mark.parametrize("character", ["x", "\xe9", "\u20ac", "\U0001f600"], ids=ascii)
@pytest.mark.parametrize("size", [1, 1000, 16384, 65536])
@MASKS
def test_text_that_is_read_into_place(
    codec: ModuleType, mask: bytes | None, size: int, character: str
) -> None:
    content = (ascii_of(60_000) + character + ascii_of(40_000)).encode()
    wires = list(in_fragments(content, mask, 60_001, 60_020))
    decoder = codec.MessageDecoder(None)
    for wire in (codec.encode_frame(1, content, mask=mask), b"".join(wires)):
        decoder.feed(wire[:30_000])
        found = list(decoder)
        rest = wire[30_000:]
        while rest:
            view = decoder.get_buffer(-1)
            taken = min(len(view), len(rest), size if len(rest) > 99_000 - size * 60 else 65536)
            view[:taken] = rest[:taken]
            decoder.buffer_updated(taken)
            rest = rest[taken:]
            found += decoder
        assert len(found) == 1
        assert_same(found[0].data, content)


@given(text=TEXTS, data=st.data())
def test_any_text(codec: ModuleType, text: str, data: st.DataObject) -> None:
    content = text.encode()
    places = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=3)))
    mask = data.draw(st.sampled_from([None, KEY]))
    wire = b"".join(in_fragments(content, mask, *places))
    ends = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=3)))
    assert_comes(codec, halves(wire, *ends), content)


# --- Bytes that are no text ----------------------------------------------------------------------

BAD = {
    "continuation alone": b"\x80",
    "last continuation alone": b"\xbf",
    "overlong 2": b"\xc0\x80",
    "overlong 2, highest": b"\xc1\xbf",
    "overlong 3": b"\xe0\x80\x80",
    "overlong 3, highest": b"\xe0\x9f\xbf",
    "overlong 4": b"\xf0\x80\x80\x80",
    "overlong 4, highest": b"\xf0\x8f\xbf\xbf",
    "first surrogate": b"\xed\xa0\x80",
    "last surrogate": b"\xed\xbf\xbf",
    "surrogate pair": b"\xed\xa0\xbd\xed\xb8\x80",
    "above U+10FFFF": b"\xf4\x90\x80\x80",
    "plane 20": b"\xf5\x80\x80\x80",
    "five bytes": b"\xf8\x88\x80\x80\x80",
    "six bytes": b"\xfc\x84\x80\x80\x80\x80",
    "fe": b"\xfe",
    "ff": b"\xff",
    "2 cut by ascii": b"\xc3a",
    "3 cut by ascii": b"\xe2\x82a",
    "4 cut by ascii": b"\xf0\x9f\x98a",
    "2 cut by a lead": b"\xc3\xc3\xa9",
    "3 cut by a lead": b"\xe2\x82\xe2\x82\xac",
    "4 cut by a lead": b"\xf0\x9f\xf0\x9f\x98\x80",
    "continuation too many": b"\xc3\xa9\xa9",
}
BEFORE = {"ascii": "", "latin-1": "\xe9", "wide": "\u20ac", "widest": "\U0001f600"}


def assert_refused(error: Any, fault: int) -> None:
    assert type(error) is InvalidUtf8Error
    assert (error.close_code, str(error)) == (1007, f"invalid UTF-8 at byte {fault}")


@pytest.mark.parametrize("kind", BAD)
@MASKS
def test_bad_byte_is_refused_in_the_read_that_carries_it(
    codec: ModuleType, mask: bytes | None, kind: str
) -> None:
    for offset, before in itertools.product(range(71), BEFORE):
        if before != "ascii" and offset % 5:
            continue
        content = (BEFORE[before] + ascii_of(offset)).encode() + BAD[kind] + b"a" * 40
        fault = naive_utf8_fault(content)
        assert fault is not None
        wire = make_frame(1, content, mask=mask)
        head = len(wire) - len(content)
        good, bad, rest = halves(wire, head + fault, head + fault + 1)
        assert come(codec, [good]) == ([], None)
        for pieces in ([wire], [good, bad], [good + bad], [good, bad + rest]):
            found, error = come(codec, pieces)
            assert found == []
            assert_refused(error, fault)
        if before == "ascii":
            for text in ("str", "bytes"):
                found, error = come(codec, [*cuts(good, 3), bad], text=text)
                assert_refused(error, fault)


@pytest.mark.parametrize("kind", BAD)
def test_bad_byte_is_refused_in_its_fragment(codec: ModuleType, kind: str) -> None:
    for offset, size in itertools.product((0, 1, 15, 16, 31, 33, 64), (1, 2, 3)):
        content = ascii_of(offset).encode() + BAD[kind] + b"zz"
        fault = naive_utf8_fault(content)
        assert fault is not None
        frames = list(in_fragments(content, KEY, *range(size, len(content), size)))
        frame = fault // size
        for good in (frames[:frame], [b"".join(frames[:frame])]):
            assert come(codec, good) == ([], None)
            assert_refused(come(codec, [*good, frames[frame]])[1], fault)
            head = frames[frame][: 6 + fault % size + 1]
            assert_refused(come(codec, [*good, head])[1], fault)
        assert_refused(come(codec, [b"".join(frames)])[1], fault)


@pytest.mark.parametrize("kind", ["overlong 3", "first surrogate", "ff", "4 cut by ascii"])
@pytest.mark.parametrize("before", BEFORE)
@MASKS
def test_bad_byte_that_is_read_into_place_is_refused_at_once(
    codec: ModuleType, mask: bytes | None, before: str, kind: str
) -> None:
    content = (ascii_of(40_000) + BEFORE[before]).encode() + BAD[kind] + b"x" * 60_000
    fault = naive_utf8_fault(content) or 0
    wire = codec.encode_frame(1, content, mask=mask)
    place = len(wire) - len(content) + fault
    decoder = codec.MessageDecoder(None)
    decoder.feed(wire[:30_000])
    for end in (30_000, place, place + 1):
        assert list(decoder) == []
        while (start := decoder.buffered) < end:
            view = decoder.get_buffer(-1)
            size = min(len(view), end - start)
            view[:size] = wire[start : start + size]
            decoder.buffer_updated(size)
            if start + size <= place:
                assert list(decoder) == []
    assert_refused(run_dry(decoder)[1], fault)


TRUNCATED = [b"\xc3", b"\xdf", b"\xe0\xa0", b"\xe2", b"\xe2\x82", b"\xed\x9f", b"\xf0\x90"]
TRUNCATED += [b"\xf0\x9f\x98", b"\xf4", b"\xf4\x8f\xbf"]


@pytest.mark.parametrize("end", TRUNCATED, ids=bytes.hex)
@MASKS
def test_text_may_not_end_inside_a_character(
    codec: ModuleType, mask: bytes | None, end: bytes
) -> None:
    for offset, text in itertools.product([*range(35), 63, 64, 70], ("str", "bytes")):
        content = ascii_of(offset).encode() + end
        reason = f"UTF-8 ends inside a code point after {len(content)} bytes"
        wire = make_frame(1, content, mask=mask)
        fragments = [make_frame(1, content, fin=False, mask=mask), make_frame(0, b"", mask=mask)]
        for pieces in ([wire], halves(wire, len(wire) - 1), cuts(wire, 2), fragments):
            found, error = come(codec, pieces, text=text)
            assert found == []
            assert (type(error), str(error)) == (InvalidUtf8Error, reason)
        assert come(codec, fragments[:1], text=text) == ([], None)


@pytest.mark.parametrize("kind", BAD)
def test_bad_text_spares_what_came_before(codec: ModuleType, kind: str) -> None:
    good = "\u20ac and \U0001f600".encode()
    pieces = [make_frame(1, good), make_frame(2, BAD[kind]), make_frame(1, BAD[kind] + b"x")]
    for stream in (pieces, [b"".join(pieces)]):
        found, error = come(codec, stream)
        assert found == [good.decode(), BAD[kind]]
        assert type(error) is InvalidUtf8Error


# --- Text as bytes -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [*BAD, *LAYOUTS])
def test_text_as_bytes(codec: ModuleType, kind: str) -> None:
    content = BAD[kind] if kind in BAD else LAYOUTS[kind]().encode()
    for place in range(len(content) + 1):
        frames = [*in_fragments(content, None, place), make_frame(1, content)]
        for pieces in (frames, [b"".join(frames)], cuts(b"".join(frames), 3)):
            found, error = come(codec, pieces, text="bytes", validate_utf8=False)
            assert (found, error) == ([content] * 2, None)
        found, error = come(codec, frames, text="bytes")
        if kind in BAD:
            assert found == []
            assert_refused(error, naive_utf8_fault(content) or 0)
        else:
            assert (found, error) == ([content] * 2, None)


@pytest.mark.parametrize("kind", BAD)
def test_str_is_checked_whatever_the_options(codec: ModuleType, kind: str) -> None:
    _, error = come(codec, [make_frame(1, BAD[kind] + b"x")], text="str", validate_utf8=False)
    assert_refused(error, naive_utf8_fault(BAD[kind]) or 0)
