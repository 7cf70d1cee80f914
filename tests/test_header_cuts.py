"""Every first two bytes of a frame, cut everywhere (S5, S7): alone, and at each place of a stream.

What has to come of them is read here from RFC 6455 5.2, 5.4 and 5.5 and RFC 7692 6, once more.
tests/kernels/test_header.c does the same for the reader in C, with limits as well.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from helpers import make_frame
from memory import WHOLE

from fastws import CodecError, ProtocolError

KEY = bytes.fromhex("37fa213d")
OPCODES = (0, 1, 2, 8, 9, 10)
# An extended length, by the short one: whole, and one that would have fitted in a shorter form.
LONG = {126: bytes.fromhex("7e12"), 127: bytes.fromhex("000000e056789abc")}
LONGER_THAN_NEEDED = {126: bytes.fromhex("007d"), 127: bytes.fromhex("000000000000ffff")}


def faulty(first: int, second: int) -> bool:
    """Tell whether two bytes begin no frame, whoever reads."""
    control = first % 16 >= 8
    return first % 16 not in OPCODES or (control and (first < 0x80 or second % 128 > 125))


def header_of(first: int, second: int, longs: dict[int, bytes]) -> tuple[bytes, tuple[Any, ...]]:
    """Give a whole header that begins so, and what it says."""
    long = longs.get(second % 128, b"")
    masked = second >= 0x80
    data = bytes([first, second]) + long + (KEY if masked else b"")
    length = int.from_bytes(long, "big") if long else second % 128
    fields = (first >= 0x80, first & 0x70, first % 16, masked, KEY if masked else None)
    return data, (*fields, length, len(data))


def is_refused(call: Any, *args: Any) -> bool:
    try:
        call(*args)
    except ProtocolError:
        return True
    return False


def test_s5_every_first_two_bytes_cut_everywhere(back_end: ModuleType) -> None:
    parse = back_end.parse_header
    for first in range(256):
        assert parse(bytes([first])) is None
        for second in range(256):
            data, fields = header_of(first, second, LONG)
            if faulty(first, second):
                assert all(is_refused(parse, data[:size]) for size in range(2, len(data) + 1))
                continue
            for size in range(len(data)):
                assert parse(data[:size]) is None
            assert parse(data) == parse(data + b"\xff") == fields
            if second % 128 > 125:
                data, fields = header_of(first, second, LONGER_THAN_NEEDED)
                there = 2 + len(LONGER_THAN_NEEDED[second % 128])
                assert all(parse(data[:size]) is None for size in range(there))
                assert all(is_refused(parse, data[:size]) for size in range(there, len(data) + 1))


# --- In a stream ---------------------------------------------------------------------------------


class Stream:
    """A decoder of one kind, for one reader, before a frame or inside a message."""

    def __init__(self, back_end: ModuleType, kind: str, role: str | None, rsv: int, inside: bool):
        self.role, self.rsv, self.inside = role, rsv, inside
        self.messages = kind == "MessageDecoder"
        self.type = getattr(back_end, kind)
        self.options: dict[str, Any] = {"max_message_size": None}
        if not self.messages:
            self.options = {"max_payload_size": None, "rsv": rsv}
        self.before = make_frame(2, b"begun", fin=False, mask=KEY if role == "server" else None)

    def new(self) -> Any:
        decoder = self.type(self.role, **self.options)
        if self.inside:
            decoder.feed(self.before)
            assert next(decoder, None) is None
        return decoder

    def refuses(self, first: int, second: int) -> bool:
        """Tell whether two bytes begin no frame that may come here."""
        opcode, rsv = first % 16, first & 0x70
        if faulty(first, second) or rsv & ~self.rsv or (rsv & 0x40 and opcode not in (1, 2)):
            return True
        if self.role is not None and (self.role == "server") != (second >= 0x80):
            return True
        return self.messages and (opcode in (1, 2) if self.inside else opcode == 0)


def steps(decoder: Any) -> bool:
    """Go on as far as there is something; tell whether the stream is broken."""
    try:
        for _ in decoder:
            pass
    except CodecError as error:
        assert type(error) is ProtocolError
        return True
    return False


def see_refused(stream: Stream, start: bytes) -> None:
    whole, cut = stream.new(), stream.new()
    whole.feed(start)
    cut.feed(start[:1])
    assert not steps(cut)
    cut.feed(start[1:])
    for decoder in (whole, cut):
        assert steps(decoder)
        assert decoder.buffered == 0


def see_read(stream: Stream, data: bytes, fields: tuple[Any, ...]) -> None:
    """Feed a header in two pieces, cut everywhere: nothing comes before it is whole."""
    for cut in range(len(data) + 1):
        decoder = stream.new()
        decoder.feed(data[:cut])
        assert not steps(decoder)
        if cut < len(data):
            assert (decoder.header, decoder.partial_header) == (None, data[:cut])
        decoder.feed(data[cut:])
        assert not steps(decoder)
        # A payload of no bytes is whole with its header.
        assert decoder.header == (fields if fields[5] else None)
        assert decoder.partial_header == b""


# Both sides of each rule, where not all second bytes are asked for.
SECONDS = range(256) if WHOLE else [0, 1, 2, 124, 125, 126, 127, 128, 129, 253, 254, 255]
# And how many begin a frame that may come, of these and of all.
STREAMS = {
    "frames": ("FrameDecoder", None, 0x70, False, 576, 13_264),
    "frames to a server": ("FrameDecoder", "server", 0, False, 39, 1146),
    "frames to a client": ("FrameDecoder", "client", 0, False, 57, 1146),
    "messages to a server": ("MessageDecoder", "server", 0, False, 29, 890),
    "messages to a client": ("MessageDecoder", "client", 0, False, 43, 890),
    "inside a message to a server": ("MessageDecoder", "server", 0, True, 19, 634),
    "inside a message to a client": ("MessageDecoder", "client", 0, True, 29, 634),
}


@pytest.mark.parametrize("name", STREAMS)
def test_s7_every_first_two_bytes_in_a_stream(back_end: ModuleType, name: str) -> None:
    *options, part, whole = STREAMS[name]
    stream = Stream(back_end, *options)
    read = 0
    for first in range(256):
        for second in SECONDS:
            if stream.refuses(first, second):
                see_refused(stream, bytes([first, second]))
            else:
                see_read(stream, *header_of(first, second, LONG))
                read += 1
    assert read == (whole if WHOLE else part)
