"""A connection behind its handshake: closing, errors, pings, and what it owes its peer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from connections import (
    BINARY,
    CLOSE,
    PEER,
    PING,
    PONG,
    TEXT,
    close_frame,
    frames,
    from_peer,
    make,
    owed,
    role,
    run,
)
from helpers import Index

from fastws import CodecError, Connection, InvalidUtf8Error, PayloadTooBigError, State
from fastws.deflate import PreparedMessage

__all__ = ["make", "role"]  # the fixtures

OPEN, CLOSING, CLOSED = State.OPEN, State.CLOSING, State.CLOSED
BYE = b"\x03\xe9bye"  # 1001
Make = Callable[..., Connection]


# --- Closing -------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [1000, 1003, 1007, 1011, 1014, 3000, 4999])
def test_a_close_is_answered_with_its_code(make: Make, role: str, code: int) -> None:
    connection = make(role)
    connection.feed(from_peer(connection, *close_frame(code, "their reason")))
    assert run(connection) == [(CLOSE, code, "their reason")]
    assert owed(connection) == [close_frame(code)]


def test_a_close_says_what_it_is_given(make: Make, role: str) -> None:
    connection = make(role)
    assert frames(connection, connection.close()) == [close_frame(1000)]
    connection = make(role)
    assert frames(connection, connection.close(None)) == [(CLOSE, b"")]
    connection = make(role)
    said = connection.close(Index(1001), "Grüße")
    assert frames(connection, said) == [close_frame(1001, "Grüße")]


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 2999, 5000, "1000"])
def test_a_close_that_may_not_be_sent_changes_nothing(make: Make, role: str, code: Any) -> None:
    connection = make(role)
    with pytest.raises((ValueError, TypeError)):
        connection.close(code)
    with pytest.raises(ValueError):
        connection.close(1000, "x" * 124)
    assert connection.state is OPEN
    assert connection.send_text("still open")


def test_pongs_that_are_owed_go_before_our_close(make: Make, role: str) -> None:
    connection = make(role)
    connection.feed(from_peer(connection, PING, b"1") + from_peer(connection, PING, b"2"))
    run(connection)
    said = frames(connection, connection.close())
    assert said == [(PONG, b"1"), (PONG, b"2"), close_frame(1000)]
    assert connection.data_to_send() == b""
    assert connection.state is CLOSING


SEND: dict[str, Callable[[Connection], bytes]] = {
    "text": lambda c: c.send_text("answer"),
    "binary": lambda c: c.send_bytes(b"answer"),
    "fragment": lambda c: c.send_text("answer", fin=False),
    "prepared": lambda c: c.send_prepared(PreparedMessage("answer")),
    "ping": lambda c: c.ping(b"answer"),
    "pong": lambda c: c.pong(b"answer"),
}


@pytest.mark.parametrize("send", SEND.values(), ids=SEND)
def test_pongs_that_are_owed_go_before_what_is_sent(
    make: Make, role: str, send: Callable[[Connection], bytes]
) -> None:
    """A ping inside a message in fragments is answered before the message (RFC 6455 5.5.2)."""
    connection = make(role)
    parts = [(TEXT, b"fra", {"fin": False}), (PING, b"1", {}), (PING, b"2", {}), (0, b"gments", {})]
    for opcode, payload, options in parts:
        connection.feed(from_peer(connection, opcode, payload, **options))
    assert run(connection)[-1] == (TEXT, "fragments")
    said = send(connection)
    alone = send(make(role))
    pongs = said[: -len(alone)]
    assert frames(connection, pongs) == [(PONG, b"1"), (PONG, b"2")]
    assert said[len(pongs) :][:2] == alone[:2]
    assert connection.data_to_send() == b""
    assert connection.state is OPEN
    assert len(send(connection)) == len(alone)


def test_what_comes_before_their_close_is_delivered_after_ours(make: Make, role: str) -> None:
    connection = make(role)
    connection.close()
    parts = [(TEXT, b"late"), (PING, b"?"), (CLOSE, BYE), (TEXT, b"too late")]
    connection.feed(b"".join(from_peer(connection, *part) for part in parts))
    assert run(connection) == [(TEXT, "late"), (PING, b"?"), (CLOSE, 1001, "bye")]
    assert connection.state is CLOSED
    assert connection.data_to_send() == b""


def test_s15_bytes_after_a_close_are_ignored(make: Make, role: str) -> None:
    connection = make(role)
    connection.feed(from_peer(connection, CLOSE, BYE) + b"\xff" * 100)
    assert run(connection) == [(CLOSE, 1001, "bye")]
    assert owed(connection) == [close_frame(1001)]
    for _ in range(3):
        connection.feed(b"\xff" * 1000)
        assert run(connection) == []
        assert connection.buffered == 0
    assert connection.data_to_send() == b""
    assert (connection.state, connection.close_code) == (CLOSED, 1001)


# --- Errors --------------------------------------------------------------------------------------


def test_what_was_whole_is_answered_before_the_error(make: Make, role: str) -> None:
    """Autobahn 6.4: the answers first, then the close; and a bad byte shows at once."""
    connection = make(role)
    whole = from_peer(connection, TEXT, b"whole") + from_peer(connection, PING, b"?")
    broken = from_peer(connection, TEXT, b"\xce\xba\xf4\x90" + b"x" * 100)
    connection.feed(whole + broken[:-90])
    events: list[Any] = []
    said = b""
    with pytest.raises(InvalidUtf8Error, match="invalid UTF-8 at byte 3"):
        for event in connection:
            events.append(event.data)  # type: ignore[union-attr]
            said += connection.send_text("an answer")
    assert events == ["whole", b"?"]
    answer = (TEXT, b"an answer")
    assert frames(connection, said) == [answer, (PONG, b"?"), answer]
    reason = "invalid UTF-8 at byte 3"
    assert owed(connection) == [close_frame(1007, reason)]
    assert (connection.close_code, connection.close_reason) == (1007, reason)


def faults() -> Iterator[tuple[str, int, tuple[int, bytes]]]:
    """Give S20 and others: what comes, and the code that goes back."""
    for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535):
        yield f"code {code}", 1002, (CLOSE, code.to_bytes(2, "big"))
    yield "half a code", 1002, (CLOSE, b"\x03")
    yield "reason is not UTF-8", 1007, (CLOSE, b"\x03\xe8\xff")
    yield "reason ends early", 1007, (CLOSE, b"\x03\xe8\xe2\x82")
    yield "reserved opcode", 1002, (11, b"")
    yield "continuation of nothing", 1002, (0, b"x")
    yield "text", 1007, (TEXT, b"\xc3\x28")
    yield "size", 1009, (BINARY, bytes(1001))


FAULTS = {name: (code, part) for name, code, part in faults()}


@pytest.mark.parametrize("name", FAULTS)
def test_s20_errors_close_with_their_code(make: Make, role: str, name: str) -> None:
    code, part = FAULTS[name]
    connection = make(role, max_message_size=1000)
    connection.feed(from_peer(connection, *part))
    (error,) = run(connection)
    assert isinstance(error, CodecError)
    assert error.close_code == code
    assert owed(connection) == [close_frame(code, error.reason)]
    # Nothing is processed behind it, and the same error is told again.
    connection.feed(from_peer(connection, TEXT, b"more") + from_peer(connection, CLOSE, BYE))
    (again,) = run(connection)
    assert (type(again), again.reason) == (type(error), error.reason)
    assert connection.data_to_send() == b""
    assert (connection.state, connection.close_code) == (CLOSED, code)


def test_a_reason_of_the_full_length_is_taken(make: Make, role: str) -> None:
    connection = make(role)
    connection.feed(from_peer(connection, *close_frame(1000, "x" * 123)))
    assert run(connection) == [(CLOSE, 1000, "x" * 123)]


def test_limits_are_passed_on(make: Make) -> None:
    connection = make("server", max_message_size=10, max_fragments=2)
    connection.feed(from_peer(connection, BINARY, bytes(11)))
    with pytest.raises(PayloadTooBigError, match="message of 11 bytes exceeds the limit of 10"):
        list(connection)
    connection = make("server", max_fragments=2)
    for opcode in (BINARY, 0, 0):
        connection.feed(from_peer(connection, opcode, b"x", fin=False))
    with pytest.raises(PayloadTooBigError, match="message of more than 2 fragments"):
        list(connection)


# --- Pings ---------------------------------------------------------------------------------------


def test_ten_pings_at_once_are_answered_in_order(make: Make, role: str) -> None:
    """Autobahn 2.10 and 2.11, in one read and byte by byte."""
    payloads = [f"payload-{n}".encode() for n in range(10)]
    connection = make(role)
    stream = b"".join(from_peer(connection, PING, payload) for payload in payloads)
    connection.feed(stream)
    assert run(connection) == [(PING, payload) for payload in payloads]
    assert owed(connection) == [(PONG, payload) for payload in payloads]
    answers = []
    for byte in stream:
        connection.feed(bytes([byte]))
        run(connection)
        answers += owed(connection)
    assert answers == [(PONG, payload) for payload in payloads]


def test_a_flood_of_pings_is_held_in_bounded_memory(make: Make, role: str) -> None:
    """rustsec/advisory-db#394: a peer that pings and never reads."""
    connection = make(role)
    for n in range(0, 3000, 100):
        connection.feed(
            b"".join(from_peer(connection, PING, i.to_bytes(125, "big")) for i in range(n, n + 100))
        )
        assert len(run(connection)) == 100
    connection.feed(from_peer(connection, CLOSE, BYE))
    run(connection)
    said = connection.data_to_send()
    assert len(said) <= 64 * 131 + 8
    *pongs, close = frames(connection, said)
    assert pongs == [(PONG, n.to_bytes(125, "big")) for n in range(3000 - 64, 3000)]
    assert close == close_frame(1001)


