"""A library in wsaccel's shape, made at run time, and none of ours where the real one is."""

from __future__ import annotations

import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from processes import python

import fastws
from fastws.adapters import wsaccel as adapter

KEY = b"\x37\xfa\x21\x3d"
# A library of that name which is not ours, and one that imports what it holds by value.
REAL = {
    "wsaccel/__init__.py": "__version__ = '0.6.7'\n",
    "wsaccel/utf8validator.py": "class Utf8Validator: pass\n",
    "wsaccel/xormask.py": "class XorMaskerNull: pass\n"
    "class XorMaskerSimple: pass\n"
    "def createXorMasker(mask, length=None): pass\n",
    "wsaccel-0.6.7.dist-info/METADATA": "Metadata-Version: 2.1\nName: wsaccel\nVersion: 0.6.7\n",
}
# What is installed may hold the real one.
WITHOUT = ["-S"] if find_spec("wsaccel") else []


def run(code: str, path: Path | None = None) -> list[str]:
    """Run code where wsaccel is not installed, in front of `path`; give its lines."""
    done = python(*WITHOUT, "-c", f"import sys, fastws\n{code}", path=str(path or ""))
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture
def real(tmp_path: Path) -> Path:
    """Give a folder in which wsaccel is installed, and a host that uses it."""
    for name, text in REAL.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    (tmp_path / "websocket").mkdir()
    (tmp_path / "websocket/__init__.py").touch()
    (tmp_path / "websocket/_utils.py").write_text(
        "from wsaccel.utf8validator import Utf8Validator\n"
    )
    return tmp_path


# --- Where wsaccel is not installed --------------------------------------------------------------


def test_its_modules_are_made_when_they_are_imported() -> None:
    assert run(
        "fastws.install('wsaccel')\n"
        "print(fastws.status()['wsaccel'].state, 'wsaccel' in sys.modules)\n"
        "import wsaccel\n"
        "from wsaccel.xormask import XorMaskerSimple, XorMaskerNull, createXorMasker\n"
        "from wsaccel.utf8validator import Utf8Validator\n"
        "print(wsaccel.__version__, wsaccel.patch_ws4py.__module__, wsaccel.__path__)\n"
        "print(XorMaskerSimple(b'abcd').process(b'abcd'), Utf8Validator().validate(b'ab'))\n"
        "print(fastws.status()['wsaccel'][3:])\n"
    ) == [
        "waiting False",
        "0.6.7 fastws.adapters._wsaccel_members []",
        "b'\\x00\\x00\\x00\\x00' (True, True, 2, 2)",
        "('on', '', ('wsaccel', 'wsaccel.utf8validator', 'wsaccel.xormask'))",
    ]


def test_without_fastws_there_is_none_again() -> None:
    assert run(
        "before = set(sys.modules)\n"
        "fastws.install('wsaccel')\n"
        "import wsaccel.xormask\n"
        "fastws.uninstall('wsaccel')\n"
        "print(sorted(name for name in sys.modules if name.startswith('wsaccel')))\n"
        "print([type(f).__name__ for f in sys.meta_path if type(f).__module__[:6] == 'fastws'])\n"
        "try:\n"
        "    import wsaccel.xormask\n"
        "except ImportError as error:\n"
        "    print(error)\n"
    ) == ["[]", "[]", "No module named 'wsaccel'"]


def test_other_modules_of_it_are_not_made() -> None:
    assert run(
        "fastws.install('wsaccel')\n"
        "try:\n"
        "    import wsaccel.unknown\n"
        "except ImportError as error:\n"
        "    print(error)\n"
    ) == ["No module named 'wsaccel.unknown'"]


def test_a_host_with_an_adapter_of_its_own_finds_none(real: Path) -> None:
    """Stock, it would be another one after `uninstall()`: what it imports by value, it keeps."""
    for folder in ("wsaccel", "wsaccel-0.6.7.dist-info"):
        shutil.rmtree(real / folder)
    host = (
        "try:\n    import wsaccel.utf8validator\n    found = True\n"
        "except ImportError:\n    found = False\n"
    )
    for module in ("_abnf", "_utils"):
        (real / f"websocket/{module}.py").write_text(host)
    code = (
        "import warnings; warnings.simplefilter('ignore')\n"  # it is not what the adapter knows
        "fastws.install({names})\n"
        "import wsaccel\n"
        "import websocket._abnf, websocket._utils\n"
        "print(websocket._abnf.found, websocket._utils.found, 'wsaccel' in sys.modules)\n"
    )
    both = run(code.format(names="'wsaccel', 'websocket_client'"), real)
    assert both == ["False False True"]
    alone = run(code.format(names="'wsaccel'"), real)
    assert alone == ["True True True"]


# --- Where it is installed -----------------------------------------------------------------------


