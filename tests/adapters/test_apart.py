"""Run the tests that need a process of their own, and see that they did run."""

from __future__ import annotations

import os
import re
from importlib.util import find_spec
from pathlib import Path

import pytest
from adapters.apart import APART
from processes import ROOT, python

HERE = Path(__file__).parent
CALL = re.compile(r"^only_apart\(\)$", re.M)
FILES = [path for path in HERE.glob("test_*.py") if CALL.search(path.read_text("utf-8"))]


@pytest.mark.skipif(bool(os.environ.get(APART)), reason="is the other process")
@pytest.mark.skipif(find_spec("eventlet") is None, reason="eventlet is not installed")
def test_apart() -> None:
    assert len(FILES) == 2
    options = ("-q", "-p", "no:cacheprovider", "-W", "ignore::DeprecationWarning")
    done = python("-m", "pytest", *options, *FILES, cwd=Path(ROOT), **{APART: "1"})
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed and int(passed[1]) > 300
