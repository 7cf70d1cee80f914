"""fastws in websockets: what is replaced, and echoes through every face and every door."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import wraps
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import websockets.asyncio.client
import websockets.asyncio.server
import websockets.sync.client
import websockets.sync.server
from adapters.transcript import fast
from adapters.uvicorn_echo import MESSAGES, uvicorn_echo
from websockets import frames, protocol
from websockets.asyncio.connection import Connection
from websockets.frames import Frame
from websockets.protocol import Protocol

import fastws
from fastws.adapters import HostWarning
from fastws.adapters import _websockets_asyncio as ours_asyncio
from fastws.adapters import _websockets_frames as ours
from fastws.adapters import websockets as adapter

REPLACED = (
    "websockets.frames.apply_mask",
    "websockets.frames.Frame.serialize",
    "websockets.protocol.Protocol.parse",
)


# --- Install -------------------------------------------------------------------------------------


def standing() -> list[object]:
    found = [vars(frames)["apply_mask"], vars(Frame)["serialize"], vars(Protocol)["parse"]]
    return [*found, vars(Connection)["send_context"]]


def test_the_very_objects_are_restored() -> None:
    before = standing()
    adapter.install()
    fastws.install("websockets")
    during = standing()
    assert during[:3] == [ours.apply_mask, ours.serialize, ours.parse]
    assert (during[3] is ours_asyncio.send_context) is hasattr(Connection, "set_connection_exc")
    found = fastws.status()["websockets"]
    assert (found.state, found.supported, found.reason) == ("on", adapter.supported(), "")
    assert found.version is not None
    assert set(REPLACED) <= set(found.replaced)
    adapter.uninstall()
    assert all(one is other for one, other in zip(standing(), before, strict=True))
    assert fastws.status()["websockets"].state == "off"


def parse_that_is_no_generator(self: Any) -> None:
    """Hold each name that the stock one uses."""
    at_eof = self.at_eof, self.read_exact, self.debug, self.extensions, self.fail
    sizes = self.max_message_size, self.max_fragment_size, self.current_size
    self.set_current_size, self.recv_frame, self.parser_exc = at_eof, sizes, at_eof


def generator_of_nothing(self: Any) -> Iterator[None]:
    yield


@pytest.mark.parametrize(
    ("owner", "name", "other", "told"),
    [
        (ours, "STOCK_PARSE", parse_that_is_no_generator, "Protocol.parse is not built"),
        (ours, "STOCK_PARSE", generator_of_nothing, "Protocol.parse is not built"),
        (ours, "STOCK_PARSE", print, "Protocol.parse is not built as expected"),
        (ours, "STOCK_SERIALIZE", lambda self, mask, extensions: b"", "Frame.serialize is not"),
        (ours, "STOCK_SERIALIZE", lambda self, *, key, extensions: b"", "Frame.serialize is not"),
        (ours, "STOCK_SERIALIZE", print, "Frame.serialize is not built as expected"),
        (ours, "StreamReader", lambda: Exception(), "StreamReader is not built"),
        (Frame, "__dataclass_fields__", {"opcode": None}, "Frame is not built"),
        (protocol, "Protocol", type("Protocol", (), {}), "it was imported anew"),
        (frames, "Frame", type("Frame", (), {}), "it was imported anew"),
    ],
)
def test_another_structure_is_refused(
    monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, other: object, told: str
) -> None:
    before = standing()
    monkeypatch.setattr(owner, name, other)
    with pytest.warns(HostWarning, match=rf"{told}.*supported: {adapter.supported()}"):
        fastws.install("websockets")
    assert standing() == before
    assert fastws.status()["websockets"].state == "refused"
    fastws.uninstall("websockets")


@pytest.mark.parametrize("other", [print, wraps(generator_of_nothing)(lambda self: None)])
def test_another_send_context_is_left_alone(monkeypatch: pytest.MonkeyPatch, other: object) -> None:
    monkeypatch.setattr(ours_asyncio, "STOCK_SEND_CONTEXT", other)
    before = vars(Connection)["send_context"]
    with fast():
        assert fastws.status()["websockets"].state == "on"
        assert vars(Connection)["send_context"] is before


def python(code: str) -> str:
    """Run code in a fresh interpreter."""
    path = str(Path(fastws.__file__).parent.parent)
    code = f"import sys; sys.path.insert(0, {path!r}); import fastws\n{code}"
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_installed_before_the_import_and_with_the_legacy_api() -> None:
    out = python(
        "fastws.install()\n"
        "import websockets\n"
        "print(fastws.status()['websockets'].state)\n"
        "import websockets.frames\n"
        "print(fastws.status()['websockets'].state, 'websockets.protocol' in sys.modules)\n"
        "import websockets.server, fastws.adapters.websockets\n"
        "print(fastws.status()['websockets'].state)\n"
        "import websockets.legacy.framing as legacy\n"
        "print(legacy.apply_mask is websockets.frames.apply_mask)\n"
        "print(*fastws.status()['websockets'].replaced)\n"
        "fastws.uninstall()\n"
        "from websockets.speedups import apply_mask as stock\n"
        "print(legacy.apply_mask is websockets.frames.apply_mask is stock)\n"
    )
    replaced = " ".join([*REPLACED, "websockets.legacy.framing.apply_mask"])
    assert out.splitlines() == ["waiting", "waiting False", "on", "True", replaced, "True"]


def test_asking_the_adapter_for_a_name_imports_no_host() -> None:
    out = python(
        "import fastws.adapters.websockets as adapter\n"
        "print(hasattr(adapter, '__path__'), hasattr(adapter, 'Connection'), adapter.counters())\n"
        "print('websockets' in sys.modules)\n"
    )
    assert out.splitlines() == ["False False {'decoded': 0, 'encoded': 0}", "False"]


# --- Echoes: the server, and then the client too, through each face ------------------------------


@contextmanager
def all_by_us(received: int, sent: int) -> Iterator[None]:
    """See to it that at least so many frames went through our code."""
    before = adapter.counters()
    yield
    after = adapter.counters()
    assert after["decoded"] - before["decoded"] >= received
    assert after["encoded"] - before["encoded"] >= sent


async def asyncio_echo(server: Any, client: Any, **kwargs: Any) -> list[Any]:
    async def handler(connection: Any) -> None:
        async for message in connection:
            await connection.send(message)

    asynchronous = websockets.asyncio
    async with asynchronous.server.serve(
        handler, "127.0.0.1", 0, max_size=2**21, create_connection=server, **kwargs
    ) as serving:
        port = serving.sockets[0].getsockname()[1]
        async with asynchronous.client.connect(
            f"ws://127.0.0.1:{port}", max_size=2**21, create_connection=client, **kwargs
        ) as connection:
            found = []
            for message in MESSAGES:
                await connection.send(message)
                found.append(await connection.recv())
            await (await connection.ping())
        assert connection.close_code == 1000
        return found


def sync_echo(server: Any, client: Any, **kwargs: Any) -> list[Any]:
    def handler(connection: Any) -> None:
        for message in connection:
            connection.send(message)

    with websockets.sync.server.serve(
        handler, "127.0.0.1", 0, max_size=2**21, create_connection=server, **kwargs
    ) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        port = serving.socket.getsockname()[1]
        found: list[Any] = []
        with websockets.sync.client.connect(
            f"ws://127.0.0.1:{port}", max_size=2**21, create_connection=client, **kwargs
        ) as connection:
            for message in MESSAGES:
                connection.send(message)
                found.append(connection.recv())
            assert connection.ping().wait(5)
        serving.shutdown()
        thread.join()
    return found


async def trio_echo(trio: Any, server: Any, client: Any, **kwargs: Any) -> list[Any]:
    async def handler(connection: Any) -> None:
        async for message in connection:
            await connection.send(message)

    from websockets.trio.client import connect
    from websockets.trio.server import serve

    found: list[Any] = []
    async with trio.open_nursery() as nursery:
        serving = await nursery.start(
            lambda task_status: serve(
                handler,
                port=0,
                host="127.0.0.1",
                max_size=2**21,
                create_connection=server,
                task_status=task_status,
                **kwargs,
            )
        )
        port = serving.listeners[0].socket.getsockname()[1]
        async with connect(
            f"ws://127.0.0.1:{port}", max_size=2**21, create_connection=client, **kwargs
        ) as connection:
            for message in MESSAGES:
                await connection.send(message)
                found.append(await connection.recv())
        await serving.aclose()
        nursery.cancel_scope.cancel()
    return found


def echo(face: str, server: Any = None, client: Any = None, **kwargs: Any) -> list[Any]:
    if face == "asyncio":
        return asyncio.run(asyncio_echo(server, client, **kwargs))
    if face == "sync":
        return sync_echo(server, client, **kwargs)
    trio = pytest.importorskip("trio")
    return trio.run(lambda: trio_echo(trio, server, client, **kwargs))  # type: ignore[no-any-return]


# websockets 16 has no face for trio.
FACES = ["asyncio", "sync", *(["trio"] if find_spec("websockets.trio") else [])]
faces = pytest.mark.parametrize("face", FACES)
compressions = pytest.mark.parametrize("compression", [None, "deflate"])


@faces
@compressions
def test_echo_with_the_adapter_in(face: str, compression: str | None) -> None:
    with fast(), all_by_us(2 * len(MESSAGES), 2 * len(MESSAGES)):
        assert echo(face, compression=compression) == MESSAGES


@faces
@compressions
@pytest.mark.parametrize("patched", [False, True])
def test_echo_through_the_official_doors(face: str, compression: str | None, patched: bool) -> None:
    server = getattr(adapter, f"{face.title()}ServerConnection")
    client = getattr(adapter, f"{face.title()}ClientConnection")
    with fast() if patched else nullcontext():
        with all_by_us(2 * len(MESSAGES), 2 * len(MESSAGES)):
            assert echo(face, server, client, compression=compression) == MESSAGES
        with all_by_us(len(MESSAGES), len(MESSAGES)):
            assert echo(face, server, compression=compression) == MESSAGES
        with all_by_us(len(MESSAGES), len(MESSAGES)):
            assert echo(face, client=client, compression=compression) == MESSAGES


@faces
def test_stock_leaves_us_out(face: str) -> None:
    before = adapter.counters()
    assert echo(face) == MESSAGES
    assert adapter.counters() == before


def test_the_doors_are_the_hosts_classes() -> None:
    assert adapter.AsyncioServerConnection is adapter.AsyncioServerConnection
    assert issubclass(adapter.SyncClientConnection, websockets.sync.client.ClientConnection)
    assert adapter.SyncServerConnection.__name__ == "SyncServerConnection"
    with pytest.raises(AttributeError, match="no attribute 'AsyncioConnection'"):
        _ = adapter.AsyncioConnection


# --- uvicorn -------------------------------------------------------------------------------------


def test_uvicorn_reads_and_writes_frames_with_us() -> None:
    with fast(), all_by_us(2 * len(MESSAGES), 2 * len(MESSAGES)):
        assert asyncio.run(uvicorn_echo("websockets-sansio")) == MESSAGES
