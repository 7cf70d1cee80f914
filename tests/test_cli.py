"""The command line: what it tells, what it refuses, and the echo server; `run` is in test_run."""

from __future__ import annotations

import json
import os
import platform
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from processes import FASTWS, ROOT, fastws_, python

import fastws
from fastws import _info, adapters, cli
from fastws.adapters import Status, _registry

# --- Help, version, mistakes ---------------------------------------------------------------------


@pytest.mark.parametrize("words", [["--help"], [], ["info", "-h"], ["run", "-h"], ["echo", "-h"]])
def test_help_is_given_on_stdout(words: list[str]) -> None:
    done = fastws_(*words)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: fastws")
    assert ("states:" if "info" in words else "example") in done.stdout


def test_version() -> None:
    assert fastws_("--version").stdout == f"fastws {fastws.__version__}\n"


@pytest.mark.parametrize(
    ("words", "exit_code", "text"),
    [
        (["bogus"], 2, "invalid choice: 'bogus'"),
        (["--bogus"], 2, "--bogus"),
        (["run"], 2, "TARGET"),
        (["run", "-x", "program.py"], 2, "-x"),
        (["run", "no-such-program"], 2, "no file and no console script named 'no-such-program'"),
        (["run", "-m", "no_such_module"], 2, "no module named 'no_such_module'"),
        (["run", "-m", "json.no_such_module"], 2, "no module named 'json.no_such_module'"),
        (["run", "-m", "sys.no_such_module"], 2, "no module named 'sys.no_such_module'"),
        (["run", "-m", "collections"], 2, "no module named 'collections'"),
        (["run", "-m", ".relative"], 2, "no module named '.relative'"),
        (["run", "-m", "sys"], 2, "'sys' holds no Python code"),
        (["run", "."], 2, "no file and no console script named '.'"),
        (["echo", "--port", "65536"], 2, "a port is a number from 0 to 65535, not '65536'"),
    ],
)
def test_a_mistake_is_one_line_on_stderr(
    tmp_path: Path, words: list[str], exit_code: int, text: str
) -> None:
    done = fastws_(*words, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (exit_code, "")
    assert done.stderr.startswith("fastws")
    assert text in done.stderr
    assert done.stderr.count("\n") == 1


def test_main_gives_the_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 0
    assert capsys.readouterr().out.startswith("usage: fastws")


def test_the_command_line_imports_little() -> None:
    code = "import sys, fastws.cli as cli; cli.make_parser(); print(*sys.modules)"
    loaded = python("-c", code).stdout.split()
    assert "fastws.cli" in loaded
    assert not {"asyncio", "fastws.adapters", "fastws._run", "importlib.metadata"} & {*loaded}


# --- info ----------------------------------------------------------------------------------------


def test_info_tells_what_is_in_use() -> None:
    done = python(*FASTWS, "info", COLUMNS="80")
    assert (done.returncode, done.stderr) == (0, "")
    facts, hosts = done.stdout.split("\n\n")
    named = {line[:13].rstrip(): line[13:] for line in facts.splitlines()}
    assert named["fastws"] == fastws.__version__
    assert named["level"] == fastws.simd
    assert named["back end"].split()[0] == fastws.backend
    assert named["python"].startswith(platform.python_implementation())
    if fastws.ACCELERATED:
        assert fastws.simd in named["levels here"].split()
    head, *rows = hosts.splitlines()
    assert head.split()[:4] == ["host", "version", "supported", "state"]
    rows = [row for row in rows if not row.startswith(" ")]
    assert [row.split()[0] for row in rows] == list(fastws.status())
    assert {row[head.index("state") :].split()[0] for row in rows} <= {"on", "absent", "refused"}


def test_info_tells_why_the_fallback_is_in_use() -> None:
    done = python(*FASTWS, "info", FASTWS_NO_EXTENSIONS="1")
    assert "back end     python (FASTWS_NO_EXTENSIONS is set)\nlevel        python" in done.stdout


def test_info_tells_of_a_core_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FASTWS_NO_EXTENSIONS", raising=False)
    monkeypatch.delattr(fastws, "_codec", raising=False)
    monkeypatch.setitem(sys.modules, "fastws._codec", None)
    assert _info.levels_here() == ()
    assert _info.why_not_compiled().startswith("no compiled core: import of fastws._codec halted")
    monkeypatch.setitem(sys.modules, "fastws._codec", ModuleType("fastws._codec"))
    assert _info.why_not_compiled() == "the compiled core could not be imported"


def test_info_tells_the_state_that_a_program_would_get() -> None:
    pytest.importorskip("websockets")
    row = next(
        line for line in fastws_("info").stdout.splitlines() if line.startswith("websockets ")
    )
    assert row.split()[3] == "on"


def test_info_shows_a_host_that_cannot_be_imported(tmp_path: Path) -> None:
    (tmp_path / "websockets").mkdir()
    (tmp_path / "websockets" / "__init__.py").write_text("raise RuntimeError('broken')")
    install_metadata(tmp_path, "websockets", "17.4")
    done = python(*FASTWS, "info", path=str(tmp_path))
    assert "waiting  cannot be imported: RuntimeError('broken')" in done.stdout
    assert (done.returncode, done.stderr) == (0, "")


def install_metadata(folder: Path, name: str, version: str) -> None:
    metadata = folder / f"{name}-{version}.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


def info_as_json(path: str = "") -> Any:
    done = python(*FASTWS, "info", "--json", path=path)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_info_as_json_holds_everything() -> None:
    facts = info_as_json()
    assert list(facts["hosts"]) == list(fastws.status())
    assert (facts["fastws"], facts["backend"]) == (fastws.__version__, fastws.backend)
    assert facts["simd"] == fastws.simd
    assert bool(facts["why_not_compiled"]) is not fastws.ACCELERATED
    assert facts["python"] == platform.python_version()
    for name, host in facts["hosts"].items():
        assert set(host) == {"version", "supported", "state", "reason", "replaced"}
        assert bool(host["replaced"]) is (host["state"] == "on")
        assert host["supported"] == fastws.status()[name].supported


def test_info_tells_why_a_host_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "websockets").mkdir()
    for name in ("__init__.py", "protocol.py"):
        (tmp_path / "websockets" / name).write_text("")
    install_metadata(tmp_path, "websockets", "1.5")
    found = info_as_json(str(tmp_path))["hosts"]["websockets"]
    assert (found["version"], found["state"], found["replaced"]) == ("1.5", "refused", [])
    assert found["reason"] == "version 1.5 is not one that the adapter was proven on"
    for columns in ("60", "80", ""):
        done = python(*FASTWS, "info", path=str(tmp_path), COLUMNS=columns)
        told = done.stdout.split("\n\n")[1]
        row = told[told.index("\nwebsockets ") :].split()
        assert row[1:4] == ["1.5", ">=16.0,<18", "refused"]
        assert " ".join(row).startswith(f"websockets 1.5 >=16.0,<18 refused {found['reason']}")
        if columns == "":  # no terminal: nothing is wrapped
            assert f"refused  {found['reason']}\n" in told


