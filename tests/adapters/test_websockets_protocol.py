"""A protocol of websockets beside its frames: handshakes, what users override, and how it ends."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any
from unittest.mock import patch

import pytest
from adapters.transcript import (
    EOF,
    KEY,
    SIDES,
    Lines,
    drive,
    fast,
    framed,
    logger_with,
    protocol_of,
    same,
    seen,
    transcript,
)
from helpers import cuts
from websockets.client import ClientProtocol
from websockets.exceptions import PayloadTooBig, ProtocolError
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    ServerPerMessageDeflateFactory,
)
from websockets.frames import Frame, Opcode
from websockets.protocol import CLIENT, OPEN, SERVER, Protocol, Side
from websockets.server import ServerProtocol
from websockets.streams import StreamReader
from websockets.uri import parse_uri

from fastws.adapters import websockets as adapter

sides = pytest.mark.parametrize("side", SIDES, ids=["server", "client"])

REQUEST = (
    b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: EREREREREREREREREREREQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
)


# --- Handshakes ----------------------------------------------------------------------------------


def server_steps(chunks: list[bytes | None], answer_after: int) -> list[Any]:
    """Drive a server that accepts after so many chunks."""
    lines = Lines()
    protocol = ServerProtocol(
        extensions=[ServerPerMessageDeflateFactory()], logger=logger_with(lines)
    )
    steps: list[Any] = []
    request: Any = None
    for i, chunk in enumerate(chunks):
        if i == answer_after and request is not None:
            with patch("websockets.server.email.utils.formatdate", return_value="now"):
                protocol.send_response(protocol.accept(request))
        steps += drive(protocol, [chunk])
        request = request or next((event[1] for event in steps[-1]["events"]), None)
    return [[normal(step) for step in steps], lines.lines]


def normal(step: Any) -> Any:
    """Make what a handshake gives comparable."""
    if isinstance(step, dict):
        step["events"] = [
            event if len(event) > 2 else (event[0], repr(event[1])) for event in step["events"]
        ]
    return step


def test_frames_right_behind_a_request() -> None:
    frames = framed(SERVER, 9, b"early") + framed(SERVER, 1, b"text") + framed(SERVER, 8)
    data = REQUEST + frames
    drives = [
        partial(server_steps, [data[:i], data[i:], EOF], 1)
        for i in range(len(REQUEST) - 3, len(data) + 1)
    ]
    drives += [partial(server_steps, [*cuts(data, 1), EOF], len(REQUEST))]
    expected = [run() for run in drives]
    with fast():
        assert [run() for run in drives] == expected
    assert "< PING 'early' [text, 5 bytes]" in expected[0][1]


def test_what_was_read_with_the_handshake_is_kept_once() -> None:
    with fast():
        protocol = ServerProtocol()
        protocol.receive_data(REQUEST + framed(SERVER, 1, b"x" * 100)[:50])
    assert not protocol.reader.buffer


def test_bytes_that_are_no_request() -> None:
    chunks: list[bytes | None] = [b"\x81\x00", b"\r\n\r\n", b"more", EOF]
    expected = server_steps(chunks, 9)
    with fast():
        assert server_steps(chunks, 9) == expected


def client_steps(cut: int, frames: bytes) -> list[Any]:
    """Drive a client through a handshake whose answer is cut at one place."""
    lines = Lines()
    with patch("secrets.token_bytes", lambda n: KEY * (n // 4)):
        client = ClientProtocol(
            parse_uri("ws://a/"),
            extensions=[ClientPerMessageDeflateFactory()],
            logger=logger_with(lines),
        )
        server = ServerProtocol(extensions=[ServerPerMessageDeflateFactory()])
        client.send_request(client.connect())
        server.receive_data(b"".join(client.data_to_send()))
        with patch("websockets.server.email.utils.formatdate", return_value="now"):
            server.send_response(server.accept(server.events_received()[0]))  # type: ignore
        data = b"".join(server.data_to_send()) + frames
        cut %= len(data)
        steps = drive(client, [data[:cut], data[cut:], EOF])
    return [[normal(step) for step in steps], lines.lines]


def test_frames_right_behind_a_response() -> None:
    frames = framed(CLIENT, 1, b"hello") + framed(CLIENT, 9) + framed(CLIENT, 8, b"\x03\xe8")
    expected = [client_steps(-i, frames) for i in range(1, len(frames) + 6)]
    with fast():
        assert [client_steps(-i, frames) for i in range(1, len(frames) + 6)] == expected


@sides
def test_the_official_protocols(side: Side) -> None:
    name = "Server" if side is SERVER else "Client"
    fast_class = getattr(adapter, f"Fast{name}Protocol")
    data = framed(side, 1, b"a", fin=False) + framed(side, 9, b"?") + framed(side, 0, b"b" * 300)
    for end in (framed(side, 8, b"\x03\xe8bye"), framed(side, 3), framed(side, 2)[:1]):
        runs = []
        for of in (ServerProtocol if side is SERVER else ClientProtocol, fast_class):
            uri = () if side is SERVER else (parse_uri("ws://a/"),)
            before = adapter.counters()
            make = partial(of, *uri, state=OPEN, max_size=400)
            runs.append([transcript(make, [data + end, EOF]), transcript(make, [*cuts(data, 1)])])
            counted = {key: adapter.counters()[key] > before[key] for key in before}
            assert counted == dict.fromkeys(before, of is fast_class)
        assert runs[0] == runs[1]


# --- What users override, and errors of their own ------------------------------------------------


class Tagging:
    """An extension that changes what comes."""

    def __init__(self, name: str) -> None:
        self.name = name

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        # The type of the data shows what an extension is handed.
        told = f"{self.name} {type(frame.data).__name__} {max_size} "
        data = told.encode() + bytes(frame.data)
        return Frame(frame.opcode, data, frame.fin, False, frame.rsv2, frame.rsv3)

    def encode(self, frame: Frame) -> Frame:
        return Frame(frame.opcode, bytes(frame.data) + b"!", frame.fin, True, frame.rsv2, True)


class Failing:
    """An extension that raises."""

    name = "failing"

    def __init__(self, error: Exception) -> None:
        self.error = error

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        raise self.error


@sides
def test_extensions_see_what_they_see_at_stock(side: Side) -> None:
    data = b"".join(
        framed(side, 2, b"x" * 9, rsv=0x40, fin=False) + framed(side, 9, b"?") + framed(side, 0)
        for _ in range(2)
    )
    data += framed(side, 2, b"x", rsv=0x40, fin=False) + framed(side, 0, b"y")
    extensions = lambda: [Tagging("first"), Tagging("last")]  # noqa: E731
    # What an extension makes of a fragment may well leave less than nothing of the limit.
    for limit in (None, 64, 9, (200, 60)):
        make = partial(protocol_of, side, extensions, max_size=limit)
        same(make, [data, EOF], [*cuts(data, 1), EOF])


@sides
@pytest.mark.parametrize(
    "make_error",
    [
        lambda: RuntimeError("secret"),
        lambda: ProtocolError("told"),
        lambda: PayloadTooBig(None, 7),
        lambda: PayloadTooBig(5, 7),
        lambda: EOFError("end"),
        lambda: UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
        lambda: MemoryError(),
    ],
)
def test_errors_of_extensions(side: Side, make_error: Callable[[], Exception]) -> None:
    data = framed(side, 1, b"a", fin=False)
    make = partial(protocol_of, side, lambda: [Failing(make_error())])
    same(make, [data + data, b"more", EOF], [*cuts(data, 1), EOF])


class Counting(Protocol):
    """A protocol that looks at each frame itself, and at times fails."""

    def recv_frame(self, frame: Frame) -> None:
        assert frame.opcode in Opcode
        if frame.data == b"fail":
            self.fail(1008, "no")
        if frame.data == b"raise":
            raise RuntimeError("oops")
        if frame.data == b"shrink":
            self.max_message_size = 3
        super().recv_frame(frame)


@sides
@pytest.mark.parametrize("word", [b"fail", b"raise", b"shrink", b"none"])
def test_an_overridden_recv_frame(side: Side, word: bytes) -> None:
    data = framed(side, 2, b"one") + framed(side, 1, word) + framed(side, 2, b"four")
    same(partial(Counting, side), [data, framed(side, 9), EOF], [*cuts(data, 1), EOF])


class OwnReader(StreamReader):
    """A reader that is not the stock one."""


class OwnReaderProtocol(Protocol):
    def parse(self) -> Any:
        self.reader = OwnReader()
        return super().parse()


@sides
def test_a_reader_of_the_users_own_is_left_alone(side: Side) -> None:
    data = framed(side, 2, b"one") + framed(side, 3)
    with patch("secrets.token_bytes", return_value=KEY):
        expected = drive(OwnReaderProtocol(side), [data, EOF])
        with fast():
            assert drive(protocol := OwnReaderProtocol(side), [data, EOF]) == expected
    assert type(protocol.reader) is OwnReader


# --- Its end -------------------------------------------------------------------------------------


@sides
def test_stepping_the_parser_after_an_error(side: Side) -> None:
    with fast():
        protocol = protocol_of(side)
        parser = protocol.parser
        protocol.receive_data(framed(side, 3))
    with pytest.raises(AssertionError, match=r"parse\(\) shouldn't step after error"):
        next(parser)


@sides
@pytest.mark.parametrize(
    "ending",
    [
        lambda protocol: protocol.fail(1011, "gone"),
        lambda protocol: protocol.receive_data(framed(protocol.side, 8)),
    ],
    ids=["fail", "close"],
)
def test_what_follows_the_end_is_not_kept(side: Side, ending: Callable[[Protocol], None]) -> None:
    def make() -> Protocol:
        protocol = protocol_of(side)
        if ending.__code__.co_names[0] == "fail":
            protocol.receive_data(framed(side, 2, b"x" * 500)[:400])
        ending(protocol)
        return protocol

    same(make, [b"late", b"later", EOF, b"never"])
    with fast():
        protocol = make()
        assert type(protocol.reader) is StreamReader
        protocol.receive_data(b"x" * 1000)
        assert not protocol.reader.buffer
        assert "feed_data" not in vars(protocol.reader)


@sides
def test_a_connection_is_freed_without_the_collector(side: Side) -> None:
    gc.collect()
    gc.disable()
    try:
        with fast():
            protocol = protocol_of(side)
            protocol.receive_data(framed(side, 2, b"x" * 500)[:400])
            protocol.parser.close()
        gone = weakref.ref(protocol.reader)
        del protocol
        assert gone() is None
    finally:
        gc.enable()


@sides
@pytest.mark.parametrize("opcode", [1, 9], ids=["text", "ping"])
def test_an_idle_connection_holds_no_message(side: Side, opcode: int) -> None:
    with fast():
        protocol = protocol_of(side)
        protocol.receive_data(framed(side, opcode, b"x" * 100))
    [event] = protocol.events_received()
    gone = weakref.ref(event)
    del event
    assert gone() is None


@sides
def test_open_connections_keep_what_they_were_opened_with(side: Side) -> None:
    data = framed(side, 2, b"payload")
    stock = protocol_of(side)
    stock.receive_data(data[:4])
    with fast():
        before = adapter.counters()["decoded"]
        ours = protocol_of(side)
        ours.receive_data(data[:4])
        stock.receive_data(data[4:] + data)
        assert adapter.counters()["decoded"] == before
        assert [event[4] for event in seen(stock)["events"]] == [b"payload"] * 2
    ours.receive_data(data[4:] + data)
    assert [event[4] for event in seen(ours)["events"]] == [b"payload"] * 2
    assert adapter.counters()["decoded"] == before + 2


@sides
def test_limits_may_be_changed_on_an_open_connection(side: Side) -> None:
    def steps() -> list[Any]:
        protocol = protocol_of(side, max_size=10)
        found = drive(protocol, [framed(side, 2, b"x" * 10)])
        protocol.max_message_size = 20
        found += drive(protocol, [framed(side, 2, b"x" * 20)])
        protocol.max_message_size, protocol.max_fragment_size = None, 30
        found += drive(protocol, [framed(side, 2, b"x" * 30)])
        protocol.max_fragment_size = 5
        return found + drive(protocol, [framed(side, 2, b"x" * 6)])

    with patch("secrets.token_bytes", return_value=KEY):
        expected = steps()
        with fast():
            assert steps() == expected


def test_without_a_limit_there_is_what_a_machine_can_hold() -> None:
    # Stock waits for those bytes for ever.
    with fast():
        protocol = protocol_of(SERVER, max_size=None)
        protocol.receive_data(framed(SERVER, 2, form=64, length=(1 << 64) - 1))
    assert protocol.close_sent is not None
    assert protocol.close_sent.code == 1009
    assert str(protocol.parser_exc).startswith(f"frame with {(1 << 64) - 1} bytes exceeds limit")


def test_the_wrong_type_is_refused() -> None:
    with fast():
        protocol = protocol_of(SERVER)
        assert protocol.state is OPEN
        with pytest.raises(TypeError, match="str"):
            protocol.receive_data("text")  # type: ignore[arg-type]
        assert seen(protocol)["events"] == []
