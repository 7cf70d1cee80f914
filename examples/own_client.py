"""Talk to an echo: a client of one's own, on asyncio, h11 and fastws.Connection alone.

asyncio moves the bytes, h11 reads the answer to the request, fastws does the rest.

python own_client.py ws://127.0.0.1:8765 hello "and this"
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from urllib.parse import urlsplit

import h11

from fastws import Binary, CodecError, Connection, ConnectionClosedError, State, Text
from fastws.deflate import PerMessageDeflate
from fastws.handshake import check_response, new_key, request_headers

COMPRESSION = PerMessageDeflate()
PATIENCE = 10  # seconds of silence: then the server is pinged, and given as long once more


class Client:
    """A connection that is open: send, and iterate over the messages that come."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, websocket: Connection
    ) -> None:
        self.reader = reader
        self.writer = writer
        self.websocket = websocket

    async def send(self, message: str | bytes) -> None:
        """Send a message, and wait while the network takes no more.

        Raises:
            fastws.ConnectionClosedError: the connection is closed, or about to be.
        """
        if isinstance(message, str):
            self.writer.write(self.websocket.send_text(message))
        else:
            self.writer.write(self.websocket.send_bytes(message))
        await self.writer.drain()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Say goodbye; iterating ends when the server has answered."""
        if self.websocket.state is State.OPEN:
            self.writer.write(self.websocket.close(code, reason))
            await self.writer.drain()

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        """Give each message, and to the server what the protocol owes it, up to the end.

        Raises:
            CodecError: the server broke the protocol; it is told so first.
        """
        try:
            while not self.websocket.should_close:
                try:
                    for event in self.websocket:
                        if isinstance(event, Text | Binary):
                            yield event.data
                finally:
                    self.writer.write(self.websocket.data_to_send())
                await self.read()
        except CodecError:
            await self.hear_out()
            raise
        finally:
            self.writer.close()

    async def read(self) -> None:
        """Take what the server sends next; its end, or too long a silence, is ours as well."""
        for was_pinged in (False, True):
            try:
                async with asyncio.timeout(PATIENCE):
                    if data := await self.reader.read(65536):
                        return self.websocket.feed(data)
                break
            except TimeoutError:
                if was_pinged or self.websocket.state is not State.OPEN:
                    break
                self.writer.write(self.websocket.ping())
            except ConnectionError:
                break
        self.websocket.feed_eof()

    async def hear_out(self) -> None:
        """Let the server hang up: what it is told could be lost if we did, while it still sends."""
        with suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(PATIENCE):
                while await self.reader.read(65536):
                    pass


async def connect(url: str) -> Client:
    """Open a connection (RFC 6455 4.1).

    Raises:
        OSError, h11.RemoteProtocolError, fastws.handshake.HandshakeError: there is none.
    """
    place = urlsplit(url)
    port = place.port or (443 if place.scheme == "wss" else 80)
    tls = True if place.scheme == "wss" else None
    reader, writer = await asyncio.open_connection(place.hostname, port, ssl=tls)
    try:
        websocket = await asyncio.wait_for(upgrade(url, reader, writer), PATIENCE)
    except BaseException:
        writer.close()
        raise
    return Client(reader, writer, websocket)


async def upgrade(
    url: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> Connection:
    """Send the request, and read the answer; what came behind it is in the connection."""
    place, key, offer = urlsplit(url), new_key(), COMPRESSION.offer()
    target = (place.path or "/") + (f"?{place.query}" if place.query else "")
    headers = request_headers(key, host=place.netloc.rpartition("@")[2], extensions=offer)
    http = h11.Connection(h11.CLIENT)
    for event in (h11.Request(method="GET", target=target, headers=headers), h11.EndOfMessage()):
        writer.write(http.send(event) or b"")
    while (answer := http.next_event()) is h11.NEED_DATA:
        http.receive_data(await reader.read(65536))
    if not isinstance(answer, h11.Response | h11.InformationalResponse):
        raise ConnectionError("the server hung up before it answered")
    response = check_response(answer.status_code, answer.headers, key, extensions=offer)
    websocket = Connection("client", deflate=COMPRESSION.check_response(response.extensions))
    websocket.feed(http.trailing_data[0])
    return websocket


async def main(url: str, messages: list[str]) -> None:
    """Send messages, and print what comes until each has its answer."""
    client = await connect(url)
    sending = asyncio.create_task(send_all(client, messages))  # while answers come already
    answers = 0
    try:
        async for message in client:
            print(message if isinstance(message, str) else f"{len(message)} bytes")
            answers += 1
            if answers == len(messages):
                await client.close()
    except CodecError as error:
        print(f"the server broke the protocol: {error}")
    sending.cancel()
    print(f"closed: {client.websocket.close_code} {client.websocket.close_reason}".rstrip())


async def send_all(client: Client, messages: list[str]) -> None:
    """Send messages, as long as the server takes them."""
    with suppress(ConnectionClosedError, ConnectionError):
        for message in messages:
            await client.send(message)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Send text messages to a WebSocket server.")
    parser.add_argument("url", help="ws://HOST:PORT/PATH or wss://...")
    parser.add_argument("messages", nargs="+")
    arguments = parser.parse_args()
    asyncio.run(main(arguments.url, arguments.messages))
