"""A mixin that gives a protocol of autobahn the frames of fastws, without a patch.

It rests on what autobahn offers: a factory makes its connections of the class `factory.protocol`.
"""

from __future__ import annotations

from typing import Any

from . import _autobahn_primitives as primitives
from . import _autobahn_receiving as receiving
from . import _autobahn_sending as sending
from .autobahn import learn_faces

__all__ = ["FastFrames"]


class FastFrames:
    """What reads and writes the frames; it stands before WebSocketServerProtocol, or the client's.

    Raises:
        Refusal: at the first connection, where autobahn is not built as the adapter knows it.
    """

    consumeData = receiving.consumeData
    sendData = sending.sendData
    sendFrame = sending.sendFrame

    def _connectionMade(self: Any) -> None:
        if not receiving.PLAIN:
            learn_faces()
        super()._connectionMade()  # type: ignore[misc]
        self.utf8validator = primitives.Utf8Validator()
