"""Access from a pull request to its end, through the workflows of this repository as they stand, for its own
`desired-state/`: each `run:` is run, in a scratch repository, against the sandbox and a forge's API.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from reconciler.sandbox import running
from tests.workflows.hub import Hub
from tests.workflows.runner import Run, git
from tests.workflows.site import READS, TENANT, TOKEN, WRITES, Site, Tenant

ADA = "ada@contoso.com"


@pytest.fixture
def hub() -> Iterator[Hub]:
    made = Hub()
    with made.running():
        yield made


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a site whose first apply is done, with what the application holds."""
    folder = tmp_path_factory.mktemp("begun")
    tenant = Tenant(folder / "application.json")
    with running(tenant) as address:
        succeeded(Site(folder, address, tenant).actions.schedule("apply"))
    return folder


@pytest.fixture
def site(begun: Path, tmp_path: Path, hub: Hub) -> Iterator[Site]:
    shutil.copy(begun / "application.json", tmp_path)
    tenant = Tenant(tmp_path / "application.json")
    with running(tenant) as address:
        made = Site(tmp_path, address, tenant, hub, like=begun)
        yield made
    keeps_its_secrets(made)


@pytest.fixture
def fresh(tmp_path: Path, hub: Hub) -> Iterator[Site]:
    """Nothing was applied yet."""
    tenant = Tenant()
    with running(tenant) as address:
        made = Site(tmp_path, address, tenant, hub)
        yield made
    keeps_its_secrets(made)


def keeps_its_secrets(site: Site) -> None:
    """In nothing that a job leaves behind: log, summary, artifact, comment, and the memory."""
    left = [run.log for run in site.actions.runs] + [job.summary for run in site.actions.runs for job in run.jobs]
    left += [repr(run.artifacts) for run in site.actions.runs]
    assert site.hub is not None
    left += [repr(site.hub.comments), repr(site.hub.checks), repr(site.hub.issues)]
    for secret in (WRITES, READS, *site.hub.tokens):
        assert not [text for text in left if secret in text]
    assert not site.hub.leaked
    for ref in site.refs():
        git(site.work, "fetch", "-q", "origin", ref)
        assert not git(site.work, "ls-tree", "--name-only", "FETCH_HEAD", "lock.json"), "the lock was given back"
        for name in git(site.work, "ls-tree", "--name-only", "FETCH_HEAD").splitlines():
            if name.endswith(".json"):
                assert WRITES not in git(site.work, "show", f"FETCH_HEAD:{name}")


def succeeded(run: Run) -> Run:
    assert run.conclusion == "success", run.log
    return run


def plan_of(run: Run) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(run.artifacts["plan"]["hootsuite.json"])
    return document


def without(*lines: str) -> Any:
    """An edit that takes lines away."""
    return lambda text: "".join(each for each in text.splitlines(keepends=True) if each.strip() not in lines)


def leaves_the_crisis_team(site: Site) -> None:
    site.branch("topic")
    site.edit("groups/crisis-team.yaml", without("- ada.lovelace"))
    site.commit("Ada leaves the crisis team")


def test_a_pull_request_is_planned_without_a_secret(site: Site) -> None:
    asked = len(site.sandbox.requests)
    leaves_the_crisis_team(site)
    _, (run, *_) = site.open()
    succeeded(run)
    (change,) = plan_of(run)["changes"]
    assert (change["action"], change["key"], change["origin"]) == ("removeMembers", "group:crisis-team", "thisChange")
    assert plan_of(run)["live"]["source"] == "snapshot"
    assert "::warning file=desired-state/groups/crisis-team.yaml,line=4" in run.log
    assert "No workflow knows this app" not in run.log
    assert "REHEARSED" in run.log
    assert b"<html" in run.artifacts["page"]["plan.html"]
    has_no_secret(run)
    assert len(site.sandbox.requests) == asked, "the application was not asked"


def has_no_secret(run: Run) -> None:
    (job,) = run.jobs
    assert "CI" in job.environment
    assert TOKEN not in job.environment
    assert "GITHUB_TOKEN" not in job.environment
    assert not {WRITES, READS} & set(job.environment.values())


def test_an_app_that_no_workflow_knows_is_told(site: Site) -> None:
    site.branch("topic")
    shutil.copytree(site.state / "apps/hootsuite", site.state / "apps/another")
    site.edit("apps/another/app.yaml", lambda text: text.replace(TENANT, "https://another.example.com/scim/v2", 1))
    site.commit("another app")
    _, (run, *_) = site.open()
    assert "::warning title=another::No workflow knows this app" in run.log
    assert "title=hootsuite::No workflow" not in run.log
    assert run.artifacts["plan"].keys() == {"another.json", "hootsuite.json"}


