"""Our side of each comparison, written as a user of fastws would write it.

The back end in use is measured where no other is asked for. No rival is imported here.
"""

from __future__ import annotations

from itertools import cycle, islice
from typing import Any, NamedTuple

import fastws

from . import data
from .measure import Side, statement


class BackEnd(NamedTuple):
    """Whose functions to time: what to call the side, and the module that has them."""

    name: str
    codec: Any


IN_USE = BackEnd("ours", fastws)


def pure() -> BackEnd:
    """Give the pure twin, which a process with the compiled core has beside it."""
    from fastws import _pure

    return BackEnd("pure", _pure)


def mask(payload: bytes, key: bytes, whose: BackEnd = IN_USE) -> Side:
    """Mask into new bytes."""
    names = {"apply_mask": whose.codec.apply_mask, "payload": payload, "key": key}
    return statement(whose.name, "apply_mask(payload, key)", names)


def mask_inplace(payload: bytes, key: bytes, whose: BackEnd = IN_USE) -> Side:
    """Mask a bytearray in place."""

    def result() -> bytes:
        copy = bytearray(payload)
        whose.codec.mask_inplace(copy, key)
        return bytes(copy)

    names = {"mask_inplace": whose.codec.mask_inplace, "buffer": bytearray(payload), "key": key}
    return statement(whose.name, "mask_inplace(buffer, key)", names, result)


def utf8(payload: bytes, whose: BackEnd = IN_USE) -> Side:
    """Check that bytes are UTF-8."""
    names = {"validate_utf8": whose.codec.validate_utf8, "payload": payload}
    return statement(whose.name, "validate_utf8(payload)", names)


def decode_text(payload: bytes, key: bytes, whose: BackEnd = IN_USE) -> Side:
    """Unmask and decode in one go."""
    names = {
        "decode_text": whose.codec.decode_text,
        "masked": data.masked(payload, key),
        "key": key,
    }
    return statement(whose.name, "decode_text(masked, key)", names)


def encode(text: str, whose: BackEnd = IN_USE) -> Side:
    """Make a masked frame of text, under a fresh key."""

    def result() -> bytes:
        return data.unmasked(whose.codec.encode_frame(data.TEXT, text, mask=True))

    names = {"encode_frame": whose.codec.encode_frame, "text": text}
    return statement(whose.name, "encode_frame(1, text, mask=True)", names, result)


def frames(stream: data.Stream, whose: BackEnd = IN_USE) -> Side:
    """Feed a FrameDecoder and take each frame's payload."""
    return decoding(stream, whose.name, whose.codec.FrameDecoder("server"), "payload")


def messages(stream: data.Stream, whose: BackEnd = IN_USE) -> Side:
    """Feed a MessageDecoder and take each event's data."""
    return decoding(stream, whose.name, whose.codec.MessageDecoder("server"), "data")


def decoding(stream: data.Stream, name: str, decoder: Any, content: str) -> Side:
    """Feed a decoder, and take this attribute of each thing that it finds."""
    code = f"""
for read in reads:
    decoder.feed(read)
    for found in decoder:
        found.{content}
"""

    def result() -> list[str | bytes]:
        taken: list[str | bytes] = []
        for read in stream.reads:
            decoder.feed(read)
            taken += [getattr(found, content) for found in decoder]
        return taken

    return statement(name, code, {"reads": stream.reads, "decoder": decoder}, result)


def long_messages(name: str, messages: int, size: int, read_size: int) -> Side:
    """Feed long messages, in many reads each, and keep them all until the last is whole."""
    header = data.header(data.TEXT, size, data.KEY)
    reads = data.same_letter(read_size)
    one = [header, *islice(cycle(reads), size // read_size)]
    names = {
        "decoder": fastws.MessageDecoder("server", max_message_size=None),
        "reads": one * messages,
    }
    code = """
kept = []
for read in reads:
    decoder.feed(read)
    for event in decoder:
        kept.append(event.data)
"""

    def result() -> str:
        scope: dict[str, Any] = dict(names)
        exec(code, scope)
        return "".join(scope["kept"])

    return statement(name, code, names, result)
