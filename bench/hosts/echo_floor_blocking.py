"""The floor of threads that read 4 KiB at a time, as simple-websocket does."""

from __future__ import annotations

import base64
import hashlib
import re
import socket
import sys
import threading

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
READ = 4096


def echo(sock: socket.socket) -> None:
    key = re.search(rb"Sec-WebSocket-Key: (\S+)", sock.recv(READ))[1]
    accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
    sock.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )
    data = sock.recv(READ)
    # The sizes of all messages stand in the first one's header (RFC 6455 5.2).
    extended = {126: 2, 127: 8}.get(data[1] & 0x7F, 0)
    length = int.from_bytes(data[2 : 2 + extended]) if extended else data[1] & 0x7F
    answer = bytes(2 + extended + length)
    size, came = len(answer) + 4, 0
    while data:
        came += len(data)
        while came >= size:
            came -= size
            sock.sendall(answer)
        data = sock.recv(READ)


with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as server:
    while True:
        threading.Thread(target=echo, args=(server.accept()[0],), daemon=True).start()
