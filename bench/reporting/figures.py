"""What was measured, whoever wrote it down: JSON of any of our tools, as comparisons.

A file is told by what is in it, and its platform by its name: `claims-linux-x86_64.json`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from host_report import size as size_label

from fastws._bench.experiments import Case

# From the most careful measuring to the least: where two tools compare the same, the first counts.
TRUSTED = ("claims", "bench", "pytest")
EXPERIMENTS = ("mask", "mask_inplace", "utf8", "frames", "pure_frames", "messages", "encode")
EVEN = 0.995  # what is written as 1.00, and is no loss
PREFIX = re.compile(r"^(bench|claims|deflate|fastws|hosts|instructions|uvicorn|uvloop)-(?=.)")


class Work(NamedTuple):
    """What is done: an experiment, its size, and the script of text."""

    experiment: str
    size: int
    script: str

    @property
    def kind(self) -> str:
        """Name what cases of all sizes have in common, and scripts but for ASCII."""
        if self.experiment in ("utf8", "encode"):
            return f"{self.experiment}, {'ascii' if self.script == 'ascii' else 'other text'}"
        if self.experiment == "messages":
            text = "ascii" if self.script == "ascii" else "other text"
            return f"messages, {text if self.script else 'binary'}"
        return self.experiment

    @property
    def label(self) -> str:
        return " ".join(filter(None, [Case(self.size).label, self.script]))


@dataclass
class Platform:
    """Everything that was measured on one platform.

    Attributes:
        name: as the files call it.
        environment: what it is, and the versions of all that was measured.
        seconds: by the tool that measured, the work and the side.
        claims: what claims.py said, row by row.
        hosts: what bench_hosts.py said, whole.
        uvicorn: what uvicorn_compare.py said, row by row.
        counts: what instructions.py said, whole.
    """

    name: str
    environment: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, dict[Work, dict[str, float]]] = field(default_factory=dict)
    claims: list[dict[str, Any]] = field(default_factory=list)
    hosts: dict[str, Any] = field(default_factory=dict)
    uvicorn: list[dict[str, Any]] = field(default_factory=list)
    counts: dict[str, Any] = field(default_factory=dict)

    def gains(self) -> dict[tuple[Work, str], float]:
        """Give how many times as fast we are, by the work and the rival, both of one run."""
        found: dict[tuple[Work, str], float] = {}
        for tool in reversed(TRUSTED):
            for work, sides in self.seconds.get(tool, {}).items():
                ours = sides.get("ours")
                for side, theirs in sides.items():
                    if ours and side not in ("ours", "pure", "copy of a view"):
                        found[work, side] = theirs / ours
        return found


# --- Reading -------------------------------------------------------------------------------------


def read(folder: Path) -> list[Platform]:
    """Read all runs of a folder.

    Raises:
        SystemExit: there are none, or a file is of none of our tools.
    """
    platforms: dict[str, Platform] = {}
    for file in sorted(folder.rglob("*.json")):
        name = PREFIX.sub("", file.stem)
        platform = platforms.setdefault(name, Platform(name))
        found = json.loads(file.read_text(encoding="utf-8"))
        for sign, take in SIGNS.items():
            if sign in found:
                take(platform, found)
                break
        else:
            raise SystemExit(f"{file} was written by none of our tools")
    if not platforms:
        raise SystemExit(f"there is no JSON in {folder}")
    return list(platforms.values())


def add(platform: Platform, tool: str, work: Work, sides: dict[str, float]) -> None:
    platform.seconds.setdefault(tool, {}).setdefault(work, {}).update(sides)


def take_pytest(platform: Platform, found: dict[str, Any]) -> None:
    """Take what pytest-benchmark wrote."""
    platform.environment |= found["machine_info"].get("environment", {})
    for row in found["benchmarks"]:
        extra = row["extra_info"]
        if "experiment" not in extra:
            continue
        work = Work(extra["experiment"], extra["size"], extra["script"])
        seconds = row["stats"]["min"] / extra["messages"]
        add(platform, "pytest", work, {extra["side"]: seconds})


def take_bench(platform: Platform, found: dict[str, Any]) -> None:
    """Take what `fastws bench` wrote."""
    platform.environment |= found["environment"]
    for row in found["bench"]:
        experiment = {"text": "messages"}.get(row["name"], row["name"])
        sides = {side: times["best"] * 1e-9 for side, times in row["nanoseconds"].items()}
        add(platform, "bench", Work(experiment, row["size"], row["script"]), sides)


def take_results(platform: Platform, found: dict[str, Any]) -> None:
    """Take what claims.py or bench_hosts.py wrote."""
    platform.environment |= found["environment"]
    if "targets" in found:
        platform.hosts = found
        return
    platform.claims += found["results"]
    for row in found["results"]:
        claim = row["claim"]
        for (size, script, *_), times in zip(
            claim["cases"], row["nanoseconds"].values(), strict=False
        ):
            sides = {side: each["best"] * 1e-9 for side, each in times.items()}
            add(platform, "claims", Work(claim["experiment"], size, script), sides)


def take_uvicorn(platform: Platform, found: dict[str, Any]) -> None:
    """Take what uvicorn_compare.py wrote."""
    platform.environment |= {k: v for k, v in found["environment"].items() if k != "loop"}
    how = {"loop": found["environment"]["loop"], "rounds": found["rounds"]}
    platform.uvicorn += [row | how for row in found["uvicorn"]]


def take_counts(platform: Platform, found: dict[str, Any]) -> None:
    """Take what instructions.py wrote."""
    platform.counts = found


SIGNS: dict[str, Callable[[Platform, dict[str, Any]], None]] = {
    "benchmarks": take_pytest,
    "bench": take_bench,
    "uvicorn": take_uvicorn,
    "results": take_results,
    "counts": take_counts,
}


def fullest(platforms: list[Platform]) -> Platform:
    """Give the platform on which most was measured."""
    return max(
        platforms,
        key=lambda each: sum(map(bool, (each.seconds, each.claims, each.hosts, each.uvicorn))),
    )


# --- What follows --------------------------------------------------------------------------------


class Loss(NamedTuple):
    """A case in which somebody is faster than we are."""

    platform: str
    kind: str
    of: str
    rival: str
    gain: float


def losses(platforms: Iterable[Platform]) -> list[Loss]:
    """Give all cases in which somebody is faster, the worst first."""
    found = [
        Loss(platform.name, work.kind, work.label, rival, gain)
        for platform in platforms
        for (work, rival), gain in platform.gains().items()
        if gain < EVEN and work.experiment in EXPERIMENTS
    ]
    return sorted(found, key=lambda loss: loss.gain)


def host_cases(platform: Platform) -> Iterator[tuple[str, dict[str, Any]]]:
    for each in platform.hosts.get("results", ()):
        for case in each["cases"]:
            yield each["name"], case


def host_losses(platforms: Iterable[Platform]) -> list[Loss]:
    """Give all cases in which a host costs more with fastws under it, the worst first."""
    found = [
        Loss(platform.name, "host", f"{size_label(case['size'])} {case['kind']}", name, gain)
        for platform in platforms
        for name, case in host_cases(platform)
        if (gain := case["gain"]) is not None and gain < EVEN
    ]
    return sorted(found, key=lambda loss: loss.gain)


def by_kind(platform: Platform) -> dict[tuple[str, str], dict[Work, float]]:
    """Give the gains by kind of work and rival."""
    found: dict[tuple[str, str], dict[Work, float]] = {}
    for (work, rival), gain in platform.gains().items():
        if work.experiment in EXPERIMENTS:
            found.setdefault((work.kind, rival), {})[work] = gain
    return found


def keys_of(found: Iterable[dict[tuple[str, str], dict[Work, float]]]) -> list[tuple[str, str]]:
    """Give all kinds and rivals of some platforms, kind after kind, in the order of EXPERIMENTS."""
    keys = {key for gains in found for key in gains}
    return sorted(keys, key=lambda key: (place_of(key[0]), *key))


def place_of(kind: str) -> int:
    return EXPERIMENTS.index(kind.split(",")[0])


class Change(NamedTuple):
    """How our time stands to the rivals' now, and in the base run."""

    platform: str
    work: Work
    factor: float  # above 1, we have become slower


def changes(platforms: Iterable[Platform], base: Iterable[Platform]) -> Iterator[Change]:
    """Compare with a base run, each of our times in units of the rivals' beside it.

    So a machine that is slower as a whole changes nothing.
    """
    before = {platform.name: platform.gains() for platform in base}
    for platform in platforms:
        old = before.get(platform.name, {})
        factors: dict[Work, list[float]] = {}
        for (work, rival), gain in platform.gains().items():
            if (work, rival) in old:
                factors.setdefault(work, []).append(old[work, rival] / gain)
        for work, found in factors.items():
            yield Change(platform.name, work, sorted(found)[len(found) // 2])
