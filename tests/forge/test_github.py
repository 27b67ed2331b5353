"""The life of pull requests on GitHub. What is asserted is what people see there afterwards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from reconciler.forge import APP
from reconciler.model.plan import Held, Later, Plan, Source
from reconciler.plan import read_plans, to_json
from tests.forge.conftest import joins, leaves, plan
from tests.forge.fakes.github import BOT, GitHub

A, B, C = "a" * 40, "b" * 40, "c" * 40


class Reviewed:
    """`comment` as its job calls it: with the run that planned a commit."""

    def __init__(self, github: GitHub, kept: Any, reconciler: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.github, self.kept, self.reconciler, self.patch = github, kept, reconciler, monkeypatch

    def __call__(self, head: str, *plans: Plan, run: int = 0, source: str = "", options: tuple[str, ...] = ()) -> Any:
        """The run that planned; then its report."""
        run = run or self.github.run(head, {f"{each.app}.json": to_json(each) for each in plans}, source, "plans")
        self.patch.setenv("GITHUB_RUN_ID", str(run))
        files = [self.kept(each) for each in plans]
        called = self.reconciler("comment", *files, "--head", head, *options)
        assert "job-token-of" not in f"{called.out}{called.err}{self.github.comments}{self.github.checks}"
        return called


@pytest.fixture
def report(
    github: GitHub, kept: Any, reconciler: Any, monkeypatch: pytest.MonkeyPatch
) -> Reviewed:  # fmt: skip
    return Reviewed(github, kept, reconciler, monkeypatch)


def test_a_pull_request_from_its_first_push_to_the_apply(
    github: GitHub, report: Reviewed, reconciler: Callable[..., Any], tmp_path: Path
) -> None:
    number = github.open_pull(A)
    first, second = plan(*joins("ada"), *leaves("grace")), plan(*joins("ada"))
    assert report(A, first).code == 0
    (shown,) = github.reports(number)
    assert "1 person loses access and 1 person gains access" in shown["body"]
    assert github.labelled(number) == {"access: adds", "access: removes"}
    assert [check["head_sha"] for check in github.checks] == [A]

    github.push(number, B)
    assert report(B, second).code == 0
    (shown,) = github.reports(number)
    assert "1 person gains access" in shown["body"]
    assert "loses" not in shown["body"]
    assert github.labelled(number) == {"access: adds"}

    commit = github.merge(number)
    called = reconciler("approved", "--commit", commit, "--out", tmp_path / "approved")
    assert called.code == 0, called.err
    (file,) = (tmp_path / "approved").iterdir()
    assert file.name == "hootsuite.plan.json"
    assert read_plans(file.read_bytes(), "")[0].changes_digest == second.changes_digest
    assert github.leaked == []


# -- one comment for each app


def test_the_comment_stays_where_it_is_while_the_changes_are_the_same(github: GitHub, report: Reviewed) -> None:
    number = github.open_pull(A)
    report(A, plan(*joins("ada")))
    (first,) = [dict(each) for each in github.reports(number)]
    later = plan(*joins("ada"), as_of="2026-11-24T09:00:00Z")
    github.push(number, B)
    report(B, later)
    (second,) = github.reports(number)
    assert second["id"] == first["id"]
    assert "2026-11-24 09:00" in second["body"]


def test_other_changes_are_a_new_comment_and_the_old_one_is_folded_away(github: GitHub, report: Reviewed) -> None:
    number = github.open_pull(A)
    report(A, plan(*joins("ada")))
    github.push(number, B)
    report(B, plan(*joins("grace")))
    old, new = github.comments
    assert old["minimized"]
    assert "The changes are others now" in old["body"]
    assert new["html_url"] in old["body"]
    assert not new["minimized"]
    assert "grace" in new["body"]


def test_update_keeps_to_one_comment(github: GitHub, report: Reviewed) -> None:
    number = github.open_pull(A)
    for head, name in ((A, "ada"), (B, "grace")):
        github.push(number, head)
        report(head, plan(*joins(name)), options=("--mode", "update"))
    (only,) = github.comments
    assert "grace" in only["body"]


def test_a_change_that_is_taken_back_strikes_the_comment(github: GitHub, report: Reviewed) -> None:
    number = github.open_pull(A)
    report(A, plan(*joins("ada")))
    github.push(number, B)
    report(B, plan())
    (struck,) = github.comments
    assert "~~Access to `Hootsuite`~~" in struck["body"]
    assert "ada" not in struck["body"]
    assert github.labelled(number) == {"access: none"}

    github.push(number, C)
    report(C, plan(*joins("ada")))
    (shown,) = github.reports(number)
    assert "ada" in shown["body"]
    assert "~~" not in shown["body"]


def test_nothing_is_said_where_nothing_is_changed(github: GitHub, report: Reviewed) -> None:
    number = github.open_pull(A)
    assert report(A, plan()).code == 0
    assert github.comments == []
    assert github.labelled(number) == {"access: none"}
    assert [check["conclusion"] for check in github.checks] == ["success"]


def test_two_apps_of_two_jobs_do_not_disturb_each_other(github: GitHub, report: Reviewed) -> None:
    number = github.open_pull(A)
    run = github.run(A)
    report(A, plan(*joins("ada")), run=run)
    report(A, plan(*leaves("grace"), app="github"), run=run)
    bodies = [each["body"] for each in github.reports(number)]
    assert len(bodies) == 2
    assert [("ada" in body, "grace" in body) for body in bodies] == [(True, False), (False, True)]
    assert github.labelled(number) == {"access: adds", "access: removes"}
    github.push(number, B)
    report(B, plan(*joins("ada")), plan(app="github"))
    assert len(github.reports(number)) == 2
    assert github.labelled(number) == {"access: adds"}


def test_an_app_whose_name_begins_like_another_has_its_own_comment(github: GitHub, report: Reviewed) -> None:
    number = github.open_pull(A)
    report(A, plan(*joins("ada"), app="hoot"), plan(*joins("grace"), app="hoot-eu"))
    assert len(github.reports(number)) == 2
    report(A, plan(*joins("ada"), app="hoot"), plan(*joins("grace"), app="hoot-eu"))
    assert len(github.comments) == 2


def test_two_pull_requests_do_not_disturb_each_other(github: GitHub, report: Reviewed) -> None:
    one, two = github.open_pull(A), github.open_pull(B)
    report(A, plan(*joins("ada")))
    report(B, plan(*leaves("grace")))
    assert ["ada" in each["body"] for each in github.reports(one)] == [True]
    assert ["grace" in each["body"] for each in github.reports(two)] == [True]
    assert github.labelled(one) == {"access: adds"}
    assert github.labelled(two) == {"access: removes"}


def test_what_two_jobs_at_a_time_left_is_cleared_up(github: GitHub, report: Reviewed) -> None:
    number = github.open_pull(A)
    report(A, plan(*joins("ada")))
    github.say(number, BOT, github.comments[0]["body"])
    report(A, plan(*joins("ada")))
    assert [each["minimized"] for each in github.comments] == [True, False]


def test_ours_is_found_among_hundreds_of_comments(github: GitHub, report: Reviewed) -> None:
    number = github.open_pull(A)
    for each in range(130):
        github.say(number, "somebody", f"before {each}")
    report(A, plan(*joins("ada")))
    for each in range(130):
        github.say(number, "somebody", f"after {each}")
    report(A, plan(*joins("ada")))
    assert len(github.comments) == 261


# -- whom nobody has to believe


def test_a_copied_mark_makes_no_comment_ours(github: GitHub, report: Reviewed) -> None:
    number = github.open_pull(A)
    report(A, plan(*joins("ada")))
    copied = github.comments[0]["body"].replace("ada", "nobody at all")
    theirs = github.say(number, "mallory", copied)
    report(A, plan(*joins("ada")))
    github.push(number, B)
    report(B, plan(*joins("grace")))
    (kept,) = [each for each in github.comments if each["id"] == theirs]
    assert kept["body"] == copied
    assert not kept["minimized"]
    assert len(github.reports(number)) == 1


def test_an_edited_comment_is_written_again_and_proves_nothing(
    github: GitHub, report: Reviewed, reconciler: Any, tmp_path: Path
) -> None:
    number = github.open_pull(A)
    true, forged = plan(*joins("ada")), plan(*joins("mallory"))
    report(A, true)
    before = github.comments[0]["body"]
    github.edit(github.comments[0]["id"], before.replace(true.changes_digest, forged.changes_digest))
    commit = github.merge(number)
    assert reconciler("approved", "--commit", commit, "--out", tmp_path / "out").code == 0
    (file,) = (tmp_path / "out").iterdir()
    assert read_plans(file.read_bytes(), "")[0].changes_digest == true.changes_digest

    other = github.open_pull(B)
    report(B, true)
    github.edit(github.reports(other)[0]["id"], "LGTM, nothing changes")
    report(B, true)
    assert [each["body"].count("ada") > 0 for each in github.reports(other)] == [False, True]


def test_a_mark_in_the_middle_of_ours_does_not_count(github: GitHub, report: Reviewed) -> None:
    number = github.open_pull(A)
    name = f"<!-- reconciler:github changes=sha256:{'0' * 64} -->"
    report(A, plan(*joins(name)))
    report(A, plan(*joins("grace"), app="github"))
    first, second = github.reports(number)
    assert first["body"].startswith("<!-- reconciler:hootsuite ")
    assert second["body"].startswith("<!-- reconciler:github ")


def test_who_changes_what_makes_the_report_is_told_at_its_top(github: GitHub, report: Reviewed) -> None:
    number = github.open_pull(A, files=["users/ada.yaml", ".github/workflows/plan.yml"])
    report(A, plan())
    (shown,) = github.reports(number)
    assert (
        "In `.github/workflows/plan.yml` this pull request also changes what makes this report"
        in shown["body"].split("\n\n")[1]
    )


def test_an_open_pull_request_of_somebody_else_with_the_same_commit_is_not_ours(
    github: GitHub, report: Reviewed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ours, theirs = github.open_pull(A), github.open_pull(A, source="mallory/access")
    run = github.run(A, {"hootsuite.json": to_json(plan())}, source="mallory/access")
    monkeypatch.setenv("GITHUB_EVENT_PATH", event_of(tmp_path / "event.json", run, A, "mallory/access"))
    report(A, plan(*joins("ada")), run=999)
    assert github.reports(ours) == []
    assert len(github.reports(theirs)) == 1
    assert f"run={run} pull={theirs}" in github.checks[0]["external_id"], "the run of the event, not of this job"


def event_of(path: Path, run: int, head: str, source: str | None) -> str:
    repository = None if source is None else {"full_name": source}
    path.write_bytes(orjson.dumps({"workflow_run": {"id": run, "head_sha": head, "head_repository": repository}}))
    return str(path)


def test_a_fork_that_is_gone_has_no_pull_request(
    github: GitHub, report: Reviewed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    github.open_pull(A)
    monkeypatch.setenv("GITHUB_EVENT_PATH", event_of(tmp_path / "event.json", 5, A, None))
    assert report(A, plan(*joins("ada"))).code == 0
    assert github.comments == github.checks == []


def test_the_head_of_the_event_is_not_to_be_replaced(
    github: GitHub, report: Reviewed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    github.open_pull(B)
    monkeypatch.setenv("GITHUB_EVENT_PATH", event_of(tmp_path / "event.json", 5, A, "mallory/access"))
    called = report(B, plan(*joins("ada")))
    assert called.code == 64
    assert "--head is another commit than the run's was" in called.err


@pytest.mark.parametrize("when", ["before its report", "after its report"])
def test_a_run_into_another_branch_is_not_about_this_one(
    github: GitHub, report: Reviewed, reconciler: Any, tmp_path: Path, when: str
) -> None:
    """That branch may have a plan.yml that writes any plan; moved over, its report would stand on ours."""
    number = github.open_pull(A)
    github.pulls[number]["base"]["ref"] = "of-mallory"
    run = github.run(A, {"hootsuite.json": to_json(plan())})
    if when == "before its report":
        github.retarget(number, "main")
        called = report(A, plan(), run=run, options=("--strict",))
        assert called.code == 1
        assert f"run {run} was not for commit aaaaaaaaaaaa of pull request {number} into main" in called.err
        assert github.comments == github.checks == []
    else:
        report(A, plan(), run=run)
        github.retarget(number, "main")
    called = reconciler("approved", "--commit", github.merge(number), "--out", tmp_path / "out")
    assert called.code == 5


def test_two_pull_requests_with_one_commit_are_not_told_apart_and_so_not_reported(
    github: GitHub, report: Reviewed
) -> None:
    github.open_pull(A)
    github.open_pull(A, branch="another")
    called = report(A, plan(*joins("ada")))
    assert called.code == 0
    assert "nothing says which of them was planned" in called.err
    assert github.comments == github.checks == []


def test_a_name_can_not_be_anything_but_text(github: GitHub, report: Reviewed) -> None:
    number = github.open_pull(A)
    name = "](javascript:alert(1)) @everyone <img src=x> --> /merge\n/approve"
    report(A, plan(*joins(name)))
    (shown,) = github.reports(number)
    assert "`](javascript:alert(1)) @everyone <img src=x> --> /merge<U+000A>/approve`" in shown["body"]


# -- what came too late


def test_a_report_of_what_was_pushed_over_is_not_written(github: GitHub, report: Reviewed) -> None:
    number = github.open_pull(A)
    github.push(number, B)
    called = report(A, plan(*joins("ada")), options=("--strict",))
    assert called.code == 0
    assert "no open pull request ends with aaaaaaaaaaaa any more" in called.err
    assert github.comments == []


def test_an_older_run_does_not_write_over_a_newer_one(github: GitHub, report: Reviewed) -> None:
    number = github.open_pull(A)
    old, new = github.run(A), github.run(A)
    report(A, plan(*joins("grace")), run=new)
    report(A, plan(*joins("ada")), run=old)
    (shown,) = github.reports(number)
    assert "grace" in shown["body"]
    assert len(github.checks) == 1


def test_the_event_of_a_pull_request_says_which(
    github: GitHub, kept: Any, reconciler: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    number = github.open_pull(A)
    event = tmp_path / "event.json"
    event.write_bytes(orjson.dumps({"pull_request": {"number": number, "head": {"sha": A}}}))
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(event))
    assert reconciler("comment", kept(plan(*joins("ada")))).code == 0
    assert len(github.reports(number)) == 1
    github.push(number, B)
    assert reconciler("comment", kept(plan(*joins("grace")))).code == 0
    assert "ada" in github.reports(number)[0]["body"]


# -- what is in it


def test_values_only_where_they_were_asked_for(github: GitHub, report: Reviewed) -> None:
    number = github.open_pull(A)
    made = plan(*joins("ada"))
    report(A, made)
    assert "ada@contoso.com" not in github.reports(number)[0]["body"] + str(github.checks)
    report(A, made, options=("--values",))
    assert "ada@contoso.com" in github.reports(number)[0]["body"]


@pytest.mark.parametrize("name", ["someone.{}", "久保健健健健健健健健健健健.{}", "🙈🙈🙈🙈🙈🙈🙈🙈.{}"])
def test_what_is_too_long_is_shortened_everywhere(
    github: GitHub, report: Reviewed, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    number = github.open_pull(A)
    called = report(A, plan(*joins(*(name.format(each) for each in range(2_500)))))
    assert (called.code, called.err) == (0, "")
    (shown,) = github.reports(number)
    assert "2,500 people gain access" in shown["body"]
    assert f"[The run](https://github.example.com/contoso/access/actions/runs/{max(github.runs)}) has" in shown["body"]
    assert "2,500 people gain access" in github.checks[0]["output"]["summary"]


def test_the_summary_is_what_fits_after_what_the_step_said_before(
    github: GitHub, report: Reviewed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "summary.md"
    file.write_text("x" * 996_000)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(file))
    github.open_pull(A)
    report(A, *(plan(*joins(*(f"someone.{n}" for n in range(1_200))), app=f"app{k}") for k in range(3)))
    assert 996_000 < file.stat().st_size <= 1_000_000
    assert file.read_text().count("1,200 people gain access") == 3


def test_what_waits_and_what_comes_later_count_too(github: GitHub, report: Reviewed) -> None:
    held = leaves("grace")[0].model_copy(update={"held": (Held(by="takenAwayInApp", release="takenAwayInApp"),)})
    later = Later(what="gain", key="user:eve", name="Eve", from_="2027-01-01")
    number = github.open_pull(A)
    report(A, plan(held, later=(later,)))
    assert github.checks[0]["conclusion"] == "neutral"
    assert github.labelled(number) == {"access: adds"}, "access that begins later is access"
    assert "1 change waits for an answer" in github.checks[0]["output"]["title"]


def test_remarks_stand_at_the_lines_of_the_files(github: GitHub, report: Reviewed) -> None:
    github.open_pull(A)
    change = leaves("grace")[0].model_copy(update={"source": Source(file="groups/social.yaml", line=7)})
    report(A, plan(change), options=("--prefix", "desired-state/"))
    (remark,) = github.checks[0]["output"]["annotations"]
    assert (remark["path"], remark["start_line"], remark["annotation_level"]) == (
        "desired-state/groups/social.yaml", 7, "warning",
    )  # fmt: skip


def test_labels_get_their_colour_once_and_others_stay(github: GitHub, report: Reviewed) -> None:
    number = github.open_pull(A)
    github.labels |= {"access: adds": "ours", "access: none": "ededed", "urgent": "red"}
    github.pulls[number]["labels"] = ["urgent", "access: none"]
    report(A, plan(*joins("ada"), *leaves("grace")))
    assert github.labelled(number) == {"urgent", "access: adds", "access: removes"}
    assert github.labels["access: adds"] == "ours"
    assert github.labels["access: removes"] == "b60205"


def test_what_can_be_no_app_is_refused(report: Reviewed, github: GitHub) -> None:
    github.open_pull(A)
    bad = plan(*joins("ada")).model_copy(update={"app": "x --> y"})
    from reconciler.plan import signed

    file = report.kept(signed(bad), "bad")
    called = report.reconciler("comment", file, "--head", A)
    assert called.code == 1
    assert "is a plan of what can't be an app's name" in called.err
    assert not APP.fullmatch("../up")
