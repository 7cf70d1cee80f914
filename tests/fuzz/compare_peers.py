"""MessageDecoder against what websockets and wsproto make of the same stream.

Each of the three takes it in the same pieces. `message_peers` names what they do in another way.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Any

from message_peers import REFERENCES, excuses
from twins import Events, run_dry

from fastws.deflate import TAIL, Deflate

from .choices import Choices
from .compare_messages import SETTINGS
from .streams import PING, PONG, Writer
from .walk import Difference, pieces, plan


class Watched(Deflate):
    """Tells what the others lose their way at."""

    __slots__ = ("astray", "inside", "small")

    astray: set[str]
    inside: bool  # between the fragments of a compressed message
    small: Any  # a decompressor that keeps no more than the window

    def decompress(self, payload: bytes, *, limit: int, fin: bool = True) -> bytes:
        if self._decompressor is None:  # it begins anew, and so does this
            self.small = zlib.decompressobj(-self.receive_bits)
        self.inside = not fin
        if "wsproto" not in self.astray:
            self._look_for_far_distances(payload + TAIL * fin)
        return super().decompress(payload, limit=limit, fin=fin)

    def _look_for_far_distances(self, payload: bytes) -> None:
        # In one call zlib takes a distance beyond the window, as far as its output goes back.
        # wsproto calls it with what each read brings of a frame.
        try:
            for at in range(len(payload)):
                self.small.decompress(payload[at : at + 1])
        except zlib.error:
            self.astray.add("wsproto")

    def _after_final_block(self, *args: Any) -> bytes:
        # zlib stops behind a final block, and they do not go on (RFC 7692 7.2.3.4, 7.2.3.5).
        self.astray = set(REFERENCES)
        return super()._after_final_block(*args)

    def watch(self, events: Iterable[Any]) -> Iterator[Any]:
        for event in events:
            if self.inside and event.opcode in (PING, PONG):
                # It takes what follows a control frame for uncompressed.
                self.astray.add("wsproto")
            yield event


def inflater(kind: int) -> Watched:
    """Choose the terms."""
    bits, takeover = (9, 10, 12, 15)[kind & 3], not kind & 4
    made = Watched(SETTINGS, bits, bits, takeover, takeover)
    made.astray, made.inside = set(), False
    return made


def check(choices: Choices, core: ModuleType) -> None:
    """Hold what we make of a stream against what the others do."""
    role = choices.pick(("server", "client"))
    kind = choices.byte()
    steps = plan(choices)
    sender, ours = (inflater(kind >> 1), inflater(kind >> 1)) if kind & 1 else (None, None)
    stream = Writer(choices, role == "server", sender).stream()
    decoder = core.MessageDecoder(role, max_message_size=None, max_fragments=None, deflate=ours)
    events: Events = []
    error = None
    for piece, _ in pieces(stream, steps):
        decoder.feed(piece)
        come, error = run_dry(ours.watch(decoder) if ours else decoder)
        events += come
    made = events, error and int(error.close_code)
    reason = error.reason if error else ""
    for name, reference in REFERENCES.items():
        if ours and name in ours.astray:
            continue
        theirs = reference((piece for piece, _ in pieces(stream, steps)), role, ours)
        if made != theirs and not excuses(name, made, theirs, reason, inflating=ours is not None):
            raise Difference(f"{name}:\n  {made!r:.2000} {reason}\n  {theirs!r:.2000}")
