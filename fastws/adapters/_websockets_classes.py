"""Protocols and connections of websockets that read and write frames with fastws, without a patch.

Both rest on what websockets offers: `ClientProtocol.parse` and `ServerProtocol.parse` end in
`super().parse()`, and every `connect()` and `serve()` takes a `create_connection` to call.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from websockets.client import ClientProtocol
from websockets.frames import Frame
from websockets.protocol import CLIENT, Protocol
from websockets.server import ServerProtocol

from . import _websockets_frames as ours
from .websockets import asyncio_members

__all__ = ["FastClientProtocol", "FastServerProtocol", "make", "stock"]


class FastFrames(Protocol):
    """What reads and writes the frames; it has to stand between Protocol and its subclasses."""

    parse = ours.parse

    def send_frame(self, frame: Frame) -> None:
        """Write a frame, as `Protocol.send_frame` does."""
        if self.debug:
            self.logger.debug("> %s", frame)
        self.writes.append(
            ours.serialize(frame, mask=self.side is CLIENT, extensions=self.extensions)
        )


class FastClientProtocol(ClientProtocol, FastFrames):
    """A ClientProtocol whose frames fastws reads and writes."""


class FastServerProtocol(ServerProtocol, FastFrames):
    """A ServerProtocol whose frames fastws reads and writes."""


FAST: dict[type, type] = {
    ClientProtocol: FastClientProtocol,
    ServerProtocol: FastServerProtocol,
}


class FastConnection:
    """A connection that turns its protocol into a fast one before the handshake is over.

    The parser was started when the protocol was made, but it asks for `super().parse()` only when
    the handshake is done.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        for value in (*args, *kwargs.values()):
            if type(value) in FAST:
                value.__class__ = FAST[type(value)]
        super().__init__(*args, **kwargs)


def stock(name: str) -> type:
    """Give the class of websockets that the one of this name derives from."""
    side = "Client" if "Client" in name else "Server"
    if name.endswith("Protocol"):
        return ClientProtocol if side == "Client" else ServerProtocol
    face = name.removesuffix(f"{side}Connection").lower()
    module = import_module(f"websockets.{face}.{side.lower()}")
    found: type = getattr(module, f"{side}Connection")
    return found


def make(name: str) -> type:
    """Give the class of this name, such as FastServerProtocol or AsyncioServerConnection."""
    base = stock(name)
    if base in FAST:
        return FAST[base]
    members: dict[str, Any] = {"__module__": __name__}
    members["__doc__"] = f"A `{base.__module__}.{base.__qualname__}` with the frames of fastws."
    if name.startswith("Asyncio"):
        members.update(asyncio_members())
    return type(name, (FastConnection, base), members)
