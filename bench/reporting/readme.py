"""The few figures that the README shows: a small table, and one light picture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from host_report import gain as times
from host_report import size as size_label
from matplotlib import pyplot
from matplotlib.axes import Axes

from fastws._bench.tables import duration

from .figures import Platform, Work
from .pictures import COLOURS, OTHER, bars, host_gains, save
from .tables import heads, row

# The hosts that a reader is most likely to have, and what of a message is worth showing.
HOSTS = {
    "websockets asyncio": "websockets",
    "uvicorn sansio": "uvicorn on websockets",
    "uvicorn wsproto": "uvicorn on wsproto",
    "hypercorn": "hypercorn",
    "tornado": "tornado",
    "autobahn asyncio": "autobahn",
    "daphne": "daphne",
    "simple-websocket": "simple-websocket",
    "websocket-client receiving": "websocket-client, receiving",
    "aiohttp": "aiohttp",
}
SIZES = (64, 64 << 10, 1 << 20)
WORK = Work("messages", 125, "ascii")
NAMES = {"ours": "fastws", "pure": "fastws without C"}


def hosts_of(platform: Platform, size: int) -> dict[str, tuple[float, float]]:
    """Give the gains of those hosts, in text and in binary."""
    found = {}
    for each in platform.hosts["results"]:
        gains = {c["kind"]: c["gain"] for c in each["cases"] if c["size"] == size}
        if each["name"] in HOSTS and None not in gains.values() and len(gains) == 2:
            found[HOSTS[each["name"]]] = (gains["text"], gains["binary"])
    return found


def table(platform: Platform, command: str, picture: str) -> Iterator[str]:
    """Give the picture, the small table of whole servers, and the commands behind them."""
    need(platform)
    facts = platform.environment
    by_size = {size: hosts_of(platform, size) for size in SIZES}
    if picture:
        yield f"![Times of one message, and what whole servers save]({picture})"
        yield ""
    yield (
        "How many times as much processor time a message costs without fastws, in a whole server "
        "(text, binary):"
    )
    yield ""
    yield from heads("", *map(size_label, SIZES))
    for name in by_size[SIZES[0]]:
        cells = [", ".join(times(gain) for gain in by_size[size].get(name, ())) for size in SIZES]
        yield row(name, *cells)
    yield ""
    yield (
        f"By `fastws bench --json FILE` and `python bench/bench_hosts.py --json FILE` on "
        f"{facts['processor']}, {facts['system']}, {facts['python']}, fastws {facts['fastws']}."
    )
    yield f"`{command}` makes table and picture of that."


def need(platform: Platform) -> None:
    """Hold that there is what the README shows.

    Raises:
        SystemExit: it was not measured.
    """
    if not platform.hosts or WORK not in platform.seconds.get("bench", {}):
        raise SystemExit(f"{platform.name}: bench_hosts.py and `fastws bench` have to be run first")


def chart(platform: Platform, file: Path) -> None:
    """Draw the codec alone, and the servers above it."""
    need(platform)
    figure, (left, right) = pyplot.subplots(
        1, 2, figsize=(10, 3.2), layout="constrained", width_ratios=(1.15, 1)
    )
    codec(left, platform.seconds["bench"][WORK])
    gains = {HOSTS[n]: g for n, g in host_gains(platform, 64 << 10).items() if n in HOSTS}
    bars(
        right,
        gains,
        "Processor time of a server, without fastws / with it:\n"
        "64 KiB, the worse of text and binary",
    )
    for axes in (left, right):
        axes.xaxis.set_visible(False)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
    save(figure, file)
    pyplot.close(figure)


def codec(axes: Axes, sides: dict[str, float]) -> None:
    """Draw the time of one message, side by side."""
    chosen = sorted((side for side in sides if side in COLOURS), key=lambda side: sides[side])
    ours = sides["ours"]
    colours = [COLOURS["ours"] if side == "ours" else OTHER for side in chosen]
    names = [NAMES.get(side, side) for side in chosen]
    axes.barh(names, [sides[side] for side in chosen], color=colours, height=0.7)
    axes.set_xscale("log")
    axes.set_xlim(ours / 2, max(sides.values()) * 12)
    for y, side in enumerate(chosen):
        beside = "" if side == "ours" else f", {times(sides[side] / ours)}"
        axes.text(sides[side] * 1.1, y, duration(sides[side]) + beside, va="center")
    axes.set_title(
        f"A masked text message of {size_label(WORK.size)} to a str:\ntime, logarithmic", loc="left"
    )
    axes.invert_yaxis()
