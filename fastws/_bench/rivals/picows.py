"""picows: its parser with a callback in Python, and a client that sends, both without a socket."""

from __future__ import annotations

import asyncio
import atexit
import logging
import re
import socket
from collections import deque
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

from fastws.handshake import accept_key

from .. import data
from ..measure import CLOCK_COST, Side, clock, passes, statement
from .websockets import REQUEST


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
            Transport.__init__(self, event_loop())  # type: ignore[arg-type]
            SilentTransport.__init__(self)

    return ViewingTransport()


def connect(listener: Any, transport: SilentTransport, room: int, *, client: bool) -> Any:
    """Connect picows' protocol to a transport, with the handshake still to be done."""
    from picows import WSAutoPingStrategy

    protocol_class: Any = import_module("picows.picows").WSProtocol

    async def make() -> Any:
        silent = logging.Logger("picows", logging.CRITICAL)
        return protocol_class(
            "localhost", "/", client, lambda *_: listener, silent, False, None,
            False, 10, 10, WSAutoPingStrategy.PING_WHEN_IDLE, False, 1 << 40, None, room,
        )  # fmt: skip

    protocol = event_loop().run_until_complete(make())
    protocol.connection_made(transport)
    return protocol


def hand_over(protocol: Any, read: bytes) -> float:
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


def messages(stream: data.Stream) -> Side:
    """Run its parser and, for each frame, a callback in Python that takes the payload."""
    from picows import WSListener

    class TextListener(WSListener):
        def on_ws_frame(self, transport: Any, frame: Any) -> None:
            frame.get_payload_as_utf8_text()

    class BinaryListener(WSListener):
        def on_ws_frame(self, transport: Any, frame: Any) -> None:
            frame.get_payload_as_bytes()

    class KeepingListener(WSListener):
        def on_ws_frame(self, transport: Any, frame: Any) -> None:
            is_text = frame.msg_type.value == data.TEXT
            take = frame.get_payload_as_utf8_text if is_text else frame.get_payload_as_bytes
            kept.append(take())

    kept: list[str | bytes] = []
    listener = TextListener() if stream.opcode == data.TEXT else BinaryListener()
    room = 2 * (len(stream.payloads[0]) + data.READ)  # so that it never has to grow

    def serve(listener: Any) -> Any:
        protocol = connect(listener, SilentTransport(), room, client=False)
        hand_over(protocol, REQUEST)
        return protocol

    def result() -> list[str | bytes]:
        keeping = serve(listener_that_keeps)
        for read in stream.reads:
            hand_over(keeping, read)
        taken = [*kept]
        kept.clear()  # for who asks again
        return taken

    listener_that_keeps = KeepingListener()
    protocol = serve(listener)
    return passes("picows", lambda: sum(hand_over(protocol, r) for r in stream.reads), result)


def client_end(transport: SilentTransport) -> Any:
    """Give the sending end of a client, handshake done."""
    from picows import WSListener

    protocol = connect(WSListener(), transport, data.READ, client=True)
    request = bytes(transport.written[-1])
    (key,) = re.findall(rb"Sec-WebSocket-Key: (\S+)", request)
    accept = accept_key(key.decode()).encode()
    hand_over(
        protocol,
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n",
    )
    return protocol.transport


def send(opcode: int, payload: str | bytes, result: Callable[[bytes], bytes]) -> Side:
    """Send a frame from a client: its mask cannot be called in any other way.

    So a header, a key from C's rand() and the call of the transport are in the figure, but no new
    object for what is masked: that goes to picows' own buffer. Below 256 bytes the transport gets
    a copy of the frame and above a view, whichever is quicker.
    """
    transport = viewing_transport() if len(payload) >= 256 else SilentTransport()
    end = client_end(transport)

    def sent() -> bytes:
        end.send(opcode, payload)
        return result(data.unmasked(bytes(transport.written[-1])))

    names = {"send": end.send, "opcode": opcode, "payload": payload}
    return statement("picows", "send(opcode, payload)", names, sent)
