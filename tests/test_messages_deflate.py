"""MessageDecoder with permessage-deflate (RFC 7692): fragments, text, limits, and failures."""

from __future__ import annotations

import time
import zlib
from types import ModuleType
from typing import Any

import pytest
from helpers import cuts, make_frame, naive_header
from message_streams import KEY
from twins import run_dry

from fastws import (
    RSV1,
    CodecError,
    FrameHeader,
    InvalidUtf8Error,
    PayloadTooBigError,
    ProtocolError,
)
from fastws.deflate import MAX_FINAL_BLOCKS, Deflate, PerMessageDeflate

SETTINGS = PerMessageDeflate()
TEXT = "All work and no play makes Jack a dull boy. \u20ac \U0001f600 ".encode() * 5


class Sender:
    """Compresses messages, and writes their frames."""

    def __init__(self, mask: bytes | None = None) -> None:
        self.deflate = Deflate(SETTINGS)
        self.mask = mask

    def frames(self, opcode: int, *payloads: bytes, fin: bool = True) -> list[bytes]:
        """Give the frames of one compressed message."""
        last = len(payloads) - 1
        wire = []
        for i, payload in enumerate(payloads):
            ends = fin and i == last
            packed = self.deflate.compress(payload, fin=ends)
            number, rsv = (0, 0) if i else (opcode, RSV1)
            wire.append(make_frame(number, packed, fin=ends, rsv=rsv, mask=self.mask))
        return wire

    def message(self, opcode: int, *payloads: bytes) -> bytes:
        return b"".join(self.frames(opcode, *payloads))