def test_from_the_pull_request_to_the_application(site: Site, hub: Hub) -> None:
    leaves_the_crisis_team(site)
    number, (plan, comment) = site.open()
    succeeded(plan)
    succeeded(comment)
    (report,) = hub.reports(number)
    assert "leaves `Crisis Team`" in report["body"], report["body"]
    assert hub.labelled(number) == {"access: removes"}
    (check,) = hub.checks
    assert (check["name"], check["app"]["slug"]) == ("reconciler/hootsuite", "github-actions")
    assert plan_of(plan)["changesDigest"] in str(check)

    site.edit("groups/social-media.yaml", without("- ines.moreau"))
    site.commit("Ines leaves, too")
    for run in site.push_again(number):
        succeeded(run)
    (report,) = hub.reports(number)
    assert "ines.moreau" in report["body"]
    assert len(hub.comments) == 2, "the first is folded away"

    assert ADA in site.members("Crisis Team")
    run = succeeded(site.merge(number))
    assert site.asked == 1
    assert "leaves `Crisis Team`" in run.job("reviewed").summary
    assert ADA not in site.members("Crisis Team")
    assert run.artifacts["journal-hootsuite"]
    assert "Nothing to do" in succeeded(site.actions.schedule("apply")).log


def test_a_push_past_review_is_not_applied_by_itself(site: Site) -> None:
    before = git(site.work, "rev-parse", "main")
    site.edit("groups/crisis-team.yaml", without("- ada.lovelace"))
    run = site.pushed(before, site.commit("straight onto main"))
    assert run.conclusion == "failure"
    assert "is not the merge of a pull request: nobody reviewed it" in run.log
    assert run.job("apply").result == "skipped"
    assert site.asked == 0
    assert ADA in site.members("Crisis Team")


def test_nothing_runs_if_nobody_approves(site: Site) -> None:
    leaves_the_crisis_team(site)
    number, _ = site.open()
    site.approves = False
    run = site.merge(number)
    assert [(job.name, job.result) for job in run.jobs] == [
        ("reviewed", "success"), ("approve", "failure"), ("apply", "skipped"),
    ]  # fmt: skip
    assert ADA in site.members("Crisis Team")


def test_what_came_after_the_review_is_left_for_the_schedule(site: Site) -> None:
    """What is applied after a merge is what the reviewer saw, whatever else is merged by then."""
    leaves_the_crisis_team(site)
    number, _ = site.open()
    git(site.work, "switch", "-q", "main")
    site.edit("groups/social-media.yaml", without("- ines.moreau"))
    site.commit("Ines leaves; merged while the other was open, and not applied yet")
    git(site.work, "push", "-q", "origin", "main", MAY_PUSH="yes")
    run = site.merge(number)
    assert ADA not in site.members("Crisis Team"), run.log
    assert "ines@contoso.com" in site.members("Social Media")
    succeeded(site.actions.schedule("apply"))
    assert "ines@contoso.com" not in site.members("Social Media")


def test_a_change_of_no_access_asks_nobody(site: Site) -> None:
    site.branch("topic")
    site.edit("groups/crisis-team.yaml", lambda text: text + "# a remark\n")
    site.commit("a remark")
    number, runs = site.open()
    assert all(run.conclusion == "success" for run in runs)
    run = succeeded(site.merge(number))
    assert run.job("apply").result == "skipped"
    assert site.asked == 0


def test_the_pull_request_of_a_fork_is_reported_by_a_job_of_ours(site: Site, hub: Hub) -> None:
    leaves_the_crisis_team(site)
    number, (plan, comment) = site.open(fork=True)
    succeeded(comment)
    assert len(hub.reports(number)) == 1
    assert [check["name"] for check in hub.checks] == ["reconciler/hootsuite"]
    assert plan.fork
    has_no_secret(plan)
    succeeded(site.merge(number))
    assert ADA not in site.members("Crisis Team")


@pytest.mark.parametrize("fork", [False, True], ids=["branch", "fork"])
def test_a_pull_request_that_changes_its_own_workflow_gets_nothing_by_it(site: Site, hub: Hub, fork: bool) -> None:
    before = git(site.remote, "for-each-ref", "refs/heads", "refs/reconciler")
    site.branch("evil")
    plan = site.work / ".github/workflows/plan.yml"
    stealing = "env; git push origin HEAD:refs/heads/main; git push -f origin HEAD:refs/reconciler/hootsuite; true"
    text = plan.read_text().replace("contents: read", "contents: read\n    environment: access-scheduled")
    plan.write_text(text.replace("reconciler validate desired-state --format annotations", f"bash -c '{stealing}'"))
    site.commit("nothing to see")
    _, (run, *_) = site.open(fork=fork)
    assert run.conclusion == "failure", "no pull request may use that environment"
    plan.write_text(plan.read_text().replace("    environment: access-scheduled\n", ""))
    site.commit("without that")
    number, (run, comment) = site.open(fork=fork)
    assert "permission denied" in run.log
    assert WRITES not in run.log
    assert READS not in run.log
    assert git(site.remote, "for-each-ref", "refs/heads", "refs/reconciler") == before
    succeeded(comment)
    (report,) = hub.reports(number)
    assert ".github/workflows/plan.yml" in report["body"]
    assert "do not rely on what stands here" in report["body"]


