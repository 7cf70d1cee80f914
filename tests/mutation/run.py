"""Take out each check of the codec, one after the other, and see that a test fails.

    python tests/mutation/run.py [--back-end pure|compiled|c] [--resume] [--only FILE[:LINE]]
    python tests/mutation/run.py --back-end pure --list
    python tests/mutation/run.py --guards

`pure` is the pure twin with all of the plain Python on top, `compiled` the Cython core, `c` what is
under that, with its own tests in C first. Results stand in build/mutation. The exit status is 0
where every mutant is killed, or declared in equivalent*.toml to change no result.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
from pathlib import Path

import declared
import guards
from forking import Running, with_tests
from judging import ALONE, alone, in_c, judge_all, record_of
from points import BUILD, ROOT, Catalogue, Mutant
from results import Results, conclude

BACK_ENDS = ["pure", "compiled", "c", "core"]  # core: the two before it
# What does not test the codec, or does so in other processes: judging.py has those.
OTHER_TESTS = """allocations autobahn_runner autobahn_trial backend bench_hosts cli
    connection_example docs docs_check docs_commands docs_cython docs_hosts docs_reference door
    exclusions fuzz_run hosts_runner imports interpreters kernels main members packaging release
    release_install release_wheel run server_examples threads workflows""".split()


def tests() -> list[str]:
    """Name the files of the codec's tests."""
    others = {f"test_{name}.py" for name in OTHER_TESTS}
    return [str(p) for p in sorted((ROOT / "tests").glob("test_*.py")) if p.name not in others]


def prepare(back_end: str) -> tuple[Running, list[Mutant]]:
    """Make this process one that runs a back end with mutants."""
    os.environ["CI"] = "1"  # random tests are the same in every run
    for name in ("FASTWS_NO_EXTENSIONS", "FASTWS_REQUIRE_EXTENSIONS", "FASTWS_SIMD"):
        os.environ.pop(name, None)
    catalogue = Catalogue()
    if back_end == "pure":
        import python_points

        os.environ["FASTWS_NO_EXTENSIONS"] = "1"
        return python_points.prepare(catalogue), catalogue.mutants
    import core

    return core.prepare(back_end, catalogue), catalogue.mutants


def chosen(mutants: list[Mutant], only: str | None) -> list[Mutant]:
    if not only:
        return mutants
    file, _, line = only.partition(":")
    return [m for m in mutants if m.file.endswith(file) and (not line or m.line == int(line))]


def check_guards(back_end: str) -> int:
    """Take out each guard of the attack classes on one back end; 1 where one is not missed."""
    running, every = prepare("pure" if back_end == "pure" else "core")
    found = declared.guards(back_end)
    by_itself = lambda mutant, test: alone(back_end, mutant.number, test)  # noqa: E731
    return 0 if guards.check_all(running, every, found, back_end, by_itself) else 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--back-end", choices=BACK_ENDS, default="pure")
    parser.add_argument("--list", action="store_true", help="show the mutants, and run nothing")
    parser.add_argument("--only", metavar="FILE[:LINE]", help="these alone")
    parser.add_argument("--resume", action="store_true", help="keep the verdicts of earlier runs")
    parser.add_argument("--guards", action="store_true", help="check guards.toml, and nothing else")
    parser.add_argument(
        "--budget", type=float, default=3, help="seconds of tests that a mutant meets at most"
    )
    parser.add_argument(
        "--again", action="store_true", help="with --resume: judge the survivors once more"
    )
    parser.add_argument("--no-c", action="store_true", help="leave out the kernels' tests in C")
    parser.add_argument("--guards-of", choices=BACK_ENDS[:2], help=argparse.SUPPRESS)
    parser.add_argument("--alone", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--tests", nargs="*", help="other files of tests")
    return parser.parse_args()


def main() -> int:
    args = arguments()
    os.chdir(ROOT)
    if args.guards:
        return guards.main(Path(__file__))
    if args.guards_of:
        return check_guards(args.guards_of)
    running, every = prepare(args.back_end)
    mutants = chosen(every, args.only)
    if args.list:
        print(*mutants, f"{len(mutants)} mutants", sep="\n")
        return 0
    files = args.tests or tests()
    if args.alone:
        running.use(args.alone)
        resource.setrlimit(resource.RLIMIT_CPU, (ALONE, ALONE))
        files += ["tests/test_backend.py"] * (args.back_end != "pure" and not args.tests)
        with_tests(files, running, lambda b: os._exit(b.run_quick(record_of(args.back_end), 10)))
    results = Results(BUILD / f"{args.back_end}.jsonl", args.resume)
    known = declared.equivalents({m.file for m in every})
    if args.again:
        results.forget([m for m in mutants if not declared.fitting(known, m)])
    if not args.no_c and (todo := [m for m in mutants if m.is_c and m.key not in results.verdicts]):
        # What is declared is not spared, but takes long: it comes last.
        in_c(sorted(todo, key=lambda m: declared.fitting(known, m)), results)
    if todo := [m for m in mutants if m.here and results.lacks(m)]:
        judge_all(running, args, files, todo, results, known)
    return 0 if conclude(mutants, results, every) else 1


if __name__ == "__main__":
    sys.exit(main())
