"""What `fastws info` tells: the back end, the level, and where each host library stands.

Rule: it is gathered once, as plain data, which `--json` prints whole; people get it as a table that
is no wider than their terminal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

__all__ = ["as_text", "gather"]

NARROWEST = 30  # columns that a reason gets, whatever the terminal has
HEADS = ("host", "version", "supported", "state")


def gather() -> dict[str, Any]:
    """Tell what is in use here, in what JSON knows.

    Every host library that is installed is imported with its adapter in: that alone shows what a
    program would get.
    """
    import platform

    import fastws

    return {
        "fastws": fastws.__version__,
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": platform.system(),
        "machine": platform.machine(),
        "backend": fastws.backend,
        "why_not_compiled": "" if fastws.ACCELERATED else why_not_compiled(),
        "simd": fastws.simd,
        "levels": list(levels_here()),
        "hosts": gather_hosts(),
    }


def levels_here() -> tuple[str, ...]:
    """Give the SIMD levels that this machine can use, best first."""
    try:
        from . import _codec
    except ImportError:
        return ()
    levels: tuple[str, ...] = _codec.levels()
    return levels


def why_not_compiled() -> str:
    """Say why the pure back end is in use."""
    from ._backend import switched_on

    if switched_on("FASTWS_NO_EXTENSIONS"):
        return "FASTWS_NO_EXTENSIONS is set"
    try:
        import fastws._codec  # noqa: F401
    except ImportError as error:
        return f"no compiled core: {error}"
    return "the compiled core could not be imported"


def gather_hosts() -> dict[str, dict[str, Any]]:
    """Tell of each host library what `fastws.status()` would, in a program that imports it."""
    import warnings

    from .adapters import install, status
    from .adapters._registry import hosts

    failures = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a refusal's reason stands in the table
        install()
        for name, host in hosts().items():
            if host.status().state != "absent":
                failures[name] = import_failure(host.modules[0])
        found = {name: each._asdict() for name, each in status().items()}
    for name, fields in found.items():
        del fields["host"]  # it is the key
        fields["reason"] = fields["reason"] or failures.get(name, "")
    return found


def import_failure(module: str) -> str:
    """Import a module and say what went wrong, or nothing."""
    from importlib import import_module

    try:
        import_module(module)
    except Exception as error:  # whatever a host raises, the others are to be shown
        return f"cannot be imported: {error!r}"
    return ""


# --- For people ----------------------------------------------------------------------------------


def as_text(facts: dict[str, Any], width: int | None) -> str:
    """Lay out what was gathered, in lines of so many columns; None for as many as it takes.

    What is replaced is left out where there is no room for it.
    """
    reason = f" ({facts['why_not_compiled']})" if facts["why_not_compiled"] else ""
    implementation = f"{facts['implementation']} {facts['python']}"
    heads = {
        "fastws": facts["fastws"],
        "python": f"{implementation} on {facts['system']} {facts['machine']}",
        "back end": facts["backend"] + reason,
        "level": facts["simd"],
        "levels here": " ".join(facts["levels"]) or "none",
    }
    lines = [f"{name:<13}{value}" for name, value in heads.items()]
    return "\n".join([*lines, "", *host_lines(facts["hosts"], width)])


def host_lines(hosts: dict[str, dict[str, Any]], width: int | None) -> list[str]:
    """Lay out the table of hosts: a last column holds why not, or else what is replaced."""
    rows = [HEADS] + [
        (name, host["version"] or "-", host["supported"] or "-", host["state"])
        for name, host in hosts.items()
    ]
    columns = [max(map(len, column)) for column in zip(*rows, strict=True)]
    room = None if width is None else width - sum(columns) - 2 * len(columns)
    longest = max((len(item) for host in hosts.values() for item in host["replaced"]), default=0)
    shown = longest > 0 and (room is None or longest <= room)
    last = [["replaced"] if shown else []]
    for host in hosts.values():
        replaced = list(host["replaced"]) if shown else []
        last.append(wrapped(host["reason"], room) if host["reason"] else replaced)
    lines = []
    for row, items in zip(rows, last, strict=True):
        start = "  ".join(f"{word:<{size}}" for word, size in zip(row, columns, strict=True))
        for number, item in enumerate(items or [""]):
            begin = start if number == 0 else " " * len(start)
            lines.append(f"{begin}  {item}".rstrip())
    return lines


def wrapped(text: str, width: int | None) -> list[str]:
    """Break a text into lines."""
    import textwrap

    return [text] if width is None else textwrap.wrap(text, max(width, NARROWEST))
