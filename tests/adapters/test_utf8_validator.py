"""The validator in place of wsaccel's, gevent-websocket's and ws4py's: the same answers."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastws.adapters._utf8_validator import Utf8Validator, octets

# wsaccel itself is not among what the tests install: the hosts' stock sides would take it.
NAMES = ["ws4py.utf8validator", "geventwebsocket.utf8validator", "wsaccel.utf8validator"]
EDGES = [
    b"",
    b"ascii",
    "Grüße, 世界 🌍".encode(),
    *(bytes([first]) for first in range(256)),
    *(b"a" + bytes([lead, 0x80]) + b"b" for lead in range(0x80, 256)),
    b"\xe0\x80\x80",
    b"\xe0\xa0\x80",
    b"\xed\x9f\xbf",
    b"\xed\xa0\x80",
    b"\xef\xbf\xbf",
    b"\xf0\x8f\xbf\xbf",
    b"\xf0\x90\x80\x80",
    b"\xf4\x8f\xbf\xbf",
    b"\xf4\x90\x80\x80",
    b"long enough for a vector or two, " * 4 + b"\xc3",
    b"long enough for a vector or two, " * 4 + b"\xff and more",
]


@pytest.fixture(params=NAMES)
def theirs(request: pytest.FixtureRequest) -> Any:
    return pytest.importorskip(request.param).Utf8Validator


def answers(validator: Any, chunks: list[bytes], parts: int = 4) -> list[Any]:
    return [(validator.validate(chunk)[:parts], validator.state) for chunk in chunks]


def same(theirs: Any, chunks: list[bytes]) -> None:
    """Compare answers. ws4py counts otherwise, and makes no use of it."""
    parts = 2 if theirs.__module__.startswith("ws4py") else 4
    assert answers(Utf8Validator(), chunks, parts) == answers(theirs(), chunks, parts), chunks


def test_every_text_in_every_two_pieces(theirs: Any) -> None:
    for text in EDGES:
        for cut in range(len(text) + 1):
            chunks = [text[:cut], text[cut:], b"more"]
            same(theirs, chunks)


def test_every_sequence_of_two_bytes_in_two_pieces(theirs: Any) -> None:
    for lead in range(0xC0, 0x100):
        for second in range(256):
            chunks = [bytes([lead]), bytes([second]), b"\x80", b"\x80", b"a"]
            same(theirs, chunks)


@given(st.lists(st.one_of(st.binary(max_size=6), st.text(max_size=6).map(str.encode)), max_size=6))
def test_random_chunks(chunks: list[bytes]) -> None:
    for name in NAMES:
        try:
            theirs = importlib.import_module(name).Utf8Validator
        except ImportError:
            continue
        same(theirs, chunks)


def test_it_begins_anew(theirs: Any) -> None:
    ours, other = Utf8Validator(), theirs()
    for validator in (ours, other):
        validator.validate(b"ok \xff")
        validator.reset()
    assert answers(ours, [b"good", b"\xc3"], 2) == answers(other, [b"good", b"\xc3"], 2)


def test_byte_by_byte(theirs: Any) -> None:
    """`decode()` puts code points together, and `codepoint` holds them."""
    ours, other = Utf8Validator(), theirs()
    for byte in "Grüße, 世界 🌍".encode() + b"\xe0\x80":
        assert ours.decode(byte) == other.decode(byte)
        assert ours.state == other.state
        if hasattr(other, "codepoint"):
            assert ours.codepoint == other.codepoint


@pytest.mark.parametrize("make", [bytes, bytearray, memoryview], ids=lambda make: make.__name__)
def test_any_buffer_of_bytes(make: Any) -> None:
    assert Utf8Validator().validate(make("Grüße".encode())) == (True, True, 7, 7)
    assert len(octets(make(b"abc"))) == 3


def test_what_is_no_buffer_of_bytes() -> None:
    with pytest.raises(TypeError, match="a bytes-like object is required, not 'str'"):
        Utf8Validator().validate("text")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="in one dimension is required, not 'H'"):
        octets(memoryview(b"abcd").cast("H"))
