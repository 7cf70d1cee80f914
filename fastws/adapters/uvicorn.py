"""uvicorn: a WebSocket protocol class of our own, chosen by name; nothing is patched.

    uvicorn --ws fastws.adapters.uvicorn:WebSocketProtocol app:app

`UVICORN_WS` and `uvicorn.Config(ws=WebSocketProtocol)` take it as well. In uvicorn the codec is a
fifth of the work: the rest is frame objects, a queue and a generator between it and the
application. So there is no entry for it among the hosts that `fastws.install()` patches.

Importing this module imports neither uvicorn nor asyncio; the class does.
"""

from __future__ import annotations

from ._registry import Range

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._uvicorn_protocol import WebSocketProtocol

__all__ = ["WebSocketProtocol", "supported"]

SUPPORTED = Range("0.30", "0.55")


def supported() -> str:
    """Give the versions of uvicorn that this class was proven on."""
    return str(SUPPORTED)


def __getattr__(name: str) -> Any:
    if name != "WebSocketProtocol":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from ._uvicorn_protocol import WebSocketProtocol

    globals()[name] = WebSocketProtocol
    return WebSocketProtocol
