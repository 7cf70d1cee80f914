"""Peers in other languages and ours understand each other: README.md has who and what.

Every client reports the same of the same plan; a server tells how each connection ended for it.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from peers import plan, scenario
from peers.plan import CODES, FORBIDDEN, FRAGMENTED, LIMIT, SIZES, digest, sized_binary, sized_text
from processes import ROOT

HERE = Path(__file__).parent
BUILD = HERE.parents[1] / "build" / "peers"  # where .ci/peers puts what it makes
COMMANDS = {
    "ws": ["node", str(HERE / "peer.js")],
    "gorilla": [str(BUILD / "peer")],
    "connection": [sys.executable, "-P", str(HERE / "our_connection.py")],
    "uvicorn": [sys.executable, "-P", str(HERE / "our_uvicorn.py")],
}
ENVIRONMENT = {
    "NODE_PATH": str(BUILD / "node_modules"),
    "PYTHONPATH": os.pathsep.join([str(HERE.parent), ROOT]),
}
MODES = [*plan.COMPRESSION]
WITH_GORILLA = [mode for mode in MODES if mode != "takeover"]  # it keeps no window
THEIRS = [(name, mode) for name in ("ws", "websockets") for mode in MODES]
THEIRS += [("gorilla", mode) for mode in WITH_GORILLA]
SERVERS = [("ws", mode) for mode in MODES] + [("gorilla", mode) for mode in WITH_GORILLA]


@contextmanager
def serving(name: str, mode: str) -> Iterator[str]:
    """Start a server; give its address."""
    words = COMMANDS[name] if name in ("connection", "uvicorn") else [*COMMANDS[name], "serve"]
    with subprocess.Popen(
        [*words, mode], env={**os.environ, **ENVIRONMENT}, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        try:
            line = process.stdout.readline()
            assert "ws://" in line, "the server did not start"
            yield line.split()[-1]
        finally:
            process.terminate()


def report_of(client: str, url: str, mode: str) -> dict[str, Any]:
    """Let a client talk to a server."""
    if client not in COMMANDS:
        kind = scenario.Ours if client == "ours" else scenario.Websockets
        return asyncio.run(asyncio.wait_for(scenario.talk(kind, url, mode), 30))
    wanted = {"sizes": SIZES, "fragmented": FRAGMENTED, "codes": CODES, "forbidden": FORBIDDEN}
    done = subprocess.run(
        [*COMMANDS[client], "talk", url, mode],
        env={**os.environ, **ENVIRONMENT},
        input=json.dumps(wanted),
        stdout=subprocess.PIPE,
        text=True,
        timeout=30,
        check=True,
    )
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def ended(url: str, number: int) -> str:
    return asyncio.run(scenario.ended(url, number))


def check(report: dict[str, Any], url: str, mode: str) -> None:
    """See that all came as it was sent, and ended as it should."""
    agreed = report["extensions"]
    assert agreed.startswith("permessage-deflate") is (mode != "off"), agreed
    for side in ("server", "client"):
        assert (f"{side}_no_context_takeover" in agreed) is (mode == "no_takeover"), agreed
    assert report["text"] == [digest(sized_text(size)) for size in SIZES]
    assert report["binary"] == [digest(sized_binary(size)) for size in SIZES]
    long = digest(sized_text(FRAGMENTED))
    assert (report["fragments"], report["theirFragments"]) == (long, long)
    assert (report["pong"], report["theirPing"]) == ("between", "pong there")
    assert report["pings"] is None or report["pings"] >= 1
    for code, (number, back, _) in zip(CODES, report["closes"], strict=True):
        assert (back, ended(url, number)) == (code, f"{code} enough")
    assert report["theirCloses"] == [[code, "enough"] for code in CODES]
    assert report["tooBigForThem"][0] == 1009
    assert ended(url, report["tooBigForUs"]).split()[0] == "1009"


@pytest.mark.parametrize("server", ["connection", "uvicorn"])
@pytest.mark.parametrize(("client", "mode"), THEIRS)
def test_their_client_and_our_server(client: str, mode: str, server: str) -> None:
    with serving(server, mode) as url:
        report = report_of(client, url, mode)
        check(report, url, mode)
        words = "exceeds the limit" if mode == "off" else "inflates to more than"
        assert words in report["tooBigForThem"][1]  # the server refused it, and not the client
        for number, back, _ in report.get("forbidden") or []:
            assert back == 1002
            assert ended(url, number).split()[0] == "1002"


@pytest.mark.parametrize(("server", "mode"), SERVERS)
def test_our_client_and_their_server(server: str, mode: str) -> None:
    with serving(server, mode) as url:
        check(report_of("ours", url, mode), url, mode)


def test_gorilla_sends_close_codes_that_may_not_be_sent() -> None:
    with serving("gorilla", "off") as url:
        for number, code, reason in asyncio.run(scenario.forbidden(url)):
            assert code == 1002
            assert ended(url, number) == f"1002 {reason}"


def test_what_is_too_big_is_so_by_one_byte() -> None:
    assert LIMIT in SIZES
    assert digest(sized_text(LIMIT))[1] == LIMIT == len(sized_binary(LIMIT))
