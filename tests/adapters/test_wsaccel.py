"""What fastws offers in wsaccel's place: its API, with or without the real one installed."""

from __future__ import annotations

import array
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from helpers import kind, naive_mask
from hypothesis import given
from hypothesis import strategies as st

import fastws
from fastws.adapters import wsaccel
from fastws.adapters.wsaccel import utf8validator, xormask

KEY = b"\x11\x22\x33\x44"
REAL = {
    "__init__": "__version__ = '0.6.7'",
    "utf8validator": "class Utf8Validator: pass",
    "xormask": "class XorMaskerNull: pass\nclass XorMaskerSimple: pass\n"
    "def createXorMasker(mask, len=None): pass",
}
HOLDER = "from wsaccel.utf8validator import Utf8Validator\n"


# --- Maskers -------------------------------------------------------------------------------------


@given(st.lists(st.binary(max_size=40), max_size=6), st.binary(min_size=4, max_size=4))
def test_a_payload_in_pieces(pieces: list[bytes], key: bytes) -> None:
    masker, nothing = xormask.createXorMasker(key), xormask.XorMaskerNull(key)
    whole = b"".join(pieces)
    for _ in range(2):
        assert b"".join(map(masker.process, pieces)) == naive_mask(whole, key)
        assert b"".join(map(nothing.process, pieces)) == whole
        assert masker.pointer() == nothing.pointer() == len(whole)
        masker.reset()
        nothing.reset()
        assert masker.pointer() == nothing.pointer() == 0


@pytest.mark.parametrize(
    "convert", [bytes, bytearray, memoryview, lambda raw: array.array("B", raw)]
)
def test_any_buffer_is_taken(convert: Any) -> None:
    data = convert(b"hello, world")
    found = xormask.XorMaskerSimple(convert(KEY)).process(data)
    assert type(found) is bytes and found == naive_mask(b"hello, world", KEY)
    assert data == convert(b"hello, world")


def test_a_buffer_with_gaps_is_taken() -> None:
    assert xormask.XorMaskerSimple(KEY).process(memoryview(b"h-e-l-l-o-")[::2]) == naive_mask(
        b"hello", KEY
    )
    assert xormask.XorMaskerSimple(KEY).process(None) == b""


@pytest.mark.parametrize("key", [b"", b"abc", b"abcde", None], ids=kind)
def test_other_keys_are_refused(key: Any) -> None:
    for make in (xormask.XorMaskerSimple, xormask.createXorMasker):
        with pytest.raises(ValueError, match=r"^mask should be 4byte\.$"):
            make(key)


@pytest.mark.parametrize("argument", ["text", 5])
def test_what_is_no_buffer_is_refused(argument: Any) -> None:
    text = f"^a bytes-like object is required, not '{kind(argument)}'$"
    with pytest.raises(TypeError, match=text):
        xormask.XorMaskerSimple(argument)
    with pytest.raises(TypeError, match=text):
        xormask.XorMaskerSimple(KEY).process(argument)


@pytest.mark.parametrize("data", [array.array("I", [1]), array.array("b", b"abc")])
def test_other_items_are_refused(data: Any) -> None:
    with pytest.raises(ValueError, match="a buffer of bytes in one dimension is required"):
        xormask.XorMaskerSimple(KEY).process(data)


def test_the_length_has_two_names() -> None:
    for options in ({"len": 5}, {"length": 5}):
        assert xormask.createXorMasker(KEY, **options).process(b"\x11") == b"\0"
    assert xormask.createXorMasker(KEY, 5).process(b"\x11") == b"\0"


def test_what_is_done_is_counted() -> None:
    before = wsaccel.counters()
    xormask.XorMaskerSimple(KEY).process(b"x")
    utf8validator.Utf8Validator().validate(b"x")
    after = wsaccel.counters()
    assert after == {name: count + 1 for name, count in before.items()}


# --- Patches that wsaccel itself offers ----------------------------------------------------------


def test_ws4py_can_be_patched_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    framing = pytest.importorskip("ws4py.framing")
    streaming = pytest.importorskip("ws4py.streaming")
    for owner, name in [
        (framing.Frame, "mask"),
        (framing.Frame, "unmask"),
        (streaming, "Utf8Validator"),
    ]:
        monkeypatch.setattr(owner, name, getattr(owner, name))  # to have it back afterwards
    wsaccel.patch_ws4py()
    assert streaming.Utf8Validator is utf8validator.Utf8Validator
    frame = framing.Frame(opcode=2, body=b"x", masking_key=KEY)
    assert frame.mask(b"hello") == frame.unmask(b"hello") == naive_mask(b"hello", KEY)
    frame.masking_key = None
    assert frame.mask(b"hello") == b"hello"