def test_a_plan_of_another_branchs_workflow_is_reported_nowhere(site: Site, hub: Hub) -> None:
    """Whoever may push a branch could have a plan.yml there that writes any plan, for a commit that is harmless."""
    git(site.work, "push", "-q", "origin", "main:refs/heads/elsewhere", MAY_PUSH="yes")
    git(site.work, "branch", "-q", "elsewhere", "main")
    site.branch("topic")
    plan = site.work / ".github/workflows/plan.yml"
    plan.write_text(plan.read_text().replace("branches: [main]", "branches: [main, elsewhere]"))
    site.commit("as it would be on elsewhere")
    number, runs = site.open(base="elsewhere")
    assert [run.workflow for run in runs] == ["plan", "comment"]
    assert runs[1].conclusion == "skipped"
    assert not hub.comments
    assert not hub.checks
    assert not hub.labelled(number)


def test_an_answer_is_given_by_hand_and_approved(site: Site) -> None:
    site.sandbox.edit_user(site.sandbox.user_id(ADA), active=False)
    run = succeeded(site.actions.schedule("apply"))
    assert "::warning title=hootsuite::Something is held" in run.log
    assert site.user(ADA)["active"] is False, "somebody did that: it is asked"
    site.approves = False
    answer = "takenAwayInApp:user:ada.lovelace"
    assert site.actions.dispatch("apply", allow=answer).conclusion == "failure"
    assert site.user(ADA)["active"] is False
    site.approves = True
    succeeded(site.actions.dispatch("apply", allow=answer))
    assert site.user(ADA)["active"] is True
    assert site.asked == 2


def test_a_pull_request_before_anything_was_applied_compares_files_alone(fresh: Site) -> None:
    leaves_the_crisis_team(fresh)
    _, (run, *_) = fresh.open()
    succeeded(run)
    assert plan_of(run)["live"]["source"] == "files"
    assert len(plan_of(run)["changes"]) == 1


def test_wrong_files_are_told_at_their_line_and_give_no_plan(site: Site) -> None:
    site.branch("topic")
    site.edit("groups/crisis-team.yaml", lambda text: text.replace("sensitive: true", "sensitve: true"))
    site.commit("a slip")
    _, (run, *_) = site.open()
    assert run.conclusion == "failure"
    assert "::error file=desired-state/groups/crisis-team.yaml,line=3" in run.log
    assert not run.artifacts


def test_an_end_comes_on_the_schedule_and_without_a_push(site: Site) -> None:
    until = f"{date.today() + timedelta(days=1)}"  # noqa: DTZ011  a day of the calendar, as in the files
    site.edit(
        "groups/crisis-team.yaml",
        lambda text: text.replace("- ada.lovelace", f"- {{user: ada.lovelace, until: {until}}}"),
    )
    site.commit("Ada, until tomorrow")
    git(site.work, "push", "-q", "origin", "main", MAY_PUSH="yes")
    succeeded(site.actions.schedule("apply"))
    assert ADA in site.members("Crisis Team")
    site.actions.days = 3
    run = succeeded(site.actions.schedule("apply"))
    assert ADA not in site.members("Crisis Team")
    assert site.asked == 0, "nobody has to approve what was merged"
    (content,) = [c for name, c in run.artifacts["journal-hootsuite"].items() if name.endswith("Z.jsonl")]
    assert b"removeMembers" in content


def test_drift_has_an_issue_until_it_is_gone(site: Site, hub: Hub) -> None:
    succeeded(site.actions.schedule("drift"))
    assert not hub.issues
    crisis_team, ines = site.sandbox.group_id("Crisis Team"), site.sandbox.user_id("ines@contoso.com")
    site.sandbox.add_member(crisis_team, ines)
    for _ in range(2):
        succeeded(site.actions.schedule("drift"))
        (issue,) = hub.open_issues()
        assert "ines" in issue["body"].lower()
    succeeded(site.actions.schedule("apply"))
    assert "ines@contoso.com" not in site.members("Crisis Team")
    succeeded(site.actions.schedule("drift"))
    assert not hub.open_issues()
    assert len(hub.issues) == 1
    assert READS in site.sandbox.tokens


