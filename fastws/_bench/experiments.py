"""The work that is timed: for each experiment, who does it how, and what for.

Nothing is built before it is asked for, and nobody has a side who is not here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

import fastws

from . import data, ours, rivals
from .data import KEY
from .measure import Side
from .rivals import aiohttp, picows, plain, tornado, websockets, wsproto

Makers = Mapping[str, Callable[[], Side]]


class Case(NamedTuple):
    """What an experiment is run for.

    Attributes:
        size: of the payload in bytes.
        script: of text, where it matters; binary where there is none.
        stream: about how many bytes a stream has.
    """

    size: int
    script: str = ""
    stream: int = data.STREAM

    @property
    def label(self) -> str:
        for unit, name in ((data.MIB, "MiB"), (data.KIB, "KiB")):
            if self.size >= unit:
                return f"{self.size // unit} {name}"
        return f"{self.size} B"


class Work(NamedTuple):
    """Who can do it, ours first, and how many messages one loop takes."""

    makers: Makers
    units: int = 1

    def sides(self, names: Collection[str] | None = None) -> list[Side]:
        """Build the sides of these names, as far as they are here; all where none are given."""
        return [make() for name, make in self.makers.items() if names is None or name in names]


def with_twin(make: Callable[[ours.BackEnd], Side]) -> dict[str, Callable[[], Side]]:
    """Give the back end in use, and the pure twin beside it where that is another."""
    makers = {"ours": lambda: make(ours.IN_USE)}
    if fastws.ACCELERATED:
        makers["pure"] = lambda: make(ours.pure())
    return makers


# --- Kernels as functions ------------------------------------------------------------------------


def mask(case: Case) -> Work:
    """Mask into new bytes."""
    payload = data.noise(case.size)
    theirs = {
        "websockets": lambda: websockets.mask(payload, KEY),
        # aiohttp masks in place alone: that same job is `mask_inplace`, and here it gets a copy.
        "aiohttp": lambda: aiohttp.mask_copy(payload, KEY),
        "picows": lambda: picows.send(data.BINARY, payload, lambda sent: data.masked(sent, KEY)),
        "tornado": lambda: tornado.mask(payload, KEY),
        "wsproto": lambda: wsproto.mask(payload, KEY),
    }
    return Work(
        with_twin(lambda whose: ours.mask(payload, KEY, whose))
        | plain.copies(payload, lambda: data.masked(payload, KEY))  # which does not mask
        | rivals.present(theirs)
    )


def mask_inplace(case: Case) -> Work:
    """Mask a bytearray in place."""
    payload = data.noise(case.size)
    theirs = {"aiohttp": lambda: aiohttp.mask_inplace(payload, KEY)}
    return Work(
        with_twin(lambda whose: ours.mask_inplace(payload, KEY, whose)) | rivals.present(theirs)
    )


def utf8(case: Case) -> Work:
    """Check UTF-8; the rivals leave that to CPython's decoder."""
    payload = data.text(case.script, case.size).encode()
    return Work(
        with_twin(lambda whose: ours.utf8(payload, whose))
        | {"decode": lambda: plain.decode(payload)}
    )


def encode(case: Case) -> Work:
    """Text to a masked frame; the rivals mask the encoded text and, but for picows, stop there."""
    text = data.text(case.script, case.size)
    theirs = {
        "websockets": lambda: websockets.encode(text, KEY),
        "aiohttp": lambda: aiohttp.encode(text, KEY),
        "picows": lambda: picows.send(data.TEXT, text, bytes),
        "tornado": lambda: tornado.encode(text, KEY),
        "wsproto": lambda: wsproto.encode(text, KEY),
    }
    return Work(with_twin(lambda whose: ours.encode(text, whose)) | rivals.present(theirs))


# --- Decoders ------------------------------------------------------------------------------------


def frames(case: Case) -> Work:
    """A stream of binary frames to their payloads."""
    stream = data.stream(data.BINARY, data.noise(case.size), case.stream)
    theirs = {
        "aiohttp": lambda: aiohttp.messages(stream),
        "picows": lambda: picows.messages(stream),
        "websockets": lambda: websockets.frames(stream),
        "tornado": lambda: tornado.messages(stream),
        "wsproto": lambda: wsproto.messages(stream),
    }
    makers = with_twin(lambda whose: ours.frames(stream, whose)) | rivals.present(theirs)
    return Work(makers, len(stream.payloads))


def pure_frames(case: Case) -> Work:
    """Our pure twin and websockets without its C: to be run with FASTWS_NO_EXTENSIONS=1."""
    if fastws.ACCELERATED:
        raise RuntimeError("the compiled core is in use")
    stream = data.stream(data.BINARY, data.noise(case.size), case.stream)
    theirs = {"websockets": lambda: websockets.frames(stream, without_c=True)}
    makers = with_twin(lambda whose: ours.frames(stream, whose)) | rivals.present(theirs)
    return Work(makers, len(stream.payloads))


def messages(case: Case) -> Work:
    """A stream of messages: text of a script, or binary where none is given."""
    is_text = bool(case.script)
    payload = data.text(case.script, case.size).encode() if is_text else data.noise(case.size)
    stream = data.stream(data.TEXT if is_text else data.BINARY, payload, case.stream)
    theirs = {
        "aiohttp": lambda: aiohttp.messages(stream),
        "picows": lambda: picows.messages(stream),
        "websockets": lambda: websockets.frames(stream, text=is_text),
        "tornado": lambda: tornado.messages(stream),
        "wsproto": lambda: wsproto.messages(stream),
    }
    return Work(
        with_twin(lambda whose: ours.messages(stream, whose))
        | plain.messages(stream)
        | rivals.present(theirs),
        len(stream.payloads),
    )


def long_message(case: Case) -> Work:
    """A message of 10 MiB in reads of the case's size, and as much in two messages.

    They take the same bytes, reads and memory, so what is more than linear shows, and caches do
    not.
    """
    return Work(
        {
            "ours": lambda: ours.long_messages("ours", 1, data.LONG, case.size),
            "halves": lambda: ours.long_messages("halves", 2, data.LONG // 2, case.size),
        }
    )
