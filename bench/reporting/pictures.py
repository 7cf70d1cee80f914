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
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fastws._bench.data import KIB, MIB
from fastws._bench.tables import duration

from .figures import TRUSTED, Platform, Work, by_kind, keys_of
from .tables import cell, side, title

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
# The panels of the times by size: an experiment, and the script of its text.
PANELS = (
    ("mask", ""),
    ("utf8", "ascii"),
    ("utf8", "3-byte"),
    ("frames", ""),
    ("messages", "ascii"),
    ("messages", "cjk"),
    ("messages", ""),
    ("encode", "ascii"),
)


def draw(platforms: Sequence[Platform], folder: Path, *, png: bool = True) -> list[str]:
    """Draw all that the figures are enough for; give the names of the SVG files."""
    folder.mkdir(parents=True, exist_ok=True)
    names = []
    for name, figure in figures(platforms):
        save(figure, folder / f"{name}.svg")
        if png:
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
        panels = {panel: lines_of(platform, *panel) for panel in PANELS}
        panels = {panel: lines for panel, lines in panels.items() if lines}
        if panels:
            yield f"sizes-{platform.name}", by_size(platform, panels)
        if platform.hosts:
            yield f"hosts-{platform.name}", hosts(platform)


# --- Gains ---------------------------------------------------------------------------------------


def gains_map(platforms: Sequence[Platform]) -> Figure:
    """Colour each kind of work and rival on each platform; red is where fastws loses."""
    found = [by_kind(platform) for platform in platforms]
    keys = keys_of(found)
    figure, axes = pyplot.subplots(
        figsize=(3.2 + 1.3 * len(platforms), 1 + 0.23 * len(keys)), layout="constrained"
    )
    shades = [[shade(gains.get(key)) for gains in found] for key in keys]
    axes.imshow(shades, cmap="RdBu", vmin=-5, vmax=5, aspect="auto")
    for y, key in enumerate(keys):
        for x, gains in enumerate(found):
            if key in gains:
                colour = "white" if abs(shades[y][x]) > 3 else "black"
                axes.text(x, y, cell(gains[key]), ha="center", va="center", color=colour)
    axes.set_xticks(range(len(platforms)), [platform.name for platform in platforms])
    axes.set_yticks(range(len(keys)), [f"{title(kind)}  |  {side(rival)}" for kind, rival in keys])
    axes.tick_params(length=0, labeltop=True, labelbottom=False)
    for y in range(1, len(keys)):
        if keys[y][0] != keys[y - 1][0]:
            axes.axhline(y - 0.5, color="white", linewidth=3)
    axes.spines[:].set_visible(False)
    figure.suptitle("How many times as fast as ... fastws is: mean (worst)", x=0.01, ha="left")
    return figure


def shade(gains: dict[Work, float] | None) -> float:
    """Give how far we are ahead, as a power of two; behind is below zero."""
    return log2(geometric_mean(gains.values())) if gains else 0


# --- By size -------------------------------------------------------------------------------------


def lines_of(platform: Platform, experiment: str, script: str) -> dict[str, dict[int, float]]:
    """Give, by side, the seconds at each size, of the tool that knows most sides.

    Nothing is a line of one size alone.
    """
    best: dict[str, dict[int, float]] = {}
    for tool in TRUSTED:
        lines: dict[str, dict[int, float]] = {}
        for work, sides in platform.seconds.get(tool, {}).items():
            if (work.experiment, work.script) == (experiment, script):
                for side, seconds in sides.items():
                    lines.setdefault(side, {})[work.size] = seconds
        lines = {side: line for side, line in lines.items() if len(line) > 1}
        if len(lines) > len(best):
            best = lines
    return best


def by_size(
    platform: Platform, panels: dict[tuple[str, str], dict[str, dict[int, float]]]
) -> Figure:
    """Draw the time of each side over the size, kind by kind."""
    columns = min(4, len(panels))
    rows = -(-len(panels) // columns)
    figure, grid = pyplot.subplots(
        rows, columns, figsize=(3.2 * columns, 2.8 * rows), layout="constrained", squeeze=False
    )
    labelled: dict[str, Any] = {}
    for axes in grid.flat[len(panels) :]:
        axes.set_visible(False)
    for axes, ((experiment, script), lines) in zip(grid.flat, panels.items(), strict=False):
        for name, line in lines.items():
            if not name.startswith("copy"):
                labelled.setdefault(side(name), curve(axes, name, line))
        axes.set(xscale="log", yscale="log")
        sizes = {size for line in lines.values() for size in line}
        ticks = [size for size in (16, KIB, 64 * KIB, MIB) if min(sizes) <= size <= max(sizes)]
        axes.set_xticks(ticks, [size_label(size) for size in ticks])
        axes.yaxis.set_major_formatter(lambda seconds, _: duration(seconds))
        axes.minorticks_off()
        axes.grid(color="#e5e7eb", linewidth=0.6)
        axes.set_title(name_of(experiment, script), loc="left")
    figure.legend(
        labelled.values(), labelled.keys(), loc="outside lower center", ncols=2 * columns + 2
    )
    figure.suptitle(f"One call or message, on {platform.name}", x=0.01, ha="left")
    return figure


def name_of(experiment: str, script: str) -> str:
    return f"{title(experiment)} {script or 'binary' * (experiment == 'messages')}".rstrip()


def curve(axes: Axes, name: str, line: dict[int, float]) -> Line2D:
    """Draw the times of one side."""
    sizes = sorted(line)
    ours = name == "ours"
    (drawn,) = axes.plot(
        sizes,
        [line[size] for size in sizes],
        "-" if name in COLOURS else ":",
        color=COLOURS.get(name, OTHER),
        linewidth=2.2 if ours else 1.2,
        marker=".",
        zorder=3 if ours else 2,
    )
    return drawn


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
        axes.text(max(value, 1) * 1.08, y, times(value), va="center")
    axes.axvline(1, color="#888888", linewidth=0.8)
    axes.invert_yaxis() if not axes.yaxis_inverted() else None
    axes.set_title(name, loc="left")
    axes.xaxis.set_visible(False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
