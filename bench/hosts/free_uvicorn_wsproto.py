"""Echo with uvicorn, whose WebSocket protocol is wsproto, were wsproto free."""

from __future__ import annotations

from importlib import import_module

for name in ("free_wsproto", "echo_uvicorn_wsproto"):  # the first has to be that
    import_module(name)
