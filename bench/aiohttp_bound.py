"""What fastws gains in aiohttp, and could at best: processor time per message, beside stock.

    python bench/aiohttp_bound.py [--rounds N]

A server echoes over loopback, and so does one for a client; each variant of aiohttp_worker.py is a
process of its own, and they take turns. What counts is the processor time of that process, user and
system, as Linux gives it: the median of the rounds, for one message received and one sent. On
aiohttp's defaults, without compression.
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

import data

import fastws

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

Exchange = Callable[[Case], None]


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


def exchange_with_server(address: str) -> Exchange:
    """Give what sends messages to a server, and waits for each echo."""
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
    buffer = bytearray(data.MIB)

    def exchange(case: Case) -> None:
        opcode, payload = data.BINARY, data.noise(case.size)
        if case.script != "binary":
            opcode, payload = data.TEXT, data.text(case.script, case.size).encode()
        frame = data.frame(opcode, payload, data.KEY)
        size = len(fastws.encode_frame(opcode, payload))
        for _ in range(case.count):
            connection.sendall(frame)
            left = size
            while left:
                left -= connection.recv_into(buffer)

    return exchange


def exchange_of_client(process: subprocess.Popen[str]) -> Exchange:
    """Give what has a client send messages, and wait for each echo."""

    def exchange(case: Case) -> None:
        assert process.stdin is not None
        process.stdin.write(f"{case.script} {case.size} {case.count}\n")
        assert line_of(process) == "done"

    return exchange


def sides(role: str, stack: ExitStack) -> dict[str, tuple[int, Exchange]]:
    """Start each variant; give its process and what keeps it busy."""
    found = {}
    if role == "client":
        address = line_of(stack.enter_context(worker("server", "stock")))
    for variant in VARIANTS:
        if role == "server":
            process = stack.enter_context(worker("server", variant))
            found[variant] = process.pid, exchange_with_server(line_of(process))
        else:
            process = stack.enter_context(worker("client", variant, address))
            assert line_of(process) == "connected"
            found[variant] = process.pid, exchange_of_client(process)
    return found


def measure(role: str, rounds: int) -> Iterator[tuple[Case, dict[str, float]]]:
    """Give for each case the microseconds of each variant."""
    with ExitStack() as stack:
        running = sides(role, stack)
        for case in CASES:
            samples: dict[str, list[float]] = {variant: [] for variant in VARIANTS}
            for _ in range(rounds + 1):
                for variant, (pid, exchange) in running.items():
                    before = cpu_time(pid)
                    exchange(case)
                    samples[variant].append((cpu_time(pid) - before) / case.count * 1e6)
            # The first round warms up.
            yield case, {variant: median(taken[1:]) for variant, taken in samples.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    print(f"aiohttp {metadata.version('aiohttp')}, fastws {fastws.__version__} {fastws.backend}")
    print(f"| role | message | {' | '.join(VARIANTS)} |\n|---|---|---|---|---|---|")
    for role in ("server", "client"):
        for case, taken in measure(role, rounds):
            stock = taken["stock"]
            cells = [f"{us:.1f} us, {stock / us:.2f}x" for us in list(taken.values())[1:]]
            size = f"{case.size} B" if case.size < data.KIB else f"{case.size // data.KIB} KiB"
            row = [role, f"{size} {case.script}", f"{stock:.1f} us", *cells]
            print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
