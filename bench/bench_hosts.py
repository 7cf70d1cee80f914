"""What fastws gains under each host library: processor time per message, stock and accelerated.

    python bench/bench_hosts.py [--only HOST] [--sizes 64,64K] [--quick] [--check] ...

Each row is a small server (or client) of a host in bench/hosts, which knows nothing of fastws. It
runs twice in a process of its own: as it is, and with fastws in. A raw socket in this process sends
it messages over loopback, on the host's defaults and without compression, and what counts is the
processor time that its process takes for one, user and system. The two take turns, every round
starts them anew, and the medians of all samples are compared. `--check` fails where a target is
missed. fastws must be importable; hosts that are not installed are named and left out.

What fastws costs a program that starts is measured too, see startup.py.
"""

from __future__ import annotations

import argparse
import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib import metadata
from statistics import median
from typing import NamedTuple

import host_report as report
from host_programs import Failed, Program
from load import Case, Unanswered
from startup import costs

import fastws
from fastws._bench.data import KIB, MIB

SIZES = (64, KIB, 64 * KIB, MIB)
KINDS = ("text", "binary")


class Row(NamedTuple):
    """One program, and what is to be put under it.

    Attributes:
        name: what to call it.
        file: the program, in bench/hosts.
        adapter: what to install for the accelerated side; "-" where the program does it itself.
        packages: what has to be installed, as the index calls it; the first is the host.
        fast_file: the program of the accelerated side, where it is another one.
        load: how to use the program: "echo", "receive" or, for the floor, "raw".
    """

    name: str
    file: str
    adapter: str
    packages: tuple[str, ...] = ()
    fast_file: str = ""
    load: str = "echo"


FLOORS = (
    Row("floor: bare asyncio", "echo_floor.py", "", load="raw"),
    Row("floor: a thread, reads of 4 KiB", "echo_floor_blocking.py", "", load="raw"),
)
ROWS = (
    Row("websockets asyncio", "echo_websockets_asyncio.py", "websockets", ("websockets",)),
    Row(
        "websockets asyncio, not patched",  # create_connection= is given a class of ours
        "echo_websockets_asyncio.py",
        "-",
        ("websockets",),
        fast_file="echo_websockets_class.py",
    ),
    Row("websockets sync", "echo_websockets_sync.py", "websockets", ("websockets",)),
    Row("uvicorn sansio", "echo_uvicorn_sansio.py", "websockets", ("uvicorn", "websockets")),
    Row("uvicorn wsproto", "echo_uvicorn_wsproto.py", "wsproto", ("uvicorn", "wsproto")),
    Row(
        "uvicorn wsproto, were that free",  # the most that an adapter could gain
        "echo_uvicorn_wsproto.py",
        "-",
        ("uvicorn", "wsproto"),
        fast_file="free_uvicorn_wsproto.py",
    ),
    Row("hypercorn", "echo_hypercorn.py", "wsproto", ("hypercorn", "wsproto")),
    Row(
        "simple-websocket",
        "echo_simple_websocket.py",
        "wsproto",
        ("simple-websocket", "wsproto", "werkzeug"),
    ),
    Row(
        "simple-websocket, were wsproto free",
        "echo_simple_websocket.py",
        "-",
        ("simple-websocket", "wsproto", "werkzeug"),
        fast_file="free_simple_websocket.py",
    ),
    Row("tornado", "echo_tornado.py", "tornado", ("tornado",)),
    Row("autobahn asyncio", "echo_autobahn_asyncio.py", "autobahn", ("autobahn",)),
    Row("autobahn twisted", "echo_autobahn_twisted.py", "autobahn", ("autobahn", "twisted")),
    Row("daphne", "echo_daphne.py", "autobahn", ("daphne", "autobahn", "twisted")),
    Row(
        "websocket-client receiving",
        "receive_websocket_client.py",
        "websocket_client",
        ("websocket-client",),
        load="receive",
    ),
    Row("ws4py", "echo_ws4py.py", "ws4py", ("ws4py",)),
    Row(
        "gevent-websocket",
        "echo_gevent_websocket.py",
        "gevent_websocket",
        ("gevent-websocket", "gevent"),
    ),
    Row("eventlet", "echo_eventlet.py", "eventlet", ("eventlet",)),
    Row("aiohttp", "echo_aiohttp.py", "aiohttp", ("aiohttp",)),
)


