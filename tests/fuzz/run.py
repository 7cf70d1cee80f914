"""Fuzz the kernels and the Python face, compiled against pure and against other libraries.

    python tests/fuzz/run.py [--seconds N | --streams N] [TARGET...]
    python tests/fuzz/run.py --replay FILE TARGET
    python tests/fuzz/run.py --self-check
    python tests/fuzz/run.py --minimise [TARGET...]

`bash .ci/fuzz` installs what it needs (clang, atheris) and starts it. Everything is built and kept
under build/fuzz. Exits with 1 where a target breaks; its input is saved, and shown.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

if __package__ is None:  # run as a file: its package stands in `tests`
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from fuzz.build import ROOT, build
from fuzz.campaign import NEVER, Result, fuzz, start
from fuzz.minimise import minimise
from fuzz.targets import TARGETS, Target

DEFAULT_SECONDS = 60
SELF_CHECK_SECONDS = 60
PLANTED = [Target("planted_mask", True, 0, most=128), Target("planted", False, 0, most=160)]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="all, if none is named")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--seconds", type=float, help="of all targets together, in equal parts")
    how.add_argument("--streams", type=int, help="of all targets together, by their shares")
    how.add_argument("--replay", metavar="FILE", type=Path, help="run one input")
    how.add_argument("--self-check", action="store_true", help="find faults that were planted")
    how.add_argument("--minimise", action="store_true", help="what was found, into the corpus")
    how.add_argument("--list", action="store_true", help="say which targets there are")
    return parser.parse_args()


def chosen(names: list[str], among: list[Target]) -> list[Target]:
    """Give the targets that were asked for.

    Raises:
        SystemExit: there is none of that name.
    """
    known = {target.name: target for target in among}
    for name in names:
        if name not in known:
            raise SystemExit(f"no target {name!r}; there are: {', '.join(known)}")
    return [known[name] for name in names] or among


def show_broken(result: Result) -> None:
    """Show what broke a target, and how to see it again."""
    print(result.log[-6000:])
    if result.saved:
        print(f"{result.name}: python tests/fuzz/run.py --replay {result.saved} {result.name}")
        if result.saved.is_file():
            print(f"  {result.saved.read_bytes().hex()}", flush=True)


def campaign(targets: list[Target], options: argparse.Namespace) -> int:
    """Fuzz each target, print its row, and the sum."""
    shares = sum(target.share for target in targets)
    results = []
    for target in targets:
        if options.streams:
            streams = max(1, round(options.streams * target.share / shares))
            results.append(fuzz(target, seconds=NEVER, streams=streams))
        else:
            seconds = (options.seconds or DEFAULT_SECONDS) / len(targets)
            results.append(fuzz(target, seconds=seconds, streams=-1))
        if not results[-1].passed:
            show_broken(results[-1])
        print(results[-1].row(), flush=True)
    broken = [result.name for result in results if not result.passed]
    streams = sum(result.streams for result in results)
    seconds = sum(result.seconds for result in results)
    verdict = f"BROKEN: {', '.join(broken)}" if broken else "no difference, no crash"
    print(f"{streams:,} streams in {seconds:,.0f} s over {len(results)} targets: {verdict}")
    return bool(broken)


def self_check() -> int:
    """Find a fault in a kernel and one in a decoder, and each again from what was saved."""
    missed = 0
    for target in PLANTED:
        result = fuzz(target, seconds=SELF_CHECK_SECONDS, streams=-1, corpus=False)
        again = 0
        if result.saved and result.saved.is_file():
            again, _ = start(target, str(result.saved))
        found = bool(again)
        missed += not found
        verdict = "found, and found again" if found else "MISSED"
        print(f"{target.name:14}{result.streams:>10,} streams {result.seconds:>7.1f} s  {verdict}")
    return bool(missed)


def replay(target: Target, path: Path) -> int:
    """Run one input, and show what it does."""
    status, log = start(target, str(path.resolve()))
    print(log)
    print(f"{target.name}: {'FAILED' if status else 'passed'}")
    return bool(status)


def main() -> int:
    options = arguments()
    if options.list:
        print("\n".join(target.name for target in TARGETS))
        return 0
    targets = chosen(options.targets, TARGETS + PLANTED if options.replay else TARGETS)
    if options.replay and len(options.targets) != 1:
        raise SystemExit("--replay takes one target")
    in_c = [target.in_c for target in targets]
    build(programs=options.self_check or any(in_c), core=options.self_check or not all(in_c))
    if options.self_check:
        return self_check()
    if options.replay:
        return replay(targets[0], options.replay)
    if options.minimise:
        return minimise(targets)
    print(f"fuzzing {len(targets)} targets, under {ROOT / 'build' / 'fuzz'}", flush=True)
    return campaign(targets, options)


if __name__ == "__main__":
    sys.exit(main())
