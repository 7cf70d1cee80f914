"""fastws in aiohttp: what is replaced, how frames are written, and real echoes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import aiohttp
import aiohttp.client
import pytest
from aiohttp import web, web_ws
from aiohttp.client_exceptions import ClientConnectionResetError
from processes import lines_of

import fastws
from fastws.adapters import HostWarning
from fastws.adapters import _aiohttp_frames as ours
from fastws.adapters import aiohttp as adapter

REPLACED = (
    "aiohttp.client.WebSocketReader",
    "aiohttp.client.WebSocketWriter",
    "aiohttp.web_ws.WebSocketReader",
)
WRITE = "_write_websocket_frame"
MESSAGES: list[Any] = [
    "first",
    "",
    "x" * 40_000,
    b"y" * 70_000,
    "ß" * 500_000,
    b"\0" * 3,
    "€" * 20_000,
]


@contextmanager
def fast() -> Iterator[None]:
    """Have fastws in aiohttp for a while."""
    fastws.install("aiohttp")
    try:
        yield
    finally:
        fastws.uninstall("aiohttp")


# --- Install -------------------------------------------------------------------------------------


def standing() -> list[object]:
    return [
        aiohttp.client.WebSocketReader,  # type: ignore[attr-defined]
        aiohttp.client.WebSocketWriter,  # type: ignore[attr-defined]
        web_ws.WebSocketReader,  # type: ignore[attr-defined]
    ]


def test_the_very_objects_are_restored() -> None:
    before = standing()
    adapter.install()
    fastws.install("aiohttp")
    assert standing() == [ours.Reader, ours.Writer, ours.Reader]
    assert web_ws.WebSocketWriter is ours.STOCK_WRITER  # type: ignore[attr-defined]
    found = fastws.status()["aiohttp"]
    assert (found.state, found.supported, found.reason) == ("on", adapter.supported(), "")
    assert found.replaced == REPLACED
    adapter.uninstall()
    assert all(one is other for one, other in zip(standing(), before, strict=True))
    assert fastws.status()["aiohttp"].state == "off"


@pytest.mark.parametrize(
    ("owner", "name", "other", "told"),
    [
        (web_ws, "WebSocketReader", object, "it was imported anew"),
        (aiohttp.client, "WebSocketWriter", object, "it was imported anew"),
        (ours.STOCK_WRITER, WRITE, print, f"WebSocketWriter.{WRITE} is not built"),
        (ours.STOCK_WRITER, WRITE, None, f"WebSocketWriter.{WRITE} is not built"),
        (ours.STOCK_WRITER, WRITE, standing, f"WebSocketWriter.{WRITE} is not built"),
        (ours, "WebSocketDataQueue", list, "WebSocketDataQueue is not built"),
        (aiohttp, "__version__", "3.15.0", "version 3.15.0 is not one"),
        (aiohttp, "__version__", "3.13.5", "version 3.13.5 is not one"),
    ],
)
def test_another_host_is_refused(
    monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, other: Any, told: str
) -> None:
    monkeypatch.setattr(owner, name, other)
    with pytest.warns(HostWarning, match=rf"{told}.*supported: {adapter.supported()}"):
        fastws.install("aiohttp")
    monkeypatch.undo()
    assert fastws.status()["aiohttp"].replaced == ()
    fastws.uninstall("aiohttp")


def test_installed_before_the_import() -> None:
    assert lines_of(
        "fastws.install('aiohttp')\n"
        "print(fastws.status()['aiohttp'].state, 'aiohttp' in sys.modules)\n"
        "import aiohttp\n"
        "print(fastws.status()['aiohttp'].state, aiohttp.client.WebSocketReader.__module__)\n"
        "import aiohttp.web\n"
        "print(*fastws.status()['aiohttp'].replaced)\n"
        "fastws.uninstall()\n"
        "print(fastws.status()['aiohttp'].state, aiohttp.client.WebSocketReader.__module__[:26])\n"
        "print(aiohttp.web_ws.WebSocketReader is aiohttp.client.WebSocketReader)\n"
    ) == [
        "waiting False",
        "on fastws.adapters._aiohttp_frames",
        " ".join(REPLACED),
        "off aiohttp._websocket.reader_",
        "True",
    ]


def test_asking_the_adapter_imports_no_host() -> None:
    assert lines_of(
        "import fastws.adapters.aiohttp as adapter\n"
        "print(adapter.supported(), adapter.counters())\n"
        "print('aiohttp' in sys.modules, 'asyncio' in sys.modules)\n"
    ) == [f"{adapter.supported()} {{'decoded': 0, 'encoded': 0}}", "False False"]


# --- Writing -------------------------------------------------------------------------------------


class Transport:
    """Keeps what is written."""

    def __init__(self, closing: bool) -> None:
        self.closing = closing
        self.written: list[tuple[type, bytes]] = []

    def is_closing(self) -> bool:
        return self.closing

    def write(self, data: bytes) -> None:
        self.written.append((type(data), bytes(data)))


def written(payload: Any, opcode: int, mask: bool, closing: bool, compress: int) -> list[Any]:
    """Write a frame; tell all that can be seen of it."""
    transport = Transport(closing)
    protocol: Any = type("Protocol", (), {"_paused": False})
    writer = (aiohttp.client if mask else web_ws).WebSocketWriter(  # type: ignore[attr-defined]
        protocol,
        transport,
        use_mask=mask,
        random=Random(7),
        compress=compress,  # type: ignore
    )

    async def send() -> None:
        await writer.send_frame(payload, opcode)
        await writer.send_frame(b"behind", 1)

    try:
        asyncio.run(send())
    except (ClientConnectionResetError, TypeError, BufferError) as error:
        return [type(error), str(error), transport.written]
    joined = b"".join(data for _, data in transport.written)
    kinds = [kind for kind, _ in transport.written]
    return [kinds if not mask else set(kinds), joined, writer._output_size]


@pytest.mark.parametrize("mask", [True, False], ids=["client", "server"])
@pytest.mark.parametrize("size", [0, 125, 16_384, 65_535, 65_536, 200_000])
@pytest.mark.parametrize("compress", [0, 15])
def test_frames_are_written_as_in_stock(size: int, mask: bool, compress: int) -> None:
    payload = Random(size).randbytes(size)
    cases: list[Any] = [
        (kind(payload), opcode, mask, closing, compress)
        for kind in (bytes, bytearray, memoryview)
        for opcode in (1, 2, 9)
        for closing in (False, True)
    ]
    expected = [written(*case) for case in cases]
    before = adapter.counters()["encoded"]
    with fast():
        assert [written(*case) for case in cases] == expected
    assert (adapter.counters()["encoded"] > before) == mask


# --- Real connections ----------------------------------------------------------------------------


async def echo(request: web.Request) -> web.WebSocketResponse:
    response = web.WebSocketResponse()
    await response.prepare(request)
    async for message in response:
        if message.type is aiohttp.WSMsgType.TEXT:
            await response.send_str(message.data)
        else:
            await response.send_bytes(message.data)
    return response


async def talk(compress: int) -> list[Any]:
    """Exchange messages with an echo; tell what came back and how it ended."""
    application = web.Application()
    application.router.add_get("/", echo)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    found: list[Any] = []
    async with aiohttp.ClientSession() as session:
        url = f"http://{host}:{port}/"
        async with session.ws_connect(url, compress=compress) as connection:
            for message in MESSAGES:
                if isinstance(message, str):
                    await connection.send_str(message)
                else:
                    await connection.send_bytes(message)
            for _ in MESSAGES:  # all of them underway at once
                got = await connection.receive()
                found.append((got.type, got.data, type(got), type(got.data)))
            await connection.close(code=4000, message=b"bye")
            found.append(connection.close_code)
    await runner.cleanup()
    return found


@pytest.mark.parametrize("compress", [0, 15])
def test_echoes_are_those_of_stock(compress: int) -> None:
    before = adapter.counters()
    expected = asyncio.run(talk(compress))
    assert [message for _, message, *_ in expected[:-1]] == MESSAGES
    assert adapter.counters() == before
    with fast():
        assert asyncio.run(talk(compress)) == expected
    after = adapter.counters()
    # Four are large; but a queue that is full is left alone, and so is compression.
    decoded = after["decoded"] - before["decoded"]
    assert 2 <= decoded <= 8 if not compress else decoded == 0
    assert after["encoded"] - before["encoded"] == len(MESSAGES)
