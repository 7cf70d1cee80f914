"""MessageDecoder as a stream: random messages, valid and broken, cut anywhere.

What comes out is held against `naive_events`, a parser written from RFC 6455 alone. How it compares
with the pure twin and with other libraries stands in test_messages_parity.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from helpers import cuts, make_frame
from hypothesis import given
from hypothesis import strategies as st
from message_streams import KEY, MIB, ROLES, naive_events, pieces, stream_for
from twins import Events, run_dry


@given(data=st.data())
def test_random_stream_with_random_cuts(codec: ModuleType, data: st.DataObject) -> None:
    role = data.draw(ROLES)
    stream = data.draw(stream_for(role))
    limit = data.draw(st.sampled_from([MIB, MIB, MIB, 200, 126, 20]))
    fragments = data.draw(st.sampled_from([1 << 17, 1 << 17, 3, 1]))
    text = data.draw(st.sampled_from(["str", "str", "bytes"]))
    check = data.draw(st.booleans())
    decoder = codec.MessageDecoder(
        role,
        max_message_size=limit,
        max_fragments=fragments,
        text=text,
        validate_utf8=check,
    )
    found: Events = []
    for piece, end in pieces(data, stream):
        decoder.feed(piece)
        if end != len(stream) and data.draw(st.booleans()):
            continue  # the next piece comes first
        events, error = run_dry(decoder)
        found += events
        expected, code, left = naive_events(stream[:end], role, limit, fragments, text, check)
        assert found == expected
        assert (error and error.close_code) == code
        assert decoder.buffered == left


WIRES = {
    "text": make_frame(1, "Hall\u00f6 \u20ac \U0001f600!".encode(), mask=KEY),
    "fragments": make_frame(1, b"x\xe2", fin=False, mask=KEY)
    + make_frame(9, b"ping", mask=KEY)
    + make_frame(0, b"", fin=False, mask=KEY)
    + make_frame(0, b"\x82\xac", mask=KEY)
    + make_frame(10, mask=KEY)
    + make_frame(2, b"\xff" * 130, mask=KEY)
    + make_frame(2, b"", mask=KEY),
    "closed": make_frame(1, mask=KEY)
    + make_frame(2, b"lost", fin=False, mask=KEY)
    + make_frame(8, b"\x03\xe8bye", mask=KEY)
    + make_frame(1, b"after", mask=KEY),
    "bad byte": make_frame(1, b"fine", mask=KEY) + make_frame(1, b"1234567\xed\xa0\x80", mask=KEY),
    "late bad byte": make_frame(1, b"\xf0", fin=False, mask=KEY)
    + make_frame(0, b"\x9f", fin=False, mask=KEY)
    + make_frame(0, b"\x98\x28", mask=KEY),
    "new message": make_frame(1, b"a", fin=False, mask=KEY) + make_frame(2, b"b", mask=KEY),
}


@pytest.mark.parametrize("text", ["str", "bytes"])
@pytest.mark.parametrize("kind", WIRES)
def test_stream_cut_once_and_twice_anywhere(codec: ModuleType, kind: str, text: str) -> None:
    stream = WIRES[kind]
    for cut in range(len(stream) + 1):
        for second in {cut + 1, cut + 3, len(stream)}:
            decoder = codec.MessageDecoder("server", text=text)
            found: Events = []
            for start, end in ((0, cut), (cut, second), (second, len(stream))):
                decoder.feed(stream[start:end])
                events, error = run_dry(decoder)
                found += events
                expected, code, left = naive_events(stream[: max(start, end)], "server", text=text)
                assert (found, error and error.close_code) == (expected, code)
                assert decoder.buffered == left


@pytest.mark.parametrize("kind", WIRES)
@pytest.mark.parametrize("size", [1, 2, 5])
def test_what_comes_out_does_not_depend_on_the_cut(codec: ModuleType, kind: str, size: int) -> None:
    def shown(pieces: Iterator[bytes]) -> Any:
        decoder = codec.MessageDecoder("server")
        found, error = [], None
        for piece in pieces:
            decoder.feed(b"")
            decoder.feed(piece)
            events, error = run_dry(decoder)
            found += events
        state = decoder.buffered, decoder.header, decoder.partial_header
        return found, type(error), str(error), state

    assert shown(cuts(WIRES[kind], size)) == shown(iter([WIRES[kind]]))
