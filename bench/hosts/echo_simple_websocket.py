"""Echo with simple-websocket under werkzeug's threaded server."""

from __future__ import annotations

import sys

from simple_websocket import ConnectionClosed, Server
from werkzeug.serving import run_simple


def app(environ, start_response):
    connection = Server.accept(environ)
    try:
        while True:
            connection.send(connection.receive())
    except ConnectionClosed:
        return []


run_simple("127.0.0.1", int(sys.argv[1]), app, threaded=True)
