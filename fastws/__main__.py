"""`python -m fastws`: the command line, for where the `fastws` script is not on the path."""

from __future__ import annotations

import sys

from .cli import main

# Processes that multiprocessing spawns import this file too, under another name.
if __name__ == "__main__":
    sys.exit(main())
