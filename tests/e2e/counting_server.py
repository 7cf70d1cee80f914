"""Run a program as `fastws run` does, and tell on request what our code did in it.

The program's words follow on the command line. For every line on stdin, a line on stdout holds the
counters of the adapter for websockets, as JSON.
"""

from __future__ import annotations

import json
import sys
import threading

from fastws import cli
from fastws.adapters import websockets


def tell() -> None:
    """Answer each line on stdin with the counters."""
    for _ in sys.stdin:
        print(json.dumps(websockets.counters()), flush=True)


if __name__ == "__main__":
    threading.Thread(target=tell, daemon=True).start()
    sys.exit(cli.main(["run", *sys.argv[1:]]))
