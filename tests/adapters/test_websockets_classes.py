"""Classes of fastws for websockets, given to `create_connection`: nothing is patched.

What they say to every violation, in every split, is what the classes of websockets say.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest
from adapters.transcript import EOF, SIDES, deflate, framed, transcript
from adapters.violations import DEFLATE, VIOLATIONS, frames_for
from helpers import cuts
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.client import ClientProtocol
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.protocol import OPEN, SERVER, Protocol, Side
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

import fastws
from fastws.adapters import HostWarning, Range
from fastws.adapters import websockets as adapter

sides = pytest.mark.parametrize("side", SIDES, ids=["server", "client"])
PAGE = Path(__file__).parents[2] / "docs" / "websockets.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)


# --- Protocols -----------------------------------------------------------------------------------


def stock_and_fast(
    side: Side, extensions: Callable[[], list[Any]] = list, **kwargs: Any
) -> list[Callable[[], Protocol]]:
    """Give what makes an open protocol of websockets, and one of ours."""
    name, stock = ("Server", ServerProtocol) if side is SERVER else ("Client", ClientProtocol)
    uri = () if side is SERVER else (parse_uri("ws://a/"),)

    def make(of: Any) -> Protocol:
        protocol: Protocol = of(*uri, state=OPEN, **kwargs)
        protocol.extensions = extensions()
        return protocol

    return [partial(make, stock), partial(make, getattr(adapter, f"Fast{name}Protocol"))]


def same(makers: list[Callable[[], Protocol]], *streams: list[bytes | None]) -> None:
    stock, fast = makers
    expected = [transcript(stock, chunks) for chunks in streams]
    before = adapter.counters()
    assert [transcript(fast, chunks) for chunks in streams] == expected
    if any(line.startswith("< ") and line != "< EOF" for _, lines in expected for line in lines):
        assert adapter.counters()["decoded"] > before["decoded"]


@sides
@pytest.mark.parametrize("case", VIOLATIONS)
def test_every_violation_in_every_split(side: Side, case: str) -> None:
    data = VIOLATIONS[case](side is SERVER)
    streams: list[list[bytes | None]] = [[data, EOF, EOF], [*cuts(data, 1), EOF]]
    streams += [[data[:i], data[i:], EOF] for i in range(len(data))]
    same(stock_and_fast(side, max_size=64), *streams)


@sides
@pytest.mark.parametrize("case", DEFLATE)
def test_compression(side: Side, case: str) -> None:
    data = DEFLATE[case](side is SERVER)
    same(stock_and_fast(side, deflate, max_size=64), [data, EOF], [*cuts(data, 1), EOF])


@given(st.data(), st.sampled_from([64, (None, 64), 1 << 20]), st.booleans())
@sides
def test_random_streams(side: Side, draw: st.DataObject, limit: Any, compressed: bool) -> None:
    data = b"".join(draw.draw(st.lists(frames_for(side is SERVER), max_size=5)))
    at = sorted(draw.draw(st.lists(st.integers(0, len(data)), max_size=4)))
    chunks: list[bytes | None] = [
        data[a:b] for a, b in zip([0, *at], [*at, len(data)], strict=True)
    ]
    same(stock_and_fast(side, deflate if compressed else list, max_size=limit), [*chunks, EOF])


# --- Connections ---------------------------------------------------------------------------------


class Kept(adapter.AsyncioServerConnection):  # type: ignore[misc,name-defined]
    """A user's own connection, of which there are some to look at."""

    made: ClassVar[list[Any]] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.made.append(self)


async def talk(create_connection: Any, data: bytes, **kwargs: Any) -> tuple[Any, ...]:
    """Send raw bytes behind a client's handshake; give what the server's handler met."""
    told: list[Any] = []
    done = asyncio.Event()

    async def handler(connection: ServerConnection) -> None:
        try:
            while True:
                told.append(await connection.recv())
        except ConnectionClosed as error:
            told.extend([type(error), str(error), type(error.__cause__), str(error.__cause__)])
        done.set()

    async with serve(
        handler, "127.0.0.1", 0, create_connection=create_connection, **kwargs
    ) as server:
        port = server.sockets[0].getsockname()[1]
        async with connect(f"ws://127.0.0.1:{port}", compression=None) as client:
            client.transport.write(data)
            await client.wait_closed()
            await done.wait()
        return told, client.close_code, client.close_reason


