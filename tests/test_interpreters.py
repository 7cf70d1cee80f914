"""Several interpreters in one process: the core is for one of them, the others have the twin.

Each test is a process of its own: a crash is seen, and what one leaves behind harms no other.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from processes import python

TESTS = str(Path(__file__).parent)
PURE = os.environ.get("FASTWS_NO_EXTENSIONS", "") not in ("", "0")
MAIN = "python" if PURE else "c"
# With a GIL of its own (3.12) an interpreter is refused what is not made for that; before, what
# another one has.
OWN_GIL = sys.version_info >= (3, 12)
START = "import interpreters\n"
INSIDE = "inside = interpreters.create({isolated})\n"
SAY = "interpreters.say()\n"
SAY_INSIDE = "interpreters.run(inside, 'import interpreters; interpreters.say()')\n"

pytestmark = pytest.mark.skipif(
    sys.implementation.name != "cpython", reason="has no interpreters beside the first"
)


def said(code: str, **environment: str) -> list[str]:
    """Give the words that code prints, in whatever interpreter; it ends well and says no more."""
    done = python("-c", START + code, path=TESTS, **{"FASTWS_REQUIRE_EXTENSIONS": ""} | environment)
    assert (done.stderr, done.returncode) == ("", 0)
    return done.stdout.split()


@pytest.mark.parametrize("isolated", [True, False], ids=["isolated", "legacy"])
def test_the_main_interpreter_keeps_its_core(isolated: bool) -> None:
    code = SAY + INSIDE.format(isolated=isolated) + SAY_INSIDE + SAY + SAY_INSIDE
    code += "interpreters.destroy(inside)\n" + SAY
    assert said(code) == [MAIN, "python", MAIN, "python", MAIN]


@pytest.mark.parametrize("isolated", [True, False], ids=["isolated", "legacy"])
def test_another_interpreter_may_be_the_first(isolated: bool) -> None:
    first = "python" if PURE or (isolated and OWN_GIL) else "c"
    later = "python" if first == "c" else MAIN
    code = INSIDE.format(isolated=isolated) + SAY_INSIDE + SAY + SAY_INSIDE
    code += "interpreters.destroy(inside)\n" + SAY
    assert said(code) == [first, later, first, later]


@pytest.mark.parametrize("isolated", [True, False], ids=["isolated", "legacy"])
def test_the_main_interpreter_imports_after_the_other_has_ended(isolated: bool) -> None:
    first = "python" if PURE or (isolated and OWN_GIL) else "c"
    later = "python" if first == "c" else MAIN
    code = INSIDE.format(isolated=isolated) + SAY_INSIDE + "interpreters.destroy(inside)\n" + SAY
    assert said(code) == [first, later]


@pytest.mark.parametrize("isolated", [True, False], ids=["isolated", "legacy"])
def test_interpreters_come_and_go(isolated: bool) -> None:
    code = SAY + "for _ in range(8):\n    "
    code += (
        INSIDE.format(isolated=isolated) + SAY_INSIDE + "interpreters.destroy(inside)"
    ).replace("\n", "\n    ")
    assert said(code + "\n" + SAY) == [MAIN, *["python"] * 8, MAIN]


@pytest.mark.skipif(PURE, reason="the core is not wanted")
@pytest.mark.parametrize("isolated", [True, False], ids=["isolated", "legacy"])
def test_a_core_that_is_required_is_an_import_error(isolated: bool) -> None:
    code = SAY + INSIDE.format(isolated=isolated)
    code += '''interpreters.run(inside, """
try:
    import fastws
except ImportError as error:
    print(error, flush=True)
""")
'''
    first, *text = said(code + SAY, FASTWS_REQUIRE_EXTENSIONS="1")
    assert (first, text.pop()) == ("c", "c")
    assert "interpreter" in " ".join(text)


def test_interpreters_work_at_the_same_time() -> None:
    """The core and two twins, each in a thread, and from 3.12 on each under a GIL of its own."""
    code = """
import threading
interpreters.work()
many = "import interpreters\\nfor _ in range(30): interpreters.work()\\ninterpreters.say()"
inside = [interpreters.create(True) for _ in range(2)]
threads = [threading.Thread(target=interpreters.run, args=(one, many)) for one in inside]
for thread in threads:
    thread.start()
while any(thread.is_alive() for thread in threads):
    interpreters.work()
for thread in threads:
    thread.join()
interpreters.say()
"""
    assert said(code) == ["python", "python", MAIN]
