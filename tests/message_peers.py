"""What websockets and wsproto make of a stream, for tests to hold decoders against.

`EXCUSES` names all that those libraries do in another way, `INFLATING` what they do so where
permessage-deflate was agreed (on the terms of a `Deflate`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from twins import Events

from fastws.deflate import Deflate


class Joined:
    """Puts the messages of another library together, which gives them in parts."""

    def __init__(self) -> None:
        self.events: Events = []
        self.kind = 0
        self.parts: list[Any] = []

    def data(self, opcode: int, payload: Any, last: bool) -> None:
        self.kind = opcode or self.kind
        self.parts.append(payload)
        if last:
            whole = type(self.parts[0])().join(self.parts)
            name = "Text" if self.kind == 1 else "Binary"
            self.events.append((name, whole if isinstance(whole, str) else bytes(whole)))
            self.parts = []


def wsproto_inflater(role: str, terms: Deflate) -> Any:
    from wsproto.extensions import PerMessageDeflate

    peer = "server" if role == "client" else "client"
    inflater = PerMessageDeflate(**{f"{peer}_max_window_bits": terms.receive_bits})
    inflater.finalize("" if terms.receive_takeover else f";{peer}_no_context_takeover")
    return inflater


def wsproto_events(
    stream: Iterator[bytes], role: str, terms: Deflate | None = None
) -> tuple[Events, int | None]:
    """Give what wsproto makes of a stream, and the close code of its error, or None."""
    from wsproto.frame_protocol import FrameProtocol, Opcode, ParseFailed

    extensions = [] if terms is None else [wsproto_inflater(role, terms)]
    protocol = FrameProtocol(client=role == "client", extensions=extensions)
    joined = Joined()
    try:
        for piece in stream:
            protocol.receive_bytes(piece)
            for frame in protocol.received_frames():
                if frame.opcode is Opcode.CLOSE:
                    joined.events.append(("Close", *frame.payload))
                    return joined.events, None
                if frame.opcode in (Opcode.PING, Opcode.PONG):
                    joined.events.append((frame.opcode.name.title(), bytes(frame.payload)))
                else:
                    # It gives the parts of a message all its opcode.
                    joined.data(frame.opcode, frame.payload, frame.message_finished)
    except ParseFailed as error:
        return joined.events, int(error.code)
    return joined.events, None


def websockets_events(
    stream: Iterator[bytes], role: str, terms: Deflate | None = None
) -> tuple[Events, int | None]:
    """Give what websockets makes of a stream, and the close code of its error, or None."""
    from websockets.extensions.permessage_deflate import PerMessageDeflate
    from websockets.frames import Close, Opcode
    from websockets.protocol import OPEN, Protocol, Side

    protocol = Protocol(Side[role.upper()], state=OPEN, max_size=None)
    if terms is not None:
        resets = not terms.receive_takeover
        protocol.extensions = [PerMessageDeflate(resets, True, terms.receive_bits, 15)]
    joined = Joined()
    for piece in stream:
        protocol.receive_data(piece)
    for frame in protocol.events_received():
        if frame.opcode is Opcode.CLOSE:
            close = Close.parse(bytes(frame.data))
            joined.events.append(("Close", int(close.code), close.reason))
        elif frame.opcode in (Opcode.PING, Opcode.PONG):
            joined.events.append((frame.opcode.name.title(), bytes(frame.data)))
        else:
            joined.data(frame.opcode, bytes(frame.data), frame.fin)
            if frame.fin and joined.kind == Opcode.TEXT:
                # Text is decoded when the program asks for it.
                try:
                    joined.events[-1] = ("Text", joined.events[-1][1].decode())
                except UnicodeDecodeError:
                    return joined.events[:-1], 1007
    error = protocol.parser_exc
    return joined.events, None if error is None else protocol.close_sent.code


REFERENCES = {"wsproto": wsproto_events, "websockets": websockets_events}
Excuse = Callable[[Any, Any, str], bool]


def starts_alike(ours: Any, theirs: Any) -> bool:
    """Tell whether the other side goes on where we stop."""
    return bool(theirs[0][: len(ours[0])] == ours[0])


# What the libraries do in another way, by name: (our events and code, theirs, our reason).
EXCUSES: dict[str, dict[str, Excuse]] = {
    "wsproto": {
        # It looks at the order of the frames of a message, at reserved bits and at masking only
        # with the bytes that follow the length, or with the payload.
        "judges headers later": lambda ours, theirs, reason: (
            ours[1] == 1002 and theirs == (ours[0], None)
        ),
        # Its decoder takes ED A0 for the start of something until the third byte is there.
        "sees surrogates a byte later": lambda ours, theirs, reason: (
            ours[1] == 1007 and starts_alike(ours, theirs)
        ),
        # RFC 6455 does not list it, IANA does.
        "does not know close code 1014": lambda ours, theirs, reason: (
            ours[0][-1:] != [] and ours[0][-1][:2] == ("Close", 1014) and theirs[1] == 1002
        ),
        "has no limit on sizes": lambda ours, theirs, reason: ours[1] == 1009,
    },
    "websockets": {
        # It looks at reserved bits, control frames and the order of frames with the whole frame.
        "judges frames when they are whole": lambda ours, theirs, reason: (
            ours[1] == 1002 and theirs == (ours[0], None)
        ),
        "takes any form of length": lambda ours, theirs, reason: (
            ("length" in reason or "longer than 125" in reason) and starts_alike(ours, theirs)
        ),
        "checks text when the message is whole": lambda ours, theirs, reason: (
            ours[1] == 1007 and starts_alike(ours, theirs)
        ),
        "refuses a close inside a message": lambda ours, theirs, reason: (
            ours[0][-1:] != [] and ours[0][-1][0] == "Close" and theirs == (ours[0][:-1], 1002)
        ),
        "reads the close reason before the code": lambda ours, theirs, reason: (
            "close code" in reason and theirs == (ours[0], 1007)
        ),
        "has no limit on sizes here": lambda ours, theirs, reason: ours[1] == 1009,
    },
}


INFLATING: dict[str, dict[str, Excuse]] = {
    "wsproto": {
        # RFC 7692 names no code; it takes that of wrong payloads.
        "closes with 1007 for corrupt data": lambda ours, theirs, reason: (
            "corrupt" in reason and theirs == (ours[0], 1007)
        ),
        "inflates frames that are not whole": lambda ours, theirs, reason: (
            ours[1] is None and theirs == (ours[0], 1007)
        ),
        "inflates frames before it judges their order": lambda ours, theirs, reason: (
            ours[1] == 1002 and "message" in reason and theirs == (ours[0], 1007)
        ),
    },
    "websockets": {
        # It inflates a message of 2044 bytes or more, and then what belongs behind it; where that
        # ends a character or a copy it takes the message for too big, and fails to say so.
        "fails where the end of a message adds to it": lambda ours, theirs, reason: (
            theirs[1] == 1011 and starts_alike(theirs, ours)
        ),
    },
}


def excuses(
    name: str, ours: Any, theirs: Any, reason: str, *, inflating: bool = False
) -> list[str]:
    """Name what excuses this library for another outcome; nothing where it is a difference."""
    known = EXCUSES[name] | (INFLATING[name] if inflating else {})
    return [named for named, applies in known.items() if applies(ours, theirs, reason)]