def test_what_is_absent_is_not_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {
        name: Status(name, None, ">=1", state, "", ())
        for name, state in [("here", "on"), ("away", "absent")]
    }
    made = {
        name: SimpleNamespace(modules=(f"fastws_{name}",), status=lambda told=told: told)
        for name, told in found.items()
    }
    monkeypatch.setattr(adapters, "install", lambda: None)
    monkeypatch.setattr(adapters, "status", lambda: found)
    monkeypatch.setattr(_registry, "hosts", lambda: made)
    told = _info.gather_hosts()
    assert told["here"]["reason"].startswith("cannot be imported: ModuleNotFoundError")
    assert told["away"]["reason"] == ""


HOSTS = {
    "one": ("1.0", ">=1,<2", "on", "", ["one.protocol.Reader.feed", "one.utils.mask"]),
    "two": ("3.0", ">=1,<2", "refused", "version 3.0 is not one that was proven", []),
    "three": (None, ">=5,<6", "absent", "", []),
}
WIDE = """\
host   version  supported  state    replaced
one    1.0      >=1,<2     on       one.protocol.Reader.feed
                                    one.utils.mask
two    3.0      >=1,<2     refused  version 3.0 is not one that was proven
three  -        >=5,<6     absent
"""
NARROW = """\
host   version  supported  state
one    1.0      >=1,<2     on
two    3.0      >=1,<2     refused  version 3.0 is not one that
                                    was proven
three  -        >=5,<6     absent
"""


@pytest.mark.parametrize(
    ("width", "table"), [(None, WIDE), (80, WIDE), (59, NARROW), (20, NARROW)], ids=str
)
def test_the_table_fits_the_terminal(width: int | None, table: str) -> None:
    fields = ("version", "supported", "state", "reason", "replaced")
    hosts = {name: dict(zip(fields, host, strict=True)) for name, host in HOSTS.items()}
    assert "\n".join(_info.host_lines(hosts, width)) + "\n" == table


def test_what_is_printed_elsewhere_is_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert cli.terminal_width() is None
    monkeypatch.setenv("COLUMNS", "123")
    assert cli.terminal_width() == 123


READER_GOES_AWAY = """
import os, sys
from fastws.cli import main
reader, writer = os.pipe()
os.close(reader)
os.dup2(writer, 1)
sys.exit(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a pipe ends in another way there")
@pytest.mark.parametrize("words", ["info", "info --json"])
def test_a_reader_that_goes_away_is_no_traceback(words: str) -> None:
    done = python("-c", READER_GOES_AWAY, *words.split())
    assert (done.returncode, done.stderr) == (1, "")


# --- echo ----------------------------------------------------------------------------------------


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let child processes take SIGINT, which a shell's background jobs are born ignoring."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@contextmanager
def echo_server(*words: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Start `fastws echo` and give the line that it prints."""
    with subprocess.Popen(
        [sys.executable, *FASTWS, "echo", *words],
        env={**os.environ, "PYTHONPATH": ROOT},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout
            yield process.stdout.readline(), process
        finally:
            process.kill()


@pytest.mark.usefixtures("interruptible")
def test_echo_serves_and_ends_cleanly() -> None:
    client = pytest.importorskip("websockets.sync.client")
    with echo_server("--port", "0") as (line, process):
        assert line.startswith("ws://127.0.0.1:")
        assert f"fastws {fastws.backend}" in line
        assert fastws.simd in line
        with client.connect(line.split()[0]) as connection:
            for message in ("hällo", b"\x00\xff", ""):
                connection.send(message)
                assert connection.recv() == message
            if os.name == "posix":  # with a client still there
                process.send_signal(signal.SIGINT)
                assert process.wait(10) == 0
                assert process.communicate() == ("", "")


@pytest.mark.parametrize("host", ["127.0.0.1", "192.0.2.1"], ids=["port taken", "not our host"])
def test_echo_says_where_it_cannot_listen(host: str) -> None:
    pytest.importorskip("websockets")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = fastws_("echo", "--host", host, "--port", taken.getsockname()[1])
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("fastws echo: cannot listen: ")
    assert done.stderr.count("\n") == 1


def test_echo_says_what_to_install_where_websockets_is_missing(tmp_path: Path) -> None:
    (tmp_path / "websockets.py").write_text("raise ImportError('none here')")
    done = python(*FASTWS, "echo", path=str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert "python -m pip install -U websockets" in done.stderr
    assert done.stderr.count("\n") == 1
