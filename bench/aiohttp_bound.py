"""What fastws gains in aiohttp, and could at best: processor time per message, beside stock.

    python bench/aiohttp_bound.py [--builds N] [--rounds N]

A server echoes over loopback, and so does one for a client; each variant of aiohttp_worker.py is a
process of its own, and they take turns. What counts is the processor time of that process, user and
system, as Linux gives it, for one message received and one sent. On aiohttp's defaults, without
compression.

How the memory of a process happens to lie makes it faster or slower for as long as it lives, by a
third and more. So all are started several times over, and each case has a connection of its own:
the best process counts, and of a process the median of its rounds.
"""

from __future__ import annotations

import argparse
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import NamedTuple

import fastws
from fastws._bench import data

WORKER = Path(__file__).with_name("aiohttp_worker.py")
VARIANTS = ("stock", "adapter", "reading", "writing")


class Case(NamedTuple):
    """Messages of one kind, and how many of them make a sample."""

    script: str
    size: int
    count: int


CASES = [
    *(Case(script, 64, 2000) for script in ("ascii", "binary")),
    *(Case(script, data.KIB, 2000) for script in ("ascii", "binary")),
    *(Case(script, 64 * data.KIB, 300) for script in ("ascii", "cjk", "binary")),
    *(Case(script, data.MIB, 30) for script in ("ascii", "cjk", "binary")),
]

Exchange = Callable[[], None]  # of as many messages as the case says


def cpu_time(pid: int) -> float:
    """Give the processor time that a process has taken, as clock_getcpuclockid(3) finds it."""
    return time.clock_gettime((~pid << 3) | 2)


@contextmanager
def worker(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, str(WORKER), *arguments]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def connect(address: str) -> socket.socket:
    """Open a WebSocket to a server."""
    host, _, port = address.removeprefix("http://").rstrip("/").partition(":")
    connection = socket.create_connection((host, int(port)))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(
        b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += connection.recv(4096)
    return connection


class Server:
    """A server that is measured."""

    def __init__(self, variant: str, stack: ExitStack) -> None:
        process = stack.enter_context(worker("server", variant))
        self.pid = process.pid
        self.address = line_of(process)

    def begin(self, case: Case, stack: ExitStack) -> Exchange:
        """Open a connection; give what sends messages and waits for each echo."""
        connection = stack.enter_context(connect(self.address))
        opcode, payload = data.BINARY, data.noise(case.size)
        if case.script != "binary":
            opcode, payload = data.TEXT, data.text(case.script, case.size).encode()
        frame = data.frame(opcode, payload, data.KEY)
        size = len(fastws.encode_frame(opcode, payload))
        buffer = bytearray(data.MIB)

        def exchange() -> None:
            for _ in range(case.count):
                connection.sendall(frame)
                left = size
                while left:
                    left -= connection.recv_into(buffer)

        return exchange


class Client:
    """A client that is measured."""

    def __init__(self, variant: str, stack: ExitStack) -> None:
        address = Server("stock", stack).address
        self.process = stack.enter_context(worker("client", variant, address))
        self.pid = self.process.pid

    def begin(self, case: Case, stack: ExitStack) -> Exchange:
        """Have a connection opened; give what has messages sent, and waits for each echo."""
        self.tell(f"{case.script} {case.size} {case.count}", "connected")
        return lambda: self.tell("", "done")

    def tell(self, line: str, answer: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        assert line_of(self.process) == answer


def build(role: type[Server | Client], rounds: int) -> Iterator[tuple[Case, str, float]]:
    """Start all variants; give for each case and variant the microseconds of a message."""
    with ExitStack() as stack:
        sides = {variant: role(variant, stack) for variant in VARIANTS}
        for case in CASES:
            samples: dict[str, list[float]] = {variant: [] for variant in VARIANTS}
            with ExitStack() as connections:
                exchanges = {name: side.begin(case, connections) for name, side in sides.items()}
                for _ in range(rounds + 1):
                    for variant, exchange in exchanges.items():
                        before = cpu_time(sides[variant].pid)
                        exchange()
                        taken = cpu_time(sides[variant].pid) - before
                        samples[variant].append(taken / case.count * 1e6)
            for variant, taken_each in samples.items():
                yield case, variant, median(taken_each[1:])  # the first round warms up


def measure(role: type[Server | Client], builds: int, rounds: int) -> dict[Case, dict[str, float]]:
    """Give for each case the microseconds of each variant."""
    best: dict[Case, dict[str, float]] = {case: {} for case in CASES}
    for _ in range(builds):
        for case, variant, taken in build(role, rounds):
            best[case][variant] = min(taken, best[case].get(variant, taken))
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--builds", type=int, default=7)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(f"aiohttp {metadata.version('aiohttp')}, fastws {fastws.__version__} {fastws.backend}")
    print(f"| role | message | {' | '.join(VARIANTS)} |\n|---|---|---|---|---|---|")
    for role in (Server, Client):
        for case, taken in measure(role, options.builds, options.rounds).items():
            stock = taken["stock"]
            cells = [f"{us:.1f} us, {stock / us:.2f}x" for us in list(taken.values())[1:]]
            size = f"{case.size} B" if case.size < data.KIB else f"{case.size // data.KIB} KiB"
            row = [role.__name__.lower(), f"{size} {case.script}", f"{stock:.1f} us", *cells]
            print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
