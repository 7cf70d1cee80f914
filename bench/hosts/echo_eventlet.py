"""Echo with eventlet."""

from __future__ import annotations

import sys

import eventlet
from eventlet import websocket, wsgi


@websocket.WebSocketWSGI
def app(connection) -> None:
    while (message := connection.wait()) is not None:
        connection.send(message)


wsgi.server(eventlet.listen(("127.0.0.1", int(sys.argv[1]))), app)