@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
def test_the_real_one_stays_and_who_holds_it_gets_ours(real: Path, late: bool) -> None:
    install = "fastws.install('wsaccel')\n"
    assert run(
        ("" if late else install) + "import wsaccel.utf8validator, wsaccel.xormask\n"
        "import websocket._utils as host\n"
        "real = wsaccel.utf8validator.Utf8Validator\n"
        + (install if late else "")
        + "import wsaccel\n"
        "print(real.__module__, wsaccel.__file__ is not None)\n"
        "print(host.Utf8Validator.__module__, fastws.status()['wsaccel'].replaced)\n"
        "fastws.uninstall()\n"
        "print(host.Utf8Validator is real, sys.modules['wsaccel'] is wsaccel)\n",
        real,
    ) == [
        "wsaccel.utf8validator True",
        "fastws.adapters._wsaccel_members ('websocket._utils.Utf8Validator',)",
        "True True",
    ]


def test_one_that_lacks_something_is_left_alone(real: Path) -> None:
    (real / "wsaccel/xormask.py").write_text("class XorMaskerSimple: pass\n")
    assert run(
        "import warnings; warnings.simplefilter('ignore')\n"
        "fastws.install('wsaccel')\n"
        "import wsaccel.xormask, websocket._utils\n"
        "print(fastws.status()['wsaccel'][3:])\n",
        real,
    ) == ["('refused', 'wsaccel.xormask.XorMaskerNull does not exist', ())"]


# --- Maskers -------------------------------------------------------------------------------------


def masker(mask: Any = KEY) -> Any:
    return adapter.xormask.XorMaskerSimple(mask)


def test_a_payload_in_pieces() -> None:
    payload = bytes(range(256)) * 3
    for size in (1, 2, 3, 5, 64, 1000):
        ours = masker()
        pieces = [ours.process(payload[at : at + size]) for at in range(0, len(payload), size)]
        assert b"".join(pieces) == fastws.apply_mask(payload, KEY)
        assert ours.pointer() == len(payload)
        ours.reset()
        assert (ours.pointer(), ours.process(b"\x37")) == (0, b"\x00")


@pytest.mark.parametrize("make", [bytes, bytearray, memoryview], ids=lambda make: make.__name__)
def test_any_buffer_of_bytes(make: Any) -> None:
    found = masker(make(KEY)).process(make(b"hello"))
    assert (type(found), found) == (bytes, fastws.apply_mask(b"hello", KEY))
    assert masker().process(None) == b""


@pytest.mark.parametrize("mask", [None, b"", b"abc", b"abcde"])
def test_a_mask_that_is_none(mask: Any) -> None:
    with pytest.raises(ValueError, match=r"^mask should be 4byte\.$"):
        masker(mask)


def test_the_masker_that_does_nothing() -> None:
    null = adapter.xormask.XorMaskerNull()
    data = bytearray(b"data")
    assert null.process(data) is data
    assert null.pointer() == 4
    null.reset()
    assert null.pointer() == 0


def test_a_length_may_be_given_and_is_of_no_use() -> None:
    make = adapter.xormask.createXorMasker
    for ours in (make(KEY), make(KEY, 7), make(KEY, len=7), make(KEY, length=7)):
        assert ours.process(b"hello") == fastws.apply_mask(b"hello", KEY)


def test_what_it_does_is_counted() -> None:
    before = adapter.counters()
    masker().process(b"x")
    adapter.utf8validator.Utf8Validator().validate(b"x")
    after = adapter.counters()
    assert {name: after[name] - before[name] for name in after} == {"masked": 1, "validated": 1}


def test_patch_ws4py() -> None:
    pytest.importorskip("ws4py")
    done = python(
        "-c",
        "from fastws.adapters import wsaccel\n"
        "wsaccel.patch_ws4py()\n"
        "from ws4py import framing, streaming\n"
        "frame = framing.Frame(opcode=2, body=b'', masking_key=b'abcd')\n"
        "print(frame.mask(b'abcd'), framing.Frame(opcode=2, body=b'').unmask(b'x'))\n"
        "print(streaming.Utf8Validator.__module__)\n",
    )
    assert done.stdout.splitlines() == [
        "b'\\x00\\x00\\x00\\x00' b'x'",
        "fastws.adapters._wsaccel_members",
    ], done.stderr


def test_patch_autobahn() -> None:
    pytest.importorskip("autobahn")
    done = python(
        "-c",
        "from fastws.adapters import wsaccel\n"
        "wsaccel.patch_autobahn()\n"
        "import autobahn.websocket as host\n"
        "print(host.Utf8Validator.__module__, host.XorMaskerSimple is host.XorMaskerShifted1)\n",
    )
    assert done.stdout.splitlines() == ["fastws.adapters._wsaccel_members True"], done.stderr


def test_this_process_has_no_wsaccel() -> None:
    """The adapter gives modules without taking their names."""
    assert adapter.xormask.__name__ == "wsaccel.xormask"
    assert sys.modules.get("wsaccel.xormask") is not adapter.xormask
