"""From an empty environment to an accelerated server that talks, as the README says it."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from distributions import make_venv, output, run

# What demo.sh calls, pip and Python themselves; no compiler is among it.
TOOLS = ("bash", "sh", "dirname", "mktemp", "sed", "sleep", "rm", "uname", "ldd")
COMPILER = ("cc", "gcc", "as", "ld")
SERVER = '''
"""Echo to one client, then say what fastws has done for it."""
import asyncio, sys
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

async def main():
    done = asyncio.Event()
    async def echo(connection):
        async for message in connection:
            await connection.send(message)
        done.set()
    async with serve(echo, "127.0.0.1", 0, max_size=None) as server:
        print(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
        await done.wait()
    print(sys.modules["fastws.adapters.websockets"].counters())

asyncio.run(main())
'''


def choose_tools(folder: Path, *, compiler: bool) -> Path:
    """Fill a folder for the PATH, and give it."""
    folder.mkdir()
    for name in (*TOOLS, *(COMPILER if compiler else ())):
        if found := shutil.which(name):
            (folder / name).symlink_to(found)
    (folder / "python3").symlink_to(Path(sys.executable).resolve())
    return folder


def built_core(tools: Path) -> str:
    """Name the back end that a build with these tools ends in."""
    return "c" if (tools / "gcc").exists() else "python"


def install(home: Path, what: Path, tools: Path) -> Path:
    """Install a distribution and a host as a user does; give the folder of the commands."""
    python = make_venv(home)
    pip = (python, "-m", "pip", "install", "--quiet", "--no-cache-dir", what, "websockets")
    output(run(*pip, cwd=home, PATH=f"{python.parent}:{tools}"))
    return python.parent


@contextmanager
def serving(bin_: Path, program: Path, tools: Path) -> Iterator[subprocess.Popen[str]]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("FASTWS_", "PYTHON"))}
    process = subprocess.Popen(
        [bin_ / "fastws", "run", program],
        env=environment | {"PATH": f"{bin_}:{tools}"},
        stdout=subprocess.PIPE,
        text=True,
        cwd=program.parent,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def see_it_work(bin_: Path, tools: Path, back_end: str, folder: Path) -> None:
    """Ask what is installed, and exchange messages with a server that it accelerates."""
    path = f"{bin_}:{tools}"
    info = json.loads(output(run(bin_ / "fastws", "info", "--json", cwd=folder, PATH=path)))
    assert info["backend"] == back_end
    see_the_benchmark(bin_, path, folder)
    program, client = folder / "server.py", folder / "client.py"
    program.write_text(SERVER)
    example = Path(__file__).parents[1] / "examples" / "echo" / "client.py"
    client.write_text(example.read_text(encoding="utf-8"))
    with serving(bin_, program, tools) as server:
        assert server.stdout
        address = server.stdout.readline().strip()
        said = output(run(bin_ / "python", client, address, cwd=folder, PATH=path))
        assert said.count("echoed in") == 5
        counters = server.stdout.readline()
        assert server.wait(timeout=20) == 0
    # Five messages and the close frame; the answer to that may not be written yet.
    done = ast.literal_eval(counters)
    assert done["decoded"] == 6
    assert done["encoded"] in (5, 6)


def see_the_benchmark(bin_: Path, path: str, folder: Path) -> None:
    """Run `fastws bench` where there is such a command."""
    if "bench" in output(run(bin_ / "fastws", "--help", cwd=folder)):
        output(run(bin_ / "fastws", "bench", "--json", "-", cwd=folder, PATH=path))
