"""What fastws costs besides time: at import, on disk and in memory.

Memory is measured in a fresh process, which this file is as well (`python bench/footprint.py
peak 65536`), and as Linux counts it: pages, not what an allocator says of itself.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from itertools import cycle, islice
from pathlib import Path

from fastws._bench import data

DECODERS = 100_000


class NotHere(Exception):
    """This system does not let itself be measured so."""


# --- Import and disk -----------------------------------------------------------------------------


def run_seconds(code: str, cache: str) -> float:
    """Give the processor time of a fresh interpreter that runs this and ends.

    On a quiet machine that is the wall time, and on a busy one it still says what the code costs.
    """
    try:
        from resource import RUSAGE_CHILDREN, getrusage
    except ImportError:
        raise NotHere("no getrusage()") from None
    environment = {name: word for name, word in os.environ.items() if "BYTECODE" not in name}
    root = str(Path(find_spec("fastws").origin).parents[1])
    environment |= {"PYTHONPATH": root, "PYTHONPYCACHEPREFIX": cache}
    before = getrusage(RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def import_cost(rounds: int) -> float:
    """Give the seconds that `import fastws` adds to a bare interpreter, best against best."""
    bare, loaded = [], []
    with tempfile.TemporaryDirectory() as cache:
        run_seconds("import fastws", cache)  # writes byte code, as installing a package does
        for _ in range(rounds):
            bare.append(run_seconds("pass", cache))
            loaded.append(run_seconds("import fastws", cache))
    return min(loaded) - min(bare)


def extension_size() -> float:
    """Give the bytes of the compiled core without its symbols."""
    core = find_spec("fastws._codec").origin
    if shutil.which("strip") is None:
        raise NotHere("no strip")
    with tempfile.TemporaryDirectory() as folder:
        stripped = Path(folder, "core")
        subprocess.run(["strip", "-o", stripped, core], check=True)
        return stripped.stat().st_size


# --- Memory --------------------------------------------------------------------------------------


def peak_memory(read_size: int) -> float:
    """Give the bytes beyond the message itself at the peak of receiving 10 MiB in such reads."""
    return from_child("peak", read_size)


def idle_memory(kind: str) -> float:
    """Give the bytes of a decoder that nothing was fed to; with "deflate", of one that has it."""
    return from_child("idle", kind)


def from_child(*words: object) -> float:
    """Run this file and give the number that it prints."""
    if not Path("/proc/self/clear_refs").exists():
        raise NotHere("memory is read from Linux's /proc")
    command = [sys.executable, __file__, *map(str, words)]
    return float(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def resident(line: str) -> int:
    """Give VmRSS, the bytes in memory now, or VmHWM, the most there were."""
    for found in Path("/proc/self/status").read_text().splitlines():
        if found.startswith(line):
            return int(found.split()[1]) * data.KIB
    raise NotHere(line)


def print_peak(read_size: int) -> None:
    import fastws

    reads = data.same_letter(read_size)

    def receive(decoder: object, size: int) -> str:
        decoder.feed(data.header(data.TEXT, size, data.KEY))
        for read in islice(cycle(reads), size // read_size):
            decoder.feed(read)
            for event in decoder:
                return event.data
        raise AssertionError("the message is not whole")

    receive(fastws.MessageDecoder("server"), data.READ)
    decoder = fastws.MessageDecoder("server", max_message_size=None)
    before = resident("VmRSS:")
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from now
    message = receive(decoder, data.LONG)
    beyond = resident("VmHWM:") - before - data.LONG
    assert message == "a" * data.LONG
    print(beyond)


def print_idle(kind: str) -> None:
    import fastws
    from fastws.deflate import PerMessageDeflate

    settings = PerMessageDeflate()
    places = [None] * DECODERS
    fastws.MessageDecoder("server")
    before = resident("VmRSS:")
    for place in range(DECODERS):
        deflate = settings.accept("permessage-deflate")[1] if kind == "deflate" else None
        places[place] = fastws.MessageDecoder("server", deflate=deflate)
    print((resident("VmRSS:") - before) / DECODERS)


if __name__ == "__main__":
    task, what = sys.argv[1:]
    if task == "peak":
        print_peak(int(what))
    else:
        print_idle(what)
