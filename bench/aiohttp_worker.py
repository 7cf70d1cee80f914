"""An aiohttp program to measure: a server that echoes, or a client that is echoed to.

    python bench/aiohttp_worker.py server VARIANT
    python bench/aiohttp_worker.py client VARIANT ADDRESS

A server prints its address, and ends with its standard input. A client reads lines there: for
"script size count" (see data.SAMPLES; "binary" for bytes) it opens a new connection, and for each
empty line after that it sends as many messages, waits for each echo, and prints a line.

VARIANT is "stock", "adapter" (that of fastws is in), or "reading" or "writing": then fastws does
all of it, in what is no adapter but the most that one could be in Python. It checks nothing that
fastws does not check by itself, and keeps none of aiohttp's limits, errors or back-pressure.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import aiohttp
import aiohttp.client
from aiohttp import WSMessage, WSMsgType, web, web_ws
from aiohttp.client_exceptions import ClientConnectionResetError
from aiohttp.http_websocket import WebSocketWriter

import fastws
from fastws._bench import data

LIMIT = 4 * data.MIB  # aiohttp's own


class Reader:
    """What stands in for aiohttp's compiled WebSocketReader."""

    side = "server"

    def __init__(
        self, queue: Any, max_msg_size: int, compress: bool = False, decode_text: bool = True
    ) -> None:
        self.queue = queue
        self.decoder = fastws.MessageDecoder(self.side, max_message_size=max_msg_size)

    def feed_data(self, chunk: bytes) -> tuple[bool, bytes]:
        decoder = self.decoder
        feed = self.queue.feed_data
        decoder.feed(chunk)
        for event in decoder:
            if event.__class__ is fastws.Close:
                feed(WSMessage(WSMsgType.CLOSE, event.code, event.reason), 0)
                break
            payload = event.data
            kind = WSMsgType.TEXT if event.__class__ is fastws.Text else WSMsgType.BINARY
            feed(tuple.__new__(WSMessage, (kind, payload, "")), len(payload))
        return False, b""

    def feed_eof(self) -> None:
        self.queue.feed_eof()


def write_frame(self: Any, message: bytes, opcode: int, rsv: int) -> None:
    """Write a frame, as `WebSocketWriter._write_websocket_frame` does."""
    if not self.use_mask and len(message) > 16384:
        return STOCK_WRITE(self, message, opcode, rsv)  # which does not copy it
    frame = fastws.encode_frame(opcode, message, rsv=rsv, mask=self.use_mask or None)
    if self.transport.is_closing():
        raise ClientConnectionResetError("Cannot write to closing transport")
    self.transport.write(frame)
    self._output_size += len(frame)


STOCK_WRITE = WebSocketWriter._write_websocket_frame


def replace(variant: str, side: str) -> None:
    """Put into aiohttp what the variant says."""
    if variant == "adapter":
        fastws.install("aiohttp")
    elif variant == "reading":
        Reader.side = side
        web_ws.WebSocketReader = aiohttp.client.WebSocketReader = Reader  # type: ignore
    elif variant == "writing":
        WebSocketWriter._write_websocket_frame = write_frame


async def echo(request: web.Request) -> web.WebSocketResponse:
    response = web.WebSocketResponse()
    await response.prepare(request)
    async for message in response:
        if message.type is WSMsgType.TEXT:
            await response.send_str(message.data)
        elif message.type is WSMsgType.BINARY:
            await response.send_bytes(message.data)
    return response


async def serve() -> None:
    application = web.Application()
    application.router.add_get("/", echo)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print("http://%s:%d/" % runner.addresses[0][:2], flush=True)  # noqa: UP031
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)


async def talk(address: str) -> None:
    async with aiohttp.ClientSession() as session:
        line = await next_line()
        while line:
            async with session.ws_connect(address) as connection:
                print("connected", flush=True)
                line = await exchange(connection, *line.split())


async def exchange(connection: Any, script: str, size: str, count: str) -> str:
    """Exchange messages for each empty line; give the first that is not."""
    if script == "binary":
        message: Any = data.noise(int(size))
        send = connection.send_bytes
    else:
        message = data.text(script, int(size))
        send = connection.send_str
    while (line := await next_line()) == "\n":
        for _ in range(int(count)):
            await send(message)
            received = await connection.receive()
            assert len(received.data) == len(message)
        print("done", flush=True)
    return line


async def next_line() -> str:
    return await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)


def main() -> None:
    role, variant, *address = sys.argv[1:]
    replace(variant, role)
    asyncio.run(serve() if role == "server" else talk(*address))


if __name__ == "__main__":
    main()
