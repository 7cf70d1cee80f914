"""Echo with daphne."""

from __future__ import annotations

import sys

from daphne.server import Server  # first: it chooses Twisted's reactor

from asgi_app import app  # isort: skip

Server(app, endpoints=[f"tcp:port={sys.argv[1]}:interface=127.0.0.1"]).run()
