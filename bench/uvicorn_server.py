"""A uvicorn whose WebSocket class is one of those compared; run by `uvicorn_compare.py`.

    python bench/uvicorn_server.py SIDE LOOP DEFLATE

It listens on a port of its own choice, and prints it. SIDE is one of SIDES; LOOP is asyncio or
uvloop; DEFLATE is 1 or 0. The application is a bare ASGI function.
"""

from __future__ import annotations

import asyncio
import json
import re
import resource
import socket
import sys
from pathlib import Path
from typing import Any

import uvicorn

from fastws.handshake import accept_key

SIDES = {
    "fastws": "fastws.adapters.uvicorn:WebSocketProtocol",
    "websockets-sansio": "websockets-sansio",
    "wsproto": "wsproto",
    "bare": "",
}
ROOM: set[Any] = set()


def costs() -> dict[str, float]:
    """Give the seconds of CPU that this process has used, and the bytes of memory it holds."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return {"user": usage.ru_utime, "system": usage.ru_stime, "memory": resident()}


def resident() -> int:
    """Give the bytes of memory that this process holds."""
    for line in Path("/proc/self/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise OSError("no Pss in smaps_rollup")


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Echo at /echo; gather at /room what /publish sends; tell at any other path the costs."""
    if scope["type"] == "http":
        body = json.dumps(costs()).encode()
        head = {"type": "http.response.start", "status": 200, "headers": []}
        await send(head)
        await send({"type": "http.response.body", "body": body})
        return
    await receive()
    await send({"type": "websocket.accept"})
    if scope["path"] == "/room":
        ROOM.add(send)
        await receive()
        ROOM.discard(send)
        return
    publishing = scope["path"] == "/publish"
    while True:
        message = await receive()
        if message["type"] != "websocket.receive":
            return
        if publishing:
            for member in ROOM:
                await member({"type": "websocket.send", "text": message["text"]})
        await send({"type": "websocket.send", "text": message["text"]})


class Bare(asyncio.Protocol):
    """The least that asyncio can do: as many bytes back as a WebSocket would send."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.sizes = (0, 0)  # of a message as it goes out, and as it comes
        self.came = 0

    def data_received(self, data: bytes) -> None:
        out, step = self.sizes
        if step:
            before = self.came * out // step
            self.came += len(data)
            self.transport.write(bytes(self.came * out // step - before))
            return
        request = data.decode("latin-1")
        key = re.search("Sec-WebSocket-Key: (.*)\r\n", request)
        if key is None:
            body = json.dumps(costs()).encode()
            self.transport.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body)
            self.transport.close()
            return
        sizes = re.search("X-Sizes: ([0-9]+)/([0-9]+)\r\n", request)
        assert sizes is not None
        self.sizes = int(sizes[1]), int(sizes[2])
        answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        answer += f"Sec-WebSocket-Accept: {accept_key(key[1])}\r\n\r\n"
        self.transport.write(answer.encode())


async def serve_bare(listener: socket.socket) -> None:
    server = await asyncio.get_running_loop().create_server(Bare, sock=listener)
    await server.serve_forever()


def main(side: str, loop: str, deflate: str) -> None:
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    print(listener.getsockname()[1], flush=True)
    config = uvicorn.Config(
        application,
        loop=loop,
        http="httptools",
        ws=SIDES[side] or "none",
        ws_per_message_deflate=bool(int(deflate)),
        lifespan="off",
        log_level="warning",
        backlog=4096,
    )
    if side == "bare":
        with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
            runner.run(serve_bare(listener))
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main(*sys.argv[1:])
