"""GitLab's component, run as it stands on this repository's desired state, and what it may not do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from reconciler.desired import load
from reconciler.desired.pipeline import files
from reconciler.sandbox import running
from tests.forge.fakes.gitlab import GitLab
from tests.workflows.companies import PACKAGE, several
from tests.workflows.gitlab import Pipelines, Ran, jobs_of
from tests.workflows.own import REPOSITORY
from tests.workflows.runner import git
from tests.workflows.site import HOST, READS, TOKEN, WRITES, Site, Tenant

ADA = "ada@contoso.com"
OF_OTHERS = files("gitlab", apps=several(), folder="access", owner="@contoso/identity", package=PACKAGE)
JOBS = jobs_of(OF_OTHERS.__getitem__)


class Project:
    def __init__(self, folder: Path, address: str, tenant: Tenant, fake: GitLab | None = None) -> None:
        self.site = Site(folder, address, tenant)
        for path, text in files("gitlab", apps=list(load(self.site.state).apps.values()), package=PACKAGE).items():
            (self.site.work / path).parent.mkdir(exist_ok=True)
            (self.site.work / path).write_text(text, encoding="utf-8")
        self.site.commit("GitLab")
        git(self.site.work, "push", "-q", "origin", "main", MAY_PUSH="yes")
        self.pipelines = Pipelines(
            self.site.remote, folder / "gitlab", network={HOST: address},
            secrets={"access-scheduled": {TOKEN: WRITES}, "access-read": {TOKEN: READS}}, fake=fake,
        )  # fmt: skip

    def schedule(self, what: str) -> Ran:
        sha = git(self.site.work, "rev-parse", "main")
        ((_, ran),) = self.pipelines.run("schedule", sha, branch="main", RECONCILER=what).items()
        return ran

    def merge_request(self, **more: str) -> dict[str, Ran]:
        head = git(self.site.work, "rev-parse", "HEAD")
        git(self.site.work, "push", "-q", "-f", "origin", f"{head}:refs/merge-requests/1/head", MAY_PUSH="yes")
        given = {
            "CI_MERGE_REQUEST_PROJECT_ID": "7", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
            "CI_MERGE_REQUEST_PROJECT_URL": str(self.site.remote).removesuffix(".git"),
        }  # fmt: skip
        return self.pipelines.run("merge_request_event", head, **given, **more)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    tenant = Tenant()
    with running(tenant) as address:
        yield Project(tmp_path, address, tenant)


@pytest.fixture
def gitlab() -> Iterator[GitLab]:
    fake = GitLab()
    with fake.running():
        yield fake


@pytest.fixture
def reported(tmp_path: Path, gitlab: GitLab) -> Iterator[Project]:
    """Jobs have a token for reports."""
    tenant = Tenant()
    with running(tenant) as address:
        yield Project(tmp_path, address, tenant, gitlab)


def succeeded(ran: Ran) -> Ran:
    assert ran.result == "success", ran.log
    return ran


def test_a_merge_request_is_planned_without_a_secret(project: Project) -> None:
    succeeded(project.schedule("apply"))
    site = project.site
    site.branch("topic")
    site.edit("groups/crisis-team.yaml", lambda text: text.replace("  - ada.lovelace\n", ""))
    site.commit("Ada leaves the crisis team")
    for project_id in ("7", "8"):
        ran = project.merge_request(CI_PROJECT_ID=project_id)
        assert ran.keys() == {"plan:hootsuite"}
        plan = succeeded(ran["plan:hootsuite"])
        (change,) = orjson.loads(plan.artifacts["plans/hootsuite.json"])["changes"]
        assert (change["action"], change["origin"]) == ("removeMembers", "thisChange")
        assert orjson.loads(plan.artifacts["widget.json"]) == {"create": 0, "update": 0, "delete": 1}
        (remark,) = orjson.loads(plan.artifacts["changes.json"])
        assert remark["location"]["path"] == "desired-state/groups/crisis-team.yaml"
        assert b"<html" in plan.artifacts["plan.html"]
        assert "REHEARSED" in plan.log
        assert TOKEN not in plan.variables


def test_a_merge_request_is_reported_approved_and_applied(reported: Project, gitlab: GitLab) -> None:
    site = reported.site
    succeeded(reported.schedule("apply"))
    site.branch("topic")
    site.edit("groups/crisis-team.yaml", lambda text: text.replace("  - ada.lovelace\n", ""))
    head = site.commit("Ada leaves the crisis team")
    number = gitlab.open_pull(head)
    ran = reported.merge_request(CI_MERGE_REQUEST_IID=str(number), CI_MERGE_REQUEST_SOURCE_BRANCH_SHA=head)
    results = {name: each.result for name, each in ran.items()}
    assert results == {"plan:hootsuite": "success", "comment:hootsuite": "success"}
    (report,) = gitlab.written(number)
    assert "ada.lovelace" in report
    assert gitlab.labelled(number) == {"access: removes"}

    before, after = site.merged(head)
    gitlab.pulls[number].update(state="merged", merge_commit_sha=after)
    reported.pipelines.starts = lambda _job: False
    ran = reported.pipelines.run("push", after, before=before, branch="main")
    assert {name: each.result for name, each in ran.items()} == {
        "reviewed:hootsuite": "success", "approve:hootsuite": "blocked", "apply:hootsuite": "blocked",
    }  # fmt: skip
    assert ADA in site.members("Crisis Team")
    reported.pipelines.starts = lambda _job: True
    ran = reported.pipelines.run("push", after, before=before, branch="main")
    succeeded(ran["apply:hootsuite"])
    assert ADA not in site.members("Crisis Team")

    site.sandbox.add_member(site.sandbox.group_id("Crisis Team"), site.sandbox.user_id(ADA))
    succeeded(reported.schedule("drift"))
    (issue,) = gitlab.issues.values()
    assert (issue["state"], "ada.lovelace" in issue["description"]) == ("opened", True)
    succeeded(reported.schedule("apply"))
    succeeded(reported.schedule("drift"))
    assert issue["state"] == "closed"


def test_a_push_past_review_is_not_applied_by_itself(reported: Project) -> None:
    site = reported.site
    before = git(site.work, "rev-parse", "main")
    site.edit("groups/crisis-team.yaml", lambda text: text.replace("  - ada.lovelace\n", ""))
    after = site.commit("straight onto main")
    git(site.work, "push", "-q", "origin", "main", MAY_PUSH="yes")
    ran = reported.pipelines.run("push", after, before=before, branch="main")
    assert {name: each.result for name, each in ran.items()} == {
        "reviewed:hootsuite": "failure", "approve:hootsuite": "blocked", "apply:hootsuite": "blocked",
    }  # fmt: skip
    assert "nobody reviewed it" in ran["reviewed:hootsuite"].log
    assert not site.sandbox.tokens


def test_the_schedule_applies_drifts_and_a_form_revokes(project: Project) -> None:
    applied = succeeded(project.schedule("apply"))
    assert any(path.startswith("desired-state/.reconciler/journals/") for path in applied.artifacts)
    site = project.site
    assert site.refs() == ["refs/reconciler/hootsuite"]
    assert ADA in site.members("Crisis Team")
    drift = succeeded(project.schedule("drift"))
    assert "Nothing to do." in drift.log
    assert READS in site.sandbox.tokens
    sha = git(site.work, "rev-parse", "main")
    ran = project.pipelines.run(
        "web", sha, branch="main", PERSON="user:ada.lovelace", REASON="stolen; $(id)", DURATION="2h"
    )
    succeeded(ran["revoke:hootsuite"])
    assert ran.keys() == {"revoke:hootsuite"}
    assert site.user(ADA)["active"] is False
    git(site.work, "fetch", "-q", "origin", "refs/reconciler/hootsuite")
    (revocation,) = orjson.loads(git(site.work, "show", "FETCH_HEAD:state.json"))["revocations"].values()
    assert (revocation["by"], revocation["reason"]) == ("ada", "stolen; $(id)")


def test_the_form_revokes_whom_nobody_knows_yet_where_that_is_meant(project: Project) -> None:
    form = {"PERSON": "user:mallory", "REASON": "never let in"}
    sha = git(project.site.work, "rev-parse", "main")
    ran = project.pipelines.run("web", sha, branch="main", **form)["revoke:hootsuite"]
    assert (ran.result, "--even-unknown" in ran.log) == ("failure", True)
    assert not project.site.refs()
    ran = project.pipelines.run("web", sha, branch="main", **form, EVEN_UNKNOWN="true")["revoke:hootsuite"]
    assert "no account" in ran.log
    assert project.site.refs() == ["refs/reconciler/hootsuite"]


def test_an_account_is_revoked_in_the_app_that_it_is_in_alone(project: Project) -> None:
    succeeded(project.schedule("apply"))
    site = project.site
    sha = git(site.work, "rev-parse", "main")
    account = site.user(ADA)["id"]
    form = {"PERSON": f"account:{account}", "REASON": "stolen"}
    ran = project.pipelines.run("web", sha, branch="main", **form)["revoke:hootsuite"]
    assert (ran.result, "account:ID needs ONLY" in ran.log) == ("failure", True)
    assert not project.pipelines.run("web", sha, branch="main", **form, ONLY="another")
    assert site.user(ADA)["active"] is True
    succeeded(project.pipelines.run("web", sha, branch="main", **form, ONLY="hootsuite")["revoke:hootsuite"])
    assert site.user(ADA)["active"] is False


def test_what_is_held_is_a_warning_and_what_fails_a_failure(project: Project) -> None:
    succeeded(project.schedule("apply"))
    site = project.site
    site.sandbox.edit_user(site.sandbox.user_id(ADA), active=False)
    assert project.schedule("apply").result == "warning"
    assert site.user(ADA)["active"] is False, "somebody did that: it is asked"
    project.pipelines.secrets = {}
    assert project.schedule("apply").result == "failure"


def test_ours_is_what_the_template_makes() -> None:
    component = (REPOSITORY / "templates/reconciler.yml").read_text(encoding="utf-8")
    assert component == OF_OTHERS["templates/reconciler.yml"]


@pytest.mark.parametrize("name", JOBS)
def test_a_job_with_a_secret_runs_on_the_default_branch_alone(name: str) -> None:
    job: dict[str, Any] = JOBS[name]
    conditions = [rule["if"] for rule in job["rules"]]
    if "environment" in job:
        assert all("$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH" in condition for condition in conditions)
        assert not any("merge_request" in condition for condition in conditions)
    if name.startswith("apply:"):
        assert job["resource_group"] == name.replace("apply:", "apply-")
        assert job["interruptible"] is False
        assert job["artifacts"]["when"] == "always"


def test_each_app_has_its_own_jobs_and_pins() -> None:
    assert {name.partition(":")[2] for name in JOBS} == {"chat", "wiki", "vault"}
    pins = [line for line in JOBS["apply:wiki"]["before_script"] if "ALLOW_HOST" in line]
    assert pins == [
        'export RECONCILER_ALLOW_HOST="wiki.example.com,login.example.com" RECONCILER_ALLOW_ENV="SHARED_SECRET"'
    ]
    assert "/.gitlab-ci.yml @contoso/identity" in OF_OTHERS["CODEOWNERS"].splitlines()
