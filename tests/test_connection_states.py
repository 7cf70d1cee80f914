"""The states of a connection: how each is reached, and what can be done there."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import NamedTuple

import pytest
from connections import (
    CLOSE,
    PING,
    PONG,
    TEXT,
    close_frame,
    from_peer,
    make,
    owed,
    role,
    run,
)

from fastws import Connection, ConnectionClosedError, ProtocolError, State
from fastws.deflate import PreparedMessage

__all__ = ["make", "role"]  # the fixtures

OPEN, CLOSING, CLOSED = State.OPEN, State.CLOSING, State.CLOSED
BYE = b"\x03\xe9bye"  # 1001
Make = Callable[..., Connection]


class Stand(NamedTuple):
    """How a connection got where it is, and how that shows."""

    steps: str
    state: State
    code: int | None = None
    reason: str | None = None
    owes: tuple[int, bytes] | None = None
    ends: tuple[bool, bool] = (False, False)  # should_close of a server, of a client


# What happens: c: we close; C, E: the peer closes, with a code and without one; B: the peer breaks
# a rule; t: we take what is owed; x: the transport ends.
FAULT = close_frame(1002, "reserved opcode 0x3")
STANDS = [
    Stand("", OPEN),
    Stand("t", OPEN),
    Stand("c", CLOSING),
    Stand("ct", CLOSING),
    Stand("C", CLOSING, 1001, "bye", close_frame(1001)),
    Stand("E", CLOSING, 1005, "", (CLOSE, b"")),
    Stand("Ct", CLOSED, 1001, "bye", None, (True, False)),
    Stand("Et", CLOSED, 1005, "", None, (True, False)),
    Stand("cC", CLOSED, 1001, "bye", None, (True, False)),
    Stand("cE", CLOSED, 1005, "", None, (True, False)),
    Stand("B", CLOSING, 1002, "reserved opcode 0x3", FAULT),
    Stand("Bt", CLOSED, 1002, "reserved opcode 0x3", None, (True, False)),
    Stand("cB", CLOSED, 1002, "reserved opcode 0x3", None, (True, False)),
    Stand("BB", CLOSING, 1002, "reserved opcode 0x3", FAULT),
    Stand("BC", CLOSING, 1002, "reserved opcode 0x3", FAULT),
    Stand("CB", CLOSING, 1001, "bye", close_frame(1001)),
    Stand("CE", CLOSING, 1001, "bye", close_frame(1001)),
    Stand("cCE", CLOSED, 1001, "bye", None, (True, False)),
    Stand("CtB", CLOSED, 1001, "bye", None, (True, False)),
    Stand("BtC", CLOSED, 1002, "reserved opcode 0x3", None, (True, False)),
    Stand("x", CLOSED, 1006, "", None, (True, True)),
    Stand("cx", CLOSED, 1006, "", None, (True, True)),
    Stand("Cx", CLOSED, 1001, "bye", close_frame(1001), (True, True)),
    Stand("Ctx", CLOSED, 1001, "bye", None, (True, True)),
    Stand("cCx", CLOSED, 1001, "bye", None, (True, True)),
    Stand("Bx", CLOSED, 1002, "reserved opcode 0x3", FAULT, (True, True)),
    Stand("Btx", CLOSED, 1002, "reserved opcode 0x3", None, (True, True)),
    # Read before the end and iterated after it.
    Stand("xC", CLOSED, 1001, "bye", None, (True, True)),
    Stand("xB", CLOSED, 1002, "reserved opcode 0x3", None, (True, True)),
    Stand("cxC", CLOSED, 1001, "bye", None, (True, True)),
]


def bring(connection: Connection, steps: str) -> Connection:
    for step in steps:
        if step == "c":
            connection.close(3000, "ours")
        elif step == "t":
            connection.data_to_send()
        elif step == "x":
            connection.feed_eof()
        else:
            parts = {"C": (CLOSE, BYE), "E": (CLOSE, b""), "B": (3, b"")}
            connection.feed(from_peer(connection, *parts[step]))
            run(connection)
    return connection


@pytest.mark.parametrize("stand", STANDS, ids=lambda stand: stand.steps or "fresh")
def test_states(make: Make, role: str, stand: Stand) -> None:
    connection = bring(make(role), stand.steps)
    assert connection.state is stand.state
    assert (connection.close_code, connection.close_reason) == (stand.code, stand.reason)
    assert type(connection.close_code) in (int, type(None))
    assert connection.should_close is stand.ends[role == "client"]
    assert owed(connection) == ([stand.owes] if stand.owes else [])
    # A close frame that was handed over is the last thing; it is not owed twice.
    assert connection.state is (CLOSED if stand.owes else stand.state)
    assert connection.data_to_send() == b""


SENDING: dict[str, Callable[[Connection], bytes]] = {
    "send_text": lambda c: c.send_text("x"),
    "send_text part": lambda c: c.send_text("x", fin=False),
    "send_bytes": lambda c: c.send_bytes(b"x"),
    "send_bytes part": lambda c: c.send_bytes(b"x", fin=False),
    "send_prepared": lambda c: c.send_prepared(PreparedMessage("x")),
    "ping": lambda c: c.ping(b"x"),
    "pong": lambda c: c.pong(b"x"),
    "close": lambda c: c.close(),
}


@pytest.mark.parametrize("send", SENDING.values(), ids=SENDING)
@pytest.mark.parametrize("stand", STANDS, ids=lambda stand: stand.steps or "fresh")
def test_sending_asks_for_an_open_connection(
    role: str, stand: Stand, send: Callable[[Connection], bytes]
) -> None:
    connection = bring(Connection(role), stand.steps)  # type: ignore[arg-type]
    if stand.state is OPEN:
        assert send(connection)
        return
    with pytest.raises(ConnectionClosedError) as caught:
        send(connection)
    assert (caught.value.code, caught.value.reason) == (stand.code, stand.reason or "")
    assert connection.state is stand.state
    assert owed(connection) == ([stand.owes] if stand.owes else [])


@pytest.mark.parametrize("stand", STANDS, ids=lambda stand: stand.steps or "fresh")
def test_receiving_goes_on_until_the_peer_is_done(make: Make, role: str, stand: Stand) -> None:
    connection = bring(make(role), stand.steps)
    connection.data_to_send()
    connection.feed(from_peer(connection, TEXT, b"hello") + from_peer(connection, PING, b"?"))
    events = run(connection)
    last = next((step for step in stand.steps if step in "CEB"), "")
    if last in ("C", "E"):
        assert events == []
    elif last == "B":
        assert [type(event) for event in events] == [ProtocolError]
    else:
        assert events == [(TEXT, "hello"), (PING, b"?")]
    # RFC 6455 5.5.1: nothing goes out behind our close frame.
    assert owed(connection) == ([(PONG, b"?")] if stand.state is OPEN else [])


def test_the_error_is_no_codec_error_and_tells_what_happened() -> None:
    assert ConnectionClosedError.__bases__ == (Exception,)
    assert str(ConnectionClosedError()) == "the connection is being closed"
    assert str(ConnectionClosedError(1006)) == "the connection was closed with code 1006"
    error = ConnectionClosedError(1001, "bye")
    assert str(error) == "the connection was closed with code 1001: bye"
    assert ConnectionClosedError().args == (None, "")
    for made in (error, ConnectionClosedError(code=1001, reason="bye")):
        for other in (copy.copy(made), pickle.loads(pickle.dumps(made))):
            assert (type(other), other.code, other.reason) == (ConnectionClosedError, 1001, "bye")
            assert other.args == (1001, "bye")
