"""What the pages have one type: each command is there, and knows the options that it is given.

Nothing is executed but `--help`. What goes beyond that (servers, suites, benchmarks) is tested
where it stands.
"""

from __future__ import annotations

import argparse
import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
from pages import DOCS, PAGES, ROOT, SPAN, Block, blocks_in, docstring_blocks, prose_of, spans_of
from processes import python

from fastws import __version__, _info, cli
from fastws.adapters._registry import hosts

pytestmark = pytest.mark.slow  # the pages are the same for every interpreter

ASSIGNMENT = re.compile(r"([A-Z_]+)=\S*")
REQUIREMENT = re.compile(r"([a-z][\w.-]*|\.)(?:\[(\w+)\])?")
SCRIPT = re.compile(r"[\w/]+\.py")
# Spans in prose that are commands; of others one cannot know.
COMMAND = re.compile(
    r"(?:[A-Z_]+=\S+ )*(?:bash \.ci/|fastws [a-z]|make -C|pip install|python \w+/)"
)
VARIABLES = {
    "FASTWS_NO_EXTENSIONS",
    "FASTWS_REQUIRE_EXTENSIONS",
    "FASTWS_SIMD",
    "SITE_URL",
    "UVICORN_WS",
    "WSTEST",
}


class Unknown(AssertionError):
    """A command, or an option of one, that does not exist."""


# --- One command ---------------------------------------------------------------------------------


def check(words: list[str]) -> None:
    """See that a command is one that exists, with options that it has.

    Raises:
        Unknown: it is not.
    """
    while words and (match := ASSIGNMENT.fullmatch(words[0])):
        require(match[1] in VARIABLES, f"no variable {match[1]}")
        words = words[1:]
    require(words[:1] != [] and words[0] in COMMANDS, f"no command {' '.join(words)}")
    COMMANDS[words[0]](words[1:])


def require(holds: bool, text: str) -> None:
    if not holds:
        raise Unknown(text)


def options_of(words: list[str]) -> list[str]:
    return [word.partition("=")[0] for word in words if word.startswith("-")]


def require_options(words: list[str], text: str, of: str) -> None:
    """See that each option stands in a text, such as what `--help` prints."""
    for option in options_of(words):
        known = re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", text)
        require(known is not None, f"{of} has no option {option}")


def fastws_command(words: list[str]) -> None:
    own, _ = cli.split_run(words)
    try:
        cli.make_parser().parse_args(own)
    except SystemExit as error:
        require(not error.code, f"fastws {' '.join(words)}: {error}")


def bash_command(words: list[str]) -> None:
    """A script of ours: its options stand in it, or in what it calls."""
    script = ROOT / words[0]
    if not script.exists() and not (ROOT / ".ci").exists():
        pytest.skip("a source distribution has no .ci")
    require(script.is_file(), f"no script {words[0]}")
    text = script.read_text(encoding="utf-8")
    known = [text]
    if options_of(words[1:]):
        known += [help_of(name) for name in SCRIPT.findall(text) if has_help(ROOT / name)]
        known += [help_of("-m", "pytest")] * ("-m pytest" in text)  # what else it is given
    require_options(words[1:], "\n".join(known), words[0])


def has_help(script: Path) -> bool:
    return script.is_file() and "argparse" in script.read_text(encoding="utf-8")


def python_command(words: list[str]) -> None:
    """A script, a module, or setup.py of setuptools."""
    if words[0] == "-m":
        require_options(words[2:], help_of(*words[:2]), words[1])
    elif words[0] == "setup.py":
        require(words[1:] in ([], ["build_ext", "--inplace"]), " ".join(words))
    elif words != ["server.py"]:  # the reader's
        require((ROOT / words[0]).is_file(), f"no script {words[0]}")
        if options_of(words[1:]):
            require_options(words[1:], help_of(words[0]), words[0])


@cache
def help_of(*command: str) -> str:
    """Give what a program of ours says of its options."""
    done = python(*command, "--help", cwd=ROOT)
    missing = re.search(r"ModuleNotFoundError: No module named '(\w+)", done.stderr)
    if missing:  # a library that not every interpreter has
        pytest.skip(f"{' '.join(command)} needs {missing[1]}")
    assert done.returncode == 0, done.stderr
    return done.stdout


def pip_command(words: list[str]) -> None:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    require(words[0] == "install", f"pip {words[0]}")
    rest = iter(words[1:])
    for word in rest:
        if word == "--group":
            group = next(rest)
            require(group in groups["dependency-groups"], f"no dependency group {group}")
        elif word not in ("-e", "--editable", "--verbose"):
            required = REQUIREMENT.fullmatch(word)
            require(required is not None, f"{word} is nothing to install")
            ours = groups["project"]["name"]
            require(not word.startswith("fastws") or required[1] == ours, f"{word} is not {ours}")
            extras = groups["project"]["optional-dependencies"]
            require(required[2] is None or required[2] in extras, f"no extra {required[2]}")


def make_command(words: list[str]) -> None:
    require(words[0] == "-C", f"make {words[0]}")
    text = (ROOT / words[1] / "Makefile").read_text(encoding="utf-8")
    for target in words[2:]:
        require(re.search(rf"^{target}:", text, re.M) is not None, f"no target {target}")


