"""Run a host's own test program, and write what became of each test.

    python -m record_unittest MODULE [ARGUMENTS...]

MODULE is what `python -m MODULE` would run; its runner is unittest's or trial's, or derives from
it. FASTWS_HOSTS_REPORTS names the folder for outcomes.json.
"""

import json
import os
import runpy
import sys

FOLDER = os.environ["FASTWS_HOSTS_REPORTS"]
OUTCOMES = {
    "addError": "error",
    "addExpectedFailure": "xfailed",
    "addFailure": "failed",
    "addSkip": "skipped",
    "addSuccess": "passed",
    "addUnexpectedSuccess": "xpassed",
}
# What has happened to a test is not undone by what is said of it later.
WORSE = ["passed", "skipped", "xfailed", "xpassed", "failed", "error"]

outcomes = {}
subtests = {}


def note(name, outcome):
    outcomes[name] = max(outcomes.get(name, outcome), outcome, key=WORSE.index)


def watch(result):
    """Listen to what a test result is told, whatever class it is of."""
    for method, outcome in OUTCOMES.items():
        listen(result, method, outcome)
    original = getattr(result, "addSubTest", None)
    if original is None:
        return result

    def add_subtest(test, subtest, error):
        subtests[test.id()] = subtests.get(test.id(), 0) + 1
        name = f"{test.id()} (subtest {subtests[test.id()]})"
        note(name, "failed" if error else "passed")
        return original(test, subtest, error)

    result.addSubTest = add_subtest
    return result


def listen(result, method, outcome):
    original = getattr(result, method)

    def told(test, *arguments, **named):
        note(test.id(), outcome)
        return original(test, *arguments, **named)

    setattr(result, method, told)


def watch_results_of(runner):
    """Listen to every result that this class of runners makes."""
    make = runner._makeResult
    runner._makeResult = lambda self: watch(make(self))


def main():
    module = sys.argv[1]
    if module.startswith("twisted."):
        from twisted.trial import runner

        watch_results_of(runner.TrialRunner)
    else:
        import unittest

        watch_results_of(unittest.TextTestRunner)
    del sys.argv[0]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        with open(os.path.join(FOLDER, "outcomes.json"), "w") as file:
            json.dump(outcomes, file)


if __name__ == "__main__":
    main()
