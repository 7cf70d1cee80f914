"""Let a test ask a server what fastws does in it: this folder stands on the server's PYTHONPATH.

The programs under test know nothing of fastws, and `fastws run` is the command that people type; so
the one who tells is put in by Python itself, which imports this first in every process. Whoever
connects to the socket TELLING/<process number> gets the state and the counters of the adapter that
TELLING_OF names, as JSON.
"""

from __future__ import annotations

import json
import os
import socket
import threading
from importlib import import_module


def tell(listener: socket.socket, host: str) -> None:
    """Answer whoever connects."""
    while True:
        connection, _ = listener.accept()
        with connection:
            import fastws

            state = fastws.status()[host].state
            counters = import_module(f"fastws.adapters.{host}").counters()
            connection.sendall(json.dumps({"state": state, **counters}).encode())


listener = socket.socket(socket.AF_UNIX)
listener.bind(os.path.join(os.environ["TELLING"], str(os.getpid())))
listener.listen()
threading.Thread(target=tell, args=(listener, os.environ["TELLING_OF"]), daemon=True).start()
