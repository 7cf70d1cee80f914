"""The process in which atheris runs one comparison, or the one with a planted fault.

    python fuzzed.py TARGET [LIBFUZZER ARGUMENTS...]

`run.py` starts it, with the core that was built for it and the sanitizers preloaded.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

sys.path[0] = str(Path(__file__).resolve().parents[1])

with atheris.instrument_imports(include=["fastws"]):
    from fastws import _codec, _pure, connection, deflate

from fuzz.comparisons import compare, planted  # noqa: E402

INSTRUMENTED = _pure, connection, deflate


def main() -> None:
    name = sys.argv.pop(1)
    core = planted(_codec) if name == "planted" else _codec
    target = "frames" if name == "planted" else name
    levels = _codec.levels()

    def one_input(data: bytes) -> None:
        # The levels by turns, and the same one whenever an input comes again.
        _codec._use_level(levels[len(data) % len(levels)])
        compare(target, data, core)

    # To merge, libFuzzer has the shell run its own command again.
    sys.argv[0] = f"{sys.executable} {__file__} {name}"
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
