"""`fastws run` leaves no trace of itself, but for the adapters: here and in child processes.

A program is run twice, by Python and by `fastws run`, and what it prints about its surroundings has
to be the same, down to the text of its traceback.
"""

from __future__ import annotations

import json
import os
import py_compile
import subprocess
import sys
import venv
import zipapp
from pathlib import Path
from textwrap import dedent
from types import ModuleType

import pytest
from processes import FASTWS, ROOT, fastws_, python

from fastws import _run

PROBE = """
import json, sys
loader = type(__loader__).__name__
print(json.dumps({
    "argv": sys.argv,
    "path": sys.path,
    "main": [__name__, __file__, __package__, loader, type(__builtins__).__name__],
    "spec": __spec__ and [__spec__.name, __spec__.origin],
    "is main": sys.modules["__main__"].__dict__ is globals(),
}))
"""

TELL = "import websockets.protocol, fastws; print(fastws.status()['websockets'].state)\n"


@pytest.mark.parametrize("name", ["", ".", "fastws_no_such_module", "_run_without_a_spec"])
def test_what_is_no_module_is_not_runnable(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("_run_without_a_spec")
    assert module.__spec__ is None
    monkeypatch.setitem(sys.modules, module.__name__, module)
    with pytest.raises(_run.NotRunnable, match=f"no module named {name!r} that can be run"):
        _run.find_module(name)


# --- run: the children -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [("", "{}"), ("a", "{}:a"), ("a:{}:b", "a:{}:b")],
    ids=["none", "another", "there"],
)
def test_the_path_of_children_is_put_on_once(
    before: str, after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = str(Path(_run.__file__).parent)
    monkeypatch.setenv("PYTHONPATH", before.format(folder).replace(":", os.pathsep))
    for _ in range(2):
        _run.reach_children()
        assert os.environ["PYTHONPATH"] == after.format(folder).replace(":", os.pathsep)


SITECUSTOMIZE = Path(_run.__file__).parent / "sitecustomize.py"
# What Python does at its start in a child, told of what it finds.
CUSTOMIZED = f"""
import importlib.util, sys
spec = importlib.util.spec_from_file_location("sitecustomize", {str(SITECUSTOMIZE)!r})
module = sys.modules["sitecustomize"] = importlib.util.module_from_spec(spec)
sys.path.insert(0, module.__file__.rpartition("/")[0])
try:
    spec.loader.exec_module(module)
except ModuleNotFoundError as error:
    print("misses", error.name)
print("sitecustomize" in sys.modules, spec.origin.rpartition("/")[0] in sys.path)
"""


@pytest.mark.skipif(os.name == "nt", reason="the code knows one separator")
def test_a_child_without_fastws_runs_as_it_always_did() -> None:
    absent = "import sys; sys.modules['fastws'] = None\n"
    done = python("-c", absent + CUSTOMIZED)
    assert (done.stdout, done.stderr) == ("True False\n", "")


@pytest.mark.skipif(os.name == "nt", reason="the code knows one separator")
@pytest.mark.parametrize("name", ["sitecustomize", "fastws"])
def test_what_misses_something_itself_is_told_of(name: str, tmp_path: Path) -> None:
    """A sitecustomize of the user's own, or a package that is not whole."""
    (tmp_path / f"{name}.py").write_text("import fastws_no_such_module")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
    done = python("-c", code + CUSTOMIZED)
    assert done.stdout.startswith("misses fastws_no_such_module\n"), done.stderr


# --- run: the surroundings -----------------------------------------------------------------------


def make_programs(folder: Path) -> None:
    """Write the probe in every form that Python runs."""
    (folder / "sub").mkdir()
    (folder / "package").mkdir()
    for name in ("probe.py", "sub/__main__.py", "package/__main__.py", "package/tool.py"):
        (folder / name).write_text(PROBE)
    (folder / "package" / "__init__.py").write_text("")
    (folder / "no suffix").write_text(PROBE)
    if os.name == "posix":
        (folder / "link.py").symlink_to(folder / "sub" / "__main__.py")
    zipapp.create_archive(folder / "sub", folder / "archive.pyz")
    py_compile.compile(str(folder / "probe.py"), str(folder / "compiled.pyc"))


OWN_OPTIONS = ["-m", "x", "--", "--help", "-h", "--port=1", "", "a b"]


@pytest.mark.parametrize("flags", [[], ["-P"]], ids=["", "safe-path"])
@pytest.mark.parametrize(
    "target",
    [
        ["probe.py"],
        ["./probe.py"],
        ["sub/__main__.py"],
        ["no suffix"],
        pytest.param(["link.py"], marks=pytest.mark.skipif(os.name == "nt", reason="no links")),
        ["sub"],
        ["archive.pyz"],
        ["compiled.pyc"],
        ["-m", "probe"],
        ["-m", "package"],
        ["-m", "package.tool"],
        ["-m", "package.__main__"],
    ],
    ids=" ".join,
)
def test_a_program_sees_what_python_would_give_it(
    tmp_path: Path, target: list[str], flags: list[str]
) -> None:
    make_programs(tmp_path)
    # With -P nothing of the current folder is found but files, so it has to be on the path.
    plain, ours = (
        python(*flags, *way, *target, *OWN_OPTIONS, cwd=tmp_path, path=str(tmp_path))
        for way in ((), (*FASTWS, "run"))
    )
    assert (plain.returncode, plain.stderr) == (0, "")
    assert (ours.returncode, ours.stderr) == (0, "")
    assert json.loads(ours.stdout) == json.loads(plain.stdout)


def test_a_program_sees_an_absolute_path_of_itself(tmp_path: Path) -> None:
    make_programs(tmp_path)
    target = tmp_path / "probe.py"
    assert json.loads(fastws_("run", target).stdout) == json.loads(python(target).stdout)


PROGRAMS = {
    "exit code": "import sys; sys.exit(3)",
    "exit text": "import sys; sys.exit('no way')",
    "exit nothing": "raise SystemExit",
    "error": "def f():\n    1 / 0\nf()",
    "chained error": "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise OSError() from e",
    "error group": "raise ExceptionGroup('all', [OSError('one'), ValueError('two')])",
    "syntax error": "def f(:\n    pass",
    "missing import": "import no_such_module",
    "interrupt": "raise KeyboardInterrupt",
    "own hook": "import sys\nsys.excepthook = lambda *a: print(a[:2])\n1 / 0",
    "own encoding": "# coding: latin-1\nprint(ascii('\xe9'))",
    "output at exit": "import atexit; atexit.register(print, 'bye'); print('hello')",
    "late thread": """
        import sys, threading, time
        def late():
            time.sleep(0.2)
            print(sys.modules['__main__'].NAME)
        NAME = 1
        threading.Thread(target=late).start()
        """,
    "main is pickled": """
        import pickle
        class Thing: pass
        print(type(pickle.loads(pickle.dumps(Thing()))) is Thing)
        """,
    "own futures": "print(eval('1 if True else 0'), compile('a: b = 1', '', 'exec').co_flags)",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_ends_as_under_python(tmp_path: Path, name: str) -> None:
    program = tmp_path / "program.py"
    program.write_text(dedent(PROGRAMS[name]), encoding="latin-1")
    plain, ours = python(program), fastws_("run", program)
    assert (ours.returncode, ours.stdout, ours.stderr) == (
        plain.returncode,
        plain.stdout,
        plain.stderr,
    )


def test_an_error_in_a_module_is_shown_from_the_module_on(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("1 / 0")
    done = fastws_("run", "-m", "broken", cwd=tmp_path)
    assert done.returncode == 1
    first, second, *_ = done.stderr.splitlines()
    assert first == "Traceback (most recent call last):"
    assert second == f'  File "{tmp_path / "broken.py"}", line 1, in <module>'


def test_an_error_before_a_module_runs_is_shown_without_us(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("1 /")
    done = fastws_("run", "-m", "broken", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith(f'  File "{tmp_path / "broken.py"}", line 1\n')
    assert "Traceback" not in done.stderr


def test_a_package_that_cannot_be_imported_is_not_called_missing(tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "__init__.py").write_text("import no_such_module")
    done = fastws_("run", "-m", "broken.tool", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.endswith("ModuleNotFoundError: No module named 'no_such_module'\n")


# --- run: console scripts ------------------------------------------------------------------------


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    """Give a folder with an installed distribution that has a console script."""
    entry = "[console_scripts]\nfastws-test-script = demo_tool:app.main\n"
    info = tmp_path / "site" / "demo_tool-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: demo-tool\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(entry)
    (tmp_path / "site" / "demo_tool.py").write_text(
        dedent(
            """
            import sys
            class app:
                def main():
                    print("script", *sys.argv, sys.modules["__main__"].__package__)
                    return 5
            """
        )
    )
    return tmp_path


def test_a_console_script_is_found_by_its_name(scripts: Path) -> None:
    words = [*FASTWS, "run", "fastws-test-script", "--port", "1"]
    done = python(*words, cwd=scripts, path=str(scripts / "site"))
    assert done.stdout == "script fastws-test-script --port 1 None\n"
    assert (done.returncode, done.stderr) == (5, "")


def test_a_file_wins_over_a_console_script(scripts: Path) -> None:
    (scripts / "fastws-test-script").write_text("print('file')")
    words = [*FASTWS, "run", "fastws-test-script"]
    assert python(*words, cwd=scripts, path=str(scripts / "site")).stdout == "file\n"


def test_a_folder_that_cannot_be_run_does_not_hide_a_console_script(scripts: Path) -> None:
    (scripts / "fastws-test-script").mkdir()
    words = [*FASTWS, "run", "fastws-test-script"]
    done = python(*words, cwd=scripts, path=str(scripts / "site"))
    assert done.stdout.startswith("script")


# --- run: the adapters, here and in child processes ----------------------------------------------

CHILDREN = {
    "itself": "if __name__ == '__main__':\n    TELL",
    "a new interpreter": """
        import subprocess, sys
        subprocess.run([sys.executable, "-c", '''TELL'''], check=True)
        """,
    "its grandchild": """
        import subprocess, sys
        code = "import subprocess, sys; subprocess.run([sys.executable, '-c', '''TELL'''])"
        subprocess.run([sys.executable, "-c", code], check=True)
        """,
    "multiprocessing spawn": """
        import multiprocessing
        def work():
            TELL
        if __name__ == '__main__':
            process = multiprocessing.get_context("spawn").Process(target=work)
            process.start()
            process.join()
        """,
    "multiprocessing fork": """
        import multiprocessing
        def work():
            TELL
        if __name__ == '__main__':
            process = multiprocessing.get_context("fork").Process(target=work)
            process.start()
            process.join()
        """,
}


@pytest.mark.parametrize("child", CHILDREN)
def test_the_adapters_are_in(tmp_path: Path, child: str) -> None:
    pytest.importorskip("websockets")
    if "fork" in child and not hasattr(os, "fork"):
        pytest.skip("no fork on this system")
    program = tmp_path / "program.py"
    program.write_text(dedent(CHILDREN[child]).replace("TELL", TELL.strip()))
    done = fastws_("run", program)
    assert (done.returncode, done.stdout, done.stderr) == (0, "on\n", "")
    assert python(program).stdout == "off\n"


PATHS = """
import subprocess, sys
subprocess.run([sys.executable, "-c", "import sys; print(sys.path)"])
"""


def test_a_child_process_has_the_path_that_it_has_without_us(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PATHS)
    assert fastws_("run", program).stdout == python(program).stdout != ""


def test_a_sitecustomize_of_the_users_own_still_runs_once(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("print('customized', flush=True)")
    program = tmp_path / "program.py"
    tell = "import sitecustomize; print(sitecustomize.__file__)"
    program.write_text(f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', '{tell}'])")
    ours = python(*FASTWS, "run", program, path=str(tmp_path))
    plain = python(program, path=str(tmp_path))
    # Once in the program, and once in its child.
    file = tmp_path / "sitecustomize.py"
    assert ours.stdout == plain.stdout == f"customized\ncustomized\n{file}\n"
    assert ours.stderr == ""


def test_an_interpreter_without_fastws_runs_as_it_is(tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=False, symlinks=os.name != "nt")
    place = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    folder = Path(ROOT) / "fastws" / "_run"
    done = subprocess.run(
        [place, "-c", "import sys; print('fastws' in sys.modules, *sys.path)"],
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("False")
    assert str(folder) not in done.stdout
    assert done.stderr == ""
