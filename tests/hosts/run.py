"""Run the host libraries' own test-suites without fastws and with it, and compare test by test.

    python tests/hosts/run.py [SUITE...] [--quick] [--no-extensions] [--markdown FILE] [--keep DIR]

The suites come from the package index, pinned. Everything is made and kept under build/hosts.
Exits with 1 where a suite notices fastws, where our code did not run, or where the suite is not as
it was.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

if __package__ is None:  # run as a file: its package stands in `tests`
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from hosts.environments import ROOT, Cache, CannotPrepare
from hosts.report import conclusion, findings, markdown, row, table
from hosts.runner import Result, check, prepare
from hosts.suites import SUITES, Suite


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("suites", nargs="*", metavar="SUITE", help="all, if none is named")
    parser.add_argument("--list", action="store_true", help="say which suites there are")
    parser.add_argument("--quick", action="store_true", help="only those that take seconds")
    parser.add_argument("--stock", action="store_true", help="without fastws only")
    parser.add_argument(
        "--no-extensions", action="store_true", help="with the pure-Python twin of the core"
    )
    parser.add_argument("--markdown", metavar="FILE", type=Path, help="write the table there too")
    parser.add_argument(
        "--keep", metavar="DIR", type=Path, help="leave what the tests ran in, logs included"
    )
    return parser.parse_args()


def chosen(names: list[str], *, quick: bool) -> list[Suite]:
    """Give the suites that were asked for.

    Raises:
        SystemExit: there is none of that name.
    """
    known = {suite.name: suite for suite in SUITES}
    for name in names:
        if name not in known:
            raise SystemExit(f"no suite {name!r}; there are: {', '.join(known)}")
    return [known[name] for name in names or known if known[name].quick or not quick]


def one(suite: Suite, cache: Cache, keep: Path | None, options: argparse.Namespace) -> Result:
    """Run one suite; leave its folder where something is wrong, or where it is asked for."""
    folder = (keep or cache.folder / "work").resolve() / suite.name
    try:
        bench = prepare(suite, cache, folder, pure=options.no_extensions)
    except CannotPrepare as error:
        return Result(suite, faults=[str(error)])
    result = check(bench, stock_only=options.stock)
    if result.faults:
        result.faults.append(f"logs and outcomes are in {folder}")
    elif not keep:
        shutil.rmtree(folder)
    return result


def main() -> int:
    options = arguments()
    suites = chosen(options.suites, quick=options.quick)
    if options.list:
        for suite in suites:
            quick = "quick" if suite.quick else ""
            print(f"{suite.name:18}{suite.distribution:26}{quick:7}{', '.join(suite.adapters)}")
        return 0
    cache = Cache(ROOT / "build" / "hosts")
    results = []
    for suite in suites:
        results.append(one(suite, cache, options.keep, options))
        print("  ".join(row(results[-1])), findings(results[-1]), sep="\n", flush=True)
    print(table(results))
    if options.markdown:
        options.markdown.write_text(markdown(results, pure=options.no_extensions))
    print(conclusion(results))
    return any(result.faults for result in results)


if __name__ == "__main__":
    sys.exit(main())
