"""What the tests of the hosts share in which little is replaced: a socket, and both sides' runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import fastws


class FakeSocket:
    """A blocking socket whose peer has sent these pieces and then its end.

    Attributes:
        sent: what was written.
    """

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = [piece for piece in pieces if piece]
        self.sent = b""
        self.closed = False

    def recv(self, size: int, flags: int = 0) -> bytes:
        if not self._pieces:
            return b""
        piece = self._pieces.pop(0)
        if len(piece) > size:
            self._pieces.insert(0, piece[size:])
        return piece[:size]

    def read(self, size: int) -> bytes:
        """Read as from a file: all of it, or up to the end."""
        data = b""
        while len(data) < size and (piece := self.recv(size - len(data))):
            data += piece
        return data

    def sendall(self, data: bytes, flags: int = 0) -> None:
        self.sent += bytes(data)

    def send(self, data: bytes, flags: int = 0) -> int:
        self.sent += bytes(data)
        return len(data)

    write = sendall

    def gettimeout(self) -> None:
        return None

    def settimeout(self, timeout: float | None) -> None:
        pass

    def fileno(self) -> int:
        return -1

    def shutdown(self, how: int) -> None:
        self.closed = True

    def close(self) -> None:
        self.closed = True


def frames_of(data: bytes) -> list[Any]:
    """Read what was written, whatever the masking keys are; what is no frame is given as it is."""
    decoder = fastws.FrameDecoder(None, max_payload_size=None, strict=False)
    decoder.feed(data)
    frames: list[Any] = [
        (frame.opcode, frame.payload, frame.fin, frame.rsv, frame.masked) for frame in decoder
    ]
    return [*frames, decoder.buffered]


def told(error: BaseException) -> tuple[Any, ...]:
    """Give what can be told of an error."""
    return type(error), str(error), [type(argument) for argument in error.args]


@contextmanager
def fast(host: str) -> Iterator[None]:
    """Have fastws in a host for a while."""
    fastws.install(host)
    assert fastws.status()[host].state == "on", fastws.status()[host]
    try:
        yield
    finally:
        fastws.uninstall(host)


def same(host: str, run: Callable[[], Any]) -> Any:
    """Compare what a run gives with fastws in a host with what it gives without; give it."""
    expected = run()
    with fast(host):
        found = run()
    assert found == expected
    return found


def outcome(call: Callable[[], Any]) -> Any:
    """Call, and give the result with its type, or the error."""
    try:
        result = call()
    except Exception as error:
        return told(error)
    return type(result), result
