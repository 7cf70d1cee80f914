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
    """One target: what it is about, what was asked, what came out, and ok or SHORT."""

    what: str
    asked: str
    came_out: str
    verdict: str


def targets(platform: Platform, command: str) -> Iterator[str]:
    """Give the tables of all targets that this platform's runs have figures for."""
    parts = [
        ("The codec", ["python bench/claims.py"], [*of_claims(platform.claims)]),
        ("Under each library", ["python bench/bench_hosts.py"], [*of_hosts(platform.hosts)]),
        ("The class for uvicorn", uvicorn_commands(platform), [*of_uvicorn(platform.uvicorn)]),
    ]
    rows = [each for *_, rows in parts for each in rows]
    held = sum(each.verdict == "ok" for each in rows)
    facts = ", ".join(f"{name} {value}" for name, value in platform.environment.items())
    yield f"{held} of {len(rows)} targets are met, measured on: {facts}."
    yield f"Written by `{command}`, from what the commands below write with `--json`."
    yield ""
    for title, commands, found in parts:
        if found:
            yield f"### {title}"
            yield ""
            yield f"By {' and '.join(f'`{each}`' for each in commands)}."
            yield ""
            yield from heads("target", "asked", "measured", "")
            yield from (row(*each) for each in found)
            yield ""


def uvicorn_commands(platform: Platform) -> list[str]:
    """Give the commands that measured the class for uvicorn."""
    how = dict.fromkeys((each["rounds"], each["deflate"]) for each in platform.uvicorn)
    return [
        f"python bench/uvicorn_compare.py --rounds {rounds}{' --deflate' * deflate}"
        for rounds, deflate in how
    ]


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
        yield of_alike(what, alike)


def of_alike(what: str, alike: Sequence[dict[str, Any]]) -> Row:
    """Give one row: the worst of some claims with one bound."""
    claim = alike[0]["claim"]
    at_most, (unit, _) = claim["at_most"], claim["unit"]
    found = [each["aggregate"] for each in alike]
    bad = [each["verdict"] for each in alike if each["verdict"] != "ok"]
    worst = "-" if None in found else number((max if at_most else min)(found))
    tail = "x" if unit == "x" else f" {unit}"
    words = f"{'at most' if at_most else 'at least'} {number(claim['bound'])}{tail}"
    return Row(
        what,
        words,
        f"{worst}{tail}",
        bad[0] if bad else "ok",
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
            f"{what} vs {target.rival}",
            f"at least {target.gain:.3g}x",
            times(gain),
            "ok" if gain >= target.gain else "SHORT",
        )


def is_lone(found: dict[str, Any]) -> bool:
    """Tell a short echo that goes alone: most of it is the system's waking of the server."""
    return found["work"] == "echo" and found["in_flight"] == 1 and found["size"] <= 1024
