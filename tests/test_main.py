"""`python -m fastws`, where multiprocessing imports it under another name: it runs nothing then."""

from __future__ import annotations

import importlib

import pytest

from fastws import cli


def test_the_import_alone_runs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["fastws", "no such command"])
    assert importlib.import_module("fastws.__main__").main is cli.main