def test_a_pull_request_is_planned_on_what_drift_has_read(fresh: Site) -> None:
    succeeded(fresh.actions.schedule("drift"))
    assert fresh.refs() == ["refs/reconciler/hootsuite"]
    leaves_the_crisis_team(fresh)
    _, (run, *_) = fresh.open()
    assert plan_of(succeeded(run))["live"]["source"] == "snapshot"


def test_an_app_that_is_switched_off_is_left_alone(fresh: Site) -> None:
    fresh.edit("apps/hootsuite/app.yaml", lambda text: f"provisioning: false\n{text}")
    fresh.commit("not yet")
    git(fresh.work, "push", "-q", "origin", "main", MAY_PUSH="yes")
    run = succeeded(fresh.actions.schedule("apply"))
    assert "hootsuite: provisioning is off" in run.log
    assert not fresh.sandbox.tokens


def test_what_ran_is_told_even_if_it_fails(fresh: Site) -> None:
    fresh.environments["access-scheduled"].secrets[TOKEN] = READS
    run = fresh.actions.schedule("apply")
    assert run.conclusion == "failure"
    assert any(name.endswith(".jsonl") for name in run.artifacts["journal-hootsuite"]), run.log
    assert READS not in run.log


def test_access_is_revoked_by_a_form(site: Site) -> None:
    assert site.user(ADA)["active"] is True
    reason = "laptop stolen; $(touch /tmp/x) `id` \"quoted\" 'too' ${{ github.token }}"
    run = site.actions.dispatch("revoke", actor="grace", person="user:ada.lovelace", reason=reason, duration="24h")
    succeeded(run)
    assert site.user(ADA)["active"] is False
    assert site.asked == 0, "nobody is waited for"
    assert run.artifacts["journal"]
    git(site.work, "fetch", "-q", "origin", "refs/reconciler/hootsuite")
    state = orjson.loads(git(site.work, "show", "FETCH_HEAD:state.json"))
    ((key, revocation),) = state["revocations"].items()
    assert (key, revocation["reason"], revocation["by"]) == ("user:ada.lovelace", reason, "grace")
    succeeded(site.actions.schedule("apply"))
    assert site.user(ADA)["active"] is False, "later applies respect it"


def test_the_form_revokes_whom_nobody_knows_yet_where_that_is_meant(fresh: Site) -> None:
    form = {"person": "user:mallory", "reason": "never let in"}
    run = fresh.actions.dispatch("revoke", **form)
    assert (run.conclusion, "--even-unknown" in run.log, fresh.refs()) == ("failure", True, [])
    run = fresh.actions.dispatch("revoke", **form, unknown="true")
    assert "no account" in run.log
    assert fresh.refs() == ["refs/reconciler/hootsuite"]


@pytest.mark.parametrize(
    ("inputs", "told"),
    [
        ({"person": "--help", "reason": "x"}, "neither user:ID nor account:ID"),
        ({"person": "user:ada.lovelace", "reason": " "}, "--reason is empty"),
        ({"person": "user:ada.lovelace", "reason": "x", "duration": "--app=x"}, "not a duration"),
        ({"person": "user:ada.lovelace", "reason": "x", "app": "--state=file:x"}, "there is no app"),
    ],
    ids=str,
)
def test_what_stands_in_a_form_is_no_option(fresh: Site, inputs: dict[str, str], told: str) -> None:
    run = fresh.actions.dispatch("revoke", **inputs)
    assert run.conclusion == "failure"
    assert told in run.log
    assert not fresh.refs()


def test_another_branch_gets_no_secret(site: Site) -> None:
    """Somebody who may push a branch changes the workflow there, and starts it by hand."""
    site.branch("evil")
    apply = site.work / ".github/workflows/apply.yml"
    apply.write_text(apply.read_text().replace("reconciler apply", "env; reconciler apply"))
    site.commit("nothing to see")
    git(site.work, "push", "-q", "origin", "evil", MAY_PUSH="yes")
    run = site.actions.dispatch("apply", branch="evil")
    assert run.conclusion == "failure"
    assert WRITES not in run.log
    assert not site.sandbox.tokens


def test_another_host_gets_no_token(site: Site) -> None:
    """Even if it was merged: hosts are pinned in the workflows."""
    site.edit("apps/hootsuite/app.yaml", lambda text: text.replace(TENANT, "https://evil.example.com/scim/v2", 1))
    site.commit("a slip?")
    git(site.work, "push", "-q", "origin", "main", MAY_PUSH="yes")
    for workflow in ("apply", "drift"):
        run = site.actions.schedule(workflow)
        assert run.conclusion == "failure"
        assert "host evil.example.com is not on the list" in run.log
