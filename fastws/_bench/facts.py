"""What every report says: where figures come from, and how a number is written."""

from __future__ import annotations

import platform
from pathlib import Path

import fastws

from . import rivals


def environment() -> dict[str, str]:
    """Say where the figures come from, and whom they compare with."""
    return system() | rivals.versions()


def system() -> dict[str, str]:
    """Say where the figures come from."""
    level = f", {fastws.simd}" if fastws.ACCELERATED else ""
    return {
        "processor": processor(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "fastws": f"{fastws.__version__}, {fastws.backend}{level}",
    }


def processor() -> str:
    """Give the processor's name where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def number(value: float) -> str:
    """Write three significant digits, and never fewer than all of those before the point."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
