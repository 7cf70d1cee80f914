"""Memory that runs out: whichever allocation fails, nothing crashes, leaks or is wrong (S25).

Each case is run again and again, and another allocation fails each time, until none is left to
fail. What fails is a MemoryError. After it

- a function has changed nothing;
- `feed()` and `get_buffer()` of a decoder have taken nothing, or the stream has ended;
- a step, and `buffer_updated()`, may have lost the place in the stream: where they have, it has
  ended, and every later step says so with a PayloadTooBigError. Nothing is ever read in another
  place.

That is so in both back ends.
"""

from __future__ import annotations

import contextlib
import gc
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from helpers import cuts, make_frame
from message_streams import KEY
from starving import Starved, starve
from twins import plain

from fastws import CodecError, Connection, PayloadTooBigError, _pure
from fastws.deflate import Deflate, PerMessageDeflate

pytestmark = pytest.mark.slow
pytest.importorskip("_testcapi")
if sys.implementation.name != "cpython":
    pytest.skip("lets allocations fail as CPython makes them", allow_module_level=True)

TEXT = "caf\xe9 \u20ac \U0001f30d".encode() * 40
LARGE = 70_000


@pytest.fixture(scope="module", autouse=True)
def quiet_collector() -> Iterator[None]:
    """Have a collection look at what came since, once for all: before these, there is a lot."""
    gc.collect()
    gc.freeze()
    gc.disable()
    yield
    gc.enable()
    gc.unfreeze()


both_ways = pytest.mark.parametrize("row", [1, 5])


def test_what_stays_behind_is_seen() -> None:
    kept = []

    def case(starved: Starved) -> None:
        if starved(bytearray, 100) is None:
            # More than what earlier tests left running may let go of meanwhile.
            kept.append([object() for _ in range(50)])

    # These go to a free list, and emptying that must not hide the leak.
    list(map(float, range(100)))
    with pytest.raises(AssertionError, match="^something leaks"):
        starve(case, 1)


# --- Functions ------------------------------------------------------------------------------------

WIDE = TEXT.decode()
FRAME = make_frame(2, bytes(300), mask=KEY)
FUNCTIONS: dict[str, Callable[[ModuleType], Any]] = {
    "apply_mask": lambda codec: codec.apply_mask(bytes(range(200)), KEY, 3),
    "apply_mask of a buffer": lambda codec: codec.apply_mask(bytearray(200), bytearray(KEY)),
    "apply_mask of a strided buffer": lambda codec: codec.apply_mask(memoryview(TEXT)[::2], KEY),
    "mask_inplace": lambda codec: codec.mask_inplace(memoryview(bytearray(200)), KEY),
    "new_mask_key": lambda codec: len(codec.new_mask_key()),
    "validate_utf8": lambda codec: codec.validate_utf8(memoryview(TEXT)),
    "decode_text, ASCII": lambda codec: codec.decode_text(b"x" * 300, KEY[:0] or bytes(4)),
    "decode_text, small": lambda codec: codec.decode_text("\u20ac".encode() * 9),
    "decode_text": lambda codec: codec.decode_text(TEXT * 10),
    "decode_text, masked": lambda codec: codec.decode_text(codec.apply_mask(TEXT, KEY), KEY),
    "parse_header": lambda codec: codec.parse_header(FRAME),
    "encode_frame": lambda codec: codec.encode_frame(2, bytes(300), mask=KEY),
    "encode_frame, text": lambda codec: codec.encode_frame(1, WIDE, mask=KEY),
    "encode_frame, buffer": lambda codec: codec.encode_frame(2, bytearray(300)),
    "encode_frame, close": lambda codec: codec.encode_frame(8, b"\x03\xe8bye"),
    "encode_header": lambda codec: codec.encode_header(2, 70_000, mask=KEY),
    "encode_close": lambda codec: codec.encode_close(1000, "caf\xe9", mask=KEY),
    "Frame": lambda codec: codec.Frame(2, bytearray(300)),
    "Text": lambda codec: codec.Text(bytearray(TEXT)),
    "Close": lambda codec: codec.Close(1000, "caf\xe9"),
    "repr": lambda codec: repr(codec.Frame(2, bytes(30))) + repr(codec.Text("x" * 300)),
    "hash and equality": lambda codec: (
        hash(codec.Ping(b"x")) and codec.Ping(b"x") == codec.Pong(b"")
    ),
}