@pytest.mark.parametrize("create_connection", ["AsyncioServerConnection", "Kept"])
@pytest.mark.parametrize(
    "ending",
    [
        framed(SERVER, 8, b"\x03\xe8bye"),
        framed(SERVER, 3),
        framed(SERVER, 1, b"\xff"),
        framed(SERVER, 2, bytes(2000)),
        framed(SERVER, 0, b"x"),
        b"\x81\x00",
    ],
    ids=["close", "opcode", "utf-8", "size", "continuation", "mask"],
)
def test_a_connection_ends_as_that_of_websockets(create_connection: str, ending: bytes) -> None:
    data = framed(SERVER, 1, b"hello") + framed(SERVER, 2, bytes(900)) + ending
    ours = Kept if create_connection == "Kept" else getattr(adapter, create_connection)
    before = adapter.counters()["decoded"]
    expected = asyncio.run(talk(None, data, max_size=1000))
    assert adapter.counters()["decoded"] == before
    assert asyncio.run(talk(ours, data, max_size=1000)) == expected
    assert adapter.counters()["decoded"] >= before + 2
    assert expected[0][:2] == ["hello", bytes(900)]


def test_a_users_class_may_derive_from_ours() -> None:
    Kept.made.clear()
    asyncio.run(talk(Kept, framed(SERVER, 8)))
    [connection] = Kept.made
    assert isinstance(connection, ServerConnection)
    assert isinstance(connection.protocol, ServerProtocol)
    assert type(connection.protocol) is adapter.FastServerProtocol


def test_a_refused_handshake_stays_one() -> None:
    async def refused() -> tuple[int, bytes | None]:
        async with serve(
            lambda connection: None,
            "127.0.0.1",
            0,
            create_connection=adapter.AsyncioServerConnection,
            process_request=lambda connection, request: connection.respond(403, "no"),
        ) as server:
            port = server.sockets[0].getsockname()[1]
            with pytest.raises(InvalidStatus) as caught:
                await connect(
                    f"ws://127.0.0.1:{port}", create_connection=adapter.AsyncioClientConnection
                )
            return caught.value.response.status_code, caught.value.response.body

    assert asyncio.run(refused()) == (403, b"no")


def test_a_protocol_of_the_users_own_is_left_alone() -> None:
    class Own(ServerProtocol):
        pass

    async def made() -> type:
        return type(adapter.AsyncioServerConnection(Own(), FakeServer()).protocol)

    assert asyncio.run(made()) is Own


class FakeServer:
    """As much of a server as a connection asks for when it is made."""

    logger = None


# --- Where websockets is another one -------------------------------------------------------------


@pytest.mark.parametrize("name", adapter.CLASSES)
def test_on_an_unproven_version_the_class_is_that_of_websockets(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    if name.startswith("Trio"):
        pytest.importorskip("websockets.trio.client")
    monkeypatch.delitem(vars(adapter), name, raising=False)
    monkeypatch.setattr(adapter, "SUPPORTED", Range("1.0", "2"))
    with pytest.warns(HostWarning, match=rf"{name} is .* as it is: version .*: >=1\.0,<2\)"):
        found = getattr(adapter, name)
    assert found.__module__.startswith("websockets.")
    monkeypatch.undo()
    assert issubclass(getattr(adapter, name), found)
    assert getattr(adapter, name) is not found


def test_on_another_structure_too(monkeypatch: pytest.MonkeyPatch) -> None:
    from fastws.adapters import _websockets_frames as ours

    monkeypatch.delitem(vars(adapter), "FastServerProtocol", raising=False)
    monkeypatch.setattr(ours, "STOCK_PARSE", print)
    with pytest.warns(HostWarning, match="as it is: Protocol.parse is not built as expected"):
        assert adapter.FastServerProtocol is ServerProtocol


# --- What the page shows -------------------------------------------------------------------------


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_each_block_of_the_page_runs(block: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = adapter.counters()
    try:
        exec(compile(block, str(PAGE), "exec"), {"__name__": "__main__"})
    finally:
        fastws.uninstall()
    out = capsys.readouterr().out
    if "hello" in block:
        assert out in ("hello\n", "b'hello'\n", "bytearray(b'hello')\n")
        assert adapter.counters()["decoded"] > before["decoded"]


def test_the_page_names_every_class_and_what_is_replaced() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert BLOCKS
    assert all(f"`{name}`" in text for name in adapter.CLASSES)
    fastws.install("websockets")
    try:
        replaced = fastws.status()["websockets"].replaced
    finally:
        fastws.uninstall("websockets")
    assert all(f"`{name}`" in text for name in replaced)
