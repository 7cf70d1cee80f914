"""The rivals, each in its own best settings, and CPython as the yardstick.

Limits are lifted and extensions off, so that nobody does more than is asked for. Nothing is sent:
reads are handed to each rival as its own transport would hand them over. What is private in a
rival is used where only that leaves its server out of the figure; where a version has moved it,
the rival counts as missing, and its rows say so.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import re
import socket
from collections import deque
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module, metadata
from typing import Any

import data
from measure import CLOCK_COST, Side, clock, passes, statement

from fastws.handshake import accept_key

PARTS = {
    "aiohttp": ["aiohttp._websocket.mask", "aiohttp._websocket.reader_c"],
    "picows": ["picows.picows", "aiofastnet"],
    "websockets": ["websockets.server", "websockets.speedups"],
    "wsproto": ["wsproto.connection"],
}

REQUEST = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


def missing() -> dict[str, str]:
    """Give the rivals that cannot be had here, each with the reason."""
    reasons = {}
    for rival, parts in PARTS.items():
        try:
            for part in parts:
                import_module(part)
        except ImportError as error:
            reasons[rival] = str(error)
    return reasons


MISSING = missing()


def present(makers: Mapping[str, Callable[[], Side]]) -> list[Side]:
    """Make the sides of those rivals that are here."""
    return [make() for rival, make in makers.items() if rival not in MISSING]


def versions() -> dict[str, str]:
    """Give the versions of the rivals that are here."""
    return {rival: metadata.version(rival) for rival in PARTS if rival not in MISSING}


# --- CPython, on payloads that were never masked -------------------------------------------------


def plain(stream: data.Stream) -> list[Side]:
    """Decode or copy payloads in a loop that does nothing else.

    For binary a second loop copies from views made beforehand: making one takes longer than
    copying a short payload.
    """

    def side(name: str, call: str, payloads: list[bytes] | list[memoryview]) -> Side:
        code = f"for payload in payloads:\n    {call}"
        return statement(name, code, {"payloads": payloads}, lambda: stream.messages)

    if stream.opcode == data.TEXT:
        return [side("plain", "payload.decode()", stream.payloads)]
    return [
        side("plain", "bytes(memoryview(payload))", stream.payloads),
        side("copy of a view", "bytes(payload)", [memoryview(each) for each in stream.payloads]),
    ]


# --- aiohttp -------------------------------------------------------------------------------------


class ReadingProtocol:
    """What aiohttp's queue wants of the connection behind it."""

    _reading_paused = False

    def pause_reading(self) -> None:
        raise RuntimeError("the queue was to hold a whole stream")


def aiohttp_messages(stream: data.Stream) -> Side:
    """Feed the compiled reader; `feed_data` alone is timed.

    The messages go to its own compiled queue. Each pass gets a new one: a queue counts what is in
    it, and one that nobody reads from stops the reader when it is full.
    """
    from aiohttp._websocket.reader_c import WebSocketDataQueue, WebSocketReader

    def feed() -> tuple[float, Any]:
        queue = WebSocketDataQueue(ReadingProtocol(), 1 << 30, loop=None)
        reader = WebSocketReader(queue, 1 << 30, compress=False, decode_text=True)
        start = clock()
        for read in stream.reads:
            reader.feed_data(read)
        return clock() - start - CLOCK_COST, queue

    def result() -> list[Any]:
        return [message.data for message, _ in feed()[1]._buffer]

    return passes("aiohttp", lambda: feed()[0], result)


def aiohttp_mask(payload: bytes, key: bytes) -> Side:
    """Mask in place, the one way it has."""
    from aiohttp._websocket.mask import _websocket_mask_cython as mask

    def result() -> bytes:
        copy = bytearray(payload)
        mask(key, copy)
        return bytes(copy)

    names = {"mask": mask, "key": key, "buffer": bytearray(payload)}
    return statement("aiohttp", "mask(key, buffer)", names, result)


