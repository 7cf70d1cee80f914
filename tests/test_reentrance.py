"""A decoder that is used from inside its own call: by a buffer, an index, a view.

By a destructor or a hook: test_reentrance_hooks.py.
Numbers S1 to S28 are those of the project's catalogue of bad inputs.
"""

from __future__ import annotations

import collections
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from helpers import Index, make_frame, outcome
from twins import contents

from fastws import _pure

KEY = bytes.fromhex("37fa213d")
LARGE = 40_000  # a payload into which get_buffer() gives a view
DECODERS = ["FrameDecoder", "MessageDecoder"]
buffers_in_python = pytest.mark.skipif(
    sys.version_info < (3, 12), reason="__buffer__ in Python came with 3.12"
)


@pytest.fixture(params=DECODERS)
def decoder(codec: ModuleType, request: pytest.FixtureRequest) -> Any:
    return getattr(codec, request.param)("client")


# --- __index__ -----------------------------------------------------------------------------------


def test_s26_buffer_updated_asks_its_count_first(decoder: Any) -> None:
    """What the count does to the decoder is done before the view is looked at."""
    payload = bytes(range(250)) * (LARGE // 250)
    decoder.feed(make_frame(2, payload)[:8])
    assert contents(decoder) == []
    first = decoder.get_buffer()
    first[: LARGE - 4000] = payload[4 : LARGE - 3996]

    def read_on() -> None:
        decoder.buffer_updated(LARGE - 4000)
        decoder.get_buffer()[:4000] = payload[-3996:] + b"next"

    decoder.buffer_updated(Index(3996, read_on))
    assert contents(decoder) == [payload]
    assert decoder.buffered == 0


def test_s26_counts_that_lie_about_themselves(decoder: Any) -> None:
    class Liar(int):
        def __le__(self, other: int) -> bool:
            return True

        __lt__ = __ge__ = __gt__ = __le__

    size = len(decoder.get_buffer(10))
    for wrong in (size + 1, 1 << 40, 1 << 80, -1):
        with pytest.raises(ValueError, match="^nbytes must be from 0 to"):
            decoder.buffer_updated(wrong)
    if not isinstance(decoder, (_pure.FrameDecoder, _pure.MessageDecoder)):
        for wrong in (size + 1, 1 << 40, 1 << 80, -1, -(1 << 80)):
            with pytest.raises(ValueError, match="^nbytes must be from 0 to"):
                decoder.buffer_updated(Liar(wrong))
    decoder.buffer_updated(0)


def test_s26_an_offset_that_lies_reads_nothing_outside(codec: ModuleType) -> None:
    class Liar(int):
        def __lt__(self, other: int) -> bool:
            return other != 0

        __ge__ = __gt__ = __le__ = __lt__

    for wrong in (100, 1 << 40, sys.maxsize, 1 << 80):
        assert codec.parse_header(b"\x81\x00", wrong) is None
        assert outcome(codec.parse_header, b"\x81\x00", Liar(wrong))[0] in ("returns", "raises")


def test_s26_get_buffer_asks_its_hint_first(decoder: Any) -> None:
    def take() -> None:
        decoder.get_buffer(10)[:7] = make_frame(2, b"inner")
        decoder.buffer_updated(7)
        seen.extend(contents(decoder))

    seen: list[bytes] = []
    decoder.feed(make_frame(2, bytes(LARGE))[:100])
    assert contents(decoder) == []
    decoder.feed(bytes(LARGE - 96))
    view = decoder.get_buffer(Index(10, take))
    view[:7] = make_frame(2, b"outer")
    decoder.buffer_updated(7)
    assert [*seen, *contents(decoder)] == [bytes(LARGE), b"inner", b"outer"]


# --- Views that are held while the decoder goes on ------------------------------------------------


@pytest.mark.parametrize("first", [1, 2, 3, 50])
@pytest.mark.parametrize("text", ["\xe9", "\u20ac", "\U0001f30d", "a\xe9", "aaaa\u20ac", "a"])
def test_s23_text_goes_on_while_a_view_is_out(codec: ModuleType, text: str, first: int) -> None:
    """Text that stops being ASCII leaves its memory, of which a view was given before."""
    content = (text * LARGE).encode()[:LARGE]
    content = content[: len(content) // len(text.encode()) * len(text.encode())]
    decoder = codec.MessageDecoder("client")
    decoder.feed(make_frame(1, content)[:4])
    assert next(decoder, None) is None
    rest = content
    for size in (first, 7, 1, 300, 9000):
        view = decoder.get_buffer()
        assert next(decoder, None) is None
        view[:size] = rest[:size]
        decoder.buffer_updated(size)
        view = decoder.get_buffer()
        assert next(decoder, None) is None
        rest = rest[size:]
    assert decoder.buffered == 4 + len(content) - len(rest)
    decoder.feed(rest)
    assert list(decoder) == [codec.Text(content.decode())]


# --- Buffers whose exporter calls back ----------------------------------------------------------


def sly(call: Callable[[], Any], data: bytes) -> Any:
    """Make a buffer that does something when it is asked for, and when it is let go."""

    class Sly:
        def __buffer__(self, flags: int) -> memoryview:
            call()
            return memoryview(data)

        def __release_buffer__(self, view: memoryview) -> None:
            call()

    return Sly()


@buffers_in_python
def test_s26_a_buffer_that_drives_the_decoder_that_takes_it(decoder: Any) -> None:
    inner = iter([b"one", b"two"] * 10)
    seen: list[bytes] = []

    def drive() -> None:
        data = make_frame(2, next(inner))
        decoder.feed(data[:3])
        view = decoder.get_buffer()
        view[: len(data) - 3] = data[3:]
        decoder.buffer_updated(len(data) - 3)
        seen.extend(contents(decoder))

    for number in range(10):
        decoder.feed(sly(drive, make_frame(2, b"%d" % number)))
    seen += contents(decoder)
    assert [item for item in seen if item.isdigit()] == [b"%d" % number for number in range(10)]
    assert [item for item in seen if not item.isdigit()] == [b"one", b"two"] * 10


@buffers_in_python
def test_s26_every_function_takes_a_buffer_that_calls_back(codec: ModuleType) -> None:
    calls: list[Any] = []
    validator = codec.Utf8Validator()

    def call() -> None:
        validator.reset()
        calls.append(codec.apply_mask(b"data" * 100, KEY))
        calls.append(codec.encode_frame(2, b"data", mask=KEY))
        calls.append(codec.decode_text(b"caf\xc3\xa9" * 50))

    data = "Grüße ".encode() * 30
    for work, plain in [
        (lambda give: codec.apply_mask(give(data), give(KEY)), codec.apply_mask(data, KEY)),
        (lambda give: codec.validate_utf8(give(data)), True),
        (lambda give: codec.decode_text(give(data), give(bytes(4))), data.decode()),
        (lambda give: codec.parse_header(give(b"\x81\x05")), codec.parse_header(b"\x81\x05")),
        (
            lambda give: codec.encode_frame(2, give(data), mask=give(KEY)),
            codec.encode_frame(2, data, mask=KEY),
        ),
        (
            lambda give: codec.encode_frame(1, data.decode(), mask=give(KEY)),
            codec.encode_frame(1, data, mask=KEY),
        ),
        (lambda give: codec.encode_header(2, 5, mask=give(KEY)), b"\x82\x85" + KEY),
        (lambda give: codec.Binary(give(data)), codec.Binary(data)),
        (lambda give: codec.Frame(2, give(data)), codec.Frame(2, data)),
        (lambda give: validator.feed(give(data)), True),
    ]:
        assert work(lambda what: sly(call, what)) == plain
    assert len(calls) > 30


@buffers_in_python
def test_s26_a_buffer_that_fails_in_the_midst(codec: ModuleType) -> None:
    def fail() -> None:
        raise LookupError("no buffer today")

    class Sly:
        def __buffer__(self, flags: int) -> memoryview:
            return fail() or memoryview(b"")

    decoder = codec.FrameDecoder("client")
    for call in (decoder.feed, codec.validate_utf8, codec.Utf8Validator().feed, codec.Binary):
        with pytest.raises(LookupError, match="no buffer today"):
            call(Sly())
    with pytest.raises(LookupError):
        codec.apply_mask(b"data", Sly())
    assert decoder.buffered == 0


# --- What is looked up when it is needed ---------------------------------------------------------


def test_s26_a_chunk_that_comes_while_a_queue_is_made(
    decoder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A class of the standard library that somebody has replaced may come back."""
    first, second, third = (make_frame(2, b"%d" % number) for number in (1, 2, 3))
    real = collections.deque

    def make(*chunks: Any) -> Any:
        monkeypatch.undo()
        decoder.feed(third)
        return real(*chunks)

    decoder.feed(first)
    monkeypatch.setattr(collections, "deque", make)
    decoder.feed(second)
    assert decoder.buffered == 3 * len(first)
    assert contents(decoder) == [b"1", b"3", b"2"]
