"""The workflows, the scripts that they call, and what is written about these: they go together."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CI = ROOT / ".ci"
if not CI.exists():
    pytest.skip("a source distribution holds no CI", allow_module_level=True)

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"]
PAGES += [*sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / ".github").rglob("*.md"))]
SCRIPTS = {path.name for path in CI.iterdir() if path.read_bytes().startswith(b"#!")}
CALL = re.compile(r"\.ci/([a-z][\w.-]*\w)")
ACTION = re.compile(r"uses: (\S+)(.*)")


def text(*paths: Path) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


def named_in_matrix(workflow: str) -> set[str]:
    """Name the scripts that a matrix chooses: each is an item of `step`, or a `script`."""
    steps = re.findall(r"^          - ([a-z][\w-]*)", workflow, re.M)
    scripts = re.findall(r"script: \[?([a-z][\w-]*)", workflow)
    return {*steps, *scripts}


def called_by_workflows() -> set[str]:
    """Name the scripts that the workflows call themselves."""
    found = set()
    for workflow in map(text, WORKFLOWS):
        found |= {*CALL.findall(workflow)}
        if re.search(r"\.ci/\$S", workflow):
            found |= named_in_matrix(workflow)
    return found


@pytest.mark.parametrize("path", [*WORKFLOWS, *PAGES], ids=lambda path: path.name)
def test_each_script_that_is_named_is_there(path: Path) -> None:
    named = {*CALL.findall(text(path))}
    assert not {name for name in named if not (CI / name).exists()}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_each_script_of_a_matrix_is_there(path: Path) -> None:
    if re.search(r"\.ci/\$S", workflow := text(path)):
        assert named_in_matrix(workflow)
        assert named_in_matrix(workflow) <= SCRIPTS


def test_there_are_workflows_and_scripts() -> None:
    assert {"ci.yml", "nightly.yml", "release.yml"} <= {path.name for path in WORKFLOWS}
    assert {"run", "nightly", "test", "lint", "release"} <= SCRIPTS
    assert {"run", "test", "cross", "older-x86", "hosts"} <= called_by_workflows()


def test_each_script_has_a_caller() -> None:
    ours = CALL.findall(text(CI / "run", CI / "nightly"))
    # .ci/nightly is for people: nightly.yml runs its steps side by side.
    assert SCRIPTS <= called_by_workflows() | {*ours} | {"nightly"}


def test_each_step_of_the_night_has_a_job() -> None:
    steps = {*CALL.findall(text(CI / "nightly"))} - {"lib.sh"}
    assert steps >= {"hosts", "autobahn", "mutants"}
    assert steps <= called_by_workflows() | {"prepare"}


def test_each_script_is_written_about() -> None:
    # Those that only CI calls tell it themselves.
    for_ci = {"prepare", "debian", "bench", "release"}
    assert SCRIPTS - for_ci <= {*CALL.findall(text(*PAGES))}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_with_their_version_beside(path: Path) -> None:
    for action, comment in ACTION.findall(text(path)):
        assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", action), action
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), action


def test_one_action_is_one_commit_everywhere() -> None:
    pins = {action + comment for action, comment in ACTION.findall(text(*WORKFLOWS))}
    assert len(pins) == len({pin.partition("@")[0] for pin in pins})


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_jobs_end_and_may_do_nothing_that_is_not_said(path: Path) -> None:
    workflow = text(path)
    jobs = len(re.findall(r"^    runs-on: ", workflow, re.M))
    assert jobs == len(re.findall(r"^    timeout-minutes: \d+$", workflow, re.M))
    assert jobs == len(re.findall(r"^    permissions:$", workflow, re.M))
    assert "\npermissions: {}\n" in workflow
    checkouts = workflow.count("actions/checkout@")
    assert checkouts == workflow.count("persist-credentials: false")


def test_only_publishing_may_say_who_we_are() -> None:
    jobs = re.split(
        r"^  (?=\w+:\n)", text(ROOT / ".github" / "workflows" / "release.yml"), flags=re.M
    )
    for job in jobs:
        assert ("id-token: write" in job) == ("gh-action-pypi-publish" in job)
        assert ("id-token: write" in job) <= ("environment:" in job)
    others = [path for path in WORKFLOWS if path.name != "release.yml"]
    assert "id-token" not in text(*others)


def test_release_builds_on_every_architecture_of_the_configuration() -> None:
    import tomllib

    project = tomllib.loads(text(ROOT / "pyproject.toml"))
    cibuildwheel = project["tool"]["cibuildwheel"]
    wanted = {
        (platform, arch)
        for platform in ("linux", "macos", "windows")
        for arch in cibuildwheel[platform]["archs"]
    } | {("pyodide", "wasm32")}
    release = text(ROOT / ".github" / "workflows" / "release.yml")
    jobs = re.findall(r"platform: (\w+), arch: (\w+), os:", release)
    assert len(jobs) == len(wanted)
    assert {*jobs} == wanted
