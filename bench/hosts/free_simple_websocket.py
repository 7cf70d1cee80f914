"""Echo with simple-websocket under werkzeug's threaded server, were wsproto free."""

from __future__ import annotations

from importlib import import_module

for name in ("free_wsproto", "echo_simple_websocket"):  # the first has to be that
    import_module(name)
