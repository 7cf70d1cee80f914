"""fastws in wsproto: what is replaced, handshakes, and echoes through uvicorn."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import Any

import pytest
import wsproto
from adapters.uvicorn_echo import MESSAGES, uvicorn_echo
from adapters.wsproto_transcript import (
    CLIENT,
    EOF,
    SERVER,
    SIDES,
    connection_of,
    drive_connection,
    fast,
    framed,
    same,
    seen,
)
from helpers import cuts
from processes import lines_of
from wsproto import WSConnection, events, frame_protocol
from wsproto.connection import Connection, ConnectionType
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Request, TextMessage
from wsproto.extensions import PerMessageDeflate
from wsproto.frame_protocol import FrameProtocol

import fastws
from fastws.adapters import HostWarning
from fastws.adapters import _wsproto_connection as ours
from fastws.adapters import _wsproto_frames as ours_frames
from fastws.adapters import wsproto as adapter

REPLACED = (
    "wsproto.frame_protocol.XorMaskerSimple",
    "wsproto.frame_protocol.FrameDecoder",
    "wsproto.frame_protocol.FrameProtocol._parse_more_gen",
    "wsproto.frame_protocol.FrameProtocol._serialize_frame",
    "wsproto.connection.Connection.send",
    "wsproto.connection.Connection.events",
    "wsproto.WSConnection.events",
)
sides = pytest.mark.parametrize("side", SIDES, ids=["server", "client"])


# --- Install -------------------------------------------------------------------------------------


def standing() -> list[object]:
    return [
        vars(frame_protocol)["XorMaskerSimple"],
        vars(frame_protocol)["FrameDecoder"],
        vars(FrameProtocol)["_parse_more_gen"],
        vars(FrameProtocol)["_serialize_frame"],
        vars(Connection)["send"],
        vars(Connection)["events"],
        vars(WSConnection)["events"],
    ]


def test_the_very_objects_are_restored() -> None:
    before = standing()
    adapter.install()
    fastws.install("wsproto")
    assert standing() == [
        ours.XorMaskerSimple,
        ours_frames.FrameDecoder,
        ours_frames.parse_more_gen,
        ours.serialize_frame,
        ours.send,
        ours.events,
        ours.ws_events,
    ]
    found = fastws.status()["wsproto"]
    assert (found.state, found.supported, found.reason) == ("on", adapter.supported(), "")
    assert found.replaced == REPLACED
    adapter.uninstall()
    assert all(one is other for one, other in zip(standing(), before, strict=True))
    assert fastws.status()["wsproto"].state == "off"


def of_other_names(self: Any, payload: Any) -> None:
    """Hold nothing of what the stock ones use."""


@pytest.mark.parametrize("name", adapter.KNOWN)
@pytest.mark.parametrize("other", [print, None, of_other_names], ids=["built-in", "none", "names"])
def test_another_structure_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, other: object
) -> None:
    before = standing()
    monkeypatch.setitem(ours.STOCK, name, other)
    with pytest.warns(HostWarning, match=f"{name} is not.*supported: {adapter.supported()}"):
        fastws.install("wsproto")
    assert standing() == before
    assert fastws.status()["wsproto"].state == "refused"
    fastws.uninstall("wsproto")


@pytest.mark.parametrize(
    ("owner", "name", "other", "told"),
    [
        (wsproto, "WSConnection", type("WSConnection", (), {}), "it was imported anew"),
        (frame_protocol, "FrameProtocol", type("FrameProtocol", (), {}), "it was imported anew"),
        (TextMessage, "__dataclass_fields__", {"data": None}, "an event is not built"),
        (wsproto, "__version__", "1.4.0", "version 1.4.0 is not one"),
        (wsproto, "__version__", "0.15.0", "version 0.15.0 is not one"),
    ],
)
def test_another_host_is_refused(
    monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, other: Any, told: str
) -> None:
    if name == "__version__":
        monkeypatch.setattr("importlib.metadata.version", lambda distribution: other)
    monkeypatch.setattr(owner, name, other)
    with pytest.warns(HostWarning, match=rf"{told}.*supported: {adapter.supported()}"):
        fastws.install("wsproto")
    assert vars(frame_protocol)["FrameDecoder"] is ours_frames.STOCK_FRAME_DECODER
    monkeypatch.undo()
    fastws.uninstall("wsproto")


def test_installed_before_the_import() -> None:
    out = lines_of(
        "fastws.install('wsproto')\n"
        "print(fastws.status()['wsproto'].state, 'wsproto' in sys.modules)\n"
        "from wsproto.frame_protocol import FrameDecoder\n"
        "print(fastws.status()['wsproto'].state, FrameDecoder.__module__)\n"
        "print(*fastws.status()['wsproto'].replaced)\n"
        "fastws.uninstall()\n"
        "from wsproto.frame_protocol import FrameDecoder\n"
        "print(fastws.status()['wsproto'].state, FrameDecoder.__module__)\n"
    )
    assert out == [
        "waiting False",
        "on fastws.adapters._wsproto_frames",
        " ".join(REPLACED),
        "off wsproto.frame_protocol",
    ]


def test_asking_the_adapter_imports_no_host() -> None:
    out = lines_of(
        "import fastws.adapters.wsproto as adapter\n"
        "print(adapter.supported(), adapter.counters())\n"
        "print('wsproto' in sys.modules, 'asyncio' in sys.modules)\n"
    )
    counters = "{'decoded': 0, 'encoded': 0, 'masked': 0}"
    assert out == [f"{adapter.supported()} {counters}", "False False"]


# --- Connections that are open when fastws comes or goes -----------------------------------------


@pytest.mark.parametrize("came_first", [False, True], ids=["came", "went"])
@sides
def test_open_connections_keep_what_they_have(side: ConnectionType, came_first: bool) -> None:
    data = framed(side, 1, b"a" * 9, fin=False) + framed(side, 9, b"?") + framed(side, 0, b"b")
    data += framed(side, 2, b"c") + framed(side, 3)
    for cut in range(len(data)):
        chunks = [data[:cut], data[cut:]]
        stock = connection_of(side)()
        expected = [
            [seen(event) for chunk in chunks for event in fed(stock, chunk)],
            seen(stock.send(TextMessage("x")))[0],
        ]
        if came_first:
            with fast():
                one = connection_of(side)()
                found = fed(one, chunks[0])
            found += fed(one, chunks[1])
            sent = one.send(TextMessage("x"))
        else:
            one = connection_of(side)()
            found = fed(one, chunks[0])
            with fast():
                found += fed(one, chunks[1])
                sent = one.send(TextMessage("x"))
        assert [[seen(event) for event in found], seen(sent)[0]] == expected


def fed(connection: Any, chunk: bytes) -> list[Any]:
    """Feed a connection and give the events."""
    connection.receive_data(chunk)
    return list(connection.events())


def test_a_connection_is_let_go() -> None:
    with fast():
        connection = connection_of(SERVER)()
        drive_connection(connection, [framed(SERVER, 1, b"abc"), framed(SERVER, 8), EOF])
    gone = weakref.ref(connection._proto)
    del connection
    gc.collect()
    assert gone() is None


# --- Handshakes ----------------------------------------------------------------------------------

REQUEST = (
    b"GET /x HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: EREREREREREREREREREREQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
)


def serve(connection: WSConnection, chunks: list[bytes | None], compressed: bool) -> list[Any]:
    """Feed a server, which accepts and echoes, and tell all that comes of it."""
    steps: list[Any] = []
    for chunk in chunks:
        try:
            connection.receive_data(chunk)
        except Exception as error:
            steps.append(seen(error))
            continue
        for event in connection.events():
            steps.append((repr(event), connection.state))
            answer: Any = None
            if isinstance(event, Request):
                answer = AcceptConnection(extensions=[PerMessageDeflate()] if compressed else [])
            elif isinstance(event, (events.Message, events.Ping)):
                answer = event.response() if isinstance(event, events.Ping) else event
            elif isinstance(event, CloseConnection):
                try:
                    steps.append(connection.send(event.response()))
                except Exception as error:
                    steps.append(seen(error))
            if answer is not None:
                steps.append(connection.send(answer))
        steps.append(connection.state)
    return steps


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "deflate"])
def test_frames_right_behind_a_request(compressed: bool) -> None:
    frames = framed(SERVER, 9, b"early") + framed(SERVER, 1, b"text") + framed(SERVER, 8)
    data = REQUEST + frames
    streams: list[list[bytes | None]] = [
        [data[:i], data[i:], EOF] for i in range(len(REQUEST) - 3, len(data) + 1)
    ]
    streams += [[*cuts(data, 1), EOF], [data, EOF, b"late"], [b"\x81\x00\r\n\r\n", data]]
    for chunks in streams:
        expected = serve(WSConnection(SERVER), chunks, compressed)
        with fast():
            assert serve(WSConnection(SERVER), chunks, compressed) == expected


def test_events_are_asked_for_before_they_come() -> None:
    """The iterator gives what has come by the time it is asked, in every phase."""

    def steps() -> list[Any]:
        connection = WSConnection(SERVER)
        found: list[Any] = []
        waiting = connection.events()
        connection.receive_data(REQUEST)
        found += map(repr, waiting)
        connection.send(AcceptConnection())
        waiting = connection.events()
        connection.receive_data(framed(SERVER, 1, b"abc"))
        found += map(repr, waiting)
        waiting = connection.events()
        connection.receive_data(framed(SERVER, 2, b"abc") * 3)
        found.append(repr(next(waiting)))
        connection.receive_data(framed(SERVER, 1, b"x"))
        found += map(repr, waiting)
        return [*found, *map(repr, connection.events())]

    expected = steps()
    with fast():
        assert steps() == expected


def client_steps(answer_cut: int, compressed: bool) -> list[Any]:
    """Drive a client through a handshake whose answer, with frames behind, is cut once."""
    offered = [PerMessageDeflate()] if compressed else []
    client, server = WSConnection(CLIENT), WSConnection(SERVER)
    request = client.send(Request(host="a", target="/", extensions=offered))
    server.receive_data(request)
    assert [type(event) for event in server.events()] == [Request]
    answer = server.send(AcceptConnection(extensions=[PerMessageDeflate()]))
    answer += server.send(TextMessage("early")) + server.send(BytesMessage(b"\x00" * 200))
    answer += server.send(CloseConnection(1001, "away"))
    steps: list[Any] = []
    for chunk in (answer[:answer_cut], answer[answer_cut:]):
        client.receive_data(chunk)
        steps += [(repr(event), client.state) for event in client.events()]
    return steps


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "deflate"])
def test_frames_right_behind_an_answer(compressed: bool) -> None:
    expected = [client_steps(cut, compressed) for cut in range(1, 400, 7)]
    with fast():
        assert [client_steps(cut, compressed) for cut in range(1, 400, 7)] == expected
    assert "early" in str(expected[0])


# --- Events --------------------------------------------------------------------------------------


@sides
def test_events_are_those_of_the_host(side: ConnectionType) -> None:
    """They are frozen, equal, hashable and printable as any other."""
    with fast():
        [text, data] = fed(connection_of(side)(), framed(side, 1, b"a") + framed(side, 2, b"b"))
    assert hash(text) == hash(TextMessage("a"))
    for event, equal in ((text, TextMessage("a")), (data, BytesMessage(b"b"))):
        assert type(event) is type(equal)
        assert event == equal and repr(event).replace("bytearray(b'b')", "b'b'") == repr(equal)
        with pytest.raises(AttributeError, match="cannot assign"):
            event.data = "other"


@sides
def test_what_waits_comes_first(side: ConnectionType) -> None:
    def make() -> Connection:
        connection = connection_of(side)()
        connection._events.extend([TextMessage("first"), TextMessage("second")])
        return connection

    same([(make, drive_connection)], [framed(side, 1, b"third"), EOF])


# --- uvicorn -------------------------------------------------------------------------------------


@pytest.mark.parametrize("compression", [None, "deflate"])
def test_uvicorn_reads_and_writes_frames_with_us(compression: str | None) -> None:
    before = adapter.counters()
    assert asyncio.run(uvicorn_echo("wsproto", compression)) == MESSAGES
    assert adapter.counters() == before
    with fast():
        assert asyncio.run(uvicorn_echo("wsproto", compression)) == MESSAGES
    after = adapter.counters()
    if compression is None:
        assert after["decoded"] - before["decoded"] >= len(MESSAGES)
        assert after["encoded"] - before["encoded"] >= len(MESSAGES)
    else:  # wsproto reads and writes, with our mask
        assert after["masked"] - before["masked"] >= len(MESSAGES)
