"""Hold many connections on one server of the live example, and tell what they cost it.

python examples/live/hold.py [--connections 10000] [--seconds 60] [CLASS ...]

Each comes from one of many addresses, shows a token, subscribes to a channel that it shares with 99
others, and answers the server's heartbeats. Each WebSocket class of uvicorn that is named (by
default fastws's and websockets-sansio) serves in a process of its own, one after the other. What is
counted is that process's memory, shared pages by their share, and its CPU time: for each connection
to open, and while all are held.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from fastws import FrameDecoder, Opcode, encode_frame

CLASSES = ["fastws.adapters.uvicorn:WebSocketProtocol", "websockets-sansio"]
FROM_ONE_ADDRESS = 20  # what the server allows
IN_ONE_CHANNEL = 100
AT_ONCE = 100  # handshakes
WARM_UP = 200  # connections, closed again before anything is counted
SETTLE = 6.0  # seconds to tell everyone who is present
COLUMNS = ["KiB each", "ms to open", "% of a core", "pings each"]
TICKS = os.sysconf("SC_CLK_TCK")


class Held(asyncio.Protocol):
    """A client that subscribes, and then answers pings and nothing else."""

    def __init__(self, request: bytes, channel: str, counts: dict[str, int]) -> None:
        self._request = request
        self._channel = channel
        self._counts = counts
        self._head = b""
        self._decoder: FrameDecoder | None = None
        self.subscribed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if self._decoder is None:
            self._head += data
            head, end, data = self._head.partition(b"\r\n\r\n")
            if not end:
                return
            if not head.startswith(b"HTTP/1.1 101 "):
                raise ConnectionError(head.decode())
            self._decoder = FrameDecoder("client")
            self._say(Opcode.TEXT, json.dumps({"type": "subscribe", "channel": self._channel}))
        self._decoder.feed(data)
        for frame in self._decoder:
            if frame.opcode == Opcode.PING:
                self._say(Opcode.PONG, bytes(frame.payload))
                self._counts["answered"] += 1
            elif not self.subscribed.done() and b'"subscribed"' in bytes(frame.payload):
                self.subscribed.set_result(None)

    def _say(self, opcode: Opcode, payload: bytes | str) -> None:
        self.transport.write(encode_frame(opcode, payload, mask=True))

    def connection_lost(self, _: Exception | None) -> None:
        self._counts["lost"] += 1
        if not self.subscribed.done():
            self.subscribed.set_exception(ConnectionError("closed before it had subscribed"))


class Crowd:
    """The clients of one server."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._token = (0.0, "")
        self._gate = asyncio.Semaphore(AT_ONCE)
        self.counts = {"answered": 0, "lost": 0}
        self.members: list[Held] = []

    async def grow(self, count: int) -> None:
        """Add so many connections."""
        self.members += await asyncio.gather(*(self._connect(number) for number in range(count)))

    async def _connect(self, number: int) -> Held:
        address = 256 + number // FROM_ONE_ADDRESS
        local = f"127.0.{address // 256}.{address % 256}"
        async with self._gate:
            request = (
                f"GET /ws?token={await self._get_token()} HTTP/1.1\r\n"
                f"Host: 127.0.0.1:{self._port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: aG9sZCB0aGUgbGluZSEhIQ==\r\n\r\n"
            )
            channel = f"room-{number // IN_ONE_CHANNEL}"
            _, held = await asyncio.get_running_loop().create_connection(
                lambda: Held(request.encode(), channel, self.counts),
                *("127.0.0.1", self._port),
                local_addr=(local, 0),
            )
            await held.subscribed
        return held

    async def _get_token(self) -> str:
        """Give one that is a few seconds old at most."""
        until, token = self._token
        if until < time.monotonic():
            token = await asyncio.to_thread(get_token, self._port)
            self._token = time.monotonic() + 10, token
        return token

    def close(self) -> None:
        for member in self.members:
            member.transport.abort()
        self.members.clear()


def get_token(port: int) -> str:
    """Ask for a token as the page does."""
    headers = {"Content-Type": "application/json"}
    asked = urllib.request.Request(f"http://127.0.0.1:{port}/token", b'{"name": "held"}', headers)
    with urllib.request.urlopen(asked) as answer:
        return str(json.load(answer)["token"])


# --- The server's process ------------------------------------------------------------------------


class Cost(NamedTuple):
    """What a process has needed so far: seconds of CPU, and bytes now."""

    cpu: float
    memory: int


def cost(process: int) -> Cost:
    """Ask Linux."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            cpu = (int(fields[11]) + int(fields[12])) / TICKS
            return Cost(cpu, int(line.split()[1]) * 1024)
    raise OSError("no Pss in smaps_rollup")


@contextmanager
def server(name: str, interval: float, timeout: float) -> Iterator[tuple[int, int]]:
    """Start one with this WebSocket class; give its port and its process."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    command = [sys.executable, Path(__file__).parent, "--port", port, "--ws", name]
    command += ["--ping-interval", interval, "--ping-timeout", timeout]
    words = [str(word) for word in command]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            while process.poll() is None:
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except ConnectionRefusedError:
                    time.sleep(0.05)
            yield port, process.pid
        finally:
            process.kill()


async def hold(name: str, options: argparse.Namespace) -> list[float]:
    """Give what stands in COLUMNS for a server with this class."""
    with server(name, options.ping_interval, options.ping_timeout) as (port, process):
        crowd = Crowd(port)
        await crowd.grow(WARM_UP)
        crowd.close()
        await asyncio.sleep(1)
        crowd.counts["lost"] = 0
        before = cost(process)
        await crowd.grow(options.connections)
        await asyncio.sleep(SETTLE)
        opened = cost(process)
        answered = crowd.counts["answered"]
        await asyncio.sleep(options.seconds)
        held = cost(process)
        answered = crowd.counts["answered"] - answered
        if crowd.counts["lost"]:
            raise ConnectionError(f"{name}: {crowd.counts['lost']} connections were lost")
        crowd.close()
    return [
        (held.memory - before.memory) / options.connections / 1024,
        (opened.cpu - before.cpu) / options.connections * 1000,
        (held.cpu - opened.cpu) / options.seconds * 100,
        answered / options.connections,
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description="Hold connections, and tell what they cost.")
    parser.add_argument("classes", nargs="*", metavar="CLASS", default=CLASSES)
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--ping-interval", type=float, default=30)
    parser.add_argument("--ping-timeout", type=float, default=10)
    options = parser.parse_args()
    needed = options.connections + 1000
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(needed, hard), hard))
    print(f"{options.connections} connections, held for {options.seconds:g} s")
    print(f"{'':44}" + "".join(f"{column:>13}" for column in COLUMNS))
    for name in options.classes:
        figures = asyncio.run(hold(name, options))
        print(f"{name:44}" + "".join(f"{figure:13.2f}" for figure in figures), flush=True)


if __name__ == "__main__":
    main()
