"""What a connection sends: frames, fragments, compressed and prepared messages; and its room."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from typing import Any

import pytest
from connections import BINARY, PEER, PING, PONG, TEXT, frames, from_peer, make, role
from helpers import BUFFERS, make_frame

from fastws import ACCELERATED, RSV1, Connection, Frame, FrameDecoder, Opcode
from fastws.deflate import Deflate, PerMessageDeflate, PreparedMessage

__all__ = ["make", "role"]  # the fixtures

CONTINUATION = 0
Make = Callable[..., Connection]
LONG = "a message that is long enough to be compressed " * 4


def heard(by: str, data: bytes) -> list[Frame]:
    """Give the frames that a peer in this role reads."""
    decoder = FrameDecoder(by, rsv=RSV1)  # type: ignore[arg-type]
    decoder.feed(data)
    return list(decoder)


def deflate(**options: Any) -> Deflate:
    return Deflate(PerMessageDeflate(**options))


# --- Plain ---------------------------------------------------------------------------------------


def test_what_is_sent(make: Make, role: str) -> None:
    connection = make(role)
    sent = [
        (connection.send_text("Grüße"), (TEXT, "Grüße".encode())),
        (connection.send_text(""), (TEXT, b"")),
        (connection.send_text(b"as bytes"), (TEXT, b"as bytes")),
        (connection.send_bytes(b"\x00\xff"), (BINARY, b"\x00\xff")),
        (connection.send_bytes(bytes(70000)), (BINARY, bytes(70000))),
        (connection.ping(), (PING, b"")),
        (connection.ping("now"), (PING, b"now")),
        (connection.pong(bytes(125)), (PONG, bytes(125))),
    ]
    for data, expected in sent:
        assert frames(connection, data) == [expected]
    assert connection.data_to_send() == b""


def test_servers_send_plain_frames_and_clients_a_fresh_key_each_time(make: Make) -> None:
    assert make("server").send_text("hi") == make_frame(TEXT, b"hi")
    client = make("client")
    client.feed(make_frame(PING, b"?") * 20)
    list(client)
    pongs = client.data_to_send()
    sent = [client.send_text("hi") for _ in range(20)]
    keys = {frame[2:6] for frame in sent} | {pongs[i + 2 : i + 6] for i in range(0, 140, 7)}
    keys |= {client.ping()[2:6], client.close()[2:6]}
    assert len(keys) == 42


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("name", BUFFERS)
def test_every_buffer_can_be_sent(make: Make, name: str, compressed: bool) -> None:
    data = bytes(range(240))
    options = {"deflate": deflate(threshold=0)} if compressed else {}
    server, client = make("server", **options), make("client", **options)
    client.feed(server.send_bytes(BUFFERS[name](data)))
    (event,) = client
    assert (event.opcode, event.data) == (BINARY, data)
    client.feed(server.send_text(BUFFERS[name](b"text " * 24)))
    (event,) = client
    assert (event.opcode, event.data) == (TEXT, "text " * 24)


NOT_A_BUFFER = "a bytes-like object is required, not "
NOT_A_PAYLOAD = "payload must be str or a bytes-like object, not "


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("fin", [True, False])
def test_wrong_types_are_refused(make: Make, role: str, compressed: bool, fin: bool) -> None:
    connection: Any = make(role, deflate=deflate(threshold=0) if compressed else None)
    for wrong in (None, 5, ["x"]):
        text = f"'{type(wrong).__name__}'"
        with pytest.raises(TypeError, match=NOT_A_PAYLOAD + text):
            connection.send_text(wrong, fin=fin)
        with pytest.raises(TypeError, match="a bytes-like object, not |is required, not " + text):
            connection.send_bytes(wrong, fin=fin)
        with pytest.raises(TypeError, match=NOT_A_PAYLOAD + text):
            connection.ping(wrong)
        with pytest.raises(TypeError, match=NOT_A_BUFFER + text):
            connection.feed(wrong)
    with pytest.raises(TypeError, match=NOT_A_BUFFER + "'str'"):
        connection.send_bytes("text", fin=fin)
    with pytest.raises(UnicodeEncodeError):
        connection.send_text("\ud800", fin=fin)
    with pytest.raises(ValueError, match="at most 125 bytes, not 126"):
        connection.ping(bytes(126))
    # None of that began a message.
    assert heard(PEER[role], connection.send_bytes(b""))[0].opcode == BINARY


def test_text_comes_and_goes_as_bytes(make: Make, role: str) -> None:
    connection = make(role, text="bytes")
    connection.feed(from_peer(connection, TEXT, "Grüße".encode()))
    (event,) = connection
    assert (event.opcode, event.data) == (TEXT, "Grüße".encode())
    assert frames(connection, connection.send_text(event.data)) == [(TEXT, "Grüße".encode())]
    unchecked = make(role, text="bytes", validate_utf8=False)
    unchecked.feed(from_peer(unchecked, TEXT, b"\xff"))
    assert [event.data for event in unchecked] == [b"\xff"]


# --- Fragments -----------------------------------------------------------------------------------


@pytest.mark.parametrize("compressed", [False, True])
def test_messages_in_fragments(make: Make, role: str, compressed: bool) -> None:
    connection = make(role, deflate=deflate() if compressed else None)
    peer = make(PEER[role], deflate=deflate() if compressed else None)
    for send, opcode, parts in (
        (connection.send_text, TEXT, ["one ", "", "zwölf ", "three"]),
        (connection.send_bytes, BINARY, [b"one ", b"", b"two", b""]),
    ):
        sent = [send(part, fin=n == 3) for n, part in enumerate(parts)]  # type: ignore[operator]
        found = [frame for data in sent for frame in heard(PEER[role], data)]
        assert [frame.opcode for frame in found] == [opcode, 0, 0, 0]
        assert [frame.fin for frame in found] == [False, False, False, True]
        assert [frame.rsv for frame in found] == [RSV1 if compressed else 0, 0, 0, 0]
        peer.feed(b"".join(sent))
        assert [event.data for event in peer] == [parts[0][:0].join(parts)]  # type: ignore[arg-type]


def test_control_frames_go_between_fragments_and_no_other_message(make: Make, role: str) -> None:
    connection = make(role)
    connection.send_text("begun", fin=False)
    assert connection.ping()
    with pytest.raises(ValueError, match="a text message is not finished"):
        connection.send_bytes(b"x")
    with pytest.raises(ValueError, match="a text message is not finished"):
        connection.send_prepared(PreparedMessage("x"))
    assert heard(PEER[role], connection.send_text("done"))[0].opcode == CONTINUATION
    connection.send_bytes(b"begun", fin=False)
    with pytest.raises(ValueError, match="a binary message is not finished"):
        connection.send_text("x")
    assert connection.close()


# --- Compression ---------------------------------------------------------------------------------


def test_messages_from_the_threshold_on_are_compressed(make: Make, role: str) -> None:
    connection = make(role, deflate=deflate(threshold=10))
    # Bytes count, not characters.
    for text, rsv in (("x" * 9, 0), ("x" * 10, RSV1), ("\u20ac" * 3, 0), ("\u20ac" * 4, RSV1)):
        (frame,) = heard(PEER[role], connection.send_text(text))
        assert frame.rsv == rsv
        (frame,) = heard(PEER[role], connection.send_bytes(text.encode()))
        assert frame.rsv == rsv
    for data in (connection.ping("x" * 50), connection.pong("x" * 50)):
        (frame,) = heard(PEER[role], data)
        assert frame.rsv == 0
    (frame,) = heard(PEER[role], connection.close(1000, "x" * 50))
    assert frame.rsv == 0


def test_compressed_messages_come_back(make: Make) -> None:
    server = make("server", deflate=deflate())
    client = make("client", deflate=deflate())
    for _ in range(3):
        data = server.send_text(LONG)
        assert len(data) < len(LONG)
        client.feed(data + server.ping() + server.send_text("short"))
        assert [event.data for event in client] == [LONG, b"", "short"]
        server.feed(client.send_bytes(LONG.encode()))
        assert [event.data for event in server] == [b"", LONG.encode()]  # the pong comes first


def test_s16_a_bomb_ends_the_connection(make: Make, role: str) -> None:
    connection = make(role, deflate=deflate(), max_message_size=10_000)
    bomb = make(PEER[role], deflate=deflate()).send_bytes(bytes(1_000_000))
    assert len(bomb) < 10_000
    connection.feed(bomb)
    with pytest.raises(Exception, match="inflates to more than the 10000 bytes"):
        list(connection)
    ((opcode, payload),) = frames(connection, connection.data_to_send())
    assert (opcode, payload[:2]) == (8, (1009).to_bytes(2, "big"))


@pytest.mark.parametrize("takeover", [False, True])
@pytest.mark.parametrize("text", ["short", LONG])
def test_prepared_messages(make: Make, role: str, takeover: bool, text: str) -> None:
    settings = PerMessageDeflate()
    message = PreparedMessage(text)
    for ours, theirs in (
        (None, None),
        (Deflate(settings, send_takeover=takeover), Deflate(settings, receive_takeover=takeover)),
    ):
        peer = make(PEER[role], deflate=theirs)
        connection = make(role, deflate=ours)
        for _ in range(2):
            peer.feed(connection.send_prepared(message))
            assert [event.data for event in peer] == [text]


def test_a_prepared_message_is_one_object_for_all_plain_servers() -> None:
    message = PreparedMessage(b"x" * 1000, Opcode.BINARY)
    first, second = (Connection("server").send_prepared(message) for _ in range(2))
    assert first is second


# --- Room ----------------------------------------------------------------------------------------


def test_get_buffer_and_buffered_are_passed_on(make: Make, role: str) -> None:
    connection = make(role)
    frame = from_peer(connection, TEXT, b"hello")
    view = connection.get_buffer(100)
    assert len(view) >= 1
    for byte in frame:
        view = connection.get_buffer(-1)
        view[:1] = bytes([byte])
        assert list(connection) == []
        connection.buffer_updated(1)
    assert connection.buffered == len(frame)
    assert [event.data for event in connection] == ["hello"]
    assert connection.buffered == 0
    with pytest.raises(ValueError):
        connection.get_buffer(10)
        connection.buffer_updated(1 << 40)


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="counts bytes as CPython does")
def test_ten_thousand_idle_connections_are_small() -> None:
    tracemalloc = pytest.importorskip("tracemalloc")
    settings = PerMessageDeflate()
    used = from_peer(Connection("server"), TEXT, b"hello") + from_peer(
        Connection("server"), PING, b"?"
    )
    gc.collect()
    tracemalloc.start()
    try:
        connections = []
        for _ in range(10_000):
            connection = Connection("server", deflate=Deflate(settings))
            connection.feed(used)
            assert sum(1 for _ in connection) == 2
            connection.send_text("hello")
            connection.data_to_send()
            connections.append(connection)
        gc.collect()
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size / len(connections) < (1000 if ACCELERATED else 3000)


def test_dropped_connections_leave_nothing_behind(make: Make) -> None:
    """No cycle: a connection goes at once, without the garbage collector."""
    connection = make("server")
    frame = from_peer(connection, 3, b"")
    gc.collect()
    gc.disable()
    try:
        before = sum(type(thing) is Connection for thing in gc.get_objects())
        for _ in range(10):
            dropped = make("server")
            dropped.feed(frame)
            with pytest.raises(Exception, match="reserved opcode 0x3"):
                list(dropped)
            del dropped
        assert sum(type(thing) is Connection for thing in gc.get_objects()) == before
    finally:
        gc.enable()
