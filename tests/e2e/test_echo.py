"""An unmodified websockets program under `fastws run` serves real clients as it does alone.

The clients are Node's ws and websockets itself. What they report is compared with what was sent;
what the server answers to broken frames is compared with the same program without fastws; and the
adapter's counters have to name every frame that went over the wire.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import pytest
from processes import ROOT

import fastws

websockets = pytest.importorskip("websockets.asyncio.client")

HERE = Path(__file__).parent
PROGRAM = HERE.parent.parent / "examples" / "echo" / "websockets_echo.py"

SIZES = [0, 1, 125, 126, 65535, 65536, 10_000_000]

# Masked with a key of zeros, so that the payload can be read.
KEY = "00000000"
FAULTS = {
    "reserved opcode": ("8380" + KEY, 1002),
    "no mask": ("81026869", 1002),
    "reserved bit": ("a180" + KEY, 1002),
    "compressed without agreement": ("c180" + KEY, 1002),
    "fragmented ping": ("0980" + KEY, 1002),
    "ping of 126 bytes": ("89fe007e" + KEY + "70" * 126, 1002),
    "continuation of nothing": ("8080" + KEY, 1002),
    "message within a message": ("0181" + KEY + "78" + "8181" + KEY + "78", 1002),
    "close without a whole code": ("8881" + KEY + "03", 1002),
    "close with a code of reports": ("8882" + KEY + "03ed", 1002),
    "text is not UTF-8": ("8182" + KEY + "c328", 1007),
    "fragment ends a code point wrongly": ("0181" + KEY + "c3" + "8081" + KEY + "28", 1007),
    "too big": ("82ff0000000001000001" + KEY, 1009),
}

# --- The server ----------------------------------------------------------------------------------


class Server(NamedTuple):
    """A server that runs, and what it told on its own."""

    url: str
    process: subprocess.Popen[str]

    def counters(self) -> dict[str, int]:
        """Ask a counting server what our code did so far."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        found: dict[str, int] = json.loads(self.process.stdout.readline())
        return found


