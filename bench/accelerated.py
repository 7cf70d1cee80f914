"""Run a program with one adapter in: python bench/accelerated.py ADAPTER PROGRAM ARGS...

An ADAPTER of "-" puts none in, for programs that ask for fastws themselves. On SIGUSR1, and at the
end, the adapters that are loaded say on stderr what they have done.
"""

from __future__ import annotations

import atexit
import json
import signal
import sys

import fastws
from fastws._run import run

PREFIX = "fastws counters: "


def tell(*_: object) -> None:
    modules = [name for name in sys.modules if name.startswith("fastws.adapters.")]
    found = {
        name.rpartition(".")[2]: sys.modules[name].counters()
        for name in modules
        if hasattr(sys.modules[name], "counters")
    }
    print(PREFIX + json.dumps(found), file=sys.stderr, flush=True)


if __name__ == "__main__":
    adapter, program, *arguments = sys.argv[1:]
    signal.signal(signal.SIGUSR1, tell)
    atexit.register(tell)
    if adapter != "-":
        fastws.install(adapter)
    run(program, arguments)
