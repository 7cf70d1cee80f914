"""The cases of the suite, by name: what is asked for is exactly what has to be in a report."""

from __future__ import annotations

from collections.abc import Sequence

# How many there are of each group: 1.1:8 means 1.1.1 to 1.1.8.
GROUPS = """
1.1:8 1.2:8 2:11 3:7 4.1:5 4.2:5 5:20
6.1:3 6.2:4 6.3:2 6.4:4 6.5:5 6.6:11 6.7:4 6.8:2 6.9:4 6.10:3 6.11:5 6.12:8 6.13:5 6.14:10 6.15:1
6.16:3 6.17:5 6.18:5 6.19:5 6.20:7 6.21:8 6.22:34 6.23:7
7.1:6 7.3:6 7.5:1 7.7:13 7.9:9 7.13:2
9.1:6 9.2:6 9.3:9 9.4:9 9.5:6 9.6:6 9.7:6 9.8:6
10.1:1
12.1:18 12.2:18 12.3:18 12.4:18 12.5:18
13.1:18 13.2:18 13.3:18 13.4:18 13.5:18 13.6:18 13.7:18
"""
SIZES = {name: int(size) for name, _, size in (g.partition(":") for g in GROUPS.split())}
ALL = tuple(f"{group}.{n}" for group, size in SIZES.items() for n in range(1, size + 1))
# Of the cases with compression those of short messages, and the first that is in fragments. The
# others take the suite itself most of its time.
SHORT = (1, 2, 3, 4, 5, 6, 11)

# What the suite calls INFORMATIONAL whatever the peer does; its behaviour and its close.
INFORMATIONAL = frozenset({"7.1.6", "7.13.1", "7.13.2"})


def number(case: str) -> tuple[int, ...]:
    """Give what cases are sorted by."""
    return tuple(int(part) for part in case.split("."))


def with_compression(case: str) -> bool:
    return number(case)[0] in (12, 13)


def heavy(case: str) -> bool:
    """Tell whether a case may take seconds."""
    return number(case)[0] in (9, 12, 13)


SELECTIONS: dict[str, Sequence[str]] = {
    "quick": tuple(case for case in ALL if not heavy(case)),
    "middle": tuple(
        case for case in ALL if not with_compression(case) or number(case)[-1] in SHORT
    ),
    "all": ALL,
}