def uvicorn_command(words: list[str]) -> None:
    main = pytest.importorskip("uvicorn.main").main
    known = {option for parameter in main.params for option in parameter.opts}
    for option in options_of(words):
        require(option in known, f"uvicorn has no option {option}")
    if "--ws" in words:
        module, _, name = words[words.index("--ws") + 1].partition(":")
        require(hasattr(import_module(module), name), f"no class {module}:{name}")


def cythonize_command(words: list[str]) -> None:
    require(words[0] == "-i" and (ROOT / words[1]).is_file(), f"cythonize {' '.join(words)}")


def pytest_command(words: list[str]) -> None:
    require_options(words, help_of("-m", "pytest"), "pytest")


COMMANDS = {
    "bash": bash_command,
    "cythonize": cythonize_command,
    "fastws": fastws_command,
    "make": make_command,
    "pip": pip_command,
    "pytest": pytest_command,
    "python": python_command,
    "uvicorn": uvicorn_command,
}


# --- All of them ---------------------------------------------------------------------------------


def lines_in(text: str) -> Iterator[list[str]]:
    """Give the words of each line of a script."""
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words:
            yield words


@pytest.mark.parametrize("block", blocks_in("sh"), ids=str)
def test_each_command_in_a_block_exists(block: Block) -> None:
    subprocess.run(["bash", "-n"], input=block.text, text=True, check=True)
    commands = list(lines_in(block.text))
    assert commands
    for words in commands:
        check(words)


SHELL_IN_DOCSTRINGS = [text for _, text in docstring_blocks() if text.split()[0] in COMMANDS]


@pytest.mark.parametrize("text", SHELL_IN_DOCSTRINGS)
def test_each_command_in_a_docstring_exists(text: str) -> None:
    for words in lines_in(text):
        check(words)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_each_command_in_prose_exists(page: Path) -> None:
    for span in spans_of(page):
        if COMMAND.match(span):
            words = shlex.split(span.replace("...", ""))
            if words[0] == "fastws":  # the name of a command often stands for it
                parsers = parsers_of(cli.make_parser())
                require(words[1] in parsers, f"no command fastws {words[1]}")
                require({*options_of(words[2:3])} <= {*options_in(parsers[words[1]])}, span)
            else:
                check(words)


@pytest.mark.parametrize(
    "words",
    [
        "fastws frobnicate",
        "fastws info --jsn",
        "fastws run",
        "bash .ci/frobnicate",
        "bash .ci/hosts --frobnicate",
        "python bench/frobnicate.py",
        "python bench/claims.py --frobnicate",
        "python -m pytest --frobnicate",
        "pip install fastws",
        "pip install --group frobnicate",
        "make -C tests/kernels frobnicate",
        "uvicorn --frobnicate app:app",
        "uvicorn --ws fastws.adapters.uvicorn:Frobnicate app:app",
        "FASTWS_FROBNICATE=1 fastws info",
        "frobnicate",
    ],
)
def test_what_does_not_exist_is_found(words: str) -> None:
    with pytest.raises(Unknown):
        check(words.split())


# --- The command line's own page -----------------------------------------------------------------


def parsers_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Give the parser of each command by name."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    raise AssertionError("there are no commands")


def options_in(parser: argparse.ArgumentParser) -> list[str]:
    """Give the options and arguments of a parser, without help."""
    return [
        word
        for action in parser._actions
        if not isinstance(action, argparse._HelpAction | argparse._SubParsersAction)
        for word in action.option_strings or [str(action.metavar)]
    ]


def test_the_page_has_every_command_and_option() -> None:
    parser = cli.make_parser()
    head, *sections = re.split(r"^## ", prose_of(DOCS / "api" / "command-line.md"), flags=re.M)
    told = {"": {*SPAN.findall(rows_of(head))} - {"-h", "--help"}}
    for section in sections:
        title = section.splitlines()[0].strip("`")
        if title.startswith("fastws "):
            told[title.removeprefix("fastws ")] = {*SPAN.findall(rows_of(section))}
    known = {"": {*options_in(parser)}}
    known |= {name: {*options_in(each)} for name, each in parsers_of(parser).items()}
    assert told == known


def rows_of(section: str) -> str:
    """Give the first cells of a section's table."""
    return "\n".join(line.split("|")[1] for line in section.splitlines() if line.startswith("|"))


@pytest.mark.parametrize("block", blocks_in("text"), ids=str)
def test_what_info_prints_is_what_is_shown(block: Block) -> None:
    command, text = block.text.split("\n", 1)
    assert command == "$ fastws info"
    head, table = text.split("\n\n")
    shown = dict(re.split(r"\s{2,}", line, maxsplit=1) for line in head.splitlines())
    implementation, version, _, system, machine = shown["python"].split()
    rows = [line.split() for line in table.splitlines()[1:]]
    facts = {
        "fastws": __version__,
        "implementation": implementation,
        "python": version,
        "system": system,
        "machine": machine,
        "backend": shown["back end"],
        "why_not_compiled": "",
        "simd": shown["level"],
        "levels": shown["levels here"].split(),
        "hosts": {
            name: {
                "version": None if row[1] == "-" else row[1],
                "supported": hosts()[name].supported,
                "state": row[3],
                "reason": "",
                "replaced": [],
            }
            for name, row in zip(hosts(), rows, strict=True)
        },
    }
    assert _info.as_text(facts, 80) + "\n" == text
