"""Try fastws, and hosts with fastws in, by the Autobahn|Testsuite.

    python tests/autobahn_suite/run.py [--quick|--middle|--all] [--markdown FILE] [SIDE...]

The suite is installed by this itself, into build/autobahn, where reports and logs are left as well.
Exits with 1 where a case is not OK with what is made of fastws alone, where a host is worse with
fastws than without, where a case is missing, or where our code did not run.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

if __package__ is None:  # run as a file: its package stands in `tests`
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    sys.path.append(str(Path(__file__).resolve().parents[2] / "bench"))

from hosts.environments import ROOT, CannotPrepare

from autobahn_suite import report, wstest
from autobahn_suite.cases import SELECTIONS
from autobahn_suite.runner import Runner
from autobahn_suite.sides import QUICK, SIDES, Side

FOLDER = ROOT / "build" / "autobahn"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "sides",
        nargs="*",
        metavar="SIDE",
        help="all, if none is named; with --quick our own server and client",
    )
    for name, cases in SELECTIONS.items():
        parser.add_argument(
            f"--{name}",
            dest="selection",
            action="store_const",
            const=name,
            help=f"{len(cases)} cases",
        )
    parser.add_argument("--list", action="store_true", help="say which sides there are")
    parser.add_argument(
        "--times", type=int, default=1, metavar="N", help="run what is ours alone N times"
    )
    parser.add_argument("--markdown", metavar="FILE", type=Path, help="renew the table there")
    return parser.parse_args()


def chosen(names: list[str], selection: str | None) -> list[Side]:
    """Give the sides that were asked for.

    Raises:
        SystemExit: there is none of that name.
    """
    known = {side.name: side for side in SIDES}
    for name in names:
        if name not in known:
            raise SystemExit(f"no side {name!r}; there are: {', '.join(known)}")
    return [known[name] for name in names or (QUICK if selection == "quick" else known)]


def main() -> int:
    options = arguments()
    sides = chosen(options.sides, options.selection)
    if options.list:
        for side in sides:
            print(f"{side.name:26}{options.selection or side.selection:8}{side.role}")
        return 0
    try:
        suite = wstest.install(FOLDER)
    except CannotPrepare as error:
        print(error, file=sys.stderr)
        return 1
    runner = Runner(suite, FOLDER / "sides")
    results = []
    for side in sides:
        selection = options.selection or side.selection
        results.append(runner.check(side, selection, SELECTIONS[selection], options.times))
        print(report.table(results[-1:], head=False), report.findings(results[-1]), sep="\n")
        sys.stdout.flush()
        report.keep(results[-1], FOLDER)
    print(report.table(results))
    if options.markdown:
        report.renew(options.markdown, FOLDER)
    print(report.conclusion(results))
    return any(result.faults for result in results)


if __name__ == "__main__":
    sys.exit(main())