def aiohttp_mask_copy(payload: bytes, key: bytes) -> Side:
    """Mask a copy in place: what it takes to leave the payload as it is."""
    from aiohttp._websocket.mask import _websocket_mask_cython as mask

    code = "copy = bytearray(payload)\nmask(key, copy)"
    names = {"mask": mask, "key": key, "payload": payload}
    return statement("aiohttp", code, names, aiohttp_mask(payload, key).result)


def aiohttp_encode(text: str, key: bytes) -> Side:
    """Encode text and mask it."""
    from aiohttp._websocket.mask import _websocket_mask_cython as mask

    code = "payload = bytearray(text.encode())\nmask(key, payload)"
    return statement("aiohttp", code, {"mask": mask, "key": key, "text": text}, text.encode)


# --- websockets ----------------------------------------------------------------------------------


def websockets_frames(stream: data.Stream, *, without_c: bool = False) -> Side:
    """Feed the sans-I/O server, handshake done, and take its frames."""
    from websockets import frames, utils
    from websockets.server import ServerProtocol

    if without_c:
        frames.apply_mask = utils.apply_mask
    protocol = ServerProtocol(max_size=None)
    protocol.receive_data(REQUEST)
    (request,) = protocol.events_received()
    protocol.send_response(protocol.accept(request))

    code = """
for read in reads:
    protocol.receive_data(read)
    for frame in protocol.events_received():
        frame.data
"""

    def result() -> list[bytes]:
        payloads = []
        for read in stream.reads:
            protocol.receive_data(read)
            payloads += [frame.data for frame in protocol.events_received()]
        return payloads

    return statement("websockets", code, {"reads": stream.reads, "protocol": protocol}, result)


def websockets_mask(payload: bytes, key: bytes) -> Side:
    """Mask with its C extension."""
    from websockets.speedups import apply_mask

    names = {"apply_mask": apply_mask, "payload": payload, "key": key}
    return statement("websockets", "apply_mask(payload, key)", names)


def websockets_encode(text: str, key: bytes) -> Side:
    """Encode text and mask it."""
    from websockets.speedups import apply_mask

    names = {"apply_mask": apply_mask, "text": text, "key": key}
    return statement("websockets", "apply_mask(text.encode(), key)", names, text.encode)


# --- wsproto -------------------------------------------------------------------------------------


def wsproto_messages(stream: data.Stream) -> Side:
    """Feed a connection and take its events; each message here is one frame."""
    from wsproto.connection import SERVER, Connection

    connection = Connection(SERVER)
    code = """
for read in reads:
    connection.receive_data(read)
    for event in connection.events():
        event.data
"""

    def result() -> list[Any]:
        parts: list[Any] = []
        whole = []
        for read in stream.reads:
            connection.receive_data(read)
            for event in connection.events():
                parts.append(event.data)
                if event.message_finished:
                    whole.append(type(event.data)().join(parts))
                    parts.clear()
        return whole

    return statement("wsproto", code, {"reads": stream.reads, "connection": connection}, result)


# --- picows --------------------------------------------------------------------------------------


@cache
def event_loop() -> asyncio.AbstractEventLoop:
    """Give the loop that picows wants to know, and never uses here."""
    loop = asyncio.new_event_loop()
    atexit.register(loop.close)
    return loop


@cache
def unconnected_socket() -> socket.socket:
    """Give a socket for picows to set options on."""
    unconnected = socket.socket()
    atexit.register(unconnected.close)
    return unconnected


class SilentTransport:
    """A transport that keeps the last of what is written; its socket is never connected.

    It passes for one with TLS: to any other, picows sends without asking the transport.
    """

    def __init__(self) -> None:
        self.written: deque[bytes | memoryview] = deque(maxlen=1)
        self.write = self.write_nocheck = self.written.append
        self.extra = {"socket": unconnected_socket(), "ssl_object": True}

    def get_extra_info(self, name: str) -> Any:
        return self.extra.get(name)

    def get_write_buffer_size(self) -> int:
        return 0


def viewing_transport() -> SilentTransport:
    """Give a transport that passes for aiofastnet's: picows hands it views instead of copies."""
    from aiofastnet import Transport

    class ViewingTransport(SilentTransport, Transport):  # type: ignore[misc]
        def __init__(self) -> None:
            Transport.__init__(self, event_loop())
            SilentTransport.__init__(self)

    return ViewingTransport()


