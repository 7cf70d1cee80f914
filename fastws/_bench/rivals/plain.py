"""CPython as the yardstick: payloads that were never masked, decoded or copied."""

from __future__ import annotations

from collections.abc import Callable

from .. import data
from ..measure import Side, statement


def copies(payload: bytes, result: Callable[[], object]) -> dict[str, Callable[[], Side]]:
    """Copy a payload, also from a view made beforehand: what copying alone takes."""
    names = {"payload": payload, "view": memoryview(payload)}
    return {
        "copy": lambda: statement("copy", "bytes(memoryview(payload))", names, result),
        "copy of a view": lambda: statement("copy of a view", "bytes(view)", names, result),
    }


def decode(payload: bytes) -> Side:
    """Decode UTF-8, which checks it."""
    names = {"payload": payload}
    return statement("decode", "payload.decode()", names, lambda: bool(payload.decode() or True))


def messages(stream: data.Stream) -> dict[str, Callable[[], Side]]:
    """Decode or copy payloads in a loop that does nothing else.

    For binary a second loop copies from views made beforehand: making one takes longer than
    copying a short payload.
    """

    def side(name: str, call: str, payloads: list[bytes] | list[memoryview]) -> Side:
        code = f"for payload in payloads:\n    {call}"
        return statement(name, code, {"payloads": payloads}, lambda: stream.messages)

    if stream.opcode == data.TEXT:
        return {"plain": lambda: side("plain", "payload.decode()", stream.payloads)}
    views = [memoryview(each) for each in stream.payloads]
    return {
        "plain": lambda: side("plain", "bytes(memoryview(payload))", stream.payloads),
        "copy of a view": lambda: side("copy of a view", "bytes(payload)", views),
    }
