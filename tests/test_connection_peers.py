"""Connections talk to each other, to websockets and to wsproto: all say and hear the same.

Each pair goes through a random script of messages, pings and one close, in random pieces. What was
sent has to arrive, every ping has to be answered, and both sides have to end with the same code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from connections import KEY, PEER, frames, make
from helpers import cuts, make_frame
from hypothesis import given
from hypothesis import strategies as st

from fastws import CodecError, Connection, State
from fastws.deflate import Deflate, PerMessageDeflate

__all__ = ["make"]  # the fixture

ROLES = ["server", "client"]
NAMES = {1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong"}
Say = tuple[str, Any]


class Ours:
    """A Connection, and what it heard."""

    def __init__(self, role: Any, compressed: bool) -> None:
        deflate = Deflate(PerMessageDeflate(threshold=4)) if compressed else None
        self.connection = Connection(role, deflate=deflate)
        self.heard: list[Say] = []

    def say(self, what: str, data: Any) -> bytes:
        connection = self.connection
        if what == "close":
            return connection.close(data, "bye")
        if what == "text":
            half = len(data) // 2
            if half % 2:
                return connection.send_text(data[:half], fin=False) + connection.send_text(
                    data[half:]
                )
            return connection.send_text(data)
        return connection.send_bytes(data) if what == "binary" else connection.ping(data)

    def hear(self, data: bytes) -> bytes:
        self.connection.feed(data)
        for event in self.connection:
            what = NAMES[event.opcode]
            self.heard.append((what, event.code if what == "close" else event.data))
        return self.connection.data_to_send()

    @property
    def ended(self) -> int | None:
        return self.connection.close_code if self.connection.state is State.CLOSED else None


class Websockets:
    """The same with the websockets library."""

    def __init__(self, role: str, compressed: bool) -> None:
        protocol = pytest.importorskip("websockets.protocol")
        deflate = pytest.importorskip("websockets.extensions.permessage_deflate")
        self.protocol = protocol.Protocol(protocol.Side[role.upper()])
        if compressed:
            self.protocol.extensions = [deflate.PerMessageDeflate(False, False, 15, 15)]
        self.heard: list[Say] = []
        self.parts: list[Any] = []

    def say(self, what: str, data: Any) -> bytes:
        protocol = self.protocol
        if what == "close":
            protocol.send_close(data, "bye")
        elif what == "text":
            protocol.send_text(data.encode())
        elif what == "binary":
            protocol.send_binary(data)
        else:
            protocol.send_ping(data)
        return b"".join(protocol.data_to_send())

    def hear(self, data: bytes) -> bytes:
        self.protocol.receive_data(data)
        for frame in self.protocol.events_received():
            if frame.opcode in (0, 1, 2):
                self.parts.append(frame)
                if frame.fin:
                    payload = b"".join(part.data for part in self.parts)
                    text = self.parts[0].opcode == 1
                    self.heard.append(("text", payload.decode()) if text else ("binary", payload))
                    self.parts.clear()
            elif frame.opcode == 8:
                self.heard.append(("close", int.from_bytes(frame.data[:2], "big") or 1005))
            else:
                self.heard.append((NAMES[frame.opcode], bytes(frame.data)))
        return b"".join(self.protocol.data_to_send())

    @property
    def ended(self) -> int | None:
        code = self.protocol.close_rcvd
        return None if code is None or self.protocol.close_sent is None else int(code.code)


class Wsproto:
    """The same with wsproto."""

    def __init__(self, role: str, compressed: bool) -> None:
        connection = pytest.importorskip("wsproto.connection")
        self.events = pytest.importorskip("wsproto.events")
        extensions = pytest.importorskip("wsproto.extensions")
        deflate = extensions.PerMessageDeflate()
        if role == "server":
            deflate.accept("permessage-deflate")
        else:
            deflate.finalize("permessage-deflate")
        self.connection = connection.Connection(
            connection.ConnectionType[role.upper()], [deflate] if compressed else []
        )
        self.heard: list[Say] = []
        self.parts: Any = None
        self.ended: int | None = None
        self.closing = False

    def say(self, what: str, data: Any) -> bytes:
        events, send = self.events, self.connection.send
        if what == "close":
            self.closing = True
            event = events.CloseConnection(code=1005 if data is None else data, reason="bye")
        elif what == "text":
            event = events.TextMessage(data=data)
        elif what == "binary":
            event = events.BytesMessage(data=data)
        else:
            event = events.Ping(payload=data)
        return bytes(send(event))

    def hear(self, data: bytes) -> bytes:
        self.connection.receive_data(data)
        answer = b""
        for event in self.connection.events():
            if isinstance(event, self.events.Message):
                self.parts = event.data if self.parts is None else self.parts + event.data
                if event.message_finished:
                    text = isinstance(event, self.events.TextMessage)
                    whole = self.parts if text else bytes(self.parts)
                    self.heard.append(("text" if text else "binary", whole))
                    self.parts = None
            elif isinstance(event, self.events.CloseConnection):
                self.heard.append(("close", int(event.code)))
                self.ended = int(event.code)
                if not self.closing:
                    answer += self.connection.send(event.response())
            elif isinstance(event, self.events.Ping):
                self.heard.append(("ping", bytes(event.payload)))
                answer += self.connection.send(event.response())
            else:
                self.heard.append(("pong", bytes(event.payload)))
        return answer


OTHERS: dict[str, Callable[[str, bool], Any]] = {
    "fastws": Ours,
    "websockets": Websockets,
    "wsproto": Wsproto,
}

# --- Scripts -------------------------------------------------------------------------------------

SAYS = st.one_of(
    st.tuples(st.just("text"), st.text(st.characters(codec="utf-8"), max_size=150)),
    st.tuples(st.just("text"), st.sampled_from(["x" * 126, "\u20ac" * 30000])),
    st.tuples(st.just("binary"), st.one_of(st.binary(max_size=150), st.just(bytes(70000)))),
    st.tuples(st.just("ping"), st.binary(max_size=125)),
)
SCRIPTS = st.lists(st.tuples(st.sampled_from(ROLES), SAYS), max_size=12)
CODES = st.sampled_from([1000, 1001, 1011, 3000, 4999])


def shuttle(sides: dict[str, Any], wires: dict[str, bytes], size: int) -> None:
    """Carry what is under way, in pieces, until nothing is; a wire is named after who wrote."""
    while any(wires.values()):
        for role in ROLES:
            data, wires[role] = wires[role], b""
            for piece in cuts(data, size):
                wires[PEER[role]] += sides[PEER[role]].hear(piece)


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "deflate"])
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("other", OTHERS)
@given(script=SCRIPTS, closer=st.sampled_from(ROLES), code=CODES, data=st.data())
def test_both_hear_what_the_other_says(
    make: Any,
    other: str,
    role: str,
    compressed: bool,
    script: Any,
    closer: str,
    code: int,
    data: Any,
) -> None:
    sides = {role: Ours(role, compressed), PEER[role]: OTHERS[other](PEER[role], compressed)}
    wires = {"server": b"", "client": b""}
    size = data.draw(st.sampled_from([1, 2, 7, 100, 1 << 20]))
    size = size if sum(len(said[1]) for _, said in script) < 2000 else 1 << 16
    for who, (what, payload) in script:
        wires[who] += sides[who].say(what, payload)
        if data.draw(st.booleans()):
            shuttle(sides, wires, size)
    shuttle(sides, wires, size)
    wires[closer] += sides[closer].say("close", code)
    shuttle(sides, wires, size)
    for who in ROLES:
        heard = [say for say in sides[PEER[who]].heard if say[0] not in ("pong", "close")]
        assert heard == [say for by, say in script if by == who]
        pongs = [say[1] for say in sides[who].heard if say[0] == "pong"]
        assert pongs == [say[1] for by, say in script if by == who and say[0] == "ping"]
        assert sides[who].heard[-1] == ("close", code)
        assert sides[who].ended == code


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("role", ROLES)
def test_both_close_at_once(make: Any, role: str, other: str) -> None:
    ours, theirs = Ours(role, False), OTHERS[other](PEER[role], False)
    said, answer = ours.say("close", 3001), theirs.say("close", 3002)
    assert ours.hear(answer) == b""
    assert theirs.hear(said) == b""
    assert (ours.ended, theirs.ended) == (3002, 3001)


@pytest.mark.parametrize("role", ROLES)
def test_a_close_without_a_code(make: Any, role: str) -> None:
    for other in (Ours, Websockets):
        ours, theirs = Ours(role, False), other(PEER[role], False)
        answer = theirs.hear(ours.connection.close(None))
        assert theirs.heard == [("close", 1005)]
        assert ours.hear(answer) == b""
        assert (ours.ended, theirs.ended) == (1005, 1005)


# --- The same verdicts ---------------------------------------------------------------------------


def faults() -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
    yield "reserved opcode", [(3, b"")]
    yield "reserved control opcode", [(11, b"")]
    yield "reserved bit", [(1, b"x", True, 0x20)]
    yield "compressed unasked", [(1, b"x", True, 0x40)]
    yield "fragmented ping", [(9, b"", False)]
    yield "long ping", [(9, bytes(126))]
    yield "continuation of nothing", [(0, b"x")]
    yield "message in a message", [(1, b"x", False), (1, b"y")]
    yield "half a code", [(8, b"\x03")]
    yield "code of reports", [(8, b"\x03\xed")]
    yield "code 999", [(8, b"\x03\xe7")]
    yield "code 5000", [(8, b"\x13\x88")]
    yield "reason is not UTF-8", [(8, b"\x03\xe8\xff")]
    yield "text is not UTF-8", [(1, b"\xc3\x28")]
    yield "text ends early", [(1, b"\xe2\x82")]
    yield "text of two frames", [(1, b"\xe2", False), (0, b"\x28")]
    yield "too big", [(2, bytes((1 << 20) + 1))]


FAULTS = dict(faults())


def wire(role: str, parts: list[tuple[Any, ...]]) -> bytes:
    key = KEY if role == "server" else None
    data = b""
    for opcode, payload, *rest in parts:
        fin, rsv = (*rest, *(True, 0)[len(rest) :])
        data += make_frame(opcode, payload, fin=fin, rsv=rsv, mask=key)
    return data


# websockets leaves text to its callers, above the protocol; wsproto has no limit of size.
JUDGES = [(Websockets, name) for name in FAULTS if not name.startswith("text")]
JUDGES += [(Wsproto, name) for name in FAULTS if name != "too big"]


@pytest.mark.parametrize(
    ("other", "name"), JUDGES, ids=[f"{other.__name__}-{name}" for other, name in JUDGES]
)
@pytest.mark.parametrize("role", ROLES)
def test_faults_get_the_close_code_that_others_send(
    make: Any, role: str, other: Any, name: str
) -> None:
    stream = wire(role, [(9, b"before"), *FAULTS[name]])
    ours, theirs = Ours(role, False), other(role, False)
    with pytest.raises(CodecError) as caught:
        ours.hear(stream)
    answers = [frames(ours.connection, ours.connection.data_to_send())]
    answers.append(frames(ours.connection, theirs.hear(stream)))
    for pong, close in answers:
        assert pong == (10, b"before")
        assert (close[0], close[1][:2]) == (8, caught.value.close_code.to_bytes(2, "big"))