def picows_protocol(listener: Any, transport: SilentTransport, room: int, *, client: bool) -> Any:
    """Connect picows' protocol to a transport, with the handshake still to be done."""
    from picows import WSAutoPingStrategy
    from picows.picows import WSProtocol

    async def make() -> Any:
        silent = logging.Logger("picows", logging.CRITICAL)
        return WSProtocol(
            "localhost", "/", client, lambda *_: listener, silent, False, None,
            False, 10, 10, WSAutoPingStrategy.PING_WHEN_IDLE, False, 1 << 40, None, room,
        )  # fmt: skip

    protocol = event_loop().run_until_complete(make())
    protocol.connection_made(transport)
    return protocol


def picows_read(protocol: Any, read: bytes) -> float:
    """Hand a read over and give the seconds, without those for filling the buffer.

    A socket fills it as it fills anybody's, and the others' reads were there before the timing.
    """
    seconds = 0.0
    while read:
        buffer = protocol.get_buffer(-1)
        size = min(len(buffer), len(read))
        buffer[:size] = read[:size]
        start = clock()
        protocol.buffer_updated(size)
        seconds += clock() - start - CLOCK_COST
        read = read[size:]
    return seconds


def picows_messages(stream: data.Stream) -> Side:
    """Run its parser and, for each frame, a callback in Python that takes the payload."""
    from picows import WSListener

    class TextListener(WSListener):  # type: ignore[misc]
        def on_ws_frame(self, transport: Any, frame: Any) -> None:
            frame.get_payload_as_utf8_text()

    class BinaryListener(WSListener):  # type: ignore[misc]
        def on_ws_frame(self, transport: Any, frame: Any) -> None:
            frame.get_payload_as_bytes()

    class KeepingListener(WSListener):  # type: ignore[misc]
        def on_ws_frame(self, transport: Any, frame: Any) -> None:
            is_text = frame.msg_type.value == data.TEXT
            take = frame.get_payload_as_utf8_text if is_text else frame.get_payload_as_bytes
            kept.append(take())

    kept: list[str | bytes] = []
    listener = TextListener() if stream.opcode == data.TEXT else BinaryListener()
    room = 2 * (len(stream.payloads[0]) + data.READ)  # so that it never has to grow

    def serve(listener: Any) -> Any:
        protocol = picows_protocol(listener, SilentTransport(), room, client=False)
        picows_read(protocol, REQUEST)
        return protocol

    def result() -> list[str | bytes]:
        keeping = serve(listener_that_keeps)
        for read in stream.reads:
            picows_read(keeping, read)
        return kept

    listener_that_keeps = KeepingListener()
    protocol = serve(listener)
    return passes("picows", lambda: sum(picows_read(protocol, r) for r in stream.reads), result)


def picows_client(transport: SilentTransport) -> Any:
    """Give the sending end of a client, handshake done."""
    from picows import WSListener

    protocol = picows_protocol(WSListener(), transport, data.READ, client=True)
    request = bytes(transport.written[-1])
    (key,) = re.findall(rb"Sec-WebSocket-Key: (\S+)", request)
    accept = accept_key(key.decode()).encode()
    picows_read(
        protocol,
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n",
    )
    return protocol.transport


def picows_send(opcode: int, payload: str | bytes, result: Callable[[bytes], bytes]) -> Side:
    """Send a frame from a client: its mask cannot be called in any other way.

    So a header, a key from C's rand() and the call of the transport are in the figure, but no new
    object for what is masked: that goes to picows' own buffer. Below 256 bytes the transport gets
    a copy of the frame and above a view, whichever is quicker.
    """
    transport = viewing_transport() if len(payload) >= 256 else SilentTransport()
    client = picows_client(transport)

    def sent() -> bytes:
        client.send(opcode, payload)
        return result(data.unmasked(bytes(transport.written[-1])))

    names = {"send": client.send, "opcode": opcode, "payload": payload}
    return statement("picows", "send(opcode, payload)", names, sent)
