"""Attack the live example in all the usual ways, and see each refused while others notice nothing.

python examples/live --ping-interval 2 --ping-timeout 1 --hello-timeout 1 --token-age 2
python examples/live/attack.py http://127.0.0.1:8000

A bystander goes on talking meanwhile, from another address. The exit status is 0 where every attack
got the answer it should, and the bystander lost nothing and never waited for a second.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
import urllib.request
import zlib
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from fastws import RSV1, Opcode, encode_frame

MANY = 1000
PATIENCE = 30  # seconds for a refusal
ATTACKS: dict[str, tuple[str, Callable[[str], Awaitable[str]]]] = {}


def attack(name: str, answer: str) -> Callable[[Any], Any]:
    """Name an attack, and the answer it should get."""

    def note(function: Callable[[str], Awaitable[str]]) -> Any:
        ATTACKS[name] = answer, function
        return function

    return note


# --- How to get in -------------------------------------------------------------------------------


def get_token(page: str, name: str) -> str:
    """Ask for a token as the page does."""
    body = json.dumps({"name": name}).encode()
    headers = {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(f"{page}/token", body, headers)) as answer:
        return str(json.load(answer)["token"])


def endpoint(page: str) -> str:
    return page.replace("http", "ws", 1) + "/ws"


@asynccontextmanager
async def joined(page: str, name: str, **options: Any) -> Any:
    """Connect with a token, and subscribe to the lobby."""
    token = await asyncio.to_thread(get_token, page, name)
    options = {"compression": None, "max_size": None, "ping_interval": None} | options
    async with connect(f"{endpoint(page)}?token={token}", **options) as connection:
        await connection.send('{"type": "subscribe", "channel": "lobby"}')
        yield connection


async def refusal(connection: ClientConnection) -> str:
    """Wait for the server's close frame, and give its code."""
    with suppress(ConnectionClosed):
        async with asyncio.timeout(PATIENCE):
            while True:
                await connection.recv()
    return str(connection.close_code)


# --- The attacks ---------------------------------------------------------------------------------


@attack("a page from elsewhere (Origin)", "HTTP 403")
async def foreign_origin(page: str) -> str:
    try:
        async with joined(page, "mallory", origin="https://evil.example"):
            return "let in"
    except InvalidStatus as error:
        return f"HTTP {error.response.status_code}"


@attack("no token at all", "1008")
async def no_token(page: str) -> str:
    async with connect(endpoint(page)) as connection:
        return await refusal(connection)


@attack("a token that was made up", "1008")
async def wrong_token(page: str) -> str:
    async with connect(endpoint(page)) as connection:
        await connection.send('{"type": "hello", "token": "Im1hbGxvcnki.aaaaaa.bbbbbbbbbbbb"}')
        return await refusal(connection)


@attack("a token that has expired", "1008")
async def expired_token(page: str) -> str:
    token = await asyncio.to_thread(get_token, page, "mallory")
    with urllib.request.urlopen(f"{page}/health"):
        await asyncio.sleep(4)
    async with connect(f"{endpoint(page)}?token={token}") as connection:
        return await refusal(connection)


@attack("a message of 10 MB", "1009")
async def large_message(page: str) -> str:
    async with joined(page, "mallory") as connection:
        try:
            await connection.send("x" * 10_000_000)
        except ConnectionClosed:
            pass
        return await refusal(connection)


@attack(f"{MANY} messages in a second", "1008")
async def many_messages(page: str) -> str:
    async with joined(page, "mallory") as connection:
        start = time.monotonic()
        try:
            for number in range(MANY):
                await connection.send(
                    json.dumps({"type": "publish", "channel": "lobby", "text": f"spam {number}"})
                )
                await asyncio.sleep(max(0.0, start + number / MANY - time.monotonic()))
        except ConnectionClosed:
            pass
        return await refusal(connection)


