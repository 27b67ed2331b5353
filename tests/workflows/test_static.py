"""What no workflow may do, whatever it is for: read off the YAML of this repository's and of what others are given."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from typing import Any, Final

import pytest

from reconciler.desired.pipeline import files
from tests.workflows.companies import PACKAGE, several
from tests.workflows.own import REPOSITORY, own_files
from tests.workflows.runner import read_yaml

ACTIONS: Final = {
    "actions/checkout": ("08c6903cd8c0fde910a37f88322edcfb5dd907a8", "v5.0.0"),
    "actions/setup-python": ("e797f83bcb11b83ae66e0230d6156d7c80228e7c", "v6.0.0"),
    "actions/upload-artifact": ("ea165f8d65b6e75b540449e92b4886f43607fa02", "v4.6.2"),
    "actions/download-artifact": ("634f93cb2916e3fdff6788551b99b062d0335ce0", "v5.0.0"),
}
UNTRUSTED: Final = ("pull_request", "workflow_run")
"""What somebody without any right can set off."""
TOKENS: Final = ("access-scheduled", "access-read")


def texts() -> dict[str, str]:
    """All that GitHub would run: ours, and what a repository with three apps is given."""
    ours = {
        path.relative_to(REPOSITORY).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted((REPOSITORY / ".github").rglob("*.yml"))
    }
    given = files("github", apps=several(), branch="trunk", owner="@contoso/identity", folder="access", package=PACKAGE)
    return {**ours, **{f"of others/{path}": text for path, text in given.items() if path.endswith(".yml")}}


TEXTS: Final = texts()
WORKFLOWS: Final = {path: read_yaml(text) for path, text in TEXTS.items() if "/workflows/" in path}
JOBS: Final = [
    pytest.param(path, job, id=f"{path}:{name}")
    for path, document in WORKFLOWS.items()
    for name, job in document["jobs"].items()
]
each_text = pytest.mark.parametrize("path", TEXTS)
each_workflow = pytest.mark.parametrize("path", WORKFLOWS)
each_job = pytest.mark.parametrize(("path", "job"), JOBS)


def events(path: str) -> set[str]:
    on = WORKFLOWS[path]["on"]
    return {on} if isinstance(on, str) else set(on)


def steps(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for job in document.get("jobs", {}).values():
        yield from job["steps"]
    yield from document.get("runs", {}).get("steps", ())


def used(document: Any) -> str:
    """Everything that is written in it, comments aside."""
    return str(document)


def test_ours_are_what_the_templates_make_of_our_desired_state() -> None:
    differing = [path for path, text in own_files().items() if (REPOSITORY / path).read_text("utf-8") != text]
    assert not differing, "python -m tests.workflows.own"
    there = {path.relative_to(REPOSITORY).as_posix() for path in (REPOSITORY / ".github").rglob("*") if path.is_file()}
    assert there - own_files().keys() == {".github/workflows/ci.yml"}


@each_text
def test_actions_are_those_we_know_and_pinned(path: str) -> None:
    for line in TEXTS[path].splitlines():
        if "uses:" in line:
            found = re.fullmatch(r"\s*(?:- )?uses: (?:(\S+)@(\S+) # (\S+)|\./\.github/actions/reconciler)", line)
            assert found, line
            if found[1]:
                assert ACTIONS[found[1]] == (found[2], found[3])


@each_text
def test_no_text_of_others_is_pasted_into_a_script(path: str) -> None:
    """Whatever a script needs comes by its environment, where it is a value and no code."""
    for step in steps(read_yaml(TEXTS[path])):
        assert "${{" not in step.get("run", "")


@each_text
def test_scripts_are_scripts(path: str) -> None:
    for step in steps(read_yaml(TEXTS[path])):
        if "run" in step:
            done = subprocess.run(["bash", "-n"], input=step["run"], text=True, capture_output=True, check=False)
            assert done.returncode == 0, done.stderr


@each_workflow
def test_nothing_is_permitted_unless_a_job_says_so(path: str) -> None:
    assert WORKFLOWS[path]["permissions"] == {}
    assert all(isinstance(job["permissions"], dict) for job in WORKFLOWS[path]["jobs"].values())
    assert WORKFLOWS[path]["defaults"]["run"]["shell"] == "bash", "else a pipe hides failures"


@each_workflow
def test_nobody_runs_the_head_of_a_pull_request_with_our_rights(path: str) -> None:
    assert "pull_request_target" not in TEXTS[path]
    if "workflow_run" in events(path):
        for step in steps(WORKFLOWS[path]):
            assert "ref" not in step.get("with", {}), "the default branch, and nothing else"


@each_job
def test_what_anybody_can_set_off_has_no_secret(path: str, job: dict[str, Any]) -> None:
    if not events(path) & set(UNTRUSTED):
        return
    assert "environment" not in job
    assert "secrets" not in used(job)
    if "pull_request" in events(path):
        assert job["permissions"] == {"contents": "read"}
        assert "github.token" not in used(job)


@each_job
def test_a_secret_is_read_in_an_environment_and_for_reconciler_alone(path: str, job: dict[str, Any]) -> None:
    reading = [step for step in job["steps"] if "secrets." in used(step)]
    rest = {**job, "steps": [step for step in job["steps"] if step not in reading]}
    assert "secrets." not in used(rest)
    if not reading:
        return
    assert job["environment"] in TOKENS
    assert job["permissions"].keys() <= {"contents", "issues"}
    branch = "trunk" if path.startswith("of others") else "main"
    (checkout,) = [step for step in job["steps"] if step.get("uses", "").startswith("actions/checkout")]
    assert checkout["with"]["ref"] == branch
    for step in reading:
        assert re.search(r"^ *reconciler (apply|drift|revoke) ", step["run"], re.MULTILINE)
        assert "pip" not in step["run"]
        assert {"RECONCILER_ALLOW_HOST", "RECONCILER_ALLOW_ENV"} <= step["env"].keys()


@each_job
def test_a_checkout_leaves_a_token_only_where_the_memory_needs_it(path: str, job: dict[str, Any]) -> None:
    for step in job["steps"]:
        if step.get("uses", "").startswith("actions/checkout"):
            assert isinstance(step["with"]["persist-credentials"], bool)
            if "pull_request" in events(path):
                assert job["permissions"]["contents"] == "read"


@each_job
def test_what_writes_is_never_cut_off_and_never_twice_at_a_time(path: str, job: dict[str, Any]) -> None:
    applying = "reconciler apply" in used(job)
    if applying:
        assert job["concurrency"] == {"group": "apply-${{ matrix.app }}", "cancel-in-progress": False}
        assert "concurrency" not in WORKFLOWS[path]
    if applying or "reconciler revoke" in used(job):
        journal = job["steps"][-1]
        assert journal["if"] == "always()"
        assert journal["with"]["path"].endswith("/.reconciler/journals/")
        assert journal["with"]["include-hidden-files"] is True
    if "reconciler revoke" in used(job):
        assert "concurrency" not in job, "an apply that runs is not waited for"


def test_drift_is_looked_for_every_40_minutes() -> None:
    moments = sorted(
        hour * 60 + minute
        for each in WORKFLOWS[".github/workflows/drift.yml"]["on"]["schedule"]
        for hour in _field(each["cron"].split()[1], 24)
        for minute in _field(each["cron"].split()[0], 60)
    )
    assert {after - before for before, after in zip(moments, [*moments[1:], moments[0] + 1440], strict=True)} == {40}


def _field(text: str, end: int) -> list[int]:
    """A field of cron: N, N,N, N-N/N."""
    found = re.fullmatch(r"(\d+)-(\d+)/(\d+)", text)
    if found:
        return list(range(int(found[1]), int(found[2]) + 1, int(found[3])))
    return [int(each) for each in text.split(",") if int(each) < end]


def test_the_code_is_tested_on_the_oldest_and_the_newest_python() -> None:
    job = WORKFLOWS[".github/workflows/ci.yml"]["jobs"]["suite"]
    declared = re.findall(r"Python :: (3\.\d+)", (REPOSITORY / "pyproject.toml").read_text("utf-8"))
    tested = job["strategy"]["matrix"]["python"]
    assert {declared[0], declared[-1]} <= set(tested)
    assert job["steps"][-1]["run"] == "bash .ci/run"
