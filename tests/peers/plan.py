"""What the peers of all languages send to each other, and what a client has to report of it."""

from __future__ import annotations

import hashlib
from typing import Any

from fastws.deflate import PerMessageDeflate

LIMIT = 1 << 20  # the largest message that either side takes, in bytes
FRAGMENTED = 100_000
SIZES = [0, 1, 125, 126, 65535, 65536, LIMIT]
# Those that may be sent (RFC 6455 7.4, and IANA's registry of close codes).
CODES = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013]
CODES += [3000, 3999, 4000, 4999]
# Those that may not, and that gorilla sends if it is told to.
FORBIDDEN = [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535]

# Whether a side keeps its window from message to message (RFC 7692 7.1.1).
COMPRESSION = {
    "off": None,
    "takeover": PerMessageDeflate(threshold=0),
    "no_takeover": PerMessageDeflate(
        server_no_context_takeover=True, client_no_context_takeover=True, threshold=0
    ),
}


def sized_text(size: int) -> str:
    """Give text of so many bytes, with code points of 1, 2, 3 and 4 of them."""
    return "aé€😀" * (size // 10) + "x" * (size % 10)


def sized_binary(size: int) -> bytes:
    """Give so many bytes."""
    pattern = bytes((i * 7 + 3) & 0xFF for i in range(256))
    return (pattern * (size // 256 + 1))[:size]


def digest(message: str | bytes) -> list[Any]:
    """Name a message as all peers do."""
    data = message.encode() if isinstance(message, str) else message
    kind = "text" if isinstance(message, str) else "binary"
    return [kind, len(data), hashlib.sha256(data).hexdigest()]
