"""An echo client of fastws.Connection alone, on bare sockets: python own_client.py PORT AGENT"""

from __future__ import annotations

import socket
import sys
from contextlib import suppress

from drive import Drive
from own import COMPRESSION, HEAD_END, HOST, LARGEST, answers, join_head, say_back_end, split_head

from fastws import Connection, Text
from fastws.handshake import check_response, new_key, request_headers

READ = 1 << 18
PATIENCE = 600  # seconds for the server's next word


def opened(sock: socket.socket, port: int, target: str) -> Connection:
    """Do the opening handshake; give the connection, which holds what came behind it."""
    key, offer = new_key(), COMPRESSION.offer()
    fields = request_headers(key, host=f"{HOST}:{port}", extensions=offer)
    sock.sendall(join_head(f"GET {target} HTTP/1.1", fields))
    head = b""
    while HEAD_END not in head:
        part = sock.recv(READ)
        if not part:
            raise EOFError("the server hung up before its answer was whole")
        head += part
    head, _, rest = head.partition(HEAD_END)
    (_, status, *_), fields = split_head(head)
    response = check_response(int(status), fields, key, extensions=offer)
    deflate = COMPRESSION.check_response(response.extensions)
    connection = Connection("client", deflate=deflate, max_message_size=LARGEST)
    connection.feed(rest)
    return connection


def read(connection: Connection, sock: socket.socket) -> None:
    """Read once, straight to where the connection wants it."""
    if count := sock.recv_into(connection.get_buffer(READ)):
        connection.buffer_updated(count)
    else:
        connection.feed_eof()


def run_case(port: int, target: str) -> None:
    """Echo until the server hangs up, which is the server's part (RFC 6455 7.1.1)."""
    with socket.create_connection((HOST, port), PATIENCE) as sock:
        connection = opened(sock, port, target)
        with suppress(ConnectionError):  # it may hang up while we answer
            while not connection.should_close:
                sock.sendall(b"".join(answers(connection)))
                read(connection, sock)


def get(port: int, target: str) -> str:
    """Give the first text that the server sends, or nothing where it closes without."""
    found = ""
    with socket.create_connection((HOST, port), PATIENCE) as sock:
        connection = opened(sock, port, target)
        with suppress(ConnectionError):
            while not connection.should_close:
                for event in connection:
                    if isinstance(event, Text):
                        found = event.data
                sock.sendall(connection.data_to_send())
                read(connection, sock)
    return found


say_back_end()
Drive(int(sys.argv[1]), sys.argv[2], run_case, get).run()
