"""What the tests of permessage-deflate share: names, a text, and negotiated pairs."""

from __future__ import annotations

import zlib
from types import ModuleType
from typing import Any

from fastws.deflate import Deflate, PerMessageDeflate

NAME = "permessage-deflate"
SRN, CRN = "server_no_context_takeover", "client_no_context_takeover"
SMB, CMB = "server_max_window_bits", "client_max_window_bits"
TEXT = b"All work and no play makes Jack a dull boy. " * 20
BIG = 1 << 20


def pair(client: Any, server: Any) -> tuple[Deflate, Deflate]:
    """Negotiate, and give the client's and the server's Deflate."""
    answer, deflate = server.accept(client.offer())
    return client.check_response(answer), deflate


def new(**settings: Any) -> tuple[Deflate, Deflate]:
    return pair(PerMessageDeflate(**settings), PerMessageDeflate(**settings))


def counting_zlib() -> Any:
    """Give a zlib that notes which objects it makes."""
    module: Any = ModuleType("counting")
    module.error, module.made = zlib.error, []
    module.compressobj = lambda **kw: module.made.append("c") or zlib.compressobj(**kw)
    module.decompressobj = lambda **kw: module.made.append("d") or zlib.decompressobj(**kw)
    return module
