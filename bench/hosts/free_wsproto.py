"""A wsproto that costs nothing: the most that an adapter could gain under those who use it.

Nothing is read or written: once a connection has echoed a message properly, whatever comes is
handed on as pieces of messages of that size, still masked (of text, as much text), and what is sent
is the frame that was sent then.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wsproto.connection import Connection
from wsproto.events import BytesMessage, TextMessage

import fastws

fastws.install("wsproto")  # for that first message
MASK = 4  # bytes that a client's frame has and a server's has not
SEND, RECEIVE, EVENTS = Connection.send, Connection.receive_data, Connection.events


def send(self: Any, event: Any) -> bytes:
    """Give the frame of the first message again for every other."""
    if not isinstance(event, (BytesMessage, TextMessage)):
        return SEND(self, event)
    if not hasattr(self, "frame"):
        self.frame = SEND(self, event)
        self.size = self.left = len(self.frame) + MASK
        self.message = event.data
        self.pieces = []
        self.came = 0
    return self.frame


def receive_data(self: Any, data: bytes) -> None:
    """Keep what comes, from the second message on, unless it is the close frame."""
    if hasattr(self, "frame") and (len(data) > 125 or self.came % self.size):
        self.came += len(data)
        self.pieces.append(data)
    else:
        RECEIVE(self, data)


def events(self: Any) -> Iterator[Any]:
    """Give what has come as pieces of messages."""
    if not getattr(self, "pieces", None):
        yield from EVENTS(self)
        return
    pieces, self.pieces = self.pieces, []
    for piece in pieces:
        while piece:
            part, piece = piece[: self.left], piece[self.left :]
            self.left -= len(part)
            last = not self.left
            if isinstance(self.message, str):
                yield TextMessage(self.message[: len(part)], last, last)
            else:
                yield BytesMessage(part, last, last)
            self.left = self.left or self.size


Connection.send, Connection.receive_data, Connection.events = send, receive_data, events
