"""Echo with gevent-websocket."""

from __future__ import annotations

import sys

from gevent.pywsgi import WSGIServer
from geventwebsocket.handler import WebSocketHandler


def app(environ, start_response):
    connection = environ["wsgi.websocket"]
    while (message := connection.receive()) is not None:
        connection.send(message)
    return []


WSGIServer(("127.0.0.1", int(sys.argv[1])), app, handler_class=WebSocketHandler).serve_forever()
