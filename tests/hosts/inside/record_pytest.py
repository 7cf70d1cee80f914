"""A plugin for a host's pytest: write what became of each test, and run only those asked for.

FASTWS_HOSTS_REPORTS names the folder for outcomes.json. FASTWS_HOSTS_ONLY is a JSON list of tests,
FASTWS_HOSTS_WITHOUT one of tests that are left out.
"""

import json
import os

FOLDER = os.environ["FASTWS_HOSTS_REPORTS"]
ONLY = json.loads(os.environ.get("FASTWS_HOSTS_ONLY", "[]"))
WITHOUT = json.loads(os.environ.get("FASTWS_HOSTS_WITHOUT", "[]"))

outcomes = {}
subtests = {}


def name_of(nodeid):
    """Cut off where the environment is: tests that an installed package brings."""
    return nodeid.rpartition("site-packages/")[2]


def pytest_collection_modifyitems(config, items):
    unwanted = [item for item in items if name_of(item.nodeid) in WITHOUT]
    if ONLY:
        unwanted = [item for item in items if name_of(item.nodeid) not in ONLY]
    config.hook.pytest_deselected(items=unwanted)
    items[:] = [item for item in items if item not in unwanted]


def pytest_collectreport(report):
    if report.failed:
        outcomes[f"{name_of(report.nodeid)} (collection)"] = "error"


def pytest_runtest_logreport(report):
    name = name_of(report.nodeid)
    if hasattr(report, "context"):  # one subtest: their texts may differ from run to run
        subtests[name] = subtests.get(name, 0) + 1
        name = f"{name} (subtest {subtests[name]})"
    if report.when == "call":
        outcomes[name] = outcome(report)
    elif report.failed:
        outcomes[name] = "error"
    elif report.skipped:
        outcomes[name] = outcome(report)


def outcome(report):
    if hasattr(report, "wasxfail"):
        return "xfailed" if report.skipped else "xpassed"
    return report.outcome


def pytest_sessionfinish():
    with open(os.path.join(FOLDER, "outcomes.json"), "w") as file:
        json.dump(outcomes, file)