@attack(f"{MANY} connections from one address", "1013")
async def many_connections(page: str) -> str:
    async def one() -> str:
        try:
            async with connect(endpoint(page), open_timeout=60) as connection:
                return await refusal(connection)
        except (OSError, TimeoutError) as error:
            return type(error).__name__

    answers = Counter(await asyncio.gather(*(one() for _ in range(MANY))))
    answers.pop("1008", None)  # the few that were let in, and had no token
    return " ".join(answers)


@attack("text that is not UTF-8", "1007")
async def invalid_utf8(page: str) -> str:
    return await raw(page, encode_frame(Opcode.TEXT, b"\xed\xa0\x80", mask=True))


@attack("a bomb: 100 MB compressed to 100 KB", "1009")
async def bomb(page: str) -> str:
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    payload = deflater.compress(bytes(100_000_000)) + deflater.flush(zlib.Z_SYNC_FLUSH)
    frame = encode_frame(Opcode.TEXT, payload[:-4], rsv=RSV1, mask=True)
    return await raw(page, frame, compression="deflate")


@attack("a frame that is not masked", "1002")
async def unmasked(page: str) -> str:
    return await raw(page, encode_frame(Opcode.TEXT, b"hello"))


@attack("a message that nobody knows", "1008")
async def unknown(page: str) -> str:
    async with joined(page, "mallory") as connection:
        await connection.send('{"type": "drop table", "channel": "lobby"}')
        return await refusal(connection)


@attack("half-open: pings are not answered", "1011")
async def half_open(page: str) -> str:
    async with joined(page, "mallory") as connection:
        connection.protocol.recv_ping = None
        connection.transport.pause_reading()  # and nothing is read, as where a cable is cut
        await asyncio.sleep(5)
        connection.transport.resume_reading()
        return await refusal(connection)


async def raw(page: str, frame: bytes, **options: Any) -> str:
    """Send a frame that no client library would send."""
    async with joined(page, "mallory", **options) as connection:
        connection.transport.write(frame)
        return await refusal(connection)


# --- Who notices nothing -------------------------------------------------------------------------


class Bystander:
    """Someone who talks in the lobby of another address, and measures how long it takes."""

    def __init__(self, page: str) -> None:
        self._page = page
        self.said = self.heard = 0
        self.longest = 0.0

    async def talk(self, stop: asyncio.Event) -> None:
        """Say something ten times a second, and wait to see it come."""
        async with joined(self._page, "bystander", local_addr=("127.0.0.2", 0)) as connection:
            while not stop.is_set():
                text = f"still here {self.said}"
                start = time.monotonic()
                await connection.send(
                    json.dumps({"type": "publish", "channel": "lobby", "text": text})
                )
                self.said += 1
                async with asyncio.timeout(10):
                    while json.loads(await connection.recv()).get("text") != text:
                        pass
                self.heard += 1
                self.longest = max(self.longest, time.monotonic() - start)
                await asyncio.sleep(0.1)


async def main(page: str, longest: float) -> int:
    """Run every attack; give the exit status."""
    stop = asyncio.Event()
    bystander = Bystander(page)
    talking = asyncio.create_task(bystander.talk(stop))
    failed = 0
    print(f"{'attack':42} {'should be':10} {'was':10}")
    for name, (answer, run) in ATTACKS.items():
        was = await run(page)
        failed += was != answer
        print(
            f"{name:42} {answer:10} {was:10} {'' if was == answer else 'NO'}".rstrip(), flush=True
        )
    stop.set()
    await talking
    print(
        f"\nthe bystander said {bystander.said} things, heard {bystander.heard}, "
        f"and waited {bystander.longest * 1000:.0f} ms at most"
    )
    return 1 if failed or bystander.heard < bystander.said or bystander.longest > longest else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Attack the live example.")
    parser.add_argument("page", help="http://HOST:PORT of the live example")
    parser.add_argument("--longest", type=float, default=1.0, help="seconds that others may wait")
    args = parser.parse_args()
    sys.exit(asyncio.run(main(args.page, args.longest)))
