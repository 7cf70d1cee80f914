"""A uvicorn with our class, served in the loop of the test."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from fastws.adapters.uvicorn import WebSocketProtocol


@asynccontextmanager
async def served(app: Any, **config: Any) -> AsyncIterator[tuple[uvicorn.Server, str]]:
    """Serve an application; give the server and its address."""
    listener = None
    if "uds" not in config:
        listener = socket.create_server(("127.0.0.1", 0), backlog=1000)
    settings: dict[str, Any] = {
        "ws": WebSocketProtocol,
        "lifespan": "off",
        "log_config": None,
        "timeout_graceful_shutdown": 2,
    }
    server = uvicorn.Server(uvicorn.Config(app, **settings | config))
    serving = asyncio.ensure_future(server.serve(sockets=[listener] if listener else None))
    while not server.started:
        assert not serving.done()
        await asyncio.sleep(0.005)
    try:
        yield server, f"127.0.0.1:{listener.getsockname()[1]}" if listener else config["uds"]
    finally:
        server.should_exit = True
        await asyncio.wait_for(serving, 10)
        if listener:
            listener.close()
