"""Python that runs in the midst of a decoder's step: destructors, and hooks of the interpreter.

Numbers S1 to S28 are those of the project's catalogue of bad inputs.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from helpers import cuts, make_frame, outcome
from twins import contents

import fastws
from fastws import CodecError, ProtocolError, _pure

LARGE = 40_000  # a payload into which get_buffer() gives a view
DECODERS = ["FrameDecoder", "MessageDecoder"]
PACKAGE = str(Path(fastws.__file__).parent)
on_cpython = pytest.mark.skipif(
    sys.implementation.name != "cpython", reason="counts on CPython's hooks"
)


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
