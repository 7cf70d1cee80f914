"""Run any program in this process, in the surroundings that `python` would give it.

Rule: the program may not see that it does not run alone. sys.argv, sys.path and __main__ are what
`python TARGET` or `python -m TARGET` make of them, and its errors are shown without our frames.
`runpy` is not used, since it takes __main__ away again when the last line has run: threads,
atexit functions and pickles look there later. This folder stands on PYTHONPATH meanwhile, for
its `sitecustomize`.
"""

from __future__ import annotations

import builtins
import os
import sys
from collections.abc import Mapping
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader, SourcelessFileLoader
from importlib.util import find_spec
from pkgutil import get_importer
from types import CodeType, ModuleType, TracebackType
from typing import NamedTuple, cast


class NotRunnable(Exception):
    """There is nothing to run under the name that was given."""


class Program(NamedTuple):
    """A program, found and compiled, and the surroundings that Python would give it."""

    code: CodeType
    names: Mapping[str, object]  # what __main__ starts with
    argv0: str
    path0: str  # the first entry of sys.path


def run(target: str, arguments: list[str], *, as_module: bool = False) -> None:
    """Run a program as __main__, to its end.

    Args:
        target: a file, a folder or archive with a __main__, a console script; or a module.
        arguments: what follows the program's name in sys.argv.
        as_module: look for a module, and for nothing else.

    Raises:
        NotRunnable: nothing was found. Whatever else comes is the program's own.
    """
    sys.argv = [target, *arguments]
    try:
        if as_module:
            _set_first_path(os.getcwd())
            program = find_module(target)
        else:
            program = find_file(target) or find_script(target)
        _set_first_path(program.path0)
        sys.argv[0] = program.argv0
        _execute(program)
    except (NotRunnable, SystemExit):
        raise
    except BaseException as error:
        _show_without_us(error)
        raise


def reach_children() -> None:
    """Put the adapters into the Python processes that this one will start."""
    folder = os.path.dirname(os.path.abspath(__file__))
    path = os.environ.get("PYTHONPATH")
    if not path:
        os.environ["PYTHONPATH"] = folder
    elif folder not in path.split(os.pathsep):
        os.environ["PYTHONPATH"] = folder + os.pathsep + path


# --- Finding -------------------------------------------------------------------------------------


def find_file(path: str) -> Program | None:
    """Find a program as `python PATH` does: a file, or a folder or archive with a __main__."""
    if not os.path.exists(path):
        return None
    absolute = os.path.join(os.getcwd(), path)  # as Python makes it, with its dots in
    if get_importer(path) is not None:  # a folder or an archive
        spec = PathFinder.find_spec("__main__", [absolute])
        if spec and sys.flags.safe_path:
            sys.path.insert(0, absolute)  # Python does so even then: it is what is run
        return _of_spec(spec, argv0=path, path0=absolute) if spec else None
    code, loader = _load(absolute)
    names = {"__file__": absolute, "__loader__": loader}
    return Program(code, names, path, os.path.dirname(os.path.realpath(path)))


def find_script(name: str) -> Program:
    """Find an installed console script, and make again what its installer wrote for it."""
    import shutil
    import sysconfig
    from importlib.metadata import entry_points

    for entry in entry_points(group="console_scripts", name=name):
        first = entry.attr.partition(".")[0]
        source = f"import sys\nfrom {entry.module} import {first}\nsys.exit({entry.attr}())\n"
        here = shutil.which(name, path=sysconfig.get_path("scripts"))
        script = here or shutil.which(name) or name
        # On Windows the script is an executable, which multiprocessing could not import again.
        names = {} if script.lower().endswith(".exe") else {"__file__": script}
        code = compile(source, script, "exec", dont_inherit=True)
        return Program(code, names, script, os.path.dirname(script))
    raise NotRunnable(f"no file and no console script named {name!r} (for a module: run -m)")


def find_module(name: str) -> Program:
    """Find a program as `python -m NAME` does."""
    spec = None
    try:
        if not name.startswith("."):
            spec = find_spec(name)
        if spec and spec.submodule_search_locations is not None:
            spec = find_spec(f"{name}.__main__")
    except ModuleNotFoundError as error:
        if not f"{name}.".startswith(f"{error.name}."):
            raise  # the package that holds it was found, and misses something itself
        spec = None
    except ValueError:  # an empty name, or a module in sys.modules that has no spec
        spec = None
    if spec is None:
        raise NotRunnable(f"no module named {name!r} that can be run")
    return _of_spec(spec, argv0=spec.origin or name, path0=sys.path[0])


def _load(path: str) -> tuple[CodeType, object]:
    if path.endswith(".pyc"):
        compiled = SourcelessFileLoader("__main__", path)
        return cast(CodeType, compiled.get_code("__main__")), compiled
    source = SourceFileLoader("__main__", path)
    return compile(source.get_data(path), path, "exec", dont_inherit=True), source


def _of_spec(spec: ModuleSpec, argv0: str, path0: str) -> Program:
    get_code = getattr(spec.loader, "get_code", None)
    code = get_code(spec.name) if get_code else None
    if code is None:
        raise NotRunnable(f"{spec.name!r} holds no Python code")
    names = {
        "__file__": spec.origin,
        "__loader__": spec.loader,
        "__package__": spec.parent,
        "__spec__": spec,
    }
    return Program(code, names, argv0, path0)


# --- Running -------------------------------------------------------------------------------------


def _set_first_path(folder: str) -> None:
    """Let the program's folder take the place of ours, unless Python was told to have none."""
    if not sys.flags.safe_path:
        sys.path[0] = folder


def _execute(program: Program) -> None:
    module = ModuleType("__main__")
    vars(module).update(program.names, __builtins__=builtins)
    sys.modules["__main__"] = module
    exec(program.code, vars(module))


def _show_without_us(error: BaseException) -> None:
    """Let Python's last words on this error begin where the program begins."""
    part = error.__traceback__
    while part and _is_ours(part):
        part = part.tb_next
    hook = sys.excepthook

    def show(kind: type[BaseException], value: BaseException, _: TracebackType | None) -> None:
        hook(kind, value.with_traceback(part), part)

    sys.excepthook = show


def _is_ours(traceback: TracebackType) -> bool:
    module = str(traceback.tb_frame.f_globals.get("__name__"))
    return module == __name__ or module.partition(".")[0] == "importlib"
