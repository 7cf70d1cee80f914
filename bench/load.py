"""Load for one connection from a raw socket: frames made beforehand, so many of them in flight.

What comes back is counted in bytes, so that little is waited for on this side. A server has to
send every message back. A client, which only receives, is sent a ping after each batch, and its
pong says that it has read so far.
"""

from __future__ import annotations

import base64
import hashlib
import re
import select
import socket
import struct
import time
from random import Random
from typing import NamedTuple

from fastws._bench import data

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
KEY = base64.b64encode(bytes(range(16)))
CLOSE, PING, PONG = 8, 9, 10
TIMEOUT = 60


class Unanswered(Exception):
    """The other side did not answer as it should."""


class Case(NamedTuple):
    """Messages of one size and kind."""

    size: int
    kind: str  # "text" or "binary"

    @property
    def opcode(self) -> int:
        return data.TEXT if self.kind == "text" else data.BINARY

    @property
    def payload(self) -> bytes:
        if self.kind == "text":
            return data.text("ascii", self.size).encode()
        return data.noise(self.size)

    @property
    def in_flight(self) -> int:
        return 32 if self.size < 16 * data.KIB else 4 if self.size < data.MIB else 1


class Load:
    """What is sent over one connection again and again, and what has to come back.

    Args:
        sock: the connection, after the handshake.
        units: what is sent, each answered on its own; all of one length.
        answer: how many bytes come back for one of them.
        messages: how many messages a unit holds.
        raw: no closing handshake: what is there does not know it, or would not end it.
    """

    def __init__(
        self,
        sock: socket.socket,
        units: list[bytes],
        answer: int,
        messages: int = 1,
        raw: bool = False,
    ) -> None:
        self.sock = sock
        self.answer = answer
        self.messages = messages
        self.raw = raw
        self.in_flight = len(units)
        self._size = len(units[0])
        self._wire = memoryview(b"".join(units * 2))  # a slice of it may go over the end
        self._at = 0
        self._buffer = bytearray(data.MIB)
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN | select.POLLOUT)

    def exchange(self, count: int) -> None:
        """Send so many units, never more unanswered than are to be, and wait for the rest."""
        unsent, owed, came = count, count * self.answer, 0
        may = min(count, self.in_flight)
        pending = memoryview(b"")
        while owed > 0:
            if may and not pending:
                pending = self._next(may)
                unsent -= may
                may = 0
            if pending:
                pending = self._send(pending)
                if pending and not self._readable():
                    continue
            got = self._receive()
            owed -= got
            answered, came = divmod(came + got, self.answer)
            may = min(may + answered, unsent)
        if owed < 0:
            raise Unanswered("more came back than was sent")

    def timed(self, count: int) -> float:
        """Do so, and give the seconds that it took."""
        start = time.perf_counter()
        self.exchange(count)
        return time.perf_counter() - start

    def finish(self) -> None:
        """Close the connection as WebSocket wants it."""
        try:
            if not self.raw:
                self.sock.sendall(data.frame(CLOSE, b"\x03\xe8", data.KEY))
                self.sock.settimeout(2)
                while self.sock.recv(data.KIB):
                    pass
        except OSError:
            pass
        self.sock.close()

    def _next(self, count: int) -> memoryview:
        start = self._at
        self._at = (start + count) % self.in_flight
        return self._wire[start * self._size : (start + count) * self._size]

    def _send(self, pending: memoryview) -> memoryview:
        """Send what the socket takes, and give the rest."""
        try:
            return pending[self.sock.send(pending, socket.MSG_DONTWAIT) :]
        except BlockingIOError:
            return pending

    def _readable(self) -> bool:
        """Wait until the socket can be read or written, and tell whether it can be read."""
        ready = self._poll.poll(TIMEOUT * 1000)
        if not ready:
            raise Unanswered(f"nothing was read for {TIMEOUT} s")
        return bool(ready[0][1] & ~select.POLLOUT)

    def _receive(self) -> int:
        try:
            got = self.sock.recv_into(self._buffer)
        except BlockingIOError:
            raise Unanswered(f"nothing came back for {TIMEOUT} s") from None
        if not got:
            raise Unanswered("the connection was closed")
        return got


# --- A server is measured ------------------------------------------------------------------------


def echo_load(sock: socket.socket, case: Case, *, raw: bool = False) -> Load:
    """Open a connection to a server, and hold that it sends a message back.

    Args:
        sock: connected, nothing sent yet.
        case: what to send.
        raw: only the length of what comes back is right.
    """
    prepare(sock)
    sock.sendall(
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: " + KEY + b"\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    head = read_head(sock)
    if not head.startswith(b"HTTP/1.1 101 "):
        raise Unanswered(head.partition(b"\r\n")[0].decode())
    random = Random(case.size)
    units = [data.frame(case.opcode, case.payload, random.randbytes(4)) for _ in range(32)]
    units = units[: case.in_flight]
    expected = unmasked_frame(case.opcode, case.payload)
    sock.sendall(units[0])
    if read_exactly(sock, len(expected)) != expected and not raw:
        raise Unanswered("something else came back")
    return Load(sock, units, len(expected), raw=raw)


# --- A client is measured ------------------------------------------------------------------------


def receive_load(sock: socket.socket, case: Case) -> Load:
    """Answer the handshake of a client that receives, and hold that it answers a ping."""
    prepare(sock)
    key = re.search(rb"(?i)\r\nSec-WebSocket-Key: *(\S+)", read_head(sock))[1]
    accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
    sock.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )
    unit = unmasked_frame(case.opcode, case.payload) * case.in_flight
    unit += unmasked_frame(PING, b"read")
    pong = len(data.frame(PONG, b"read", data.KEY))
    sock.sendall(unit)
    if data.unmasked(read_exactly(sock, pong)) != b"read":
        raise Unanswered("something else came back")
    return Load(sock, [unit] * 2, pong, case.in_flight, raw=True)


# --- Both ----------------------------------------------------------------------------------------


def prepare(sock: socket.socket) -> None:
    """Send at once, and wait for no answer forever; settimeout() would cost a call per read."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", TIMEOUT, 0))


def unmasked_frame(opcode: int, payload: bytes) -> bytes:
    """Build a frame as a server sends it (RFC 6455 5.2)."""
    header = bytearray(data.header(opcode, len(payload), b""))
    header[1] &= 0x7F
    return bytes(header) + payload


def read_head(sock: socket.socket) -> bytes:
    """Read a request or a response without a body."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        more = sock.recv(1) if b"\r\n\r" in head[-3:] else sock.recv(data.KIB)
        if not more:
            raise Unanswered("the connection was closed in the handshake")
        head += more
    return head


def read_exactly(sock: socket.socket, size: int) -> bytes:
    """Read so many bytes."""
    found = bytearray()
    while len(found) < size:
        more = sock.recv(size - len(found))
        if not more:
            raise Unanswered("the connection was closed")
        found += more
    return bytes(found)
