"""What the server and the client of fastws.Connection have in common: how they answer."""

from __future__ import annotations

from collections.abc import Iterator

import fastws
from fastws import Binary, CodecError, Connection, Text
from fastws.deflate import PerMessageDeflate

HOST = "127.0.0.1"
COMPRESSION = PerMessageDeflate()
LARGEST = 1 << 24  # the suite sends messages of just 16 MiB
HEAD_END = b"\r\n\r\n"


def say_back_end() -> None:
    """Say which core is in use, for the runner to check."""
    print(f"back end: {fastws.backend}", flush=True)


def split_head(head: bytes) -> tuple[list[bytes], list[tuple[bytes, bytes]]]:
    """Split the head of a request or response: the words of its first line, and its fields."""
    first, *lines = head.split(b"\r\n")
    pairs = (line.partition(b":") for line in lines)
    return first.split(b" ", 2), [(name, value.strip()) for name, _, value in pairs]


def join_head(first: str, fields: list[tuple[str, str]]) -> bytes:
    lines = [first, *(f"{name}: {value}" for name, value in fields)]
    return "\r\n".join(lines).encode() + HEAD_END


def answers(connection: Connection) -> Iterator[bytes]:
    """Echo each message, as docs/server.md has it: the answers, then what is owed."""
    try:
        for event in connection:
            match event:
                case Text(text):
                    yield connection.send_text(text)
                case Binary(payload):
                    yield connection.send_bytes(payload)
    except CodecError:
        pass  # what there is to say to the peer is owed
    yield connection.data_to_send()
