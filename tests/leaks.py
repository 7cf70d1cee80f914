"""Call everything in the compiled core for LeakSanitizer: python tests/leaks.py TIMES

So many times the corpus of the fuzzers goes through each comparison, at each level. The interpreter
itself keeps some memory to its end; what grows with the times is ours. `.ci/sanitize leaks` runs
this.
"""

from __future__ import annotations

import gc
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from fuzz.comparisons import COMPARISONS, compare
from fuzz.targets import CORPUS

from fastws import _codec


def main(times: int) -> None:
    ran = 0
    for level in list(_codec.levels()) * times:
        _codec._use_level(level)
        for name in COMPARISONS:
            for path in sorted((CORPUS / name).iterdir()):
                compare(name, path.read_bytes(), _codec)
                ran += 1
    gc.collect()
    print(f"{ran} inputs", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
