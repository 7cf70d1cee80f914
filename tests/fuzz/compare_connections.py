"""Connection on the compiled core against Connection on its pure twin: events, states, answers."""

from __future__ import annotations

import functools
import importlib.util
from types import ModuleType
from typing import Any

from helpers import outcome
from twins import ask, event_fields

from fastws import CodecError, _pure, connection
from fastws._backend import codec
from fastws.deflate import PreparedMessage

from .choices import Choices
from .compare_messages import FRAGMENTS, deflates
from .streams import KEYS, Writer
from .walk import EVERYTHING, LIMITS, pieces, plan, put, same

PEER: Any = {"server": "client", "client": "server"}
# What a host may do, by turns; some of it is wrong in any state, some of it in one.
ACTIONS: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("data_to_send", (), {}),
    ("data_to_send", (), {}),
    ("send_text", ("hello",), {}),
    ("send_text", ("\u20ac\U0001f600" * 20,), {}),
    ("send_text", (b"as it is",), {}),
    ("send_text", ("part",), {"fin": False}),
    ("send_text", ("",), {}),
    ("send_text", ("\ud800",), {}),
    ("send_bytes", (b"\x00\xff" * 64,), {}),
    ("send_bytes", (bytearray(b"part"),), {"fin": False}),
    ("send_bytes", ("text",), {}),
    ("send_prepared", (PreparedMessage("prepared " * 9),), {}),
    ("ping", (b"?",), {}),
    ("ping", (bytes(126),), {}),
    ("pong", ("",), {}),
    ("close", (1000, "bye"), {}),
    ("close", (None,), {}),
    ("close", (1005,), {}),
    ("close", (4999, "x" * 124), {}),
    ("feed_eof", (), {}),
]


@functools.cache
def connection_on(core: ModuleType) -> Any:
    """Give the class as it is where this core was chosen."""
    spec = importlib.util.spec_from_file_location(
        f"fastws._connection_{len(core.__name__)}", connection.__file__
    )
    assert spec and spec.loader
    copy = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(copy)
    for name, value in list(vars(copy).items()):
        if value is getattr(codec, name, copy):
            setattr(copy, name, getattr(core, name))
    return copy.Connection


def state(of: Any) -> tuple[Any, ...]:
    """Give all that a connection shows."""
    shown = (of.role, of.state, of.close_code, of.close_reason)
    return (*shown, of.should_close, of.buffered, repr(of), type(of.close_code))


def act(pair: list[Any], step: int, sent: list[bytes]) -> None:
    """Do the same with both."""
    name, args, options = ACTIONS[step % len(ACTIONS)]
    ours, theirs = [outcome(getattr(one, name), *args, **options) for one in pair]
    same(name, ours, theirs)
    same(f"the state behind {name}", *map(state, pair))
    if ours[1] is bytes:
        sent.append(ours[2])


def frames_of(role: str, data: bytes) -> list[Any]:
    """Give what a peer reads of what was sent.

    Raises:
        CodecError: it may not be sent like that.
    """
    decoder = _pure.FrameDecoder(PEER[role], rsv=0x40)
    decoder.feed(data)
    found = list(decoder)
    same("what is sent behind the last frame", decoder.buffered, 0)
    return found


def check_sent(role: str, sent: list[bytes]) -> None:
    """Hold that what was sent are frames, and that nothing follows a close frame."""
    try:
        found = frames_of(role, b"".join(sent))
    except CodecError as error:
        same("what a peer says of what was sent", error.reason, None)
    same("frames behind a close", [8 in [frame.opcode for frame in found[:-1]]], [False])


def check(choices: Choices, core: ModuleType) -> None:
    """Drive both over what a peer sends, and through what a host does meanwhile."""
    role = choices.pick(("server", "client"))
    kind, limit = choices.byte(), choices.byte()
    options = {
        "max_message_size": LIMITS[limit & 15] if limit & 15 < len(LIMITS) else 1 << 20,
        "max_fragments": FRAGMENTS[limit >> 4 & 3],
        "text": "bytes" if kind & 1 else "str",
        "validate_utf8": not kind & 2,
        "auto_pong": not kind & 4,
    }
    deflate: list[Any] = deflates(kind >> 5, 3) if kind & 16 else [None] * 3
    steps, actions = plan(choices), plan(choices)
    stream = Writer(choices, role == "server", deflate[0]).stream()
    pair = [
        connection_on(back_end)(role, deflate=streams, **options)
        for back_end, streams in zip((core, _pure), deflate[1:], strict=True)
    ]
    if role == "client":
        for one in pair:
            one._mask = KEYS[limit >> 6]  # fresh keys could not be compared
    sent: list[bytes] = []
    for turn, (piece, step) in enumerate(pieces(stream, steps)):
        put(pair, piece, step >> 4 & 3)
        if step >> 6:
            most = 1 if step >> 6 == 1 else EVERYTHING
            same("what comes", *[ask(iter(one), most, event_fields) for one in pair])
        act(pair, actions[turn % len(actions)], sent)
    same("what comes at last", *[ask(iter(one), EVERYTHING, event_fields) for one in pair])
    act(pair, actions[-1], sent)
    act(pair, 0, sent)
    check_sent(role, sent)
