"""What was asked for, beside what was measured: every speed target with its figure and command.

A target of the codec is one claim of claims.py or several alike; those of the hosts and of uvicorn
stand in bench_hosts.py and uvicorn_compare.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import uvicorn_targets
from host_report import gain as times
from host_report import size as size_label
from startup import IMPORT, INSTALL

from fastws._bench.facts import number

from .figures import Platform
from .tables import heads, row

# Claims that are one target: a pattern, and how to call them together.
TOGETHER = (
    (r"utf8, \d-byte vs", "`validate_utf8`, 2-, 3- and 4-byte text vs decode()"),
    (r"(latin|cyrillic|cjk|emoji) text vs plain", "text of four scripts from 1 KiB vs plain"),
    (r"\d-byte text vs plain", "text of 2-, 3- and 4-byte characters from 1 KiB vs plain"),
    (r"encode \w+ vs websockets", "`encode_frame` of five scripts vs websockets, any size"),
    (r"encode \w+ vs aiohttp", "`encode_frame` of five scripts vs aiohttp, any size"),
    (r"encode \w+ vs picows", "`encode_frame` of five scripts vs picows, any size"),
    (r"idle", "an idle decoder, with and without deflate"),
)


class Row(NamedTuple):
    """One target: what it is about, what was asked, what came out, how to measure it."""

    what: str
    asked: str
    came_out: str
    verdict: str
    command: str


def targets(platform: Platform, command: str) -> Iterator[str]:
    """Give the table of all targets that this platform's runs have figures for."""
    rows = [*of_claims(platform.claims), *of_hosts(platform.hosts), *of_uvicorn(platform.uvicorn)]
    held = sum(each.verdict == "ok" for each in rows)
    facts = ", ".join(f"{name} {value}" for name, value in platform.environment.items())
    yield f"{held} of {len(rows)} targets are met, measured on: {facts}."
    yield f"Written by `{command}`, from what the commands in the last column write with `--json`."
    yield ""
    yield from heads("target", "asked", "measured", "", "by")
    for each in rows:
        yield row(
            each.what, each.asked, each.came_out, each.verdict, f"`python bench/{each.command}`"
        )


# --- The codec -----------------------------------------------------------------------------------


def of_claims(results: Sequence[dict[str, Any]]) -> Iterator[Row]:
    """Give the claims that have a bound, those alike as one."""
    left = [each for each in results if each["claim"]["bound"] is not None]
    while left:
        name = left[0]["claim"]["name"]
        pattern, what = next(
            (pair for pair in TOGETHER if re.match(pair[0], name)), (f"{re.escape(name)}$", name)
        )
        alike = [each for each in left if re.match(pattern, each["claim"]["name"])]
        left = [each for each in left if each not in alike]
        yield of_alike(what, pattern, alike)


def of_alike(what: str, pattern: str, alike: Sequence[dict[str, Any]]) -> Row:
    """Give one row: the worst of some claims with one bound."""
    claim = alike[0]["claim"]
    at_most, (unit, _) = claim["at_most"], claim["unit"]
    found = [each["aggregate"] for each in alike]
    bad = [each["verdict"] for each in alike if each["verdict"] != "ok"]
    worst = "-" if None in found else number((max if at_most else min)(found))
    tail = "x" if unit == "x" else f" {unit}"
    words = f"{'at most' if at_most else 'at least'} {number(claim['bound'])}{tail}"
    only = re.sub(r"\$$|\\(?=[ -])", "", pattern)
    return Row(
        what,
        words,
        f"{worst}{tail}",
        bad[0] if bad else "ok",
        f"claims.py --only '{only}'".replace("|", "\\|"),
    )


# --- The hosts -----------------------------------------------------------------------------------


def of_hosts(found: dict[str, Any]) -> Iterator[Row]:
    """Give the gains that hosts are to have, and what a start may cost."""
    for each in found.get("targets", ()):
        sizes = ", ".join(map(size_label, each["sizes"]))
        kinds = "" if len(each["kinds"]) > 1 else f" {each['kinds'][0]}"
        gain = each["came_out"]
        yield Row(
            f"{each['row']}, {sizes}{kinds}",
            f"at least {each['gain']:g}x",
            "-" if gain is None else times(gain),
            each["verdict"],
            f"bench_hosts.py --only '^{each['row']}$'",
        )
    installs = [each for each in found.get("start", ()) if each["name"] == "fastws.install()"]
    imports = [each for each in found.get("start", ()) if each not in installs]
    yield from at_the_start("`fastws.install()` where no host is imported", installs, INSTALL)
    yield from at_the_start("the import of a host, beyond stock: the worst", imports, IMPORT)


def at_the_start(what: str, found: Sequence[dict[str, Any]], bound: float) -> Iterator[Row]:
    """Give the worst of what some things cost a program that starts."""
    if not found:
        return
    problem = next((each["problem"] for each in found if each["problem"]), "")
    worst = max(each["more"] for each in found)
    yield Row(
        what,
        f"at most {bound * 1e3:.0f} ms",
        problem or f"{worst * 1e3:.1f} ms",
        "ok" if not problem and worst <= bound else "SHORT",
        "bench_hosts.py",
    )


# --- The protocol class for uvicorn --------------------------------------------------------------


def of_uvicorn(found: Iterable[dict[str, Any]]) -> Iterator[Row]:
    """Give what the class for uvicorn is to be worth, on asyncio."""
    rows = [each for each in found if each["loop"] == "asyncio" and not is_lone(each)]
    for target in uvicorn_targets.TARGETS:
        alike = [
            each
            for each in rows
            if (each["work"], each["deflate"]) == (target.work, target.deflate)
            and each["size"] in target.sizes
        ]
        if not alike:
            continue
        gain = min(each["figures"][target.rival] / each["figures"]["fastws"] for each in alike)
        sizes = ", ".join(size_label(size) for size in target.sizes if size)
        what = f"{target.work} {sizes}{', compression on' * target.deflate}".strip()
        what = {"idle": "memory of an idle connection"}.get(what, what)
        yield Row(
            f"uvicorn class, {what} vs {target.rival}",
            f"at least {target.gain:.3g}x",
            times(gain),
            "ok" if gain >= target.gain else "SHORT",
            f"uvicorn_compare.py --rounds {alike[0]['rounds']}{' --deflate' * target.deflate} "
            f"{target.work}",
        )


def is_lone(found: dict[str, Any]) -> bool:
    """Tell a short echo that goes alone: most of it is the system's waking of the server."""
    return found["work"] == "echo" and found["in_flight"] == 1 and found["size"] <= 1024