class Target(NamedTuple):
    """The gain that a host is to have at some sizes, each of them, in each kind."""

    row: str
    sizes: tuple[int, ...]
    gain: float
    kinds: tuple[str, ...] = KINDS


TARGETS = (
    Target("websockets asyncio", (64,), 1.25),
    Target("websockets asyncio", (64 * KIB, MIB), 1.4, ("binary",)),
    Target("uvicorn wsproto", (64,), 1.3),
    Target("uvicorn wsproto", (64 * KIB,), 2),
    Target("uvicorn wsproto", (MIB,), 4),
    Target("simple-websocket", (MIB,), 5),
    Target("tornado", (64,), 1.3),
    Target("autobahn asyncio", (64,), 1.3),
    Target("autobahn asyncio", (64 * KIB,), 3, ("text",)),
    Target("websocket-client receiving", (64 * KIB,), 20, ("text",)),
    Target("ws4py", (64 * KIB,), 10),
    Target("gevent-websocket", (64 * KIB,), 10),
    # Nowhere slower, which two runs of the same program do not show closer than this.
    Target("aiohttp", SIZES, 0.97),
)


class Effort(NamedTuple):
    """How much to measure.

    Attributes:
        rounds: how often to start both sides anew.
        turns: how many samples each side gives in a round, of every case.
        sample: the seconds of a sample.
        warm_up: the seconds of what goes before it.
    """

    rounds: int
    turns: int
    sample: float
    warm_up: float


FULL = Effort(rounds=5, turns=3, sample=0.08, warm_up=0.02)
QUICK = Effort(rounds=3, turns=1, sample=0.08, warm_up=0.02)


@dataclass
class Result:
    """What the rounds of one row gave: seconds per message by side, or why there are none."""

    row: Row
    versions: dict[str, str] = field(default_factory=dict)
    samples: dict[Case, dict[str, list[float]]] = field(default_factory=dict)
    counters: dict[str, dict[str, int]] = field(default_factory=dict)
    problem: str = ""

    def cost(self, case: Case, side: str) -> float | None:
        """Give the median of one side, or None where it was not measured."""
        samples = self.samples.get(case, {}).get(side)
        return median(samples) if samples else None

    def gain(self, case: Case) -> float | None:
        """Give how many times as much the stock side costs."""
        stock, fast = self.cost(case, "stock"), self.cost(case, "fast")
        return stock / fast if stock and fast else None


# --- Measuring -----------------------------------------------------------------------------------


def measure(row: Row, cases: Sequence[Case], effort: Effort) -> Result:
    """Measure a row; whatever goes wrong with one of its sides is told in its result."""
    result = Result(row)
    try:
        result.versions = {name: metadata.version(name) for name in row.packages}
    except metadata.PackageNotFoundError as missing:
        result.problem = f"{missing.name} is not installed"
        return result
    result.samples = {case: {} for case in cases}
    sides = ["stock"]
    if row.adapter in ("-", *fastws.status()):
        sides.append("fast")
    elif row.adapter:
        result.problem = f"no adapter {row.adapter}"
    for number in range(effort.rounds):
        try:
            one_round(result, sides if number % 2 else sides[::-1], effort)
        except (Failed, Unanswered) as error:
            result.problem = str(error)
            break
    return result


def one_round(result: Result, sides: Sequence[str], effort: Effort) -> None:
    """Start both sides, and let them take turns, case by case."""
    with ExitStack() as stack:
        running = {side: stack.enter_context(program(result.row, side)) for side in sides}
        for case, samples in result.samples.items():
            # Short turns: what else the machine does then falls on both.
            for side, process in [*running.items()] * effort.turns:
                samples.setdefault(side, []).append(sample(process, case, effort))
        if "fast" in running:
            result.counters = running["fast"].counters()
            if not any(any(counts.values()) for counts in result.counters.values()):
                for samples in result.samples.values():
                    del samples["fast"]
                why = running["fast"].refusal() or "nothing of fastws was called"
                raise Failed(f"not accelerated: {why}")


