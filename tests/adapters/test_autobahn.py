"""fastws in autobahn: what is replaced, when, and echoes on both frameworks."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from processes import ROOT, python

pytest.importorskip("autobahn")

from adapters.autobahn_transcript import (
    FACE,
    TWISTED,
    face,
    fast,
    framed,
    module,
    protocol_of,
    step,
)

import fastws
from fastws.adapters import HostWarning, _registry
from fastws.adapters import _autobahn_primitives as primitives
from fastws.adapters import _autobahn_receiving as receiving
from fastws.adapters import _autobahn_sending as sending
from fastws.adapters import autobahn as adapter

HERE = Path(__file__).parent
PROTOCOL = module.WebSocketProtocol
PLACES = [
    (sys.modules["autobahn.websocket.utf8validator"], "Utf8Validator"),
    (module, "Utf8Validator"),
    (sys.modules["autobahn.websocket.xormasker"], "create_xor_masker"),
    (module, "create_xor_masker"),
    (PROTOCOL, "consumeData"),
    (PROTOCOL, "sendData"),
    (PROTOCOL, "sendFrame"),
]
if TWISTED:
    PLACES.append((face.WebSocketAdapterProtocol, "dataReceived"))
if primitives.Utf8Validator is primitives.STOCK_VALIDATOR:
    del PLACES[:2]
REPLACED = [
    "autobahn.websocket.utf8validator.Utf8Validator",
    "autobahn.websocket.protocol.Utf8Validator",
    "autobahn.websocket.xormasker.create_xor_masker",
    "autobahn.websocket.protocol.create_xor_masker",
    "autobahn.websocket.protocol.WebSocketProtocol.consumeData",
    "autobahn.websocket.protocol.WebSocketProtocol.sendData",
    "autobahn.websocket.protocol.WebSocketProtocol.sendFrame",
    "autobahn.twisted.websocket.WebSocketAdapterProtocol.dataReceived",
][-len(PLACES) - (not TWISTED) :]


# --- Install -------------------------------------------------------------------------------------


def standing() -> list[object]:
    return [vars(owner)[name] for owner, name in PLACES]


def test_the_very_objects_are_restored() -> None:
    before = standing()
    adapter.install()
    fastws.install("autobahn")
    during = standing()
    assert not any(one is other for one, other in zip(during, before, strict=True))
    found = fastws.status()["autobahn"]
    assert (found.state, found.supported, found.reason) == ("on", adapter.supported(), "")
    assert list(found.replaced) == [name for name in REPLACED if TWISTED or "twisted" not in name]
    adapter.uninstall()
    assert all(one is other for one, other in zip(standing(), before, strict=True))
    assert fastws.status()["autobahn"].state == "off"


def other_end(self: Any) -> None:
    """Do something else at the end of a message."""
    self.message_data = None


@pytest.mark.parametrize(
    ("owner", "name", "other", "told"),
    [
        (receiving, "STOCK_CONSUME_DATA", other_end, "WebSocketProtocol.consumeData is not built"),
        (sending, "STOCK_SEND_FRAME", print, "WebSocketProtocol.sendFrame is not built"),
        (sending, "STOCK_SEND_DATA", other_end, "WebSocketProtocol.sendData is not built"),
        (PROTOCOL, "processData", other_end, "WebSocketProtocol.processData is not built"),
        (PROTOCOL, "onFrameData", print, "WebSocketProtocol.onFrameData is not built"),
        (PROTOCOL, "onMessageEnd", other_end, "WebSocketProtocol.onMessageEnd is not built"),
        (PROTOCOL, "fire", None, "WebSocketProtocol.fire is not built as expected"),
        (
            face.WebSocketAdapterProtocol,
            "_onMessageEnd",
            other_end,
            rf"autobahn.{FACE}.websocket.WebSocketAdapterProtocol is not built as expected",
        ),
        (module, "WebSocketProtocol", type("WebSocketProtocol", (), {}), "it was imported anew"),
    ],
)
def test_another_structure_is_refused(
    monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, other: object, told: str
) -> None:
    before = standing()
    monkeypatch.setattr(owner, name, other)
    after = standing()
    with pytest.warns(HostWarning, match=rf"{told}.*supported: {adapter.supported()}"):
        fastws.install("autobahn")
    assert standing() == after
    assert fastws.status()["autobahn"].state == "refused"
    fastws.uninstall("autobahn")
    monkeypatch.undo()
    assert standing() == before


@pytest.mark.skipif(not TWISTED, reason="is of Twisted")
def test_another_way_to_take_data_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    twisted: Any = sys.modules["fastws.adapters._autobahn_twisted"]
    monkeypatch.setattr(twisted, "STOCK_DATA_RECEIVED", other_end)
    with pytest.warns(HostWarning, match="WebSocketAdapterProtocol is not built as expected"):
        fastws.install("autobahn")
    fastws.uninstall("autobahn")


@pytest.mark.parametrize("version", ["23.6.2", "24.4.1", "27.0", "27.1.1", "30.0"])
def test_another_version_is_refused(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    before = standing()
    monkeypatch.setattr(sys.modules["autobahn"], "__version__", version)
    with pytest.warns(HostWarning, match=rf"version {version} is not one that the adapter was"):
        fastws.install("autobahn")
    assert standing() == before
    assert fastws.status()["autobahn"].state == "refused"
    fastws.uninstall("autobahn")


def test_the_proven_versions() -> None:
    for version in ("24.4.2", "25.9.1", "25.12.2", "26.6.1", "26.10.2"):
        assert version in adapter.SUPPORTED
    assert adapter.supported() == _registry.HOSTS["autobahn"].supported == ">=24.4.2,<27"


# --- Before the import, and after it -------------------------------------------------------------

TOLD = """
import sys
import fastws
def tell(*more):
    found = fastws.status()["autobahn"]
    print(found.state, len(found.replaced), *more)