@contextmanager
def serving(*words: str | Path, **environment: str) -> Iterator[Server]:
    """Start a server with this interpreter, and stop it in the end."""
    process = subprocess.Popen(
        [sys.executable, *map(str, words), "--port", "0"],
        env={**os.environ, "PYTHONPATH": ROOT, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdout
            line = process.stdout.readline()
            assert "ws://" in line, "the server did not start"
            yield Server(line.split()[-1], process)
        finally:
            process.terminate()


CORES = ["python"] if not fastws.ACCELERATED else ["python", "c"]


@pytest.fixture(params=CORES)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Give the program with fastws under it, on each back end."""
    switch = "FASTWS_NO_EXTENSIONS" if request.param == "python" else "FASTWS_REQUIRE_EXTENSIONS"
    with serving(HERE / "counting_server.py", PROGRAM, **{switch: "1"}) as server:
        yield server


@pytest.fixture(scope="module")
def stock() -> Iterator[Server]:
    """Give the program alone."""
    with serving(PROGRAM) as server:
        yield server


# --- The clients ---------------------------------------------------------------------------------


class Client(NamedTuple):
    """A client in its two parts; both report what came back."""

    talk: Callable[[str, bool], dict[str, Any]]
    provoke: Callable[[str], dict[str, Any]]


def binary(size: int) -> bytes:
    pattern = bytes((i * 7 + 3) & 0xFF for i in range(256))
    return (pattern * (size // 256 + 1))[:size]


def text(size: int) -> str:
    return "aé€😀" * (size // 10) + "x" * (size % 10)  # code points of 1, 2, 3 and 4 bytes


def digest(message: str | bytes) -> list[Any]:
    data = message.encode() if isinstance(message, str) else message
    kind = "text" if isinstance(message, str) else "binary"
    return [kind, len(data), hashlib.sha256(data).hexdigest()]


async def talk(url: str, deflate: bool) -> dict[str, Any]:
    """Send what client.js sends, and report as it does."""
    options: dict[str, Any] = {
        "compression": "deflate" if deflate else None,
        "max_size": None,
        "ping_interval": None,  # a ping of its own would be one frame too many
    }
    report: dict[str, Any] = {"text": [], "binary": [], "fragments": [], "pings": [], "closes": []}
    async with websockets.connect(url, **options) as ws:
        for size in SIZES:
            for kind, message in (("text", text(size)), ("binary", binary(size))):
                await ws.send(message)
                report[kind].append(digest(await ws.recv()))
        for data, is_text in ((text(100_000).encode(), True), (binary(100_000), False)):
            await ws.send([data[:6], b"", data[6:]], text=is_text)
            report["fragments"].append(digest(await ws.recv()))
        for payload in ("", "p" * 125):
            await asyncio.wait_for(await ws.ping(payload), 10)
            report["pings"].append(payload)
        report["deflate"] = bool(ws.protocol.extensions)
        await ws.close(3001, "genug für heute")
        report["closes"].append([ws.close_code, ws.close_reason])
    report["sent"] = 2 * len(SIZES) + 2 * 4 + 2 + 1  # three fragments and an empty end, each
    return report


async def provoke(url: str) -> dict[str, Any]:
    """Break a connection with each of FAULTS, and report how it ended."""
    report = {}
    for name, (frames, _) in FAULTS.items():
        async with websockets.connect(url, compression=None) as ws:
            ws.transport.write(bytes.fromhex(frames))
            await asyncio.wait_for(ws.wait_closed(), 10)
            report[name] = [ws.close_code, ws.close_reason]
    return report


def unavailable(reason: str) -> NoReturn:
    """Skip on a desk, fail where it has to be there."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Client:
    """Give Node's client, with ws installed beside it."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        unavailable("Node's client needs node and npm")
    folder = tmp_path_factory.mktemp("node")
    for name in ("client.js", "package.json"):
        shutil.copy(HERE / name, folder)
    install = ["install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"]
    done = subprocess.run([npm, *install], cwd=folder, capture_output=True, text=True)
    if done.returncode:
        unavailable(f"npm could not install ws: {done.stderr}")

    def client(*words: str) -> dict[str, Any]:
        command = [node, str(folder / "client.js"), *words]
        done = subprocess.run(command, stdout=subprocess.PIPE, timeout=60, check=True)
        report: dict[str, Any] = json.loads(done.stdout)
        return report

    frames = json.dumps({name: frames for name, (frames, _) in FAULTS.items()})
    return Client(
        talk=lambda url, deflate: client(url, "on" if deflate else "off"),
        provoke=lambda url: client(url, "off", frames),
    )


@pytest.fixture(params=["ws", "websockets"])
def client(request: pytest.FixtureRequest) -> Client:
    """Give each client."""
    if request.param == "ws":
        node: Client = request.getfixturevalue("node")
        return node
    return Client(
        talk=lambda url, deflate: asyncio.run(talk(url, deflate)),
        provoke=lambda url: asyncio.run(provoke(url)),
    )


# --- The tests -----------------------------------------------------------------------------------


def check(report: dict[str, Any], deflate: bool) -> None:
    """Compare a client's report with what it sent."""
    assert report["text"] == [digest(text(size)) for size in SIZES]
    assert report["binary"] == [digest(binary(size)) for size in SIZES]
    long = [digest(text(100_000)), digest(binary(100_000))]
    assert [fragment[:3] for fragment in report["fragments"]] == long
    # Node's client pings between fragments; websockets cannot.
    assert {pong for fragment in report["fragments"] for pong in fragment[3:]} <= {"between"}
    assert report["pings"] == ["", "p" * 125]
    assert report["closes"][0] == [3001, "genug für heute"]
    assert report["closes"][1:] in ([], [[1005, ""]])  # Node's second: closed without a code
    assert report["deflate"] is deflate


@pytest.mark.parametrize("deflate", [False, True], ids=["plain", "deflate"])
def test_echo_and_every_frame_was_ours(server: Server, client: Client, deflate: bool) -> None:
    report = client.talk(server.url, deflate)
    check(report, deflate)
    counters = server.counters()
    assert counters["decoded"] == report["sent"]
    pongs = len(report["pings"]) + sum(len(fragment) - 3 for fragment in report["fragments"])
    messages = 2 * len(SIZES) + len(report["fragments"])
    assert counters["encoded"] == messages + pongs  # close frames stay the host's own


@pytest.mark.parametrize("deflate", [False, True], ids=["plain", "deflate"])
def test_echo_without_fastws(stock: Server, client: Client, deflate: bool) -> None:
    check(client.talk(stock.url, deflate), deflate)


def test_broken_frames_end_as_without_fastws(server: Server, stock: Server, client: Client) -> None:
    ends = client.provoke(server.url)
    assert {name: code for name, (code, _) in ends.items()} == {
        name: code for name, (_, code) in FAULTS.items()
    }
    assert ends == client.provoke(stock.url)
    assert server.counters()["decoded"] > 0


def test_the_command_itself_serves() -> None:
    with serving("-m", "fastws", "run", PROGRAM) as server:
        check(asyncio.run(talk(server.url, False)), False)
