"""Load for a WebSocket server from another process, by sockets that send what is framed already.

So the client's own work does not slow the server's clock, and each server gets the same bytes.
"""

from __future__ import annotations

import json
import selectors
import socket
import zlib
from collections.abc import Iterable

import fastws
from fastws.handshake import new_key

RECEIVE = 1 << 20


def connect(port: int, path: str, extra: str = "", deflate: bool = False) -> socket.socket:
    """Open a connection and its WebSocket; `extra` is more header lines."""
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if deflate:
        extra += "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover\r\n"
    sock.sendall(
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n{extra}"
        f"Sec-WebSocket-Key: {new_key()}\r\n\r\n".encode()
    )
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        part = sock.recv(4096)
        if not part:
            raise ConnectionError(f"no answer but {answer!r}")
        answer += part
    if not answer.startswith(b"HTTP/1.1 101 ") or deflate is not (b"deflate" in answer):
        raise ConnectionError(answer.decode())
    return sock


def costs(port: int) -> dict[str, float]:
    """Ask a server for the seconds of CPU it has used, and the bytes of memory it holds."""
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.sendall(b"GET /costs HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        answer = b""
        while part := sock.recv(4096):
            answer += part
    body = answer.partition(b"\r\n\r\n")[2]
    found: dict[str, float] = json.loads(body[body.index(b"{") : body.rindex(b"}") + 1])
    return found


def text_of(size: int) -> str:
    """Give a text of so many bytes that compresses about as JSON does."""
    parts = []
    length = number = 0
    while length < size:
        number += 1
        part = f'{{"id": {number * 7919 % 10007}, "name": "item {number % 97}", "on": true}}, '
        parts.append(part)
        length += len(part)
    return "".join(parts)[:size]


def frame_of(text: str, deflate: bool = False) -> bytes:
    """Give the frame of a client's text message."""
    if not deflate:
        return fastws.encode_frame(fastws.Opcode.TEXT, text, mask=True)
    packer = zlib.compressobj(wbits=-12)
    packed = packer.compress(text.encode()) + packer.flush(zlib.Z_SYNC_FLUSH)
    return fastws.encode_frame(fastws.Opcode.TEXT, packed[:-4], rsv=fastws.RSV1, mask=True)


class Echo:
    """One connection that keeps so many messages in flight."""

    def __init__(self, port: int, size: int, in_flight: int, deflate: bool) -> None:
        text = text_of(size)
        frame = frame_of(text, deflate)
        self.size = len(fastws.encode_frame(fastws.Opcode.TEXT, text))
        self.frames = memoryview(frame * in_flight)
        self.step = len(frame)
        self.in_flight = in_flight
        self.decoder = None
        if deflate:
            self.decoder = fastws.FrameDecoder(None, rsv=fastws.RSV1, max_payload_size=None)
        sizes = f"X-Sizes: {self.size}/{self.step}\r\n"
        self.sock = connect(port, "/echo", sizes, deflate)

    def run(self, messages: int) -> None:
        """Send so many messages, and read their echoes."""
        sock, frames, step = self.sock, self.frames, self.step
        buffer = bytearray(RECEIVE)
        view = memoryview(buffer)
        unsent, unread, rest = messages, messages, 0
        room = self.in_flight
        while unread:
            count = min(room, unsent)
            if count:
                sock.sendall(frames[: count * step])
                unsent -= count
            size = sock.recv_into(buffer)
            if not size:
                raise ConnectionError("the server closed")
            if self.decoder is None:
                room, rest = divmod(rest + size, self.size)
            else:
                self.decoder.feed(view[:size])
                room = sum(1 for _ in self.decoder)
            unread -= room

    def close(self) -> None:
        self.sock.close()


class Room:
    """Many connections that each read what one publishes."""

    def __init__(self, port: int, members: int, size: int) -> None:
        text = text_of(size)
        self.frame = frame_of(text)
        self.size = len(fastws.encode_frame(fastws.Opcode.TEXT, text))
        self.members = [connect(port, "/room") for _ in range(members)]
        self.publisher = connect(port, "/publish")
        self.selector = selectors.DefaultSelector()
        for sock in [*self.members, self.publisher]:
            sock.setblocking(False)
            self.selector.register(sock, selectors.EVENT_READ)

    def run(self, times: int) -> None:
        """Publish so many times, each when the last has reached every member."""
        for _ in range(times):
            self.publisher.send(self.frame)
            unread = (len(self.members) + 1) * self.size
            while unread:
                for key, _ in self.selector.select():
                    unread -= len(key.fileobj.recv(RECEIVE))  # type: ignore[union-attr]

    def close(self) -> None:
        close_all([*self.members, self.publisher])
        self.selector.close()


def close_all(socks: Iterable[socket.socket]) -> None:
    for sock in socks:
        sock.close()