def test_pongs_can_be_left_to_the_caller(make: Make, role: str) -> None:
    connection = make(role, auto_pong=False)
    connection.feed(from_peer(connection, PING, b"?"))
    assert run(connection) == [(PING, b"?")]
    assert connection.data_to_send() == b""
    assert frames(connection, connection.pong(b"?")) == [(PONG, b"?")]


def test_pongs_are_not_answered(make: Make, role: str) -> None:
    connection = make(role)
    connection.feed(from_peer(connection, PONG, b"unasked"))
    assert run(connection) == [(PONG, b"unasked")]
    assert connection.data_to_send() == b""


def test_s10_pings_between_fragments(make: Make, role: str) -> None:
    connection = make(role)
    parts = [(TEXT, b"\xe2\x82", False), (PING, b"?", True), (0, b"\xac", True)]
    for opcode, payload, fin in parts:
        connection.feed(from_peer(connection, opcode, payload, fin=fin))
    assert run(connection) == [(PING, b"?"), (TEXT, "\u20ac")]
    assert owed(connection) == [(PONG, b"?")]


def test_a_thread_may_take_what_is_owed_in_the_midst(make: Make, role: str) -> None:
    class Shared(list[bytes]):
        """A list that another thread empties when its second item is asked for."""

        def pop(self, at: Any = -1) -> bytes:
            if len(self) == 1:
                self.clear()
            return super().pop(at)

    connection: Any = make(role)
    connection.feed(from_peer(connection, PING, b"1") + from_peer(connection, PING, b"2"))
    run(connection)
    connection._owed = Shared(connection._owed)
    assert owed(connection) == [(PONG, b"1")]
    assert connection.data_to_send() == b""


# --- Construction --------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [None, "Server", "", 1, b"server"])
def test_a_role_has_to_be_one_of_two(role: Any) -> None:
    with pytest.raises(ValueError, match='role must be "server" or "client", not '):
        Connection(role)


def test_repr_and_role(make: Make, role: str) -> None:
    connection = make(role)
    assert connection.role == role
    assert repr(connection) == f"<Connection {role} OPEN>"
    assert PEER[PEER[role]] == role


def test_state_is_read_only_and_no_name_is_new(make: Make) -> None:
    connection: Any = make("server")
    for name in ("state", "close_code", "should_close", "anything"):
        with pytest.raises(AttributeError):
            setattr(connection, name, CLOSED)
