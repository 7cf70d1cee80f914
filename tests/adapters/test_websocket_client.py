"""fastws in websocket-client: what is replaced and when, what is refused, and a real connection."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import websocket
from websocket import ABNF, _abnf, _utils
from websockets.sync.server import ServerConnection, serve

import fastws
from fastws.adapters import HostWarning
from fastws.adapters import _websocket_client_frames as ours
from fastws.adapters import websocket_client as adapter

REPLACED = (
    "websocket._utils._validate_utf8",
    "websocket._abnf.ABNF.mask",
    "websocket._abnf.ABNF.format",
)
MESSAGES: list[Any] = ["", "hällo", b"", b"\x00\xff", "x" * 200, b"y" * 70_000, "ß" * 100_000]


def standing() -> list[object]:
    return [_utils._validate_utf8, vars(ABNF)["mask"], vars(ABNF)["format"]]


def test_the_very_objects_are_restored() -> None:
    before = standing()
    adapter.install()
    fastws.install("websocket_client")
    assert standing() == [ours.validate_utf8, ours.mask, ours.format_frame]
    found = fastws.status()["websocket_client"]
    assert (found.state, found.supported, found.reason) == ("on", adapter.supported(), "")
    assert found.replaced == REPLACED
    adapter.uninstall()
    assert all(one is other for one, other in zip(standing(), before, strict=True))
    assert fastws.status()["websocket_client"].state == "off"


def of_other_names(frame: Any, payload: Any, more: Any) -> None:
    """Hold nothing of what the stock ones use."""


@pytest.mark.parametrize(
    ("module", "name", "told"),
    [
        (ours, "STOCK_VALIDATE", "_utils._validate_utf8"),
        (ours, "STOCK_MASK", "ABNF.mask"),
        (ours, "STOCK_FORMAT", "ABNF.format"),
        (_utils, "validate_utf8", "_utils.validate_utf8"),
    ],
)
@pytest.mark.parametrize("other", [print, None, of_other_names], ids=["built-in", "none", "names"])
def test_another_structure_is_refused(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, told: str, other: object
) -> None:
    before = standing()
    monkeypatch.setattr(module, name, other)
    told = told if other is of_other_names else "is not"
    with pytest.warns(HostWarning, match=f"{told}.*supported: {adapter.supported()}"):
        fastws.install("websocket_client")
    assert standing() == before
    assert fastws.status()["websocket_client"].state == "refused"
    fastws.uninstall("websocket_client")


@pytest.mark.parametrize(
    ("owner", "name", "other", "told"),
    [
        (_abnf, "ABNF", type("ABNF", (), {}), "it was imported anew"),
        (websocket, "__version__", "1.10.0", "version 1.10.0 is not one"),
        (websocket, "__version__", "1.6.4", "version 1.6.4 is not one"),
    ],
)
def test_another_host_is_refused(
    monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, other: Any, told: str
) -> None:
    before = standing()
    monkeypatch.setattr(owner, name, other)
    with pytest.warns(HostWarning, match=f"{told}.*supported: {adapter.supported()}"):
        fastws.install("websocket_client")
    assert standing() == before
    assert fastws.status()["websocket_client"].replaced == ()
    fastws.uninstall("websocket_client")


def python(code: str) -> list[str]:
    """Run code in a fresh interpreter; give its lines."""
    path = str(Path(fastws.__file__).parent.parent)
    code = f"import sys; sys.path.insert(0, {path!r}); import fastws\n{code}"
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def test_installed_before_the_import() -> None:
    assert python(
        "fastws.install('websocket_client')\n"
        "print(fastws.status()['websocket_client'].state, 'websocket' in sys.modules)\n"
        "from websocket import ABNF, _utils\n"
        "print(fastws.status()['websocket_client'].state, ABNF.mask.__module__)\n"
        "print(*fastws.status()['websocket_client'].replaced)\n"
        "fastws.uninstall()\n"
        "print(fastws.status()['websocket_client'].state, ABNF.format.__module__)\n"
        "print(_utils._validate_utf8.__module__)\n"
    ) == [
        "waiting False",
        "on fastws.adapters._websocket_client_frames",
        " ".join(REPLACED),
        "off websocket._abnf",
        "websocket._utils",
    ]


def test_asking_the_adapter_imports_no_host() -> None:
    assert python(
        "import fastws.adapters.websocket_client as adapter\n"
        "print(adapter.supported(), *adapter.counters())\n"
        "print('websocket' in sys.modules, 'asyncio' in sys.modules)\n"
    ) == [f"{adapter.supported()} encoded masked validated", "False False"]


# --- Beside wsaccel ------------------------------------------------------------------------------


@pytest.mark.parametrize("names", ["", "'wsaccel', 'websocket_client'"])
def test_stock_again_though_wsaccel_was_provided(names: str) -> None:
    """With both asked for, websocket-client finds no wsaccel: taken out, it is as it always was."""
    assert python(
        f"fastws.install({names})\n"
        "import websocket, wsaccel.xormask\n"
        "from websocket import _abnf, _utils\n"
        "print(*fastws.status()['websocket_client'].replaced)\n"
        "fastws.uninstall()\n"
        "print('wsaccel' in sys.modules, 'wsaccel.xormask' in sys.modules)\n"
        "print(hasattr(_abnf, 'XorMaskerSimple'), hasattr(_utils, 'Utf8Validator'))\n"
    ) == [" ".join(REPLACED), "False False", "False False"]


def test_with_wsaccel_alone_its_modules_are_what_is_found() -> None:
    """Nothing is replaced then: websocket-client imports, by its own means, what is provided."""
    assert python(
        "fastws.install('wsaccel')\n"
        "import websocket\n"
        "from websocket import ABNF, _abnf, _utils\n"
        "from fastws.adapters import wsaccel\n"
        "print(_abnf.XorMaskerSimple is wsaccel.xormask.XorMaskerSimple)\n"
        "print(_utils.validate_utf8(b'ab\\xe2'), _utils.validate_utf8(b'\\xff'))\n"
        "print(ABNF.mask(b'abcd', b'hello') == bytes(map(int.__xor__, b'hello', b'abcda')))\n"
        "print(wsaccel.counters())\n"
    ) == ["True", "True False", "True", "{'masked': 1, 'validated': 2}"]


# --- A real connection ---------------------------------------------------------------------------


def echo(connection: ServerConnection) -> None:
    for message in connection:
        connection.send(message)


@contextmanager
def serving() -> Iterator[str]:
    """Serve an echo, of another library, in a thread; give its address."""
    with serve(echo, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield "ws://127.0.0.1:%d" % server.socket.getsockname()[1]  # noqa: UP031
        finally:
            server.shutdown()
            thread.join()


def talk(address: str) -> list[Any]:
    connection = websocket.create_connection(address, timeout=20)
    found: list[Any] = []
    for message in MESSAGES:
        if isinstance(message, str):
            connection.send(message)
        else:
            connection.send_binary(message)
        found.append(connection.recv())
    connection.send_close(1001, b"bye")
    found.append(connection.recv_data())
    connection.shutdown()
    return found


def test_echoes_are_those_of_stock() -> None:
    with serving() as address:
        before = adapter.counters()
        expected = talk(address)
        assert expected == [*MESSAGES, (8, b"\x03\xe9bye")]
        assert adapter.counters() == before
        fastws.install("websocket_client")
        try:
            assert talk(address) == expected
        finally:
            fastws.uninstall("websocket_client")
    after = adapter.counters()
    assert after["encoded"] - before["encoded"] == len(MESSAGES)
    assert after["validated"] - before["validated"] >= 4
