"""Text in parts whose first characters are ASCII and whose later ones are not.

The compiled core puts such a text together in a str until the first other character comes, and
goes on in bytes. What it had by then must come along, wherever the text was cut.
"""

from __future__ import annotations

import random
from types import ModuleType

import pytest
from helpers import make_frame

KEY = b"\x17\x2b\xf1\x9c"
ASCII = "".join(random.Random(7).choices([chr(c) for c in range(128)], k=5000))


@pytest.mark.parametrize("tail", ["é", "漢字", "x😀y"])
@pytest.mark.parametrize("before", [0, 1, 31, 32, 33, 63, 64, 65, 130, 600, 4095, 4096, 4999])
def test_ascii_before_another_character_is_kept(codec: ModuleType, before: int, tail: str) -> None:
    text = ASCII[:before] + tail + ASCII[:70]
    frame = make_frame(1, text.encode(), mask=KEY)
    for first in (7, 20, 45, 100, len(frame) - 75, len(frame) - 1):
        decoder = codec.MessageDecoder("server")
        decoder.feed(frame[:first])
        assert first >= len(frame) or list(decoder) == []
        decoder.feed(frame[first:])
        assert list(decoder) == [codec.Text(text)]


@pytest.mark.parametrize("before", [40, 200, 3000])
def test_ascii_before_another_character_in_the_next_fragment_is_kept(
    codec: ModuleType, before: int
) -> None:
    decoder = codec.MessageDecoder("client")
    text = ASCII[:before] + "é" + ASCII[:before]
    parts = [ASCII[:before], ASCII[:0], "é" + ASCII[: before - 5], ASCII[before - 5 : before]]
    assert "".join(parts) == text
    for number, part in enumerate(parts):
        decoder.feed(make_frame(min(1, 1 - bool(number)), part.encode(), fin=number == 3))
    assert list(decoder) == [codec.Text(text)]


def test_ascii_read_into_place_before_another_character_is_kept(codec: ModuleType) -> None:
    text = (ASCII * 20)[:90_000] + "漢" + ASCII
    frame = make_frame(1, text.encode(), mask=KEY)
    decoder = codec.MessageDecoder("server")
    decoder.feed(frame[:20])
    assert list(decoder) == []
    rest = memoryview(frame)[20:]
    while rest:
        view = decoder.get_buffer()
        size = min(len(view), len(rest), 30_000)
        view[:size] = rest[:size]
        rest = rest[size:]
        decoder.buffer_updated(size)
        events = list(decoder)
    assert events == [codec.Text(text)]
