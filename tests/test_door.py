"""The C-level door: a second extension is built against the core, as a user would, and tried."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from helpers import make_frame
from processes import ROOT

import fastws

ASKER = Path(__file__).parent / "door" / "asker.pyx"
UNMASK = Path(__file__).parent.parent / "examples" / "server" / "door" / "unmask.pyx"
KEY = bytes.fromhex("37fa213d")
TEXTS = ["", "a", "hello " * 100, "Grüße", "Привет " * 40, "世界" * 99, "🌍 and a" * 50]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not fastws.ACCELERATED, reason="the door is the compiled core's"),
]


def python(*words: object, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, words)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": f"{cwd}{os.pathsep}{ROOT}", **environment},
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with both extensions, built with nothing of ours but the installed package."""
    folder = tmp_path_factory.mktemp("door")
    for source in (ASKER, UNMASK):
        shutil.copy(source, folder)
        done = python("-m", "Cython.Build.Cythonize", "-i", "-q", source.name, cwd=folder)
        assert done.returncode == 0, done.stdout + done.stderr
    return folder


def ask(built: Path, code: str, **environment: str) -> Any:
    """Run code that has `asker`, `unmask` and `fastws`; give what it leaves in `answer`."""
    program = f"import json, asker, unmask, fastws\n{code}\nprint(json.dumps(answer))"
    done = python("-c", program, cwd=built, **environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(params=fastws._codec.levels() if fastws.ACCELERATED else ())  # type: ignore[attr-defined]
def level(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_masks_and_texts(built: Path, level: str) -> None:
    code = f"""
texts = {TEXTS!r}
key = {KEY!r}
answer = [fastws.simd]
for text in texts:
    data = text.encode()
    for offset in range(5):
        assert asker.mask(data, key, offset) == fastws.apply_mask(data, key, offset)
    assert asker.valid(data) and asker.decode(data, None) == text
    assert asker.decode(fastws.apply_mask(data, key), key) == text
    for cut in range(len(data) + 1):
        whole = fastws.validate_utf8(data[:cut])
        assert asker.valid(data[:cut]) is whole
        assert asker.feed([data[:cut]]) == (cut, whole)
        assert asker.feed([data[:cut], data[cut:]]) == (len(data), True)
bad = b"good " * 20 + bytes([0xC3, 0x28])
assert not asker.valid(bad) and asker.feed([bad]) == (101, False)
assert asker.feed([bad[:101], bad[101:]]) == (101, False)
try:
    asker.decode(bad, None)
except fastws.InvalidUtf8Error as error:
    answer.append(str(error))
"""
    try:
        fastws.decode_text(b"good " * 20 + bytes([0xC3, 0x28]))
    except fastws.InvalidUtf8Error as error:
        expected = str(error)
    assert ask(built, code, FASTWS_SIMD=level) == [level, expected]


def test_headers_are_read_as_in_python(built: Path) -> None:
    code = """
from itertools import product
answer = 0
tails = b"", bytes(1), bytes(2), bytes([0, 126]), bytes([255] * 8), bytes([0] * 5 + [1, 0, 0]) * 2
for first, second in product(range(256), (0, 1, 125, 126, 127, 128, 200, 253, 254, 255)):
    for tail in tails:
        data = bytes([first, second]) + tail
        for size in range(len(data) + 1):
            try:
                header = fastws.parse_header(data[:size])
                expected = header and (
                    header.payload_length, header.mask or b"", header.opcode, header.rsv,
                    header.fin, header.masked, header.header_length,
                )
            except fastws.ProtocolError:
                expected = "broken"
            assert asker.header(data[:size]) == expected, (data[:size], expected)
            answer += 1
"""
    assert ask(built, code) > 50_000


def test_headers_are_written_as_in_python(built: Path) -> None:
    code = """
answer = 0
for opcode in (0, 1, 2, 8, 9, 10):
    for length in (0, 1, 125, 126, 65535, 65536, 2**62) if opcode < 8 else (0, 125):
        for fin in (True, False) if opcode < 8 else (True,):
            for key in (None, b"abcd"):
                for rsv in (0, 0x40, 0x70):
                    expected = fastws.encode_header(opcode, length, fin=fin, rsv=rsv, mask=key)
                    assert asker.write(opcode, length, fin, rsv, key) == expected
                    answer += 1
for wrong in (
    (3, 0, True, 0), (16, 0, True, 0), (-1, 0, True, 0), (1, 2**63, True, 0),
    (32, 0, True, 0), (33, 0, True, 0), (64, 0, True, 0), (65, 0, True, 0), (1 << 30, 0, True, 0),
    (-24, 0, True, 0), (-32, 0, True, 0), (-62, 0, True, 0), (-64, 0, True, 0),
    (9, 126, True, 0), (9, 0, False, 0), (1, 0, True, 0x80), (1, 0, True, 1),
):
    assert asker.write(*wrong, None) == b""
assert len({asker.new_key() for _ in range(1000)}) == 1000
"""
    assert ask(built, code) == 288


def test_the_example_unmasks_a_stream(built: Path) -> None:
    frames = [make_frame(1, b"masked", mask=KEY), make_frame(2, bytes(300)), make_frame(9, b"")]
    stream = b"".join(frames)
    code = f"""
stream = {stream!r}
answer = [len(unmask.payloads(stream[:size])) for size in range(len(stream) + 1)]
assert unmask.payloads(stream) == [b"masked", bytes(300), b""]
huge = bytes([0x82, 127, 0x7F]) + b"\\xff" * 7
assert unmask.payloads(huge) == []
try:
    unmask.payloads(b"\\x83\\x00")
except ValueError as error:
    answer.append(str(error))
"""
    *counts, error = ask(built, code)
    ends = [sum(map(len, frames[: i + 1])) for i in range(3)]
    assert counts == [sum(size >= end for end in ends) for size in range(len(stream) + 1)]
    assert error == "not a frame"


def test_without_the_core_the_import_says_so(built: Path, tmp_path: Path) -> None:
    """As where the pure wheel is installed: the user's `except ImportError` has to see it."""
    package = tmp_path / "fastws"
    ignored = shutil.ignore_patterns("_codec.*", "__pycache__", "_kernels")
    shutil.copytree(Path(fastws.__file__).parent, package, ignore=ignored)
    code = f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(built)!r}]; import asker"
    done = subprocess.run(
        [sys.executable, "-P", "-S", "-c", code],
        cwd=tmp_path,
        env={k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "FASTWS_"))},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("ModuleNotFoundError: ")
    assert "fastws._codec" in done.stderr


def test_another_declaration_is_refused(built: Path, tmp_path: Path) -> None:
    """What was built before is not to call a function that a later core declares otherwise."""
    package = tmp_path / "fastws"
    package.mkdir()
    (package / "__init__.py").touch()
    declared = (Path(fastws.__file__).parent / "_codec.pxd").read_text(encoding="utf-8")
    changed = declared.replace("size_t n, const uint8_t *key, size_t offset", "size_t n, int key")
    assert changed != declared
    (package / "_codec.pxd").write_text(changed, encoding="utf-8")
    source = "from fastws._codec cimport ws_mask\nws_mask(NULL, NULL, 0, 0)\n"
    (tmp_path / "late.pyx").write_text(f"# cython: language_level=3\n{source}", encoding="utf-8")
    options = {"PYTHONPATH": str(tmp_path)}
    done = python("-m", "Cython.Build.Cythonize", "-i", "-q", "late.pyx", cwd=tmp_path, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    (package / "__init__.py").unlink()
    (package / "_codec.pxd").unlink()
    package.rmdir()
    done = python("-c", "import late", cwd=tmp_path)
    assert "TypeError: C function fastws._codec.ws_mask has wrong signature" in done.stderr
