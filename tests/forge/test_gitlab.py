"""The life of merge requests on GitLab. What is asserted is what people see there afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.forge.text import body
from reconciler.model.plan import Plan
from reconciler.plan import read_plans, to_json
from reconciler.render import Report
from tests.forge.conftest import joins, leaves, plan
from tests.forge.fakes.gitlab import BOT, GitLab

A, B, C = "a" * 40, "b" * 40, "c" * 40


@pytest.fixture
def gitlab() -> Iterator[GitLab]:
    fake = GitLab()
    with fake.running():
        yield fake


@pytest.fixture
def report(gitlab: GitLab, kept: Any, reconciler: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """report(number, plan, …): the pipeline of its newest commit, and `comment` in it."""

    def call(number: int, *plans: Plan, token: str = "token-of-the-project", options: tuple[str, ...] = ()) -> Any:
        head = gitlab.pulls[number]["sha"]
        run = gitlab.run(head, {f"plans/{each.app}.json": to_json(each) for each in plans})
        monkeypatch.delenv("GITLAB_TOKEN", raising=False)
        for name, value in gitlab.environment(token, number, run).items():
            monkeypatch.setenv(name, value)
        return reconciler("comment", *map(kept, plans), *options)

    return call


def test_a_merge_request_from_its_first_push_to_the_apply(
    gitlab: GitLab, report: Any, reconciler: Any, tmp_path: Path
) -> None:
    number = gitlab.open_pull(A)
    assert report(number, plan(*joins("ada"), *leaves("grace"))).code == 0
    (shown,) = gitlab.written(number)
    assert "1 person loses access and 1 person gains access" in shown
    assert gitlab.labelled(number) == {"access: adds", "access: removes"}
    assert gitlab.labels == {"access: adds": "#0e8a16", "access: removes": "#b60205"}

    gitlab.push(number, B)
    second = plan(*joins("ada"))
    assert report(number, second, options=("--strict",)).code == 0
    old, new = gitlab.written(number)
    assert "The changes are others now" in old
    assert "https://gitlab.example.com/contoso/access/-/merge_requests/1#note_" in old
    assert "1 person gains access" in new
    assert gitlab.labelled(number) == {"access: adds"}

    commit = gitlab.merge(number)
    called = reconciler("approved", "--commit", commit, "--out", tmp_path / "out")
    assert called.code == 0, called.err
    (file,) = (tmp_path / "out").iterdir()
    assert read_plans(file.read_bytes(), "")[0].changes_digest == second.changes_digest


def test_the_note_stays_while_the_changes_are_the_same_and_is_struck_with_them(gitlab: GitLab, report: Any) -> None:
    number = gitlab.open_pull(A)
    report(number, plan(*joins("ada")))
    report(number, plan(*joins("ada")))
    assert len(gitlab.written(number)) == 1
    gitlab.push(number, B)
    report(number, plan())
    (struck,) = gitlab.written(number)
    assert "~~Access to `Hootsuite`~~" in struck
    assert gitlab.labelled(number) == {"access: none"}


def test_two_apps_and_two_merge_requests_do_not_disturb_each_other(gitlab: GitLab, report: Any) -> None:
    one, two = gitlab.open_pull(A), gitlab.open_pull(B)
    report(one, plan(*joins("ada")))
    report(two, plan(*joins("eve")))
    report(one, plan(*leaves("grace"), app="github"))
    assert [("ada" in each, "grace" in each) for each in gitlab.written(one)] == [(True, False), (False, True)]
    assert gitlab.labelled(one) == {"access: adds", "access: removes"}
    assert gitlab.labelled(two) == {"access: adds"}


def test_a_pipeline_that_is_repeated_on_one_commit_is_sealed_again(
    gitlab: GitLab, report: Any, reconciler: Any, tmp_path: Path
) -> None:
    """A status that is a success stays as it is."""
    number = gitlab.open_pull(A)
    report(number, plan(*joins("ada")))
    moved = plan(*joins("grace"))
    assert report(number, moved, options=("--strict",)).code == 0
    assert reconciler("approved", "--commit", gitlab.merge(number), "--out", tmp_path / "out").code == 0
    (file,) = (tmp_path / "out").iterdir()
    assert read_plans(file.read_bytes(), "")[0].changes_digest == moved.changes_digest


def test_ours_is_found_among_hundreds_and_copies(gitlab: GitLab, report: Any) -> None:
    number = gitlab.open_pull(A)
    report(number, plan(*joins("ada")))
    copied = gitlab.written(number)[0]
    for _ in range(130):
        gitlab.say(number, "mallory", copied)
    gitlab.push(number, B)
    report(number, plan(*joins("grace")))
    assert len(gitlab.written(number)) == 2
    assert {each["body"] for each in gitlab.comments if each["author"]["username"] == "mallory"} == {copied}


def test_what_somebody_wrote_into_our_note_is_not_run_with_our_token(gitlab: GitLab, report: Any) -> None:
    """GitLab runs lines that begin with a slash for whoever sends them."""
    number = gitlab.open_pull(A)
    report(number, plan(*joins("ada")))
    note = gitlab.comments[0]
    gitlab.edit(note["id"], f"{note['body']}\n/merge\n/label ~approved\n")
    gitlab.push(number, B)
    report(number, plan(*joins("/approve\n/merge", "grace"), *leaves("/close")))
    assert gitlab.commands == []
    assert "/merge\n" not in gitlab.written(number)[0]


@pytest.mark.parametrize("names", [["/approve"], ["/merge"] * 3, [f"/label{n}" for n in range(3_000)]])
def test_no_line_of_a_report_is_a_command(names: list[str]) -> None:
    made = plan(*joins(*names), *leaves(*(f"{name}x" for name in names)), app="a")
    assert not [line for line in body(Report(made, "/title"), values=True).splitlines() if line.startswith("/")]


@pytest.mark.parametrize(("token", "told"), [("", "CI_JOB_TOKEN may not write here"), ("token-of-a-reader", "403")])
def test_a_token_that_may_not_write_leaves_the_report_in_the_log(
    gitlab: GitLab, report: Any, token: str, told: str
) -> None:
    number = gitlab.open_pull(A)
    called = report(number, plan(*joins("ada")), token=token)
    assert called.code == 0
    assert told in called.err
    assert "1 person gains access" in called.out
    assert gitlab.comments == gitlab.checks == []
    assert report(number, plan(*joins("ada")), token=token, options=("--strict",)).code == 1


def test_no_secret_is_told(gitlab: GitLab, report: Any) -> None:
    number = gitlab.open_pull(A)
    gitlab.fault("POST .*", 400, message="not with token-of-the-project")
    called = report(number, plan(*joins("ada")))
    assert "token-of-the-project" not in called.out + called.err
    assert "not with …" in called.err


def test_who_changes_the_pipeline_is_told(gitlab: GitLab, report: Any) -> None:
    number = gitlab.open_pull(A, files=[".gitlab-ci.yml", "CODEOWNERS"])
    report(number, plan(*joins("ada")))
    assert "also changes `.gitlab-ci.yml` and 1 more, and with it" in gitlab.written(number)[0]


def test_a_pipeline_of_an_older_push_reports_nothing(
    gitlab: GitLab, kept: Any, reconciler: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = gitlab.open_pull(A)
    for name, value in gitlab.environment(number=number, run=gitlab.run(A)).items():
        monkeypatch.setenv(name, value)
    gitlab.push(number, B)
    assert reconciler("comment", kept(plan(*joins("ada"))), "--strict").code == 0
    assert gitlab.comments == gitlab.checks == []


# -- what was approved


@pytest.fixture
def approved(reconciler: Any, tmp_path: Path) -> Callable[[str], Any]:
    return lambda commit: reconciler("approved", "--commit", commit, "--out", tmp_path / "out")


@pytest.mark.parametrize("way", ["merge_commit_sha", "squash_commit_sha", "fast-forward"])
def test_however_it_was_merged(gitlab: GitLab, report: Any, approved: Any, way: str) -> None:
    number = gitlab.open_pull(A)
    report(number, plan(*joins("ada")))
    gitlab.pulls[number].update(state="merged", **({way: C} if "sha" in way else {}))
    assert approved(C if "sha" in way else A).code == 0


@pytest.mark.parametrize(
    "broken", ["past review", "open", "other target", "other project", "no report", "other author", "other pipeline"]
)
def test_what_can_not_be_proved_is_not_approved(gitlab: GitLab, report: Any, approved: Any, broken: str) -> None:
    number = gitlab.open_pull(A)
    report(number, plan(*joins("ada")))
    commit = gitlab.merge(number)
    match broken:
        case "past review":
            commit = C
        case "open":
            gitlab.pulls[number]["state"] = "opened"
        case "other target":
            gitlab.pulls[number]["target_branch"] = "experiments"
        case "other project":
            gitlab.pulls[number]["target_project_id"] = 8
        case "no report":
            gitlab.checks.clear()
        case "other author":
            gitlab.checks[0]["author"]["username"] = "mallory"
        case "other pipeline":
            next(iter(gitlab.runs.values()))["sha"] = B
    assert approved(commit).code == 5


def test_a_pipeline_of_merged_results_is_known_by_its_ref(gitlab: GitLab, report: Any, approved: Any) -> None:
    number = gitlab.open_pull(A)
    report(number, plan(*joins("ada")))
    next(iter(gitlab.runs.values())).update(sha=B, ref=f"refs/merge-requests/{number}/merge")
    assert approved(gitlab.merge(number)).code == 0


def test_the_option_names_the_project_where_nothing_else_does(
    gitlab: GitLab, report: Any, kept: Any, reconciler: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    number, made = gitlab.open_pull(A), plan(*joins("ada"))
    report(number, made)
    monkeypatch.delenv("CI_PROJECT_ID")
    assert reconciler("comment", kept(made), "--strict").code == 64
    assert reconciler("comment", kept(made), "--repository", "7", "--strict").code == 0
    called = reconciler("approved", "--commit", gitlab.merge(number), "--out", tmp_path / "out", "--repository", "7")
    assert called.code == 0, called.err


def test_a_group_s_path_is_a_repository_too(gitlab: GitLab, report: Any, kept: Any, reconciler: Any) -> None:
    number = gitlab.open_pull(A)
    report(number, plan(*joins("ada")))
    called = reconciler("comment", kept(plan(*joins("ada"))), "--repository", "contoso/it/access")
    assert "/projects/contoso%2Fit%2Faccess/" in called.err
    assert BOT in gitlab.comments[0]["author"]["username"]
