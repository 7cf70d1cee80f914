"""The client's part in Python: README.md has what it does and reports.

It is written once, over the few calls of `Client`. Two do them: examples/own_client.py with
fastws.Connection, and the websockets library.
"""

from __future__ import annotations

import asyncio
import sys
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from peers import plan
from peers.plan import COMPRESSION, LIMIT, digest, sized_binary, sized_text
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

import fastws

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))

import own_client

PATIENCE = 20  # seconds


class Client(ABC):
    """A connection that is open, seen from the client."""

    extensions: str
    pings: int | None = None  # how many came, or None where the library does not tell
    refused = False  # whether it ended what the server sent

    @classmethod
    @abstractmethod
    async def connect(cls, url: str, mode: str) -> Client:
        """Open a connection."""

    @abstractmethod
    async def send(self, message: str | bytes) -> None:
        """Send a message in one frame."""

    @abstractmethod
    async def send_fragments(self, data: bytes, ping: str) -> str:
        """Send a text in fragments and a ping, between them if it can; give what the pong holds."""

    @abstractmethod
    async def send_parts(self, *parts: bytes) -> None:
        """Send a binary message in fragments."""

    @abstractmethod
    async def receive(self) -> str | bytes:
        """Wait for a message."""

    @abstractmethod
    async def close(self, code: int, reason: str) -> None:
        """Start the closing handshake."""

    @abstractmethod
    async def end(self) -> list[Any]:
        """Wait for the end; give the code and the reason."""


class Ours(Client):
    """A connection of examples/own_client.py."""

    def __init__(self, client: own_client.Client) -> None:
        self._client = client
        self._websocket = client.websocket
        self._messages: list[str | bytes] = []
        self._pongs: list[str] = []
        self.pings = 0

    @classmethod
    async def connect(cls, url: str, mode: str) -> Ours:
        own_client.COMPRESSION = COMPRESSION[mode] or Silent()
        client = cls(await own_client.connect(url))
        deflate = client._websocket._deflate
        client.extensions = extensions_of(deflate)
        return client

    async def send(self, message: str | bytes) -> None:
        await self._client.send(message)

    async def send_fragments(self, data: bytes, ping: str) -> str:
        websocket, write = self._websocket, self._client.writer.write
        write(websocket.send_text(data[:6], fin=False))
        write(websocket.send_text(b"", fin=False))
        write(websocket.ping(ping))
        write(websocket.send_text(data[6:]))
        while not self._pongs:
            await self._read()
        return self._pongs.pop()

    async def send_parts(self, *parts: bytes) -> None:
        for part in parts[:-1]:
            self._client.writer.write(self._websocket.send_bytes(part, fin=False))
        await self._client.send(parts[-1])

    async def receive(self) -> str | bytes:
        while not self._messages:
            assert not self._websocket.should_close, self._websocket.close_code
            await self._read()
        return self._messages.pop(0)

    async def close(self, code: int, reason: str) -> None:
        await self._client.close(code, reason)

    async def end(self) -> list[Any]:
        try:
            while not self._websocket.should_close:
                await self._read()
        except fastws.CodecError:
            self.refused = True
            await self._client.hear_out()
        self._client.writer.close()
        return [self._websocket.close_code, self._websocket.close_reason]

    async def _read(self) -> None:
        """Take what came; where that is all, wait for more."""
        try:
            for event in self._websocket:
                match event:
                    case fastws.Text(data) | fastws.Binary(data):
                        self._messages.append(data)
                        return
                    case fastws.Ping():
                        self.pings += 1
                    case fastws.Pong(payload):
                        self._pongs.append(payload.decode())
                        return
        finally:
            self._client.writer.write(self._websocket.data_to_send())
        await self._client.read()


class Silent:
    """Ask for no compression."""

    def offer(self) -> None:
        return None

    def check_response(self, extensions: object) -> None:
        return None


def extensions_of(deflate: Any) -> str:
    """Say what was agreed on, as a header would."""
    if deflate is None:
        return ""
    words = ["permessage-deflate"]
    words += [] if deflate.receive_takeover else ["server_no_context_takeover"]
    words += [] if deflate.send_takeover else ["client_no_context_takeover"]
    return "; ".join(words)


