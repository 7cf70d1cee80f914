"""Other interpreters in this process, and a look that the codec works in the one that asks.

Isolated ones have a GIL of their own from Python 3.12 on; legacy ones share it, as those of
mod_wsgi do. The module for them has had several names.
"""

from __future__ import annotations

import os
import sys
import zlib
from typing import Any

if sys.version_info >= (3, 13):
    import _interpreters as subinterpreters
else:
    import _xxsubinterpreters as subinterpreters

KEY = bytes.fromhex("37fa213d")
HELLO = bytes.fromhex("818537fa213d7f9f4d5158")  # RFC 6455 5.7: a masked "Hello"


if sys.version_info[:2] == (3, 12):
    # Crashes at its end where an isolated interpreter was the first to name such an argument.
    zlib.compressobj(wbits=-15)
    zlib.decompressobj(wbits=-15)


def create(isolated: bool) -> Any:
    if sys.version_info >= (3, 13):
        return subinterpreters.create("isolated" if isolated else "legacy")
    return subinterpreters.create(isolated=isolated)


def run(interpreter: Any, code: str) -> None:
    """Run code in an interpreter; raise what it raises, in words."""
    if sys.version_info >= (3, 13):
        failure = subinterpreters.exec(interpreter, code)
        if failure is not None:
            raise RuntimeError(failure.formatted)
    else:
        subinterpreters.run_string(interpreter, code)


def destroy(interpreter: Any) -> None:
    subinterpreters.destroy(interpreter)


def work() -> None:
    """Encode and decode in each way; raise where something is wrong."""
    import fastws
    from fastws.deflate import Deflate, PerMessageDeflate

    text = "Grüße, 世界 🌍 " * 50
    assert fastws.encode_frame(1, "Hello", mask=KEY) == HELLO
    assert fastws.apply_mask(HELLO[6:], KEY) == b"Hello"
    assert fastws.parse_header(HELLO) == (True, 0, 1, True, KEY, 5, 6)
    assert fastws.decode_text(fastws.apply_mask(text.encode(), KEY), KEY) == text
    assert not fastws.validate_utf8(text.encode()[:-2])
    assert len({fastws.new_mask_key() for _ in range(50)}) > 45
    decoder = fastws.FrameDecoder("server")
    decoder.feed(HELLO * 3 + b"\x83")
    decoder.feed(b"\x80")
    try:
        for frame in decoder:
            assert frame.payload == b"Hello"
    except fastws.ProtocolError as error:
        assert error.reason == "reserved opcode 0x3"
    settings = PerMessageDeflate()
    for deflate in (None, Deflate(settings)):
        client = fastws.Connection("client", deflate=deflate)
        server = fastws.Connection("server", deflate=deflate and Deflate(settings))
        server.feed(client.send_text(text) + client.ping(b"?") + client.send_bytes(HELLO * 30))
        found = [event.data for event in server]
        assert found == [text, b"?", HELLO * 30]
        client.feed(server.send_text(text) + server.close(1001, "bye"))
        assert list(client)[2:] == [fastws.Close(1001, "bye")]


def say() -> None:
    """Work, and print the back end that did."""
    work()
    import fastws

    os.write(1, f"{fastws.backend}\n".encode())  # at once, beside others that do the same
