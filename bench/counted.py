"""The work whose instructions are counted, and a program that does it so many times.

    python bench/counted.py NAME LOOPS

`instructions.py` runs that under valgrind, so as little as possible is imported here. The work is
that of this checkout, whichever fastws is importable: so two versions of fastws do the same.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import fastws


def take_from_here(name: str) -> None:
    """Import a package of fastws from this checkout, under the name that it always has."""
    folder = Path(__file__).parents[1].joinpath(*name.split("."))
    spec = spec_from_file_location(name, folder / "__init__.py")
    sys.modules[name] = module = module_from_spec(spec)
    spec.loader.exec_module(module)
    setattr(fastws, name.rpartition(".")[2], module)


if "fastws._bench" not in sys.modules:
    take_from_here("fastws._bench")

from fastws._bench import data, ours  # noqa: E402
from fastws._bench.data import KEY, KIB  # noqa: E402

if TYPE_CHECKING:
    from fastws._bench.measure import Side


# No more than glibc keeps for each thread to be had again. What a larger allocation takes depends
# on what happens to lie beside it, which a change elsewhere changes: by 15 % of 1 KiB in a stream.
MIDDLE = 900


class Case(NamedTuple):
    """What makes a side, and of what; streams have many messages in one loop."""

    side: Callable[..., Side]
    opcode: int
    size: int
    script: str = ""
    in_stream: bool = False

    @property
    def messages(self) -> int:
        frame = len(data.header(self.opcode, self.size, KEY)) + self.size
        return data.READ // frame if self.in_stream else 1

    def build(self) -> Side:
        payload = data.text(self.script, self.size) if self.script else data.noise(self.size)
        if self.side is ours.encode:
            return self.side(payload)
        encoded = payload.encode() if self.script else payload
        if not self.in_stream:
            return self.side(encoded, *[KEY] * (self.side is not ours.utf8))
        wire = data.frame(self.opcode, encoded, KEY) * self.messages
        return self.side(data.Stream(self.opcode, [wire], [encoded] * self.messages))


def cases() -> dict[str, Case]:
    """Give all cases by name."""
    found = {"mask_inplace 125 B": Case(ours.mask_inplace, data.BINARY, 125)}
    for size in (8, 125, MIDDLE, 16 * KIB):
        found[f"apply_mask {size} B"] = Case(ours.mask, data.BINARY, size)
    for script in ("ascii", "3-byte"):
        for size in (125, 16 * KIB):
            end = f"{script} {size} B"
            found[f"validate_utf8 {end}"] = Case(ours.utf8, data.TEXT, size, script)
            found[f"decode_text {end}"] = Case(ours.decode_text, data.TEXT, size, script)
            found[f"encode_frame {end}"] = Case(ours.encode, data.TEXT, size, script)
    for size in (16, 125, MIDDLE):
        for name, case in (
            ("FrameDecoder", Case(ours.frames, data.BINARY, size, in_stream=True)),
            ("MessageDecoder binary", Case(ours.messages, data.BINARY, size, in_stream=True)),
            ("MessageDecoder ascii", Case(ours.messages, data.TEXT, size, "ascii", True)),
        ):
            found[f"{name} {size} B"] = case
    return found


if __name__ == "__main__":
    cases()[sys.argv[1]].build().timed(int(sys.argv[2]))
