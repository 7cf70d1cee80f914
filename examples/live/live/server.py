"""The application: the page, its tokens, and the WebSocket endpoint, on FastAPI."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import pydantic
from fastapi import Body, FastAPI, Request, Response
from starlette.middleware.base import RequestResponseEndpoint
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect
from uvicorn.protocols.utils import ClientDisconnected

from .hub import Hub
from .limits import Addresses, TooMany
from .messages import HELLO, Name, complaint
from .session import POLICY, TRY_LATER, Goodbye, Session
from .settings import Settings
from .tokens import Tokens

WEB = Path(__file__).resolve().parent.parent / "web"
FAREWELL = 5  # seconds for a client to take what waits for it, and the close frame behind that
POLICIES = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


def create_app(settings: Settings) -> FastAPI:
    """Make the application of one server."""
    hub, tokens = Hub(settings), Tokens(settings)
    addresses = Addresses(settings.max_connections)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await hub.start()
        yield
        await hub.stop()

    app = FastAPI(title="live", lifespan=lifespan)

    @app.middleware("http")
    async def harden(request: Request, call_next: RequestResponseEndpoint) -> Response:
        response = await call_next(request)
        response.headers.update(POLICIES)
        return response

    @app.post("/token")
    async def token(name: Annotated[Name, Body(embed=True)]) -> dict[str, str | float]:
        return {"token": tokens.make(name), "expires_in": tokens.age}

    @app.get("/health")
    async def health() -> dict[str, str | bool | int]:
        return {
            "node": settings.node,
            "connections": hub.chart.connections,
            "shared": settings.redis is not None and hub.bus.up,
        }

    @app.websocket("/ws")
    async def endpoint(websocket: WebSocket) -> None:
        if not from_our_page(websocket, settings):
            await websocket.close()  # before it is accepted: 403
            return
        await websocket.accept()
        try:
            with addresses.hold(websocket.client.host if websocket.client else ""):
                await serve(websocket, hub, tokens)
        except TooMany:
            await end(websocket, Goodbye(TRY_LATER, "too many connections from your address"))
        except Goodbye as goodbye:
            await end(websocket, goodbye)
        except (WebSocketDisconnect, ClientDisconnected):
            pass  # it went while something was sent to it

    app.mount("/", StaticFiles(directory=WEB, html=True))
    return app


def from_our_page(websocket: WebSocket, settings: Settings) -> bool:
    """Say whether a browser asks from an allowed page (RFC 6455 10.2); programs may always."""
    origin = websocket.headers.get("origin")
    if origin is None:
        return True
    return origin in settings.origins or urlsplit(origin).netloc == websocket.headers.get("host")


async def serve(websocket: WebSocket, hub: Hub, tokens: Tokens) -> None:
    """Serve a connection that is accepted; Goodbye says how to end it."""
    hub.chart.connections += 1
    try:
        name = await authenticate(websocket, tokens, hub.settings.hello_timeout)
        session = Session(websocket, name, hub, hub.settings)
        session.tell("welcome", name=name, node=hub.settings.node)
        await session.run()
    finally:
        hub.chart.connections -= 1


async def end(websocket: WebSocket, goodbye: Goodbye) -> None:
    """Close, but do not wait for ever for a client that takes nothing."""
    with suppress(TimeoutError, WebSocketDisconnect, ClientDisconnected):
        async with asyncio.timeout(FAREWELL):
            await websocket.close(goodbye.code, goodbye.reason)


async def authenticate(websocket: WebSocket, tokens: Tokens, patience: float) -> str:
    """Give the name in the token of the address's query, or else of the first message."""
    token = websocket.query_params.get("token")
    try:
        if token is None:
            async with asyncio.timeout(patience):
                token = HELLO.validate_json(await websocket.receive_text()).token
        return tokens.name(token)
    except TimeoutError:
        raise Goodbye(POLICY, "no token came in time") from None
    except KeyError:
        raise Goodbye(POLICY, "the first message has to be text") from None
    except pydantic.ValidationError as error:
        raise Goodbye(POLICY, complaint(error)) from None
    except ValueError as error:
        raise Goodbye(POLICY, str(error)) from None
