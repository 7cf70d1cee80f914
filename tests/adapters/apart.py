"""For tests of a host whose mere import changes the process: they run in one of their own.

eventlet warns of every fork from its import on. `test_apart.py` starts what begins with
`only_apart()`.
"""

from __future__ import annotations

import os

import pytest

APART = "FASTWS_TEST_APART"


def only_apart() -> None:
    """Skip the module that calls this, but in a process that `test_apart.py` has started."""
    if not os.environ.get(APART):
        pytest.skip("runs in a process of its own, see test_apart.py", allow_module_level=True)
