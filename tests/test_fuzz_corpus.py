"""The corpus of the fuzzers, run again without them: every input through its own comparison.

On each back end and level; the programs over the kernels are built by the compiler at hand.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest
from fuzz.comparisons import COMPARISONS, PLANTED_LENGTH, compare, planted
from fuzz.targets import CORPUS, TARGETS
from fuzz.walk import Difference


def inputs(name: str) -> list[Path]:
    return sorted((CORPUS / name).iterdir())


@pytest.mark.parametrize("name", COMPARISONS)
def test_corpus(codec: ModuleType, name: str) -> None:
    for path in inputs(name):
        try:
            compare(name, path.read_bytes(), codec)
        except Exception as error:
            error.add_note(f"the input is {path}")
            raise


def test_corpus_shows_a_planted_fault(codec: ModuleType) -> None:
    faulty = planted(codec)
    # An unmasked text of that length behind the choices of role, options and steps.
    data = bytes([1, 0, 0, 0xFF, 0x20, PLANTED_LENGTH]) + b"x" * PLANTED_LENGTH
    compare("frames", data, codec)
    with pytest.raises(Difference, match="what comes"):
        compare("frames", data, faulty)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc to build the programs with")
def test_corpus_of_the_kernels(tmp_path: Path) -> None:
    kernels = CORPUS.parent / "kernels"
    make = ["make", "-s", "-C", str(kernels), "replay", "CC=gcc", f"BUILD={tmp_path}"]
    done = subprocess.run(make, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    ran = [line for line in done.stdout.splitlines() if line.endswith(" inputs")]
    counts = [len(inputs(target.name)) for target in TARGETS if target.in_c]
    assert sorted(ran) == sorted(f"{count} inputs" for count in counts)


def test_every_target_has_a_corpus() -> None:
    assert {target.name for target in TARGETS if not target.in_c} == set(COMPARISONS)
    for target in TARGETS:
        sizes = [path.stat().st_size for path in inputs(target.name)]
        assert 10 < len(sizes) < 1000
        assert max(sizes) <= target.most
