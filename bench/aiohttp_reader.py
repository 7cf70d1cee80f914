"""What an adapter for aiohttp could gain: its compiled reader beside the least to replace it.

    python bench/aiohttp_reader.py [--quick]

aiohttp has one door for another reader, `feed_data`, which Python code calls for each read. The
stand-in here is the shortest that fills aiohttp's own compiled queue with aiohttp's own messages:
fastws decodes, a loop in Python makes the message objects. It has no checks of limits, no errors,
no compression and no flow control, so a real one would be slower. `docs/aiohttp.md` says what
follows from the figures.
"""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

from fastws import MessageDecoder, Text
from fastws._bench import data
from fastws._bench.data import KIB, MIB
from fastws._bench.experiments import Case
from fastws._bench.measure import CLOCK_COST, FULL, QUICK, Effort, Side, clock, compare, passes
from fastws._bench.rivals import aiohttp

SIZES = (16, 125, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB)


def stand_in(stream: data.Stream) -> Side:
    """Feed our decoder, and make aiohttp's messages of what comes out."""
    from aiohttp import WSMessage, WSMsgType
    from aiohttp._websocket.reader_c import WebSocketDataQueue

    def feed_data(decoder: MessageDecoder, queue: Any, read: bytes) -> None:
        decoder.feed(read)
        for event in decoder:
            payload = event.data
            kind = WSMsgType.TEXT if type(event) is Text else WSMsgType.BINARY
            # As aiohttp makes them; a text's size would be that of its UTF-8.
            queue.feed_data(tuple.__new__(WSMessage, (kind, payload, "")), len(payload))

    def feed() -> tuple[float, Any]:
        queue = WebSocketDataQueue(aiohttp.ReadingProtocol(), 1 << 30, loop=None)
        decoder = MessageDecoder("server", max_message_size=1 << 30)
        start = clock()
        for read in stream.reads:
            feed_data(decoder, queue, read)
        return clock() - start - CLOCK_COST, queue

    def result() -> list[Any]:
        return [message.data for message, _ in feed()[1]._buffer]

    return passes("stand-in", lambda: feed()[0], result)


def both(stream: data.Stream) -> list[Side]:
    return [aiohttp.messages(stream), stand_in(stream)]


def rows(effort: Effort) -> list[str]:
    """Measure each kind and size; give the lines of a Markdown table."""
    lines = [
        "| message | compiled reader | stand-in | gain |",
        "|---|---|---|---|",
    ]
    for script in ("ascii", "cyrillic", ""):
        for size in SIZES:
            case = Case(size, script)
            payload = data.text(script, size).encode() if script else data.noise(size)
            stream = data.stream(data.TEXT if script else data.BINARY, payload)
            theirs, ours = compare(partial(both, stream), effort)
            count = len(stream.payloads)
            times = [timing.best / count * 1e9 for timing in (theirs, ours)]
            lines.append(
                f"| {case.label} {script or 'binary'} | {times[0]:,.0f} ns | {times[1]:,.0f} ns | "
                f"{times[0] / times[1]:.2f}x |"
            )
            print(lines[-1], flush=True)
    return lines


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer samples")
    rows(QUICK if parser.parse_args().quick else FULL)