def program(row: Row, side: str) -> Program:
    if side == "stock":
        return Program(row.file, load=row.load)
    return Program(row.fast_file or row.file, row.adapter, row.load)


def sample(process: Program, case: Case, effort: Effort) -> float:
    """Give the processor seconds that one message costs, on a connection of its own."""
    load = process.connect(case)
    load.exchange(load.in_flight)
    count, taken = load.in_flight, load.timed(load.in_flight)
    while taken < effort.warm_up:
        count *= 2
        taken = load.timed(count)
    count = max(load.in_flight, round(count * effort.sample / taken))
    before = process.cpu()
    load.exchange(count)
    seconds = process.cpu() - before
    load.finish()
    return seconds / (count * load.messages)


# --- From the command line -----------------------------------------------------------------------


def sizes(words: str) -> list[int]:
    """Read a list of sizes such as 64,1K,64K,1M."""
    units = {"": 1, "K": KIB, "M": MIB}
    found = [re.fullmatch(r"(\d+)([KM]?)", word.strip().upper()) for word in words.split(",")]
    if not all(found):
        raise argparse.ArgumentTypeError(f"{words!r} is not a list of sizes such as 64,1K,64K,1M")
    return [int(match[1]) * units[match[2]] for match in found]


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", metavar="PATTERN", default="", help="rows whose name has it")
    parser.add_argument("--sizes", type=sizes, default=SIZES, help="such as 64,1K,64K,1M")
    parser.add_argument("--kinds", choices=KINDS, action="append", help="only this kind of message")
    parser.add_argument("--rounds", type=int, help="how often to start both sides anew")
    parser.add_argument("--quick", action="store_true", help="fewer samples: a first look")
    parser.add_argument("--json", metavar="FILE", help="write everything measured; - is stdout")
    table = "print the tables, or put them into FILE between their marks"
    parser.add_argument("--markdown", metavar="FILE", nargs="?", const="-", help=table)
    parser.add_argument("--check", action="store_true", help="fail unless every target is met")
    return parser


def results(chosen: Sequence[Row], cases: Sequence[Case], effort: Effort) -> Iterator[Result]:
    """Measure row by row; the floors come first, since they tell what there is to gain."""
    for row in FLOORS:  # to which text and binary are the same
        yield measure(row, [case for case in cases if case.kind == cases[0].kind], effort)
    for row in chosen:
        yield measure(row, cases, effort)


def main(argv: list[str] | None = None) -> int:
    parser = make_parser()
    words = parser.parse_args(argv)
    chosen = [row for row in ROWS if re.search(words.only, row.name, re.IGNORECASE)]
    if not chosen:
        parser.error(f"no row has {words.only!r} in its name")
    effort = QUICK if words.quick else FULL
    if words.rounds:
        effort = effort._replace(rounds=words.rounds)
    kinds = words.kinds or KINDS
    cases = [Case(size, kind) for size in words.sizes for kind in kinds]
    out = sys.stderr if "-" in (words.json, words.markdown) else sys.stdout
    found = []
    for result in results(chosen, cases, effort):
        found.append(result)
        print("\n".join(report.lines(result)), file=out, flush=True)
    adapters = dict.fromkeys(row.adapter for row in chosen)
    started = list(costs(adapters, effort.rounds))
    judged = report.judge(TARGETS, found)
    closing = [*report.cost_lines(started), *report.target_lines(judged)]
    print("\n".join(closing), file=out, flush=True)
    if words.json:
        report.write_json(words.json, found, judged, started)
    if words.markdown:
        files = {words.json, words.markdown, "--json"}  # which change nothing in the figures
        arguments = [word for word in (argv or sys.argv[1:]) if word not in files]
        report.write_markdown(words.markdown, found, judged, started, shlex.join(arguments))
    short = [verdict for verdict in judged if verdict.word != "ok"]
    return int(words.check and bool(short or not all(cost.holds for cost in started)))


if __name__ == "__main__":
    sys.exit(main())
