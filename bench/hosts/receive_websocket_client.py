"""Receive with websocket-client, one connection after the other; it answers pings as it goes."""

from __future__ import annotations

import sys

import websocket

while True:
    connection = websocket.create_connection(f"ws://127.0.0.1:{sys.argv[1]}/")
    try:
        while True:
            connection.recv()
    except websocket.WebSocketConnectionClosedException:
        connection.close()
