"""aiohttp: its compiled reader, and its compiled mask, which works in place alone."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from .. import data
from ..measure import CLOCK_COST, Side, clock, passes, statement


class ReadingProtocol:
    """What aiohttp's queue wants of the connection behind it."""

    _reading_paused = False

    def pause_reading(self) -> None:
        raise RuntimeError("the queue was to hold a whole stream")


def messages(stream: data.Stream) -> Side:
    """Feed the compiled reader; `feed_data` alone is timed.

    The messages go to its own compiled queue. Each pass gets a new one: a queue counts what is in
    it, and one that nobody reads from stops the reader when it is full.
    """
    reader_c: Any = import_module("aiohttp._websocket.reader_c")

    def feed() -> tuple[float, Any]:
        queue = reader_c.WebSocketDataQueue(ReadingProtocol(), 1 << 30, loop=None)
        reader = reader_c.WebSocketReader(queue, 1 << 30, compress=False, decode_text=True)
        start = clock()
        for read in stream.reads:
            reader.feed_data(read)
        return clock() - start - CLOCK_COST, queue

    def result() -> list[Any]:
        return [message.data for message, _ in feed()[1]._buffer]

    return passes("aiohttp", lambda: feed()[0], result)


def compiled_mask() -> Any:
    """Give the function that it masks with."""
    return import_module("aiohttp._websocket.mask")._websocket_mask_cython


def mask_inplace(payload: bytes, key: bytes) -> Side:
    """Mask in place, the one way it has."""
    mask = compiled_mask()

    def result() -> bytes:
        copy = bytearray(payload)
        mask(key, copy)
        return bytes(copy)

    names = {"mask": mask, "key": key, "buffer": bytearray(payload)}
    return statement("aiohttp", "mask(key, buffer)", names, result)


def mask_copy(payload: bytes, key: bytes) -> Side:
    """Mask a copy in place: what it takes to leave the payload as it is."""
    mask = compiled_mask()

    code = "copy = bytearray(payload)\nmask(key, copy)"
    names = {"mask": mask, "key": key, "payload": payload}
    return statement("aiohttp", code, names, mask_inplace(payload, key).result)


def encode(text: str, key: bytes) -> Side:
    """Encode text and mask it."""
    mask = compiled_mask()

    code = "payload = bytearray(text.encode())\nmask(key, payload)"
    return statement("aiohttp", code, {"mask": mask, "key": key, "text": text}, text.encode)
