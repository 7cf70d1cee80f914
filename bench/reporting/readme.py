"""The few figures that the README shows: a small table, and one light picture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from host_report import gain as times
from host_report import size as size_label
from matplotlib import pyplot

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


def table(platform: Platform, folder: Path) -> Iterator[str]:
    """Give the small table: whole servers, and the commands behind it."""
    facts = platform.environment
    by_size = {size: hosts_of(platform, size) for size in SIZES}
    yield (
        "How many times fewer processor seconds a message costs with fastws under it, the whole "
        "server counted, text and binary:"
    )
    yield ""
    yield from heads("", *map(size_label, SIZES))
    for name in by_size[SIZES[0]]:
        cells = [", ".join(times(gain) for gain in by_size[size].get(name, ())) for size in SIZES]
        yield row(name, *cells)
    yield ""
    yield (
        f"`python bench/bench_hosts.py` on {facts['processor']}, {facts['system']}, "
        f"{facts['python']}; table and picture by `python bench/report.py {folder.as_posix()} "
        f"--readme README.md --chart docs/speed.svg`."
    )


def chart(platform: Platform, file: Path) -> None:
    """Draw the codec alone, and the servers above it."""
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 3.1), layout="constrained")
    sides = platform.seconds["bench"][WORK]
    chosen = sorted((side for side in sides if side in COLOURS), key=lambda side: sides[side])
    ours = sides["ours"]
    colours = [COLOURS["ours"] if side == "ours" else OTHER for side in chosen]
    names = [NAMES.get(side, side) for side in chosen]
    left.barh(names, [sides[side] for side in chosen], color=colours, height=0.7)
    left.set_xscale("log")
    left.set_xlim(ours / 2, max(sides.values()) * 6)
    for y, side in enumerate(chosen):
        beside = "" if side == "ours" else f"  {times(sides[side] / ours)}"
        left.text(sides[side] * 1.08, y, duration(sides[side]) + beside, va="center")
    left.set_title(f"A masked message of {size_label(WORK.size)} to str", loc="left")
    left.invert_yaxis()
    gains = {HOSTS[n]: g for n, g in host_gains(platform, 64 << 10).items() if n in HOSTS}
    bars(right, gains, "A whole server, 64 KiB echoed: processor time saved")
    for axes in (left, right):
        axes.xaxis.set_visible(False)
        axes.spines["bottom"].set_visible(False)
        axes.tick_params(length=0)
    save(figure, file)
    pyplot.close(figure)
