"""The incremental validator answers as the automaton of the hosts does, wherever a text is cut."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastws.adapters._utf8_validator import Utf8Validator

stock = pytest.importorskip("geventwebsocket.utf8validator")  # as autobahn has it
of_ws4py = pytest.importorskip("ws4py.utf8validator")  # whose indexes differ, and nobody reads them

TEXTS = [
    b"",
    b"plain",
    b"ab\xff",
    b"\xc0\x80",
    b"\xc1\xbf",
    b"\xe0\x9f\xbf",
    b"a\xed\xa0\x80",
    b"\xed\x9f\xbf",
    b"\xf0\x8f\xbf\xbf",
    b"\xf4\x90\x80\x80",
    b"\xf4\x8f\xbf\xbf",
    b"\xf5\x80",
    b"\x80",
    b"\xe2\x82",
    b"\xe2\x28\xa1",
    b"\xf0\x9f\x98",
    b"\xf0\x9f\x98\x80\xf0\x9f",
    "ß€😀 and back".encode(),
    "ß".encode() * 40 + b"\xe2\x82" + b"x" * 40,
]


def answers(validator: Any, chunks: Sequence[bytes]) -> list[tuple[Any, ...]]:
    """Give what a validator says, and the state that it shows, chunk by chunk."""
    return [(*validator.validate(chunk), validator.state, validator.i) for chunk in chunks]


def same(chunks: Sequence[bytes]) -> None:
    expected = answers(stock.Utf8Validator(), chunks)
    assert answers(Utf8Validator(), chunks) == expected
    judged = [answer[:2] for answer in answers(of_ws4py.Utf8Validator(), chunks)]
    assert judged == [answer[:2] for answer in expected]
    assert answers(Utf8Validator(), [bytearray(chunk) for chunk in chunks]) == expected
    assert answers(Utf8Validator(), [memoryview(chunk) for chunk in chunks]) == expected


@pytest.mark.parametrize("text", TEXTS)
def test_at_every_two_places(text: bytes) -> None:
    for second in range(len(text) + 1):
        for first in range(second + 1):
            same([text[:first], text[first:second], text[second:], b"after", b"\xac"])


@given(st.lists(st.binary(max_size=6) | st.sampled_from(TEXTS), max_size=5))
def test_random_chunks(chunks: list[bytes]) -> None:
    same(chunks)


@given(st.text(max_size=20), st.data())
def test_random_texts(text: str, data: st.DataObject) -> None:
    raw = text.encode()
    places = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=4)))
    bounds = [0, *places, len(raw)]
    same([raw[a:b] for a, b in itertools.pairwise(bounds)])


def test_every_pair_of_bytes() -> None:
    for first in range(0x78, 0x100):
        for second in range(0x70, 0x100):
            chunks = [bytes([first, second]), b"\x80", b"\x80"]
            assert answers(Utf8Validator(), chunks) == answers(stock.Utf8Validator(), chunks)


@pytest.mark.parametrize("text", TEXTS)
def test_byte_by_byte(text: bytes) -> None:
    """`decode()` shows the code points that it puts together; `validate()` may follow it."""
    ours, theirs = Utf8Validator(), stock.Utf8Validator()
    for byte in text:
        assert ours.decode(byte) == theirs.decode(byte)
        assert (ours.state, ours.codepoint) == (theirs.state, theirs.codepoint)
    assert ours.validate(b"\x80z") == theirs.validate(b"\x80z")


def test_reset() -> None:
    validator = Utf8Validator()
    assert validator.validate(b"ab\xff") == (False, False, 2, 2)
    assert validator.validate(b"ab") == (False, False, 0, 2)
    validator.reset()
    assert validator.validate(b"ab") == (True, True, 2, 2)


@pytest.mark.parametrize("argument", ["text", None, 5, [1, 2]])
def test_what_is_no_buffer_is_refused(argument: Any) -> None:
    with pytest.raises(TypeError, match="a bytes-like object is required"):
        Utf8Validator().validate(argument)