@both_ways
@pytest.mark.parametrize("name", FUNCTIONS)
def test_s25_functions_change_nothing(back_end: ModuleType, name: str, row: int) -> None:
    function = FUNCTIONS[name]
    expected = function(back_end)

    def case(starved: Starved) -> None:
        result = starved(function, back_end)
        assert starved.failed or result == expected
        assert function(back_end) == expected

    # Where memory comes from a pool of keys alone, there may be nothing to fail.
    assert starve(case, row) or back_end is _pure or name == "validate_utf8"


@both_ways
def test_s25_errors(back_end: ModuleType, row: int) -> None:
    """An error that cannot be made is a MemoryError; never a success."""
    wrong: list[tuple[Callable[..., Any], *tuple[Any, ...]]] = [
        (back_end.parse_header, b"\x83\x00"),
        (back_end.decode_text, b"good " * 30 + b"\xff"),
        (back_end.decode_text, b"\xc3"),
        (back_end.encode_frame, 9, bytes(126)),
        (back_end.encode_close, 1005),
        (back_end.apply_mask, b"data", b"key"),
        (back_end.apply_mask, "data", KEY),
        (back_end.mask_inplace, b"data", KEY),
        (back_end.FrameDecoder, "proxy"),
    ]
    for call, *args in wrong:

        def case(starved: Starved, call: Callable[..., Any] = call, args: list[Any] = args) -> None:
            with pytest.raises((CodecError, ValueError, TypeError, BufferError)):
                starved(call, *args)
                assert starved.failed
                call(*args)

        starve(case, row)


@both_ways
def test_s25_a_validator_stands_where_it_stood(back_end: ModuleType, row: int) -> None:
    def case(starved: Starved) -> None:
        validator = starved(back_end.Utf8Validator) or back_end.Utf8Validator()
        position = 0
        for piece in cuts(TEXT, 7):
            if starved(validator.feed, memoryview(piece)) is None:
                assert validator.position == position
                assert validator.feed(piece)
            position += len(piece)
            assert validator.position == position
        assert validator.complete

    starve(case, row)


# --- Decoders -------------------------------------------------------------------------------------

INNER = make_frame(2, mask=bytes(4)) * 20  # a payload that makes frames where the place is lost
STREAMS = {
    "small": make_frame(2, b"small", mask=KEY) + make_frame(9, INNER, mask=bytes(4)),
    "text": make_frame(1, TEXT, mask=KEY) + make_frame(2, INNER, mask=bytes(4)),
    "text in fragments": make_frame(1, TEXT[:41], fin=False, mask=KEY)
    + make_frame(9, INNER, mask=bytes(4))
    + make_frame(0, TEXT[41:], mask=KEY),
    "ASCII, then not": make_frame(1, b"a" * 500 + TEXT, mask=KEY),
    "binary in fragments": make_frame(2, INNER, fin=False, mask=bytes(4))
    + make_frame(0, INNER, mask=bytes(4)),
    "close": make_frame(1, b"x", mask=KEY) + make_frame(8, b"\x03\xe8bye", mask=KEY),
    "broken": make_frame(1, b"x", mask=KEY) + b"\x83\x80",
}


def shown(item: Any) -> Any:
    return plain(item) if not hasattr(item, "payload") else (int(item.opcode), item.payload)


def take(decoder: Any, starved: Starved | None, found: list[Any]) -> None:
    """Take what there is; nothing more where an allocation fails."""
    step = starved or (lambda call, *args: call(*args))
    while True:
        item = step(next, decoder, None)
        if item is None:
            return
        found.append(shown(item))


def decode(
    decoder: Any, pieces: list[bytes], starved: Starved | None
) -> tuple[list[Any], CodecError | None]:
    """Decode; what fails for want of memory is done again."""
    found: list[Any] = []
    try:
        for piece in pieces or [b""]:
            if starved:
                before = decoder.buffered
                failed, starved.failed = starved.failed, False
                starved(decoder.feed, piece)
                if starved.failed:
                    assert decoder.buffered in (0, before)
                    decoder.feed(piece)
                starved.failed |= failed
                take(decoder, starved, found)
            else:
                decoder.feed(piece)
            take(decoder, None, found)
    except CodecError as error:
        return found, error
    return found, None