def test_autobahn_is_given_what_it_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    package: Any = SimpleNamespace(websocket=SimpleNamespace())
    monkeypatch.setitem(sys.modules, "autobahn", package)
    monkeypatch.setitem(sys.modules, "autobahn.websocket", package.websocket)
    wsaccel.patch_autobahn()
    assert package.websocket.Utf8Validator is utf8validator.Utf8Validator
    assert package.websocket.XorMaskerNull is xormask.XorMaskerNull
    assert package.websocket.XorMaskerShifted1 is xormask.XorMaskerSimple


# --- Install -------------------------------------------------------------------------------------


def python(code: str, folder: Path | None = None) -> list[str]:
    """Run code in a fresh interpreter, which has a folder on its path; give its lines."""
    paths = [str(Path(fastws.__file__).parent.parent)] + ([str(folder)] if folder else [])
    code = f"import sys; sys.path[:0] = {paths!r}; import fastws\n{code}"
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def install_real(folder: Path, version: str = "0.6.7") -> None:
    """Write something of wsaccel's build, and a module of a host that holds part of it."""
    for package in ("wsaccel", "websocket"):
        (folder / package).mkdir()
    for name, text in REAL.items():
        (folder / "wsaccel" / f"{name}.py").write_text(text.replace("0.6.7", version))
    (folder / "websocket" / "__init__.py").write_text("")
    (folder / "websocket" / "_utils.py").write_text(HOLDER)


def test_provided_where_it_is_not_installed() -> None:
    assert python(
        "fastws.install('wsaccel')\n"
        "print(fastws.status()['wsaccel'].state, 'wsaccel' in sys.modules)\n"
        "from wsaccel.xormask import XorMaskerNull, XorMaskerSimple, createXorMasker\n"
        "from wsaccel.utf8validator import Utf8Validator\n"
        "import wsaccel\n"
        "print(wsaccel.__version__, wsaccel.xormask.XorMaskerSimple is XorMaskerSimple)\n"
        "print(fastws.status()['wsaccel'].state, *fastws.status()['wsaccel'].replaced)\n"
        "fastws.uninstall('wsaccel')\n"
        "print(*[name for name in sys.modules if name.startswith('wsaccel')])\n"
        "print(fastws.status()['wsaccel'].state)\n"
    ) == [
        "waiting False",
        "0.6.7 True",
        "on wsaccel wsaccel.utf8validator wsaccel.xormask",
        "",
        "absent",
    ]


@pytest.mark.parametrize("early", [True, False])
def test_where_it_is_installed_who_holds_it_is_given_ours(tmp_path: Path, early: bool) -> None:
    install_real(tmp_path)
    lines = ["fastws.install('wsaccel')", "import wsaccel.utf8validator, websocket._utils as host"]
    assert python(
        "\n".join(lines if early else reversed(lines)) + "\n"
        "print(host.Utf8Validator.__module__, wsaccel.utf8validator.Utf8Validator.__module__)\n"
        "print(fastws.status()['wsaccel'].state, *fastws.status()['wsaccel'].replaced)\n"
        "fastws.uninstall('wsaccel')\n"
        "print(host.Utf8Validator is wsaccel.utf8validator.Utf8Validator)\n"
        "print('wsaccel' in sys.modules, fastws.status()['wsaccel'].state)\n",
        tmp_path,
    ) == [
        "fastws.adapters._wsaccel_members wsaccel.utf8validator",
        "on websocket._utils.Utf8Validator",
        "True",
        "True off",
    ]


def test_another_version_is_left_alone(tmp_path: Path) -> None:
    install_real(tmp_path, "0.7")
    assert python(
        "import warnings\n"
        "import websocket._utils as host\n"
        "with warnings.catch_warnings(record=True) as told:\n"
        "    warnings.simplefilter('always')\n"
        "    fastws.install('wsaccel')\n"
        "print(*[warning.message for warning in told])\n"
        "print(host.Utf8Validator.__module__, fastws.status()['wsaccel'].state)\n",
        tmp_path,
    ) == [
        "fastws leaves wsaccel as it is: version 0.7 is not one that the adapter was proven on"
        f" (supported: {wsaccel.supported()})",
        "wsaccel.utf8validator refused",
    ]


def test_another_structure_is_left_alone(tmp_path: Path) -> None:
    install_real(tmp_path)
    (tmp_path / "wsaccel" / "utf8validator.py").write_text("Other = 1")
    (tmp_path / "websocket" / "_utils.py").write_text("import wsaccel.utf8validator")
    assert python(
        "import warnings; warnings.simplefilter('ignore')\n"
        "fastws.install('wsaccel')\n"
        "import websocket._utils\n"
        "print(fastws.status()['wsaccel'].reason)\n",
        tmp_path,
    ) == ["wsaccel.utf8validator.Utf8Validator does not exist"]
