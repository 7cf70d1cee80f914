"""A decoder that is used from inside its own call: by a buffer, an index, a destructor, a hook.

Numbers S1 to S28 are those of the project's catalogue of bad inputs.
"""

from __future__ import annotations

import collections
import contextlib
import gc
import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from helpers import Index, cuts, make_frame, outcome

import fastws
from fastws import CodecError, ProtocolError, _pure

KEY = bytes.fromhex("37fa213d")
LARGE = 40_000  # a payload into which get_buffer() gives a view
DECODERS = ["FrameDecoder", "MessageDecoder"]
PACKAGE = str(Path(fastws.__file__).parent)
on_cpython = pytest.mark.skipif(
    sys.implementation.name != "cpython", reason="counts on CPython's hooks"
)
buffers_in_python = pytest.mark.skipif(
    sys.version_info < (3, 12), reason="__buffer__ in Python came with 3.12"
)


def contents(decoder: Any) -> list[bytes]:
    """Give what a decoder has, as bytes."""
    found = [item.payload if hasattr(item, "payload") else item.data for item in decoder]
    return [data.encode() if isinstance(data, str) else data for data in found]


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


# --- Destructors and hooks ------------------------------------------------------------------------


def streams() -> Iterator[bytes]:
    """Give streams that take a decoder everywhere: each ends in another way."""
    good = make_frame(1, "Grüße".encode() * 40) + make_frame(2, bytes(300)) + make_frame(9, b"ping")
    fragments = make_frame(1, "€".encode()[:2], fin=False) + make_frame(9, b"between")
    fragments += make_frame(0, "€".encode()[2:] + b"end")
    for end in (
        make_frame(8, b"\x03\xe8bye"),
        make_frame(8, b"\x03"),
        b"\x83\x00",
        make_frame(1, b"\xff" * 90),
        make_frame(2, b"", length=1 << 40),
        make_frame(1, b"packed", rsv=0x40),
    ):
        yield good + fragments + end


class Plain:
    """An inflater that changes nothing."""

    def decompress(self, payload: bytes, *, limit: int, fin: bool) -> bytes:
        return payload


def taken(decoder: Any) -> Iterator[Any]:
    """Give what there is, and the type and the text of the error that ends it."""
    try:
        while (item := next(decoder, None)) is not None:
            yield item
    except (CodecError, RuntimeError) as error:
        yield type(error), str(error)


def drive(decoder: Any, stream: bytes, size: int) -> list[Any]:
    """Give all that comes of a stream in pieces."""
    shown: list[Any] = []
    for piece in cuts(stream, size):
        decoder.feed(piece)
        shown += taken(decoder)
    return shown


def test_s26_the_collector_may_run_a_destructor_in_any_step(codec: ModuleType) -> None:
    """Its destructor comes to the decoder at whatever point of a step memory is asked for."""
    runs = []

    class Cycle:
        def __init__(self, decoder: Any) -> None:
            self.itself = self
            self.decoder = decoder

        def __del__(self) -> None:
            runs.append(outcome(next, self.decoder)[0])
            runs.append(outcome(self.decoder.feed, b"")[0])
            runs.append((self.decoder.buffered, self.decoder.header, self.decoder.partial_header))

    thresholds = gc.get_threshold()
    try:
        gc.set_threshold(1)
        for stream in streams():
            for size in (5, 64, 4000):
                decoder = codec.MessageDecoder("client", deflate=Plain())
                decoder.feed(make_frame(2, bytes(LARGE))[:200])
                for piece in cuts(bytes(LARGE - 196) + stream, size * 40):
                    Cycle(decoder)
                    view = decoder.get_buffer()
                    Cycle(decoder)
                    count = min(len(view), len(piece))
                    view[:count] = piece[:count]
                    decoder.buffer_updated(count)
                    Cycle(decoder)
                    decoder.feed(piece[count:])
                    outcome(list, decoder)
    finally:
        gc.set_threshold(*thresholds)
        gc.collect()
    assert len(runs) > 300


@contextlib.contextmanager
def hooked(call: Callable[[], object]) -> Iterator[None]:
    """Call something whenever the package calls a Python function of its own."""

    def hook(frame: Any, event: str, argument: Any) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(PACKAGE):
            sys.setprofile(None)
            call()
            sys.setprofile(hook)

    sys.setprofile(hook)
    try:
        yield
    finally:
        sys.setprofile(None)


def fresh(codec: ModuleType, kind: str) -> Any:
    """Give a decoder that takes compressed messages as well."""
    options: Any = {"rsv": 0x40} if kind == "FrameDecoder" else {"deflate": Plain()}
    return getattr(codec, kind)("client", **options)


