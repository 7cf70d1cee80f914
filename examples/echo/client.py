"""Send messages of every kind to an echo server, and check what comes back.

python client.py ws://127.0.0.1:8765
"""

from __future__ import annotations

import os
import sys
import time

from websockets.sync.client import connect


def main(address: str) -> None:
    """Talk to the server at this address."""
    messages = {
        "text": "hello",
        "text beyond ASCII": "Grüße, 世界 🌍",
        "one byte": b"!",
        "binary": bytes(range(256)),
        "1 MB of binary": os.urandom(1_000_000),  # a limit of 1 MiB is the usual one
    }
    with connect(address) as connection:
        for name, message in messages.items():
            start = time.perf_counter()
            connection.send(message)
            answer = connection.recv()
            took = (time.perf_counter() - start) * 1000
            if answer != message:
                raise SystemExit(f"{name}: came back as something else")
            print(f"{name:18}  echoed in {took:6.2f} ms")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: python client.py ws://HOST:PORT")
    main(sys.argv[1])
