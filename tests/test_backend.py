"""Which back end and which SIMD level is taken, and that nothing falls back in silence.

Each choice is made at import, so each test imports the package in a process of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import fastws

PARENT = str(Path(fastws.__file__).parents[1])
SHOW = "import fastws; print(fastws.backend, fastws.simd, fastws.ACCELERATED)"
# A finder that stands for a core that was not built.
MISSING = """
import sys
class NoCore:
    def find_spec(self, name, path=None, target=None):
        if name == "fastws._codec":
            raise ModuleNotFoundError("no core here", name=name)
sys.meta_path.insert(0, NoCore())
"""
# ... and for one that is there and cannot be loaded.
BROKEN = MISSING.replace(
    'ModuleNotFoundError("no core here", name=name)', 'ImportError("undefined symbol")'
)
LEVELS = ("avx512", "avx2", "sse4", "neon", "scalar")


SWITCHES = ("FASTWS_NO_EXTENSIONS", "FASTWS_REQUIRE_EXTENSIONS", "FASTWS_SIMD")


def python(code: str, **switches: str) -> subprocess.CompletedProcess[str]:
    """Run code with these switches and no others."""
    environment = {key: value for key, value in os.environ.items() if key not in SWITCHES}
    environment |= {f"FASTWS_{name}": value for name, value in switches.items()}
    environment["PYTHONPATH"] = PARENT
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)


def shown(code: str, **switches: str) -> str:
    """Give what code prints; it has to end well, and without a word on the side."""
    done = python(code, **switches)
    assert done.stderr == ""
    assert done.returncode == 0
    return done.stdout.strip()


def import_error(code: str, **switches: str) -> str:
    """Give the text of the ImportError that ends the code."""
    done = python(code, **switches)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith(("ImportError: ", "ModuleNotFoundError: "))
    return last


@pytest.fixture(scope="module")
def levels() -> list[str]:
    """Name the levels of this machine, best first."""
    if os.environ.get("FASTWS_NO_EXTENSIONS", "") not in ("", "0"):
        pytest.skip("FASTWS_NO_EXTENSIONS: the compiled core is not wanted")
    return shown("from fastws import _codec; print(*_codec.levels())").split()


def test_best_level_is_taken(levels: list[str]) -> None:
    assert levels[-1] == "scalar"
    assert [name for name in LEVELS if name in levels] == levels
    assert shown(SHOW) == f"c {levels[0]} True"


@pytest.mark.parametrize("off", ["", "0"])
def test_empty_and_zero_mean_off(levels: list[str], off: str) -> None:
    switches = {"NO_EXTENSIONS": off, "REQUIRE_EXTENSIONS": off, "SIMD": ""}
    assert shown(SHOW, **switches) == f"c {levels[0]} True"
    switches = {"REQUIRE_EXTENSIONS": off}
    assert shown(MISSING + SHOW, **switches) == "python python False"


def test_no_extensions_takes_the_pure_twin() -> None:
    assert shown(SHOW, NO_EXTENSIONS="1") == "python python False"
    code = (
        "import sys, fastws; print(*[n in sys.modules for n in ('fastws._codec', 'fastws._pure')])"
    )
    assert shown(code, NO_EXTENSIONS="1") == "False True"


def test_public_names_come_from_the_chosen_back_end(levels: list[str]) -> None:
    code = """
import fastws, sys
codec = sys.modules["fastws._codec" if fastws.ACCELERATED else "fastws._pure"]
print(all(getattr(fastws, n) is getattr(codec, n) for n in dir(codec) if n in fastws.__all__))
print(fastws.FrameDecoder is codec.FrameDecoder, fastws.apply_mask(b"a", b"abcd"))
"""
    for switches in ({}, {"NO_EXTENSIONS": "1"}):
        assert shown(code, **switches).split() == ["True", "True", r"b'\x00'"]


@pytest.mark.parametrize("core", [MISSING, BROKEN], ids=["missing", "broken"])
def test_missing_core_falls_back(core: str) -> None:
    assert shown(core + SHOW) == "python python False"


@pytest.mark.parametrize("core", [MISSING, BROKEN], ids=["missing", "broken"])
def test_required_core_may_not_be_missing(core: str) -> None:
    text = import_error(core + SHOW, REQUIRE_EXTENSIONS="1")
    assert "_codec" in text or "undefined symbol" in text


def test_required_core_is_taken(levels: list[str]) -> None:
    assert shown(SHOW, REQUIRE_EXTENSIONS="1") == f"c {levels[0]} True"


def test_each_level_of_this_machine_can_be_asked_for(levels: list[str]) -> None:
    for level in levels:
        assert shown(SHOW, SIMD=level) == f"c {level} True"


@pytest.mark.parametrize("required", ["", "1"])
@pytest.mark.parametrize("wrong", ["avx1024", "AVX2", "python", "scalar ", "lacking"])
def test_level_that_is_not_there_is_an_error(levels: list[str], wrong: str, required: str) -> None:
    if wrong == "lacking":
        wrong = next(level for level in LEVELS if level not in levels)
    text = import_error(SHOW, SIMD=wrong, REQUIRE_EXTENSIONS=required)
    assert f"FASTWS_SIMD={wrong}" in text
    assert text.endswith(", ".join(levels))


def test_levels_give_the_same_results(levels: list[str]) -> None:
    code = """
import fastws
data = bytes(range(256)) * 5
decoder = fastws.FrameDecoder(None)
decoder.feed(fastws.encode_frame(2, data, mask=b"1234"))
print(next(decoder).payload == data, hash(fastws.apply_mask(data, b"1234").hex()) != 0)
"""
    for level in levels:
        assert shown(code, SIMD=level) == "True True"