class Websockets(Client):
    """A connection of the websockets library."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        assert connection.response
        self.extensions = connection.response.headers.get("Sec-WebSocket-Extensions", "")

    @classmethod
    async def connect(cls, url: str, mode: str) -> Websockets:
        keep = mode == "takeover"
        wanted = ClientPerMessageDeflateFactory(
            server_no_context_takeover=not keep, client_no_context_takeover=not keep
        )
        extensions = None if mode == "off" else [wanted]
        return cls(await connect(url, compression=None, extensions=extensions, max_size=LIMIT))

    async def send(self, message: str | bytes) -> None:
        await self._connection.send(message)

    async def send_fragments(self, data: bytes, ping: str) -> str:
        await self._connection.send([data[:6], b"", data[6:]], text=True)
        await (await self._connection.ping(ping))
        return ping

    async def send_parts(self, *parts: bytes) -> None:
        await self._connection.send(parts)

    async def receive(self) -> str | bytes:
        return await self._connection.recv()

    async def close(self, code: int, reason: str) -> None:
        await self._connection.close(code, reason)

    async def end(self) -> list[Any]:
        try:
            while True:
                await self._connection.recv()
        except ConnectionClosed:
            return [self._connection.close_code, self._connection.close_reason]


async def ask(client: Client, message: str | bytes) -> Any:
    """Send a message; give what comes."""
    await client.send(message)
    return await client.receive()


async def messages(kind: type[Client], url: str, mode: str) -> dict[str, Any]:
    """Send messages of all sizes, and in fragments."""
    client = await kind.connect(url, mode)
    report: dict[str, Any] = {"extensions": client.extensions, "text": [], "binary": []}
    for size in plan.SIZES:
        report["text"].append(digest(await ask(client, sized_text(size))))
        report["binary"].append(digest(await ask(client, sized_binary(size))))
    data = sized_text(plan.FRAGMENTED).encode()
    report["pong"] = await client.send_fragments(data, "between")
    report["fragments"] = digest(await client.receive())
    report["theirFragments"] = digest(await ask(client, f"fragments {plan.FRAGMENTED}"))
    report["theirPing"] = await ask(client, "ping there")
    report["pings"] = client.pings
    await client.close(1000, "")
    await client.end()
    return report


async def close_with(kind: type[Client], url: str, mode: str, code: int) -> list[Any]:
    """Close a connection; give its number, and what came back."""
    client = await kind.connect(url, mode)
    number = int(await ask(client, "who"))
    await client.close(code, "enough")
    return [number, *await client.end()]


async def told_to_close(kind: type[Client], url: str, mode: str, code: int) -> list[Any]:
    """Let the server close; give what came."""
    client = await kind.connect(url, mode)
    await client.send(f"close {code} enough")
    return await client.end()


async def limits(kind: type[Client], url: str, mode: str) -> dict[str, Any]:
    """Send, and be sent, a message that is too big."""
    client = await kind.connect(url, mode)
    try:
        # In one frame, its end might not be through when the server hangs up.
        await client.send_parts(sized_binary(LIMIT), b"!")
    except ConnectionClosed:
        pass  # it was refused before it was through
    too_big = await client.end()
    assert not client.refused
    client = await kind.connect(url, mode)
    number = int(await ask(client, "who"))
    await client.send(f"binary {LIMIT + 1}")
    await client.end()
    return {"tooBigForThem": too_big, "tooBigForUs": number}


async def talk(kind: type[Client], url: str, mode: str) -> dict[str, Any]:
    """Do all of it, and report."""
    report = await messages(kind, url, mode)
    report["closes"] = [await close_with(kind, url, mode, code) for code in plan.CODES]
    report["theirCloses"] = [await told_to_close(kind, url, mode, code) for code in plan.CODES]
    return report | await limits(kind, url, mode)


async def forbidden(url: str) -> list[list[Any]]:
    """Have a server send codes that may not be sent; give its connection, and how ours ended."""
    found = []
    for code in plan.FORBIDDEN:
        client = await Ours.connect(url, "off")
        number = int(await ask(client, "who"))
        await client.send(f"close {code} enough")
        found.append([number, *await client.end()])
    return found


async def ended(url: str, number: int) -> str:
    """Ask a server how a connection of its ended, as soon as it has."""
    client = await Websockets.connect(url, "off")
    async with asyncio.timeout(PATIENCE):
        while (answer := await ask(client, f"ended {number}")) == "open":
            await asyncio.sleep(0.01)
    await client.close(1000, "")
    return str(answer)
