"""What the class for uvicorn is to be worth; uvicorn_compare.py measures it.

Apart from that, since whoever reports what was measured need not have uvicorn.
"""

from __future__ import annotations

from typing import NamedTuple


class Target(NamedTuple):
    """How much more than we a rival is to need for a work, at each size, on asyncio."""

    work: str
    sizes: tuple[int, ...]
    rival: str
    gain: float
    deflate: bool = False


TARGETS = (
    Target("echo", (64, 1024), "websockets-sansio", 2),
    Target("echo", (64, 1024), "wsproto", 2.5),
    Target("echo", (65536,), "websockets-sansio", 1.5),
    Target("echo", (65536,), "wsproto", 3),
    Target("echo", (1 << 20,), "websockets-sansio", 1.8),
    Target("echo", (1 << 20,), "wsproto", 5),
    *(
        Target("echo", (64, 1024, 65536, 1 << 20), rival, 1, deflate=True)
        for rival in ("websockets-sansio", "wsproto")
    ),
    Target("broadcast", (64, 1024), "websockets-sansio", 1.5),
    Target("idle", (0,), "websockets-sansio", 4 / 3),
)
