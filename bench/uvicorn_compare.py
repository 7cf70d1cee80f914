"""Measure the WebSocket classes of uvicorn beside each other: CPU of the server, and its memory.

    python bench/uvicorn_compare.py [--loop asyncio|uvloop] [--rounds N] [--deflate] [--json FILE]
        [WHAT ...]

WHAT is any of echo, broadcast, idle; without it, all. Each class serves in a process of its own,
this process is the client, and the sides take turns in every round. What counts is the CPU time
(user and system) that the server's process has used, as it tells itself; a ratio is that of two
medians. "bare" is a protocol of asyncio that knows no WebSocket and sends as many bytes.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import NamedTuple

from uvicorn_load import Echo, Room, close_all, connect, costs
from uvicorn_server import SIDES

from fastws._bench.facts import system

RIVALS = ("websockets-sansio", "wsproto")
# Size of the text, messages in flight, messages of a sample.
ECHOES = [(64, 1, 4_000), (64, 32, 20_000), (1024, 32, 12_000), (65536, 4, 2_000)]
ECHOES += [(1 << 20, 1, 100)]
PACKED_ECHOES = [(64, 32, 8_000), (1024, 32, 4_000), (65536, 4, 200), (1 << 20, 1, 12)]
MEMBERS, TIMES = 1000, 20
IDLE = 10_000
WIDTH = 22


class Found(NamedTuple):
    """What one work costs each side, ours first, in a unit."""

    work: str
    size: int
    in_flight: int
    deflate: bool
    unit: str
    figures: dict[str, float]


@contextmanager
def servers(sides: list[str], loop: str, deflate: bool) -> Iterator[dict[str, int]]:
    """Start a server for each side; give their ports."""
    script = str(Path(__file__).with_name("uvicorn_server.py"))
    started, ports = [], {}
    try:
        for side in sides:
            command = [sys.executable, script, side, loop, str(int(deflate))]
            started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
            assert started[-1].stdout is not None
            ports[side] = int(started[-1].stdout.readline())
        time.sleep(0.5)  # each has loaded its configuration by then
        yield ports
    finally:
        for process in started:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()


def spent(port: int, work: Echo | Room, count: int) -> float:
    """Give the seconds of CPU that a server needs for some work."""
    before = costs(port)
    work.run(count)
    after = costs(port)
    return sum(after[kind] - before[kind] for kind in ("user", "system"))


def row(label: str, figures: dict[str, float], unit: str) -> None:
    """Print the figures of all sides, and how they stand to ours."""
    ours = figures["fastws"]
    cells = []
    for side, figure in figures.items():
        ratio = "" if side == "fastws" else f" {figure / ours:5.2f}x"
        cells.append(f"{figure:9.2f} {unit}{ratio}".rjust(WIDTH))
    print(f"{label:16}" + "".join(cells), flush=True)


def echo(loop: str, rounds: int, deflate: bool) -> Iterator[Found]:
    """CPU for each message that goes to the server and back."""
    sides = [side for side in SIDES if not (deflate and side == "bare")]
    print(f"\necho of a text, us of CPU each; compression {'on' if deflate else 'off'}")
    print(" " * 16 + "".join(side.rjust(WIDTH) for side in sides))
    with servers(sides, loop, deflate) as ports:
        for size, in_flight, messages in PACKED_ECHOES if deflate else ECHOES:
            works = {side: Echo(ports[side], size, in_flight, deflate) for side in sides}
            samples: dict[str, list[float]] = {side: [] for side in sides}
            for side in sides:
                works[side].run(messages // 10)
            for _ in range(rounds):
                for side in sides:
                    samples[side].append(spent(ports[side], works[side], messages))
            for work in works.values():
                work.close()
            each = {side: median(found) / messages * 1e6 for side, found in samples.items()}
            row(f"{size} B x{in_flight}", each, "us")
            yield Found("echo", size, in_flight, deflate, "us", each)


def broadcast(loop: str, rounds: int) -> Iterator[Found]:
    """CPU for each delivery of one text to many connections."""
    sides = ["fastws", *RIVALS]
    print(f"\none text to {MEMBERS} connections, us of CPU for each delivery")
    print(" " * 16 + "".join(side.rjust(WIDTH) for side in sides))
    with servers(sides, loop, False) as ports:
        for size in (64, 1024):
            rooms = {side: Room(ports[side], MEMBERS, size) for side in sides}
            samples: dict[str, list[float]] = {side: [] for side in sides}
            for _ in range(rounds):
                for side in sides:
                    samples[side].append(spent(ports[side], rooms[side], TIMES))
            for room in rooms.values():
                room.close()
            time.sleep(1)
            deliveries = MEMBERS * TIMES
            each = {side: median(found) / deliveries * 1e6 for side, found in samples.items()}
            row(f"{size} B", each, "us")
            yield Found("broadcast", size, TIMES, False, "us", each)


def idle(loop: str, deflate: bool) -> Iterator[Found]:
    """Memory for each connection that does nothing."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (IDLE + 200,) * 2)
    sides = ["fastws", *RIVALS]
    print(f"\n{IDLE} idle connections, KiB each; compression {'on' if deflate else 'off'}")
    print(" " * 16 + "".join(side.rjust(WIDTH) for side in sides))
    figures = {}
    for side in sides:
        with servers([side], loop, deflate) as ports:
            port = ports[side]
            close_all([connect(port, "/echo", deflate=deflate) for _ in range(100)])
            before = costs(port)["memory"]
            socks = [connect(port, "/echo", deflate=deflate) for _ in range(IDLE)]
            figures[side] = (costs(port)["memory"] - before) / IDLE / 1024
            close_all(socks)
    row("idle", figures, "KiB")
    yield Found("idle", 0, 0, deflate, "KiB", figures)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="*", metavar="WHAT", default=["echo", "broadcast", "idle"])
    parser.add_argument("--loop", default="asyncio", choices=["asyncio", "uvloop"])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--deflate", action="store_true", help="with permessage-deflate")
    parser.add_argument("--json", metavar="FILE", help="write the figures")
    options = parser.parse_args()
    packages = ["uvicorn", "websockets", "wsproto", "httptools"]
    packages += ["uvloop"] if options.loop == "uvloop" else []
    environment = system() | {name: version(name) for name in packages} | {"loop": options.loop}
    print(", ".join(f"{name} {value}" for name, value in environment.items()))
    found: list[Found] = []
    if "echo" in options.what:
        found += echo(options.loop, options.rounds, options.deflate)
    if "broadcast" in options.what and not options.deflate:
        found += broadcast(options.loop, options.rounds)
    if "idle" in options.what:
        found += idle(options.loop, options.deflate)
    if options.json:
        rows = [each._asdict() for each in found]
        written = {"environment": environment, "rounds": options.rounds, "uvicorn": rows}
        Path(options.json).write_text(json.dumps(written, indent=1) + "\n")


if __name__ == "__main__":
    main()