def judge(
    decoder: Any, got: tuple[list[Any], Any], expected: tuple[list[Any], Any], failed: bool
) -> None:
    """Hold that what came is right, and that the stream either went on or has ended."""
    found, error = got
    assert found == expected[0][: len(found)]
    if error is None or str(error) == str(expected[1]):
        assert len(found) == len(expected[0])
        return
    assert failed
    assert type(error) is PayloadTooBigError
    assert str(error).startswith("no memory for a frame of ")
    assert decoder.buffered == 0
    decoder.feed(INNER)
    for _ in range(2):
        with pytest.raises(PayloadTooBigError, match="^no memory for a frame of "):
            next(decoder)


@both_ways
@pytest.mark.parametrize("size", [pytest.param(11, marks=pytest.mark.slow), 60, 2000])
@pytest.mark.parametrize("kind", ["frames", "str", "bytes"])
@pytest.mark.parametrize("stream", STREAMS)
def test_s25_decoders_lose_nothing_or_end(
    back_end: ModuleType, stream: str, kind: str, size: int, row: int
) -> None:
    pieces = list(cuts(STREAMS[stream], size))

    def new() -> Any:
        if kind == "frames":
            return back_end.FrameDecoder("server")
        return back_end.MessageDecoder("server", text=kind)

    expected = decode(new(), pieces, None)
    assert expected[0]

    def case(starved: Starved) -> None:
        decoder = starved(new) or new()
        judge(decoder, decode(decoder, pieces, starved), expected, starved.failed)

    starve(case, row)


