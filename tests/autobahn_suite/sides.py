"""What there is to try: what is made of fastws alone, and each host, stock and with fastws in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SERVERS, CLIENTS = "servers.py", "clients.py"


@dataclass(frozen=True)
class Way:
    """One program under test.

    Attributes:
        program: its file in `programs/`, and its first words.
        adapter: what fastws.install() puts in first: "" for nothing, "-" where the program itself
            takes what it needs of fastws.
        pure: whether the compiled core is switched off.
    """

    program: tuple[str, ...]
    adapter: str = ""
    pure: bool = False


@dataclass(frozen=True)
class Side:
    """One side of connections, server or client, and what it is held against.

    Attributes:
        name: what to call it.
        role: which side it is; the suite is the other.
        fast: the program with fastws.
        selection: the cases that it gets where nobody asks for others.
        stock: the program without. None: every case has to be OK.
        proof: the adapter whose counters have to show that our code ran.
        distributions: the host, and what it is built on, for their versions.
        idle: why nothing of the suite comes to our code, where that is so.
    """

    name: str
    role: Literal["server", "client"]
    fast: Way
    selection: str = "middle"
    stock: Way | None = None
    proof: str = ""
    distributions: tuple[str, ...] = ()
    idle: str = ""


def _host(
    role: Literal["server", "client"], host: str, distribution: str, *, idle: str = ""
) -> Side:
    program = (SERVERS if role == "server" else CLIENTS, host)
    return Side(
        f"{distribution}-{role}",
        role,
        Way(program, host),
        stock=Way(program),
        proof=host,
        distributions=(distribution,),
        idle=idle,
    )


SANSIO, WSPROTO = Way((SERVERS, "uvicorn_sansio")), Way((SERVERS, "uvicorn_wsproto"))
UVICORN = "uvicorn", "websockets"

SIDES = (
    Side("own-server", "server", Way(("own_server.py",)), "all"),
    Side("own-client", "client", Way(("own_client.py",)), "all"),
    Side("own-server-pure", "server", Way(("own_server.py",), pure=True)),
    Side("own-client-pure", "client", Way(("own_client.py",), pure=True)),
    _host("server", "websockets", "websockets"),
    Side(
        "uvicorn-class-server",
        "server",
        Way((SERVERS, "uvicorn_class"), "-"),
        stock=SANSIO,
        proof="uvicorn",
        distributions=UVICORN,
    ),
    Side(
        "uvicorn-sansio-server",
        "server",
        Way(SANSIO.program, "websockets"),
        stock=SANSIO,
        proof="websockets",
        distributions=UVICORN,
    ),
    Side(
        "uvicorn-wsproto-server",
        "server",
        Way(WSPROTO.program, "wsproto"),
        stock=WSPROTO,
        proof="wsproto",
        distributions=("uvicorn", "wsproto"),
    ),
    _host(
        "server",
        "aiohttp",
        "aiohttp",
        idle="the first message of a connection is aiohttp's, and no case sends a large one behind",
    ),
    _host("server", "tornado", "tornado"),
    _host("server", "autobahn", "autobahn"),
    _host("client", "websockets", "websockets"),
    _host("client", "aiohttp", "aiohttp"),
    _host("client", "tornado", "tornado"),
    _host("client", "autobahn", "autobahn"),
    _host("client", "websocket_client", "websocket-client"),
)
# What every change is to be tried with.
QUICK = ("own-server", "own-client")
