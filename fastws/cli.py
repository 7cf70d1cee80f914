"""The command line: what is in use here, a program with the adapters in, a server, a benchmark.

Everything beyond argparse is imported by the command that needs it. Mistakes of the user are one
line on stderr; what a program does under `fastws run` (its errors, its exit code) stays its own.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable


EXAMPLES = """\
examples:
  fastws info                             is the fast path on?
  fastws run uvicorn app:app --workers 4  a console script, its workers included
  fastws run server.py --port 8000        a file
  fastws run -m http.server               a module
  fastws echo                             a server to try a client on
  fastws bench                            what this machine gains
"""

RUN_HELP = """\
Run a Python program with fastws under every host library that it imports.

TARGET is looked for as a file (or a folder or archive with a __main__.py), then
as an installed console script; with -m it is a module. What follows TARGET is
the program's own and is passed on as it is. sys.argv, sys.path and __main__ are
what `python TARGET` or `python -m TARGET` would give; so are errors and exit codes.

Child processes get the adapters too, spawned workers and reloaders included: a
folder of fastws stands first on PYTHONPATH while the program runs. Interpreters
that ignore PYTHONPATH (-E, -I, -S) run without, and so do those in which fastws
is not installed.
"""

RUN_EXAMPLES = """\
examples:
  fastws run server.py --port 8000
  fastws run -m mypackage.server
  fastws run uvicorn app:app --workers 4
"""

INFO_HELP = """\
Show what is in use here: the back end, the SIMD level, and for each host library
its version, the versions that its adapter was proven on, and the state in which
`fastws run` would have it. What is replaced in it is shown where the terminal is
wide enough, and where the output goes elsewhere.

states:
  on       fastws does its work
  refused  it is left as it is; the reason stands beside
  waiting  it cannot be imported; the reason stands beside
  absent   it is not installed
"""

ECHO_HELP = """\
Run a small echo server on the websockets library, with fastws under it.
Ctrl-C stops it.
"""

BENCH_HELP = """\
Measure what fastws gains on this machine: masks, UTF-8, frames, text messages and
encoding, beside those of aiohttp, picows, tornado, websockets and wsproto that are
installed, and the pure-Python twin beside the compiled core. All take turns in one
process, and have to give equal results. It takes some 20 seconds.

Times are of one call or one message; behind each stands how many times as fast
fastws is. pip install 'fastws-codec[bench]' adds colours and a progress bar.
"""

BENCH_EXAMPLES = """\
examples:
  fastws bench
  fastws bench --only text --only encode
  fastws bench --quick --json -
"""


class Failure(Exception):
    """A mistake of the user, or something missing here: one line, and an exit code."""

    def __init__(self, text: str, exit_code: int) -> None:
        super().__init__(text)
        self.exit_code = exit_code


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """Print the message without the usage, which --help has, and exit with 2."""
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and give its exit code.

    Args:
        argv: the words after the program's name; those of this process if None.

    Raises:
        SystemExit: for --help, --version and wrong usage, and whatever a program that is run
            raises.
    """
    words, program_words = split_run(list(sys.argv[1:] if argv is None else argv))
    parser = make_parser()
    arguments = parser.parse_args(words)
    if arguments.command is None:
        parser.print_help()
        return 0
    arguments.program_words = program_words
    command: Callable[[argparse.Namespace], int] = arguments.call
    ours = arguments.command != "run"  # else stdout is the program's own affair
    try:
        exit_code = command(arguments)
        if ours:
            print(end="", flush=True)
        return exit_code
    except BrokenPipeError:
        if not ours:
            raise
        return reader_went_away()
    except Failure as failure:
        print(f"fastws {arguments.command}: {failure}", file=sys.stderr)
        return failure.exit_code


def reader_went_away() -> int:
    """End quietly, as `fastws info | head -1` wants it: the interpreter flushes once more."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


def split_run(words: list[str]) -> tuple[list[str], list[str]]:
    """Cut the words of `run` after TARGET: argparse must not read the program's own options."""
    if words[:1] == ["run"]:
        for position, word in enumerate(words[1:], start=2):
            if not word.startswith("-"):
                return words[:position], words[position:]
    return words, []