@on_cpython
@pytest.mark.parametrize("kind", DECODERS)
def test_s26_a_hook_comes_to_the_decoder_in_the_midst_of_a_step(
    codec: ModuleType, kind: str
) -> None:
    """Whatever Python function a step calls, the hook is refused a step of its own there."""
    refused, stolen, views = 0, [], 0

    def come() -> None:
        nonlocal refused, views
        how, value, *_ = outcome(next, decoder, None)
        refused += (how, value) == ("raises", RuntimeError)
        # A step that has not begun yet, it may take.
        stolen.extend(_[:1] if how == "returns" else [])
        views += outcome(decoder.get_buffer)[:2] == ("raises", RuntimeError)

    decoder: Any = None
    for stream, size in itertools.product(streams(), (3, 50, 10_000)):
        expected = drive(fresh(codec, kind), stream, size)
        decoder = fresh(codec, kind)
        stolen.clear()
        with hooked(come):
            shown = drive(decoder, stream, size)
        assert {item for item in shown if type(item) is tuple} <= set(expected)
        found = [item for item in [*shown, *stolen] if type(item) is not tuple and item is not None]
        assert sorted(map(repr, found)) == sorted(repr(e) for e in expected if type(e) is not tuple)
    assert refused
    assert views or codec is not _pure  # the core calls nothing where it could not give one


@on_cpython
@pytest.mark.parametrize("fin", [True, False])
def test_s26_the_pure_twin_gives_no_view_behind_its_inflater(fin: bool) -> None:
    """Beside the inflater a chunk may be read into place; behind it the step goes on."""

    class Inflater(Plain):
        def decompress(self, payload: bytes, *, limit: int, fin: bool) -> bytes:
            found.clear()
            return payload

    found: list[Any] = []
    decoder = _pure.MessageDecoder("client", deflate=Inflater())
    decoder.feed(make_frame(1, b"packed", fin=fin, rsv=0x40))
    with hooked(lambda: found.append(outcome(decoder.get_buffer)[1])):
        next(decoder, None)
    assert found[-1] is RuntimeError


@on_cpython
@pytest.mark.parametrize("kind", DECODERS)
def test_s26_a_step_inside_a_step_is_refused(codec: ModuleType, kind: str) -> None:
    decoder, found = fresh(codec, kind), []
    decoder.feed(b"\x83\x00")
    with hooked(lambda: found.append(outcome(next, decoder)[1])):
        assert outcome(next, decoder)[1] is ProtocolError
    assert RuntimeError in found


@on_cpython
@pytest.mark.parametrize("kind", DECODERS)
def test_s14_a_stream_that_has_ended_answers_from_within_a_step(
    codec: ModuleType, kind: str
) -> None:
    decoder, found = fresh(codec, kind), []
    decoder.feed(b"\x83\x00")
    assert outcome(next, decoder)[1] is ProtocolError
    with hooked(lambda: found.append(outcome(next, decoder)[1])):
        assert outcome(next, decoder)[1] is ProtocolError
    # The pure twin refuses each step inside another one.
    assert {ProtocolError} <= set(found) <= {ProtocolError, RuntimeError}
    assert RuntimeError not in found or codec is _pure


@on_cpython
@pytest.mark.parametrize("number", range(12))
@pytest.mark.parametrize("kind", DECODERS)
def test_s26_the_rest_is_fed_at_some_call_of_a_step(
    codec: ModuleType, kind: str, number: int
) -> None:
    def feed() -> None:
        if next(calls) == number:
            decoder.feed(rest.pop())

    decoder, found = fresh(codec, kind), []
    stream = make_frame(2, b"payload") * 2
    for cut in range(1, len(stream)):
        decoder.feed(stream[:cut])
        calls, rest = itertools.count(), [stream[cut:]]
        with hooked(feed):
            found += contents(decoder)
        decoder.feed(b"".join(rest))
        found += contents(decoder)
    assert found == [b"payload"] * 2 * (len(stream) - 1)


@on_cpython
@pytest.mark.parametrize("kind", DECODERS)
def test_s26_a_hook_feeds_the_decoder_in_the_midst_of_a_step(codec: ModuleType, kind: str) -> None:
    def feed() -> None:
        decoder.feed(next(pieces, b""))

    for stream, size in itertools.product(streams(), (1, 3, 50)):
        decoder, pieces = fresh(codec, kind), cuts(stream, size)
        whole, found = drive(fresh(codec, kind), stream, len(stream)), []
        for piece in pieces:
            decoder.feed(piece)
            with hooked(feed):
                found += taken(decoder)
        # An error is told again wherever there is another piece.
        assert [item for i, item in enumerate(found) if item not in found[:i]] == whole


@on_cpython
@pytest.mark.parametrize("kind", DECODERS)
def test_s14_nothing_is_held_of_a_stream_that_ends_while_it_is_fed(
    codec: ModuleType, kind: str
) -> None:
    decoder = fresh(codec, kind)
    decoder.feed(b"\x83\x00")
    calls = itertools.count()
    with hooked(lambda: next(calls) and outcome(next, decoder)):  # not as feed() begins
        decoder.feed(bytes(100))
    assert outcome(next, decoder)[1] is ProtocolError
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
