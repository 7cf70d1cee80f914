"""Our side of each comparison, written as a user of fastws would write it.

Whichever back end is in use is measured. No rival is imported here.
"""

from __future__ import annotations

from itertools import cycle, islice

import data
from measure import Side, statement

import fastws


def mask(payload: bytes, key: bytes) -> Side:
    """Mask into new bytes."""
    names = {"apply_mask": fastws.apply_mask, "payload": payload, "key": key}
    return statement("ours", "apply_mask(payload, key)", names)


def mask_inplace(payload: bytes, key: bytes) -> Side:
    """Mask a bytearray in place."""

    def result() -> bytes:
        copy = bytearray(payload)
        fastws.mask_inplace(copy, key)
        return bytes(copy)

    names = {"mask_inplace": fastws.mask_inplace, "buffer": bytearray(payload), "key": key}
    return statement("ours", "mask_inplace(buffer, key)", names, result)


def utf8(payload: bytes) -> Side:
    """Check that bytes are UTF-8."""
    names = {"validate_utf8": fastws.validate_utf8, "payload": payload}
    return statement("ours", "validate_utf8(payload)", names)


def decode_text(payload: bytes, key: bytes) -> Side:
    """Unmask and decode in one go."""
    names = {"decode_text": fastws.decode_text, "masked": data.masked(payload, key), "key": key}
    return statement("ours", "decode_text(masked, key)", names)


def encode(text: str) -> Side:
    """Make a masked frame of text, under a fresh key."""

    def result() -> bytes:
        return data.unmasked(fastws.encode_frame(data.TEXT, text, mask=True))

    names = {"encode_frame": fastws.encode_frame, "text": text}
    return statement("ours", "encode_frame(1, text, mask=True)", names, result)


def frames(stream: data.Stream) -> Side:
    """Feed a FrameDecoder and take each frame's payload."""
    decoder = fastws.FrameDecoder("server")
    code = """
for read in reads:
    decoder.feed(read)
    for frame in decoder:
        frame.payload
"""

    def result() -> list[bytes]:
        payloads = []
        for read in stream.reads:
            decoder.feed(read)
            payloads += [frame.payload for frame in decoder]
        return payloads

    return statement("ours", code, {"reads": stream.reads, "decoder": decoder}, result)


def messages(stream: data.Stream) -> Side:
    """Feed a MessageDecoder and take each event's data."""
    decoder = fastws.MessageDecoder("server")
    code = """
for read in reads:
    decoder.feed(read)
    for event in decoder:
        event.data
"""

    def result() -> list[str | bytes]:
        taken = []
        for read in stream.reads:
            decoder.feed(read)
            taken += [event.data for event in decoder]
        return taken

    return statement("ours", code, {"reads": stream.reads, "decoder": decoder}, result)


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
        scope = dict(names)
        exec(code, scope)
        return "".join(scope["kept"])

    return statement(name, code, names, result)