class Scripted:
    """Stands for a Deflate: notes what it is asked, and gives or raises what it is told."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[Any, ...]] = []

    def decompress(self, payload: bytes, *, limit: int, fin: bool = True) -> Any:
        self.asked.append((type(payload), payload, limit, fin))
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer


def decoder_of(codec: ModuleType, deflate: Any = None, **options: Any) -> Any:
    return codec.MessageDecoder(None, deflate=deflate or Deflate(SETTINGS), **options)


# --- Messages ------------------------------------------------------------------------------------


@pytest.mark.parametrize("mask", [None, KEY], ids=["plain", "masked"])
@pytest.mark.parametrize("size", [1, 3, 100, 100_000])
def test_compressed_messages_come_inflated(
    codec: ModuleType, size: int, mask: bytes | None
) -> None:
    sender, decoder = Sender(mask), decoder_of(codec)
    wire = sender.message(1, TEXT) + sender.message(2, TEXT) + sender.message(1, b"")
    wire += sender.message(1, TEXT[:7], b"", TEXT[7:48], TEXT[48:])
    wire += sender.message(2, *[bytes([n]) for n in range(100)])
    found = []
    for piece in cuts(wire, size):
        decoder.feed(piece)
        found += decoder
    text = codec.Text(TEXT.decode())
    assert found[:3] == [text, codec.Binary(TEXT), codec.Text("")]
    assert found[3:] == [text, codec.Binary(bytes(range(100)))]
    assert [type(event.data) for event in found] == [str, bytes, str, str, bytes]
    assert decoder.buffered == 0


def test_each_message_may_be_compressed_or_not(codec: ModuleType) -> None:
    sender, decoder = Sender(), decoder_of(codec, text="bytes")
    for _ in range(3):
        decoder.feed(sender.message(1, TEXT) + make_frame(1, TEXT) + sender.message(2, b"x", b"y"))
        decoder.feed(make_frame(2, b"a", fin=False) + make_frame(0, b"b"))
        assert [event.data for event in decoder] == [TEXT, TEXT, b"xy", b"ab"]


def test_s10_control_frames_leave_a_compressed_message_alone(codec: ModuleType) -> None:
    for size in (1, 4, 1000):
        sender, decoder = Sender(), decoder_of(codec)
        frames = [make_frame(9, b"first")]
        for frame in sender.frames(1, TEXT[:9], TEXT[9:100], TEXT[100:]) + sender.frames(1, TEXT):
            frames += [frame, make_frame(9, b"\xff\x00"), make_frame(10)]
        found = []
        for piece in cuts(b"".join(frames), size):
            decoder.feed(piece)
            found += decoder
        between = [codec.Ping(b"\xff\x00"), codec.Pong(b"")]
        text = codec.Text(TEXT.decode())
        expected = [codec.Ping(b"first"), *between, *between, text, *between, text, *between]
        assert found == expected


def test_what_the_inflater_is_asked(codec: ModuleType) -> None:
    deflate = Scripted(b"abc", b"", b"de", b"f")
    decoder = decoder_of(codec, deflate, max_message_size=100)
    decoder.feed(make_frame(2, b"12", fin=False, rsv=RSV1) + make_frame(0, b"", fin=False))
    decoder.feed(make_frame(9, b"?") + make_frame(0, b"34"))
    decoder.feed(make_frame(2, b"plain") + make_frame(1, b"5", rsv=RSV1, mask=KEY))
    events = [codec.Ping(b"?"), codec.Binary(b"abcde"), codec.Binary(b"plain"), codec.Text("f")]
    assert list(decoder) == events
    assert deflate.asked == [
        (bytes, b"12", 100, False),
        (bytes, b"", 97, False),
        (bytes, b"34", 97, True),
        (bytes, b"5", 100, True),
    ]
    assert type(decoder.deflate) is Scripted


def test_buffered_counts_what_was_inflated(codec: ModuleType) -> None:
    decoder = decoder_of(codec, Scripted(b"a" * 50, b"b" * 50))
    decoder.feed(make_frame(2, b"12", fin=False, rsv=RSV1) + make_frame(0, b"345")[:4])
    assert list(decoder) == []
    assert decoder.buffered == 50 + 4
    decoder.feed(b"5")
    assert len(next(decoder).data) == 100
    assert decoder.buffered == 0


# --- RSV1 ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (make_frame(0, b"x", rsv=RSV1), "RSV1 set on a continuation frame"),
        (make_frame(9, b"x", rsv=RSV1), "RSV1 set on a control frame"),
        (make_frame(8, rsv=RSV1), "RSV1 set on a control frame"),
        (make_frame(0, b"x", rsv=0x20), "RSV2 set without an extension that uses it"),
        (make_frame(1, rsv=RSV1), "new message before the last fragment of the one before"),
    ],
)
def test_s7_rsv1_stands_on_the_first_frame_alone(
    codec: ModuleType, frame: bytes, reason: str
) -> None:
    for rsv in (0, RSV1):
        decoder = decoder_of(codec, Scripted(b"x"))
        decoder.feed(make_frame(1, b"x", fin=False, rsv=rsv) + frame)
        events, error = run_dry(decoder)
        assert (events, type(error), str(error)) == ([], ProtocolError, reason)


def test_s7_rsv1_without_deflate_is_refused(codec: ModuleType) -> None:
    decoder = codec.MessageDecoder("client")
    decoder.feed(Sender().message(1, b"x"))
    _, error = run_dry(decoder)
    assert str(error) == "RSV1 set without an extension that uses it"


# --- Text ----------------------------------------------------------------------------------------


def test_inflated_text_is_checked_frame_by_frame(codec: ModuleType) -> None:
    frames = Sender().frames(1, b"1234\xe2", b"", b"\x82\x41", b"never needed")
    for text in ("str", "bytes"):
        decoder = decoder_of(codec, text=text)
        decoder.feed(frames[0] + frames[1] + make_frame(9) + frames[2][:-1])
        assert len(list(decoder)) == 1
        decoder.feed(frames[2][-1:])
        _, error = run_dry(decoder)
        assert (type(error), str(error)) == (InvalidUtf8Error, "invalid UTF-8 at byte 6")
        assert decoder.header == FrameHeader(False, 0, 0, False, None, len(frames[2]) - 2, 2)
        decoder = decoder_of(codec, text=text)
        decoder.feed(Sender().message(1, b"12", b"3\xf0", b"\x9f\x98"))
        _, error = run_dry(decoder)
        assert str(error) == "UTF-8 ends inside a code point after 6 bytes"
    decoder = decoder_of(codec, text="bytes", validate_utf8=False)
    decoder.feed(b"".join(frames))
    assert list(decoder) == [codec.Text(b"1234\xe2\x82\x41never needed")]


@pytest.mark.parametrize("place", range(10))
def test_characters_may_be_cut_between_compressed_frames(codec: ModuleType, place: int) -> None:
    content = "a\u20ac\U0001f600\xe9".encode()
    decoder = decoder_of(codec)
    decoder.feed(Sender().message(1, content[:place], content[place:]))
    assert list(decoder) == [codec.Text(content.decode())]


# --- Limits --------------------------------------------------------------------------------------


@pytest.mark.parametrize("parts", [1, 2, 5])
def test_limit_holds_for_what_comes_out(codec: ModuleType, parts: int) -> None:
    for size, passes in ((1000, True), (1001, False)):
        step = -(-size // parts)
        payloads = [bytes(min(step, size - at)) for at in range(0, size, step)]
        decoder = decoder_of(codec, max_message_size=1000)
        decoder.feed(Sender().message(2, *payloads) + make_frame(2, b"behind"))
        events, error = run_dry(decoder)
        if passes:
            assert [len(event[1]) for event in events] == [1000, 6]
        else:
            assert (events, type(error)) == ([], PayloadTooBigError)
            assert error.close_code == 1009
            assert str(run_dry(decoder)[1]) == str(error)


def test_limit_holds_for_what_comes_in(codec: ModuleType) -> None:
    # Compressed bytes that come to nothing are counted as well, over all frames.
    opening = make_frame(2, b"12345", fin=False, rsv=RSV1) + make_frame(0, b"678", fin=False)
    for size, passes in ((2, True), (3, False)):
        decoder = decoder_of(codec, Scripted(b"", b"", b""), max_message_size=10)
        decoder.feed(opening + make_frame(9, bytes(100)) + naive_header(0, size))
        events, error = run_dry(decoder)
        assert len(events) == 1
        assert passes or str(error) == "message of 11 bytes exceeds the limit of 10 bytes"
        assert (error is None) is passes
    decoder = decoder_of(codec, max_message_size=10)
    decoder.feed(naive_header(1, 11, rsv=RSV1))
    assert str(run_dry(decoder)[1]) == "message of 11 bytes exceeds the limit of 10 bytes"


def test_limit_may_change_inside_a_message(codec: ModuleType) -> None:
    deflate = Scripted(b"x" * 8, b"y" * 2)
    decoder = decoder_of(codec, deflate, max_message_size=10)
    decoder.feed(make_frame(2, b"1234", fin=False, rsv=RSV1))
    assert list(decoder) == []
    decoder.max_message_size = 7
    assert decoder.max_message_size == 7
    decoder.feed(naive_header(0, 4))
    assert str(run_dry(decoder)[1]) == "message of 8 bytes exceeds the limit of 7 bytes"
    deflate = Scripted(b"x" * 8, b"")
    decoder = decoder_of(codec, deflate, max_message_size=10)
    decoder.feed(make_frame(2, b"1234", fin=False, rsv=RSV1))
    assert list(decoder) == []
    decoder.max_message_size = 5
    decoder.feed(make_frame(0, b"5"))
    assert list(decoder) == [codec.Binary(b"x" * 8)]
    assert [limit for _, _, limit, _ in deflate.asked] == [10, 0]


def test_fragments_are_counted(codec: ModuleType) -> None:
    wire = Sender().message(2, b"a", b"b", b"c")
    for most in (2, 3):
        decoder = decoder_of(codec, max_fragments=most)
        decoder.feed(wire)
        events, error = run_dry(decoder)
        assert len(events) == most - 2
        assert most == 3 or str(error) == "message of more than 2 fragments"


def test_s17_many_final_blocks_are_refused(codec: ModuleType) -> None:
    member = b"\x01\x00\x00\xff\xff"  # an empty stored block, with BFINAL
    for parts in (1, 10):
        wire = member * (20_000 // parts)
        decoder = decoder_of(codec)
        start = time.process_time()
        opening = make_frame(2, wire, fin=False, rsv=RSV1)
        decoder.feed(opening + make_frame(0, wire, fin=False) * (parts - 1))
        events, error = run_dry(decoder)
        assert (events, type(error)) == ([], PayloadTooBigError)
        assert str(MAX_FINAL_BLOCKS) in str(error)
        assert time.process_time() - start < 1


def test_s17_input_that_inflates_to_nothing_has_a_limit(codec: ModuleType) -> None:
    empty = b"\x00\x00\x00\xff\xff" * 1000  # stored blocks
    decoder = decoder_of(codec, max_message_size=64 * 1024)
    opening = make_frame(2, empty, fin=False, rsv=RSV1)
    decoder.feed(opening + make_frame(0, empty, fin=False) * 100)
    events, error = run_dry(decoder)
    assert (events, type(error)) == ([], PayloadTooBigError)
    assert str(error) == f"message of {14 * 5000} bytes exceeds the limit of 65536 bytes"


# --- What goes wrong -----------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [b"\x07", b"\xff" * 10, b"\x06\x00\x00", zlib.compress(b"zlib")])
def test_corrupt_data_ends_the_stream(codec: ModuleType, bad: bytes) -> None:
    decoder = decoder_of(codec)
    wire = make_frame(1, bad, rsv=RSV1, mask=KEY)
    decoder.feed(Sender().message(1, b"good") + wire + Sender().message(1, b"lost"))
    events, error = run_dry(decoder)
    assert events == [("Text", "good")]
    assert (type(error), str(error)) == (ProtocolError, "compressed data is corrupt")
    for _ in range(2):
        assert decoder.buffered == 0
        assert decoder.header == FrameHeader(True, RSV1, 1, True, None, len(bad), 6)
        decoder.feed(make_frame(1, b"more"))
        events, again = run_dry(decoder)
        assert (events, type(again), str(again)) == ([], type(error), str(error))


@pytest.mark.parametrize("kind", [ProtocolError, PayloadTooBigError, InvalidUtf8Error, CodecError])
def test_error_of_the_inflater_is_raised_again(codec: ModuleType, kind: type[CodecError]) -> None:
    decoder = decoder_of(codec, Scripted(kind("no good")))
    decoder.feed(make_frame(2, b"x", rsv=RSV1) + make_frame(2, b"lost"))
    for _ in range(3):
        with pytest.raises(kind) as caught:
            next(decoder)
        assert (str(caught.value), caught.value.reason) == ("no good", "no good")
        assert decoder.buffered == 0


def test_memory_that_runs_out_leaves_no_hole(codec: ModuleType) -> None:
    # The fragment is lost, so the message must not come without it.
    deflate = Scripted(b"one ", MemoryError(), b"three")
    decoder = decoder_of(codec, deflate)
    decoder.feed(make_frame(1, b"1", fin=False, rsv=RSV1) + make_frame(0, b"22", fin=False))
    decoder.feed(make_frame(0, b"3"))
    with pytest.raises(MemoryError):
        next(decoder)
    for _ in range(2):
        with pytest.raises(PayloadTooBigError, match="^no memory for a frame of 2 bytes$"):
            next(decoder)


@pytest.mark.parametrize("wrong", [None, "text", 5, [b"x"]])
def test_inflater_has_to_give_bytes(codec: ModuleType, wrong: Any) -> None:
    for fin in (True, False):
        decoder = decoder_of(codec, Scripted(wrong, b"", b""))
        decoder.feed(make_frame(1, b"x", rsv=RSV1, fin=fin))
        with pytest.raises(TypeError):
            next(decoder)


def test_inflater_may_feed_the_decoder(codec: ModuleType) -> None:
    class Sly(Scripted):
        def decompress(self, payload: bytes, *, limit: int, fin: bool = True) -> Any:
            decoder.feed(make_frame(2, b"fed inside"))
            return super().decompress(payload, limit=limit, fin=fin)

    decoder = decoder_of(codec, Sly(b"first", b"second"))
    decoder.feed(make_frame(1, b"1", rsv=RSV1) * 2)
    inside = codec.Binary(b"fed inside")
    assert list(decoder) == [codec.Text("first"), codec.Text("second"), inside, inside]


@pytest.mark.parametrize("fin", [True, False])
def test_s26_inflater_may_not_take_a_step_of_the_decoder(codec: ModuleType, fin: bool) -> None:
    class Sly:
        def decompress(self, payload: bytes, *, limit: int, fin: bool = True) -> bytes:
            with pytest.raises(RuntimeError, match="^the decoder is in use"):
                next(decoder)
            refused.append((decoder.header, decoder.max_message_size))
            return payload

    refused: list[Any] = []
    decoder = decoder_of(codec, Sly())
    decoder.feed(make_frame(1, b"1" * 40, rsv=RSV1, fin=fin) + make_frame(9, b"3"))
    decoder.feed(b"" if fin else make_frame(0, b"2" * 40))
    decoder.feed(make_frame(2, b"4", rsv=RSV1))
    text = ("Text", "1" * 40 + "2" * (0 if fin else 40))
    ping = ("Ping", b"3")
    expected = [text, ping] if fin else [ping, text]
    assert run_dry(decoder) == ([*expected, ("Binary", b"4")], None)
    assert refused == [(None, 1 << 20)] * (2 if fin else 3)


@pytest.mark.parametrize("error", [RuntimeError, KeyError, MemoryError, KeyboardInterrupt])
def test_an_inflater_that_fails_ends_the_stream(
    codec: ModuleType, error: type[BaseException]
) -> None:
    """Its frame is lost: what follows must not be taken for the rest of the message."""

    class Failing:
        def decompress(self, payload: bytes, *, limit: int, fin: bool = True) -> bytes:
            if error is RuntimeError:
                next(decoder)
            raise error

    decoder = decoder_of(codec, Failing())
    decoder.feed(make_frame(1, b"12", rsv=RSV1, fin=False) + make_frame(0, b"3"))
    with pytest.raises(error):
        next(decoder)
    assert run_dry(decoder)[0] == []
    with pytest.raises(PayloadTooBigError, match="^no memory for a frame of 2 bytes$"):
        next(decoder)
