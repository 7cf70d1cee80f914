"""Memory that runs out at one chosen place of the plain Python: what is lost, and that it is told.

test_allocations.py lets every allocation fail in turn, on CPython; these run anywhere.
"""

from __future__ import annotations

import collections
import contextlib
import zlib
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any, NoReturn

import pytest
from deflates import BIG, TEXT
from helpers import make_frame

from fastws import RSV1, Connection, PayloadTooBigError, _pure, connection, deflate
from fastws.deflate import Deflate, PerMessageDeflate, PreparedMessage


def starve(*args: object, **kwargs: object) -> NoReturn:
    raise MemoryError


# --- Decoders ------------------------------------------------------------------------------------


def test_chunk_that_cannot_be_queued_was_not_fed() -> None:
    class Full(collections.deque[bytes]):
        append = starve

    decoder = _pure.FrameDecoder("client")
    decoder.feed(make_frame(1, b"a"))
    decoder.feed(make_frame(1, b"b"))
    decoder._queue = Full(decoder._queue or ())
    with pytest.raises(MemoryError):
        decoder.feed(make_frame(1, b"lost"))
    assert decoder.buffered == 6
    assert [frame.payload for frame in decoder] == [b"a", b"b"]


class Forgetful(_pure.MessageDecoder):
    """Has no memory for chunks from some point on."""

    __slots__ = ("starved",)

    def _append(self, chunk: bytes) -> None:
        if getattr(self, "starved", False):
            raise MemoryError
        super()._append(chunk)


def test_what_was_read_and_lost_ends_the_stream() -> None:
    decoder = Forgetful("client")
    decoder.starved = True
    decoder.get_buffer()[:3] = b"\x81\x01a"
    with pytest.raises(MemoryError):
        decoder.buffer_updated(3)
    decoder.starved = False
    decoder.feed(make_frame(1, b"behind"))
    for _ in range(2):
        with pytest.raises(PayloadTooBigError, match="^no memory for a frame of"):
            next(decoder)


def test_what_was_lost_beside_the_inflater_ends_the_stream() -> None:
    class Careless:
        def decompress(self, payload: bytes, *, limit: int, fin: bool) -> bytes:
            decoder.starved = True
            decoder.get_buffer()
            with contextlib.suppress(MemoryError):
                decoder.buffer_updated(1)
            decoder.starved = False
            return payload

    decoder = Forgetful("client", deflate=Careless())
    decoder.feed(make_frame(1, b"1", fin=False, rsv=RSV1))
    assert list(decoder) == []
    decoder.feed(make_frame(0, b"2"))
    with pytest.raises(PayloadTooBigError, match="^no memory for a frame of"):
        next(decoder)


class Lost:
    """Stands for the queue of chunks, and has no memory for it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, decoder: Any) -> None:
        self.monkeypatch = monkeypatch
        self.decoder = decoder

    def read(self) -> None:
        """Read a byte that there is no room for."""
        self.decoder.get_buffer(10)
        with self.monkeypatch.context() as patch:
            patch.setattr(collections, "deque", starve)
            with contextlib.suppress(MemoryError):
                self.decoder.buffer_updated(1)

    def decompress(self, payload: bytes, *, limit: int, fin: bool) -> bytes:
        with contextlib.suppress(RuntimeError):  # the pure twin gives no buffer inside a step
            self.read()
        return payload


@pytest.mark.parametrize("kind", ["FrameDecoder", "MessageDecoder"])
def test_what_was_read_behind_what_waits_and_lost_ends_the_stream(
    codec: ModuleType, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoder = getattr(codec, kind)("client")
    decoder.feed(make_frame(1, b"waits") * 2)
    Lost(monkeypatch, decoder).read()
    for _ in range(2):
        with pytest.raises(PayloadTooBigError, match="^no memory for a frame of"):
            next(decoder)


def test_what_was_lost_inside_a_step_ends_the_stream_behind_it(
    codec: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoder = codec.MessageDecoder("client", deflate=Lost(monkeypatch, None))
    decoder.deflate.decoder = decoder
    decoder.feed(make_frame(1, b"first", rsv=RSV1) + make_frame(1, b"waits"))
    assert next(decoder) == codec.Text("first")
    if codec is _pure:
        assert next(decoder) == codec.Text("waits")
        return
    with pytest.raises(PayloadTooBigError, match="^no memory for a frame of"):
        next(decoder)


# --- What is sent --------------------------------------------------------------------------------


def message_of(server: Connection, peer: Deflate | None) -> object:
    """Send a message; give what the peer reads."""
    client = Connection("client", deflate=peer)
    client.feed(server.send_text(TEXT))
    (event,) = client
    return event.data  # type: ignore[union-attr]


SEND: dict[str, Callable[[Connection], object]] = {
    "whole": lambda server: server.send_text(TEXT),
    "fragment": lambda server: server.send_text(TEXT, fin=False),
    "prepared": lambda server: server.send_prepared(PreparedMessage(TEXT.decode())),
}


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("send", SEND.values(), ids=SEND)
def test_message_that_was_not_framed_is_not_referred_to(
    monkeypatch: pytest.MonkeyPatch, send: Callable[[Connection], object], compressed: bool
) -> None:
    settings = PerMessageDeflate()
    server = Connection("server", deflate=Deflate(settings) if compressed else None)
    with monkeypatch.context() as patch:
        patch.setattr(connection, "encode_frame", starve)
        patch.setattr(deflate, "codec", SimpleNamespace(encode_frame=starve))
        with pytest.raises(MemoryError):
            send(server)
    assert message_of(server, Deflate(settings) if compressed else None) == TEXT.decode()


class Poor:
    """A compressor without the memory for its end."""

    def __init__(self, **settings: Any) -> None:
        self.compress = zlib.compressobj(**settings).compress

    flush = starve


def poor_zlib() -> Any:
    """Give a zlib that can be made to lack memory."""
    module: Any = ModuleType("poor")
    module.error, module.compressobj = zlib.error, zlib.compressobj
    module.decompressobj = lambda **_: SimpleNamespace(decompress=module.fail)
    return module


def test_compressor_that_failed_is_not_used_again() -> None:
    module = poor_zlib()
    sender = Deflate(PerMessageDeflate(zlib=module))
    module.compressobj = Poor
    with pytest.raises(MemoryError):
        sender.compress(TEXT)
    module.compressobj = zlib.compressobj
    receiver = Deflate(PerMessageDeflate())
    assert receiver.decompress(sender.compress(TEXT), limit=BIG) == TEXT


def test_want_of_memory_is_no_corrupt_data() -> None:
    def fail(*args: object) -> NoReturn:
        raise zlib.error("Error -4 while decompressing data")

    module = poor_zlib()
    module.fail = fail
    with pytest.raises(MemoryError):
        Deflate(PerMessageDeflate(zlib=module)).decompress(b"\0", limit=BIG)
