"""Be in every Python process of a host's suite before anything else is, its workers included.

This folder stands on PYTHONPATH in both runs of a suite, so that nothing but fastws is between the
two. FASTWS_HOSTS_IN=1 puts the adapters in; FASTWS_HOSTS_REPORTS names the folder where each
process leaves what our code did in it.
"""

import atexit
import json
import os
import sys
from multiprocessing import util
from threading import Thread
from time import sleep


def report() -> None:
    """Write whether fastws is in this process, and what each adapter counted."""
    found = {"fastws": "fastws" in sys.modules, "backend": "", "hosts": {}}
    if "fastws.adapters" in sys.modules:
        import fastws

        found["backend"] = fastws.backend
        for name, status in fastws.status().items():
            counters = {}
            if status.state == "on":
                counters = getattr(sys.modules[f"fastws.adapters.{name}"], "counters", dict)()
            found["hosts"][name] = [status.state, status.reason, counters]
    path = os.path.join(os.environ["FASTWS_HOSTS_REPORTS"], f"process-{os.getpid()}.json")
    with open(f"{path}.part", "w") as file:
        json.dump(found, file)
    os.replace(f"{path}.part", path)


def report_on() -> None:
    """Report again and again: a process of multiprocessing may be killed, and atexit not called."""
    while True:
        report()
        sleep(0.1)


if "FASTWS_HOSTS_REPORTS" in os.environ:
    atexit.register(report)
    util.register_after_fork(util, lambda util: Thread(target=report_on, daemon=True).start())
if os.environ.get("FASTWS_HOSTS_IN") == "1":
    import fastws

    fastws.install()
