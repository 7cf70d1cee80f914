"""One run of the Autobahn|Testsuite: what is started, what is read, and what goes wrong is seen."""

from __future__ import annotations

import platform
import sys
from pathlib import Path
from typing import Any

import pytest
from autobahn_suite import trial, wstest
from autobahn_suite.judge import Outcome, Report, run_faults
from autobahn_suite.sides import Side, Way
from autobahn_suite.trial import Trial
from autobahn_suite.wstest import Wstest, install
from hosts.environments import CannotPrepare

OK = Outcome("OK", "OK")
GOOD = ("1.1.1", "3.4", "7.1.6")

# Stands in for wstest: reports as many of the cases asked for as it is told to.
WSTEST = """
import json, os, socket, sys
kept, status, _, mode, _, path, *_ = sys.argv[1:]
spec = json.load(open(path))
if mode == "fuzzingserver":
    listener = socket.create_server(("127.0.0.1", int(spec["url"].rpartition(":")[2])))
    while listener.accept()[0].recv(1) != b"!":
        pass
cases = spec["cases"][: int(kept)]
os.makedirs(spec["outdir"])
said = {case: {"behavior": "OK", "behaviorClose": "OK"} for case in cases}
with open(os.path.join(spec["outdir"], "index.json"), "w") as file:
    json.dump({"side": said}, file)
sys.exit(int(status))
"""
SERVER = """
import os, socket, sys
print("back end: c", flush=True)
listener = socket.create_server(("127.0.0.1", int(sys.argv[-1])))
lives = os.environ.get("LIVES")
while True:
    listener.accept()
    if lives:
        sys.exit(3)
"""
CLIENT = """
import socket, sys
print("back end: python", flush=True)
socket.create_connection(("127.0.0.1", int(sys.argv[-2]))).send(b"!")
"""


@pytest.fixture
def trying(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give what runs a program that stands in, against what stands in for wstest."""
    monkeypatch.setattr(trial, "PROGRAMS", tmp_path)
    monkeypatch.setattr(trial, "LAST_WORDS", 10)
    for name, code in (("wstest", WSTEST), ("own_server", SERVER), ("own_client", CLIENT)):
        (tmp_path / f"{name}.py").write_text(code)

    def run(role: Any, *, kept: int = 3, status: int = 0, pure: bool = False) -> Report:
        words = (sys.executable, str(tmp_path / "wstest.py"), str(kept), str(status))
        way = Way((f"own_{role}.py",), pure=pure)
        side = Side("own", role, way)
        return Trial(Wstest(words), side, tmp_path / "run").run(way, list(GOOD))

    return run


def test_a_server_is_tried(trying: Any) -> None:
    found = trying("server")
    assert found.faults == []
    assert found.cases == dict.fromkeys(GOOD, OK)


def test_a_client_is_tried(trying: Any) -> None:
    found = trying("client", pure=True)
    assert found.faults == []
    assert found.cases == dict.fromkeys(GOOD, OK)


def test_the_wrong_core_is_a_fault(trying: Any) -> None:
    assert trying("server", pure=True).faults == ["back end: ['c']; expected: python"]
    assert trying("client").faults == ["back end: ['python']; expected: c"]


def test_a_host_that_fastws_refused_is_a_fault(trying: Any, tmp_path: Path) -> None:
    refused = "HostWarning: fastws leaves acme alone: too new"
    (tmp_path / "own_server.py").write_text(f"print({refused!r}, flush=True)\n{SERVER}")
    assert trying("server").faults == [refused]


def test_a_report_that_ends_half_way_is_seen(trying: Any) -> None:
    found = trying("server", kept=2)
    assert found.faults == []  # for wstest all is well
    assert run_faults(found, GOOD) == ["1 of 3 cases are missing: 7.1.6"]


def test_a_server_that_dies_is_seen(trying: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVES", "1")  # it takes one connection: the one that finds it listening
    assert "the server ended, with status 3" in trying("server").faults


def test_a_wstest_that_fails_is_seen(trying: Any) -> None:
    assert trying("server", status=4).faults == ["wstest ended with status 4"]


def test_another_wstest_can_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WSTEST", "container run 'the suite' wstest")
    assert install(tmp_path) == Wstest(("container", "run", "the suite", "wstest"))
    assert not list(tmp_path.iterdir())


def test_programs_run_with_the_core_that_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FASTWS_NO_EXTENSIONS", "1")
    monkeypatch.setenv("FASTWS_SIMD", "scalar")
    for way, switch in ((Way(("a",)), "REQUIRE"), (Way(("a",), pure=True), "NO")):
        found = trial.environment(way)
        assert [name for name in found if name.startswith("FASTWS_")] == [
            f"FASTWS_{switch}_EXTENSIONS"
        ]


# --- The suite itself ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("system", "source", "package"),
    [
        ({"ID": "debian", "VERSION_CODENAME": "trixie"}, "mirror bullseye main", "libssl1.1"),
        ({"ID": "ubuntu", "VERSION_CODENAME": "noble"}, "mirror jammy main universe", "python2.7"),
    ],
)
def test_an_interpreter_comes_from_the_mirror_in_use(
    monkeypatch: pytest.MonkeyPatch, system: dict[str, str], source: str, package: str
) -> None:
    asked: list[str] = []

    def said(*words: str) -> list[str]:
        asked.extend(words)
        return ["mirror", "another"]

    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: system)
    monkeypatch.setattr(wstest.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(wstest, "_said", said)
    found, packages = wstest._source()
    assert found == source
    assert package in packages
    assert f"Release: {system['VERSION_CODENAME']}" in asked
    monkeypatch.setattr(wstest, "_said", lambda *words: [])
    with pytest.raises(CannotPrepare, match="apt has no mirror"):
        wstest._source()


@pytest.mark.parametrize("system", [{}, {"ID": "fedora"}])
def test_there_may_be_none(monkeypatch: pytest.MonkeyPatch, system: dict[str, str]) -> None:
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: system)
    with pytest.raises(CannotPrepare, match="CPython 2.7: there is none here, nor apt"):
        wstest._source()
