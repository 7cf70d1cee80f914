"""Start the live example, and print the address to open.

python examples/live                               one server, nothing else needed
python examples/live --port 8001 --redis redis://  one of many that share their channels
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import secrets

import uvicorn
from live.server import create_app
from live.settings import Settings

OURS = "fastws.adapters.uvicorn:WebSocketProtocol"


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="A live page over WebSockets.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", default=8000, type=int, help="0 takes a free one")
    parser.add_argument("--redis", metavar="URL", help="share channels by this Redis")
    parser.add_argument("--origin", action="append", default=[], help="allow pages from here too")
    parser.add_argument("--node", default=secrets.token_hex(3), help="the server's name")
    parser.add_argument("--ws", default=OURS, help="uvicorn's WebSocket class")
    parser.add_argument("--proxy", default="127.0.0.1", help="believe X-Forwarded-For from here")
    for field in dataclasses.fields(Settings):
        if field.type in ("int", "float"):
            option = "--" + field.name.replace("_", "-")
            kind = int if field.type == "int" else float
            parser.add_argument(option, type=kind, default=field.default, metavar="N")
    return parser.parse_args()


def settings_of(args: argparse.Namespace) -> Settings:
    """Make the settings; the secret comes from the environment, where others cannot read it."""
    names = {field.name for field in dataclasses.fields(Settings)}
    given = {name: value for name, value in vars(args).items() if name in names}
    if secret := os.environ.get("LIVE_SECRET"):
        given["secret"] = secret
    elif args.redis:
        raise SystemExit("with --redis, set LIVE_SECRET to the same on every server")
    return Settings(**given, origins=frozenset(args.origin))


def main() -> None:
    """Serve until the process is stopped; connections are closed with 1012 then."""
    args = arguments()
    settings = settings_of(args)
    config = uvicorn.Config(
        create_app(settings),
        host=args.host,
        port=args.port,
        ws=args.ws,
        ws_max_size=settings.max_message_size,
        ws_ping_interval=settings.ping_interval,
        ws_ping_timeout=settings.ping_timeout,
        forwarded_allow_ips=args.proxy,
        timeout_graceful_shutdown=10,
        log_level="info",
    )
    listener = config.bind_socket()
    host, port = listener.getsockname()[:2]
    print(f"\n  live {settings.node} on fastws: open http://{host}:{port}\n", flush=True)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