@both_ways
@pytest.mark.parametrize("opcode", [1, 2])
@pytest.mark.parametrize("fin", [True, False])
@pytest.mark.parametrize("kind", ["FrameDecoder", "MessageDecoder"])
def test_s25_reading_into_place(
    back_end: ModuleType, kind: str, fin: bool, opcode: int, row: int
) -> None:
    if kind == "FrameDecoder" and not fin:
        pytest.skip("a frame has no fragments")
    payload = (TEXT * (LARGE // len(TEXT) + 1))[: LARGE // len(TEXT) * len(TEXT)]
    wire = make_frame(opcode, payload, fin=fin, mask=KEY)
    wire += b"" if fin else make_frame(0, mask=KEY)
    expected = [shown(item) for item in (back_end.Text(payload.decode()), back_end.Binary(payload))]
    expected = [(opcode, payload)] if kind == "FrameDecoder" else [expected[opcode - 1]]

    def case(starved: Starved) -> None:
        decoder = getattr(back_end, kind)("server")
        found: list[Any] = []
        error = None
        rest = wire
        try:
            while rest:
                view = starved(decoder.get_buffer)
                if view is None:
                    # Memory that was let go of and comes again uninitialised looks like this.
                    for size in range(2 * LARGE, 0, -10_000):
                        assert b"!" * size
                    view = decoder.get_buffer()
                count = min(len(view), len(rest), 30_000)
                view[:count] = rest[:count]
                del view
                rest = rest[count:]
                before, starved.failed = starved.failed, False
                starved(decoder.buffer_updated, count)
                if starved.failed:
                    # It has not begun, and can be made again; or it has, and has ended the stream.
                    with contextlib.suppress(RuntimeError):
                        decoder.buffer_updated(count)
                starved.failed |= before
                take(decoder, starved, found)
                take(decoder, None, found)
        except CodecError as ended:
            error = ended
        judge(decoder, (found, error), (expected, None), starved.failed)

    # CPython now and then keeps a bytearray whose views are gone: so it does in the pure twin.
    starve(case, row, ours=back_end is not _pure)


@both_ways
@pytest.mark.parametrize("kind", ["FrameDecoder", "MessageDecoder"])
def test_s25_reading_behind_what_waits(back_end: ModuleType, kind: str, row: int) -> None:
    """What is read is copied to its place in the queue, or is lost with the stream."""
    frames = [make_frame(2, payload, mask=KEY) for payload in (b"first", INNER)]
    new = getattr(back_end, kind)
    expected = decode(new("server"), frames, None)

    def case(starved: Starved) -> None:
        decoder = new("server")
        decoder.feed(frames[0])
        view = decoder.get_buffer()
        view[: len(frames[1])] = frames[1]
        del view
        starved(decoder.buffer_updated, len(frames[1]))
        if starved.failed:
            with contextlib.suppress(RuntimeError):
                decoder.buffer_updated(len(frames[1]))
        judge(decoder, decode(decoder, [], None), expected, starved.failed)

    starve(case, row, ours=back_end is not _pure)


@both_ways
@pytest.mark.parametrize("fin", [True, False])
@pytest.mark.parametrize("opcode", [1, 2])
def test_s25_compressed_messages(back_end: ModuleType, opcode: int, fin: bool, row: int) -> None:
    sender = Deflate(PerMessageDeflate())
    parts = [TEXT] if fin else [TEXT[:11], TEXT[11:]]
    wire = b""
    for _ in range(2):
        for number, part in enumerate(parts):
            last = number == len(parts) - 1
            packed = sender.compress(part, fin=last)
            rsv = 0 if number else 0x40
            wire += make_frame(0 if number else opcode, packed, fin=last, rsv=rsv, mask=KEY)
    expected = [shown((back_end.Text(TEXT.decode()), back_end.Binary(TEXT))[opcode - 1])] * 2

    def case(starved: Starved) -> None:
        decoder = back_end.MessageDecoder("server", deflate=Deflate(PerMessageDeflate()))
        got = decode(decoder, [wire], starved)
        judge(decoder, got, (expected, None), starved.failed)

    starve(case, row)


# --- Connections ----------------------------------------------------------------------------------


@both_ways
@pytest.mark.parametrize("deflate", [False, True])
def test_s25_a_connection_sends_what_can_be_read(deflate: bool, row: int) -> None:
    """A message that could not be made is not sent; those behind it are not the worse for it."""

    def new(role: Any) -> Connection:
        return Connection(role, deflate=Deflate(PerMessageDeflate()) if deflate else None)

    def case(starved: Starved) -> None:
        connection, peer = starved(new, "client") or new("client"), new("server")
        sent = []
        for number in range(3):
            text = f"{number} " + TEXT.decode()
            for data in (text, text.encode()):
                send = connection.send_text if data is text else connection.send_bytes
                frame = starved(send, data)
                if frame is not None:
                    peer.feed(frame)
                    sent.append(data)
        found = []
        try:
            found = [event.data for event in peer]
        except CodecError:
            # The compressor may have taken what was not sent: a peer that is told so ends.
            assert starved.failed
            assert deflate
        assert found == sent[: len(found)]
        assert len(found) == len(sent) or (deflate and starved.failed)
        frame = starved(connection.close) or connection.close()
        assert frame[:1] == b"\x88"

    starve(case, row)


@both_ways
def test_s25_a_connection_receives_what_was_sent(row: int) -> None:
    stream = make_frame(1, TEXT, mask=KEY) + make_frame(9, b"ping", mask=KEY)
    stream += make_frame(2, b"data", mask=KEY) + make_frame(8, b"\x03\xe8bye", mask=KEY)
    reader = Connection("server")
    reader.feed(stream)
    expected = [plain(event) for event in reader]

    def run(connection: Connection, found: list[Any], step: Callable[..., Any]) -> None:
        events = iter(connection)
        while (event := step(next, events, None)) is not None:
            found.append(event)

    def case(starved: Starved) -> None:
        connection = Connection("server")
        found: list[Any] = []
        starved(connection.feed, stream)
        if not connection.buffered:
            connection.feed(stream)
        try:
            run(connection, found, starved)
            run(connection, found, lambda call, *args: call(*args))
        except CodecError:
            assert starved.failed
        shown_ = [plain(event) for event in found]
        assert [item for item in shown_ if item not in expected] == []
        assert shown_ == expected or starved.failed
        connection.data_to_send()
        connection.feed_eof()
        assert connection.should_close

    starve(case, row)
