"""What there is to fuzz: programs over the kernels, and comparisons of the Python face."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"


@dataclass(frozen=True)
class Target:
    name: str
    in_c: bool
    share: float  # of a run by streams, out of 100
    most: int = 512  # bytes of an input


TARGETS = [
    Target("fuzz_header", True, 33, most=64),
    Target("fuzz_mask", True, 20, most=128),
    Target("fuzz_utf8", True, 12),
    Target("fuzz_decode", True, 9),
    Target("fuzz_encode", True, 9),
    Target("frames", False, 2.5, most=160),
    Target("messages", False, 3, most=160),
    Target("connections", False, 3, most=160),
    Target("peers", False, 2.5, most=160),
    Target("text", False, 3, most=160),
    Target("encode", False, 3, most=160),
]