def make_parser() -> Parser:
    """Give the parser of the whole command line."""
    from ._version import __version__

    raw = argparse.RawDescriptionHelpFormatter
    parser = Parser(
        prog="fastws",
        description="The WebSocket codec under Python's servers.",
        epilog=EXAMPLES,
        formatter_class=raw,
    )
    parser.add_argument("--version", action="version", version=f"fastws {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)

    info = commands.add_parser(
        "info", help="what is in use here", description=INFO_HELP, formatter_class=raw
    )
    info.add_argument("--json", action="store_true", help="all of it, for programs")
    info.set_defaults(call=info_command)
    add_run(commands)

    echo = commands.add_parser(
        "echo",
        help="a server to try",
        description=ECHO_HELP,
        epilog="example:\n  fastws echo --port 9000",
        formatter_class=raw,
    )
    echo.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    echo.add_argument("--port", default=8765, type=port, help="0 takes a free one (%(default)s)")
    echo.set_defaults(call=echo_command)
    add_bench(commands)
    return parser


def add_run(commands: argparse._SubParsersAction[Parser]) -> None:
    """Add the parser of `run`, which sees no more than TARGET."""
    run = commands.add_parser(
        "run",
        help="run a program with the adapters in",
        description=RUN_HELP,
        epilog=RUN_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    run.add_argument("-m", dest="module", action="store_true", help="TARGET is a module")
    run.add_argument("target", metavar="TARGET", help="a file, a console script or a module")
    run.add_argument("rest", metavar="ARGS", nargs="*", default=[], help="passed on to it")
    run.set_defaults(call=run_command)


def add_bench(commands: argparse._SubParsersAction[Parser]) -> None:
    """Add the parser of `bench`."""
    bench = commands.add_parser(
        "bench",
        help="what this machine gains",
        description=BENCH_HELP,
        epilog=BENCH_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    only = "mask, utf8, frames, text or encode; may be given again"
    bench.add_argument("--only", metavar="NAME", action="append", default=[], help=only)
    bench.add_argument("--quick", action="store_true", help="fewer samples: a first look")
    to_file = "write what was measured; - is stdout, and nothing else is shown then"
    bench.add_argument("--json", metavar="FILE", help=to_file)
    bench.set_defaults(call=bench_command)


def port(word: str) -> int:
    """Read a TCP port's number."""
    if word.isascii() and word.isdigit() and int(word) < 65536:
        return int(word)
    raise argparse.ArgumentTypeError(f"a port is a number from 0 to 65535, not {word!r}")


# --- info ----------------------------------------------------------------------------------------


def info_command(arguments: argparse.Namespace) -> int:
    """Print what is in use: the back end, the level, and the hosts."""
    from ._info import as_text, gather

    facts = gather()
    if arguments.json:
        import json

        print(json.dumps(facts, indent=2))
    else:
        print(as_text(facts, terminal_width()))
    return 0


def terminal_width() -> int | None:
    """Give the columns of the terminal that is printed to, or None where it is none."""
    import os
    import shutil

    if sys.stdout.isatty() or os.environ.get("COLUMNS"):
        return shutil.get_terminal_size().columns
    return None


# --- run -----------------------------------------------------------------------------------------


def run_command(arguments: argparse.Namespace) -> int:
    """Run a program in this process, with the adapters in."""
    from . import install
    from ._run import NotRunnable, reach_children, run

    install()
    reach_children()
    try:
        run(arguments.target, arguments.program_words, as_module=arguments.module)
    except NotRunnable as error:
        raise Failure(str(error), 2) from None
    return 0


# --- echo ----------------------------------------------------------------------------------------


def echo_command(arguments: argparse.Namespace) -> int:
    """Serve an echo on the websockets library until Ctrl-C."""
    import asyncio

    from . import install

    install("websockets")
    try:
        asyncio.run(serve_echo(arguments.host, arguments.port))
    except KeyboardInterrupt:
        pass
    except OSError as error:
        raise Failure(f"cannot listen: {error.strerror or error}", 1) from None
    return 0


async def serve_echo(host: str, port: int) -> None:
    """Serve until cancelled."""
    from . import backend, simd, status

    try:
        from websockets.asyncio.server import ServerConnection, serve
        from websockets.exceptions import ConnectionClosedError
    except ImportError:
        raise Failure(
            "needs the websockets library, 13 or newer: python -m pip install -U websockets", 1
        ) from None

    async def echo(connection: ServerConnection) -> None:
        try:
            async for message in connection:
                await connection.send(message)
        except ConnectionClosedError:
            pass  # the peer broke the protocol, or went away without a goodbye

    async with serve(echo, host, port) as server:
        address, port = server.sockets[0].getsockname()[:2]
        address = f"[{address}]" if ":" in address else address
        found = status()["websockets"]
        level = f"{backend}/{simd}" if backend != simd else backend
        under = f"fastws {level}" if found.state == "on" else found.reason
        print(f"ws://{address}:{port} echoes (websockets {found.version}, {under})", flush=True)
        await server.serve_forever()


# --- bench ---------------------------------------------------------------------------------------


def bench_command(arguments: argparse.Namespace) -> int:
    """Measure fastws beside what is installed."""
    from ._bench.command import NoSuchBench, bench
    from ._bench.measure import Wrong

    try:
        bench(arguments.only, quick=arguments.quick, file=arguments.json)
    except NoSuchBench as error:
        raise Failure(str(error), 2) from None
    except BrokenPipeError:
        raise  # stdout, not the file
    except Wrong as error:
        raise Failure(f"{error}, so their times cannot be compared", 1) from None
    except OSError as error:
        raise Failure(f"cannot write {arguments.json}: {error.strerror or error}", 1) from None
    except KeyboardInterrupt:
        return 130
    return 0
