"""What a server of this example allows, and how long it waits."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Settings:
    """The limits of one server; sizes in bytes, times in seconds."""

    origins: frozenset[str] = frozenset()  # allowed beside the page's own
    secret: str = field(default_factory=secrets.token_hex)  # servers that share channels share it
    token_age: int = 60  # a token is for connecting, which the page does at once
    hello_timeout: float = 5  # for the first message, which carries the token
    max_message_size: int = 1 << 20
    max_connections: int = 20  # from one address
    messages_per_second: float = 20
    burst: int = 40  # messages that may come at once
    channels_per_connection: int = 32
    backlog: int = 256  # messages that may wait for a client that does not keep up
    backlog_size: int = 4 << 20
    ping_interval: float = 30
    ping_timeout: float = 10
    chart_interval: float = 0.1
    redis: str | None = None  # redis://HOST:PORT/DB
    node: str = field(default_factory=lambda: secrets.token_hex(3))  # this server's name
