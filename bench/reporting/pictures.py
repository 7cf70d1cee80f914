"""Figures as pictures, each as SVG and as PNG: gains by platform, times by size, hosts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import log2
from pathlib import Path
from statistics import geometric_mean
from typing import Any

import matplotlib

matplotlib.use("agg")

from host_report import gain as times
from host_report import size as size_label
from matplotlib import pyplot
from matplotlib.figure import Figure

from .figures import TRUSTED, Platform, Work, by_kind
from .tables import title

# Texts stay texts, so that a picture is small and can be searched; and no date: the same figures
# give the same file.
pyplot.rcParams |= {
    "svg.fonttype": "none",
    "svg.hashsalt": "fastws",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#888888",
    "axes.titlesize": 10,
    "legend.frameon": False,
}
OURS, OTHER = "#c2410c", "#94a3b8"
COLOURS = {
    "ours": OURS,
    "pure": "#fdba74",
    "aiohttp": "#2563eb",
    "picows": "#0d9488",
    "tornado": "#7c3aed",
    "websockets": "#475569",
    "wsproto": "#db2777",
}
NAMES = {"ours": "fastws", "pure": "fastws, pure", "decode": "decode()", "plain": "no mask"}
# The panels of the times by size; one script each, for a line has one.
PANELS = (
    ("mask", ""),
    ("utf8", "3-byte"),
    ("frames", ""),
    ("messages", "ascii"),
    ("messages", "cjk"),
    ("encode", "ascii"),
)


def draw(platforms: Sequence[Platform], folder: Path) -> list[str]:
    """Draw all that the figures are enough for; give the names of the SVG files."""
    folder.mkdir(parents=True, exist_ok=True)
    names = []
    for name, figure in figures(platforms):
        save(figure, folder / f"{name}.svg")
        save(figure, folder / f"{name}.png")
        pyplot.close(figure)
        names.append(f"{name}.svg")
    return names


def save(figure: Figure, file: Path) -> None:
    metadata = {"Date": None} if file.suffix == ".svg" else {}
    figure.savefig(file, dpi=150, metadata=metadata, facecolor="white", bbox_inches="tight")


def figures(platforms: Sequence[Platform]) -> Iterator[tuple[str, Figure]]:
    if any(platform.gains() for platform in platforms):
        yield "gains", gains_map(platforms)
    for platform in platforms:
        if platform.seconds:
            yield f"sizes-{platform.name}", by_size(platform)
        if platform.hosts:
            yield f"hosts-{platform.name}", hosts(platform)


# --- Gains ---------------------------------------------------------------------------------------


def gains_map(platforms: Sequence[Platform]) -> Figure:
    """Colour each kind of work and rival on each platform; red is where fastws loses."""
    found = [by_kind(platform) for platform in platforms]
    keys = sorted({key for gains in found for key in gains})
    cells = [
        [geometric_mean(gains[key].values()) if key in gains else None for gains in found]
        for key in keys
    ]
    figure, axes = pyplot.subplots(figsize=(3 + 1.1 * len(platforms), 0.8 + 0.22 * len(keys)))
    shades = [[0 if cell is None else log2(cell) for cell in line] for line in cells]
    axes.imshow(shades, cmap="RdYlGn", vmin=-4, vmax=4, aspect="auto")
    for y, line in enumerate(cells):
        for x, cell in enumerate(line):
            axes.text(x, y, "" if cell is None else times(cell), ha="center", va="center")
    axes.set_xticks(range(len(platforms)), [platform.name for platform in platforms], rotation=20)
    axes.set_yticks(range(len(keys)), [f"{title(kind)} / {rival}" for kind, rival in keys])
    axes.tick_params(length=0)
    axes.set_title("How many times as fast fastws is (means over sizes)", loc="left")
    return figure


# --- By size -------------------------------------------------------------------------------------


def lines_of(platform: Platform, experiment: str, script: str) -> dict[str, dict[int, float]]:
    """Give, by side, the seconds at each size, of the tool that knows most sides."""
    best: dict[str, dict[int, float]] = {}
    for tool in TRUSTED:
        lines: dict[str, dict[int, float]] = {}
        for work, sides in platform.seconds.get(tool, {}).items():
            if (work.experiment, work.script) == (experiment, script):
                for side, seconds in sides.items():
                    lines.setdefault(side, {})[work.size] = seconds
        if len(lines) > len(best):
            best = lines
    return best


def by_size(platform: Platform) -> Figure:
    """Draw the time of each side over the size, kind by kind."""
    figure, grid = pyplot.subplots(2, 3, figsize=(11, 6), layout="constrained")
    labelled: dict[str, Any] = {}
    for axes, (experiment, script) in zip(grid.flat, PANELS, strict=True):
        for side, line in lines_of(platform, experiment, script).items():
            if side.startswith("copy"):
                continue
            sizes = sorted(line)
            colour = COLOURS.get(side, OTHER)
            width = 2.2 if side == "ours" else 1.2
            style = "-" if side in COLOURS else ":"
            ns = [line[size] * 1e9 for size in sizes]
            (drawn,) = axes.plot(
                sizes, ns, style, color=colour, linewidth=width, marker=".", zorder=2 + width
            )
            labelled.setdefault(NAMES.get(side, side), drawn)
        axes.set(xscale="log", yscale="log")
        ticks = [16, 1024, 65536, 1 << 20]
        axes.set_xticks(ticks, [size_label(size) for size in ticks])
        axes.minorticks_off()
        axes.grid(color="#e5e7eb", linewidth=0.6)
        kind = title(Work(experiment, 0, script).kind if script != "cjk" else "messages, cjk")
        axes.set_title(kind, loc="left")
        axes.set_ylabel("ns")
    figure.legend(
        labelled.values(), labelled.keys(), loc="outside lower center", ncols=len(labelled)
    )
    figure.suptitle(f"One call or message, on {platform.name}", x=0.01, ha="left")
    return figure


# --- Hosts ---------------------------------------------------------------------------------------


def host_gains(platform: Platform, size: int) -> dict[str, float]:
    """Give the gain of each host at a size, the worse of text and binary."""
    found = {}
    for each in platform.hosts["results"]:
        gains = [case["gain"] for case in each["cases"] if case["size"] == size and case["gain"]]
        if gains and " were " not in each["name"]:
            found[each["name"]] = min(gains)
    return found


def hosts(platform: Platform) -> Figure:
    """Draw what each host gains, size by size."""
    sizes = sorted({c["size"] for each in platform.hosts["results"] for c in each["cases"]})
    figure, row = pyplot.subplots(
        1, len(sizes), figsize=(11, 5), sharey=True, layout="constrained", squeeze=False
    )
    for axes, size in zip(row.flat, sizes, strict=True):
        gains = host_gains(platform, size)
        bars(axes, gains, size_label(size))
    figure.suptitle(
        f"Processor time of a message, stock divided by accelerated, on {platform.name} "
        "(the worse of text and binary)",
        x=0.01,
        ha="left",
    )
    return figure


def bars(axes: Any, gains: dict[str, float], name: str) -> None:
    """Draw gains as bars on a scale that begins at 1; what loses goes to the left."""
    values = list(gains.values())
    colours = [OURS if value >= 1 else "#dc2626" for value in values]
    axes.barh(list(gains), [value - 1 for value in values], left=1, color=colours, height=0.7)
    axes.set_xscale("log")
    axes.set_xlim(0.7, max([4, *values]) * 3)
    for y, value in enumerate(values):
        axes.text(max(value, 1) * 1.05, y, times(value), va="center")
    axes.axvline(1, color="#888888", linewidth=0.8)
    axes.invert_yaxis() if not axes.yaxis_inverted() else None
    axes.set_title(name, loc="left")
    axes.xaxis.set_visible(False)
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(length=0)