"""


def run(code: str, **environment: str) -> list[str]:
    """Run code in a fresh interpreter."""
    done = python("-W", "ignore::DeprecationWarning", "-c", TOLD + code, **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


FRAMEWORKS = ["asyncio", "twisted"]
VALIDATORS = 2 * (primitives.Utf8Validator is not primitives.STOCK_VALIDATOR)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_installed_before_the_import(framework: str) -> None:
    out = run(
        "fastws.install()\n"
        "tell('autobahn' in sys.modules)\n"
        "import autobahn.websocket\n"
        "tell()\n"
        f"from autobahn.{framework}.websocket import WebSocketServerProtocol\n"
        "tell()\n"
        "from autobahn.websocket.protocol import WebSocketProtocol\n"
        "print(WebSocketServerProtocol.consumeData is WebSocketProtocol.consumeData)\n"
        "print(WebSocketProtocol.consumeData.__module__)\n"
        "fastws.uninstall()\n"
        "tell(WebSocketProtocol.consumeData.__module__)\n"
    )
    count = VALIDATORS + 5 + (framework == "twisted")
    assert out == [
        "waiting 0 False",
        "waiting 0",
        f"on {count}",
        "True",
        "fastws.adapters._autobahn_receiving",
        "off 0 autobahn.websocket.protocol",
    ]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_framework_may_come_after_fastws(framework: str) -> None:
    out = run(
        "import autobahn.websocket.protocol\n"
        "fastws.install('autobahn')\n"
        "tell()\n"
        "from fastws.adapters._autobahn_receiving import PLAIN, between\n"
        "print(len(PLAIN))\n"
        f"from autobahn.{framework}.websocket import WebSocketClientProtocol\n"
        "tell(len(PLAIN), between(WebSocketClientProtocol) in PLAIN)\n"
    )
    count = VALIDATORS + 5
    assert out == [f"on {count}", "0", f"on {count + (framework == 'twisted')} 1 True"]


def test_asking_the_adapter_for_a_name_imports_no_host() -> None:
    out = run(
        "import fastws.adapters.autobahn as adapter\n"
        "print(hasattr(adapter, '__path__'), hasattr(adapter, 'Connection'), adapter.counters())\n"
        "print('autobahn' in sys.modules, 'asyncio' in sys.modules)\n"
    )
    counters = {"decoded": 0, "encoded": 0, "maskers": 0, "validated": 0}
    assert out == [f"False False {counters}", "False False"]


# --- Echoes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("compression", ["", "deflate"])
@pytest.mark.parametrize("way", ["install", "mixin", "stock"])
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_echo(framework: str, way: str, compression: str) -> None:
    words = [HERE / "autobahn_echo.py", framework, way, *compression.split()]
    done = python("-W", "ignore::DeprecationWarning", *words)
    assert done.returncode == 0, done.stderr
    ended, counters = done.stdout.splitlines()
    assert ended == "True 1000 8"
    expected = "'decoded': 18, 'encoded': 16," if way != "stock" else "'decoded': 0, 'encoded': 0,"
    assert expected in counters  # all messages both ways; a close frame is written by autobahn


# --- One factory only ----------------------------------------------------------------------------


def test_the_mixin_reads_and_writes_as_stock_does() -> None:
    data = framed("server", 1, "grün".encode()) + framed("server", 2, b"x" * 300)
    data += framed("server", 1, b"ab", fin=False) + framed("server", 0, b"\xff")

    def lines(*bases: type) -> list[Any]:
        protocol = protocol_of("server", type("User", bases, {"onMessage": echo}))
        for chunk in (data[:4], data[4:], framed("server", 1, b"more")):
            step(protocol, chunk)
        found: list[Any] = protocol.log.lines
        return found

    def echo(self: Any, payload: bytes, is_binary: bool) -> None:
        self.sendMessage(payload, is_binary)

    before = adapter.counters()
    expected = lines(object)
    assert adapter.counters() == before
    assert lines(adapter.FastFrames) == expected
    after = adapter.counters()
    assert after["decoded"] == before["decoded"] + 4
    assert after["encoded"] == before["encoded"] + 2
    with fast():
        assert lines(adapter.FastFrames) == expected


def test_there_is_one_mixin_and_nothing_else() -> None:
    assert adapter.FastFrames is adapter.FastFrames
    with pytest.raises(AttributeError, match="no attribute 'FastClasses'"):
        _ = adapter.FastClasses


# --- What this process does not have -------------------------------------------------------------

PARTS = [HERE / f"test_autobahn_{part}.py" for part in ("primitives", "receiving", "sending")]
OTHERS = [{"FASTWS_TEST_TWISTED": "1"}, {"AUTOBAHN_USE_NVX": "0"}]
others = pytest.mark.parametrize("other", OTHERS, ids=["Twisted", "without NVX"])
here = pytest.mark.skipif(
    TWISTED or primitives.Utf8Validator is primitives.PureValidator, reason="is one of those"
)


SOME = "primitives or sending or random or reads_and_writes or objects or refused or mixin"
MORE = ["unlimited or compression", "option or overrides or coming"]


def all_pass(other: dict[str, str], some: str) -> None:
    options = ("-q", "-p", "no:cacheprovider", "-m", "not slow", "-k", some)
    done = python("-m", "pytest", *options, *PARTS, __file__, cwd=Path(ROOT), **other)
    assert done.returncode == 0, done.stdout[-3000:]


@here
@others
def test_the_same_elsewhere(other: dict[str, str]) -> None:
    all_pass(other, SOME)


@pytest.mark.slow
@here
@others
@pytest.mark.parametrize("some", MORE)
def test_more_of_the_same_elsewhere(other: dict[str, str], some: str) -> None:
    all_pass(other, some)
