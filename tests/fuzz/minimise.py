"""Put what fuzzing found into the committed corpus: little of it, and what covers most."""

from __future__ import annotations

import shutil

from .campaign import WORK, start
from .targets import CORPUS, Target


def minimise(targets: list[Target]) -> int:
    """Merge each target's findings and its committed inputs into a new corpus."""
    failed = 0
    for target in targets:
        merged = WORK / f"{target.name}.merged"
        shutil.rmtree(merged, ignore_errors=True)
        merged.mkdir(parents=True)
        committed = CORPUS / target.name
        committed.mkdir(parents=True, exist_ok=True)
        # Edges alone count, not how often each is passed: else nothing would be dropped.
        status, log = start(
            target,
            "-merge=1",
            "-use_counters=0",
            f"-max_len={target.most}",
            *map(str, (merged, committed, WORK / target.name)),
        )
        if status:
            print(log[-3000:])
            failed += 1
            continue
        shutil.rmtree(committed)
        shutil.move(merged, committed)
        files = list(committed.iterdir())
        size = sum(path.stat().st_size for path in files)
        print(f"{target.name:14}{len(files):>5} files {size:>8,} bytes", flush=True)
    return bool(failed)
