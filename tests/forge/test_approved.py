"""Which plan may run for a commit: what is proved is kept, and nothing else, whoever tries what."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.forge import archive as archives
from reconciler.model.plan import Plan
from reconciler.plan import read_plans, to_json
from tests.forge.conftest import joins, plan
from tests.forge.fakes.github import GitHub, archive

A, B = "a" * 40, "b" * 40
Call = Callable[..., Any]
ADA, MALLORY = plan(*joins("ada")), plan(*joins("mallory"))


def files(*plans: Plan) -> dict[str, bytes]:
    return {f"{each.app}.json": to_json(each) for each in plans}


@pytest.fixture
def reported(github: GitHub, kept: Call, reconciler: Call, monkeypatch: pytest.MonkeyPatch) -> Call:
    """reported(plan, …, uploaded=…): a pull request whose run and report are there. Its number."""

    def report(*plans: Plan, uploaded: dict[str, bytes] | None = None, head: str = A) -> int:
        number = github.open_pull(head)
        run = github.run(head, files(*plans) if uploaded is None else uploaded)
        monkeypatch.setenv("GITHUB_RUN_ID", str(run))
        assert reconciler("comment", *map(kept, plans), "--head", head, "--strict").code == 0
        return number

    return report


@pytest.fixture
def approved(reconciler: Call, tmp_path: Path) -> Call:
    """approved(commit, *options): what the command says; `written()` is what it kept."""
    return lambda commit, *options: reconciler("approved", "--commit", commit, "--out", tmp_path / "out", *options)


@pytest.fixture
def written(tmp_path: Path) -> Callable[[], dict[str, str]]:
    def read() -> dict[str, str]:
        """File → the digest of its changes; and nothing lies anywhere else."""
        folder = tmp_path / "out"
        found = sorted(folder.rglob("*")) if folder.exists() else []
        return {each.name: read_plans(each.read_bytes(), "")[0].changes_digest for each in found}

    return read


def test_each_app_gets_the_plan_that_was_reported(
    github: GitHub, reported: Call, approved: Call, written: Call
) -> None:
    other = plan(*joins("grace"), app="github")
    commit = github.merge(reported(ADA, other))
    assert approved(commit).code == 0
    digests = {"hootsuite.plan.json": ADA.changes_digest, "github.plan.json": other.changes_digest}
    assert written() == digests
    assert github.leaked == [], "the storage of artifacts is another host"


def test_only_the_app_that_is_named(github: GitHub, reported: Call, approved: Call, written: Call) -> None:
    commit = github.merge(reported(ADA, plan(*joins("grace"), app="github")))
    assert approved(commit, "--app", "github").code == 0
    assert list(written()) == ["github.plan.json"]


def test_the_option_names_the_repository_where_nothing_else_does(
    github: GitHub, reported: Call, approved: Call, written: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = github.merge(reported(ADA))
    monkeypatch.delenv("GITHUB_REPOSITORY")
    assert approved(commit).code == 64
    assert approved(commit, "--repository", github.repository).code == 0
    assert list(written()) == ["hootsuite.plan.json"]


def test_an_app_that_has_no_report(github: GitHub, reported: Call, approved: Call) -> None:
    called = approved(github.merge(reported(ADA)), "--app", "slack")
    assert called.code == 5
    assert "has no report about slack" in called.err


def test_a_push_past_review_is_not_applied(github: GitHub, reported: Call, approved: Call, written: Call) -> None:
    reported(ADA)
    called = approved(B)
    assert called.code == 5
    assert "is not the merge of a pull request: nobody reviewed it" in called.err
    assert written() == {}


def test_the_newest_commit_of_a_pull_request_is_not_its_merge(github: GitHub, reported: Call, approved: Call) -> None:
    """GitHub lists a pull request for its own commits too, and of an open one the merge that was only tried."""
    reported(ADA)
    assert approved(A).code == 5
    assert approved("0" * 40).code == 5


def test_a_merge_into_another_branch_is_none(github: GitHub, reported: Call, approved: Call) -> None:
    number = reported(ADA)
    github.pulls[number]["base"]["ref"] = "experiments"
    assert approved(github.merge(number)).code == 5


def test_a_merge_in_another_repository_is_none(github: GitHub, reported: Call, approved: Call) -> None:
    number = reported(ADA)
    github.pulls[number]["base"]["repo"]["full_name"] = "mallory/access"
    assert approved(github.merge(number)).code == 5


def test_a_pull_request_without_a_report(github: GitHub, approved: Call, written: Call) -> None:
    called = approved(github.merge(github.open_pull(A)))
    assert called.code == 5
    assert "has no report" in called.err
    assert written() == {}


def test_a_report_of_an_earlier_push_is_none(github: GitHub, reported: Call, approved: Call) -> None:
    number = reported(ADA)
    github.push(number, B)
    assert approved(github.merge(number)).code == 5


def test_the_newest_report_counts(
    github: GitHub, reported: Call, approved: Call, written: Call, kept: Call, reconciler: Call,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The run was repeated, since the application had moved."""
    number, grace = reported(ADA), plan(*joins("grace"))
    monkeypatch.setenv("GITHUB_RUN_ID", str(github.run(A, files(grace))))
    assert reconciler("comment", kept(grace), "--head", A).code == 0
    assert approved(github.merge(number)).code == 0
    assert written() == {"hootsuite.plan.json": grace.changes_digest}


def test_a_check_of_another_app_proves_nothing(github: GitHub, reported: Call, approved: Call, written: Call) -> None:
    number = reported(ADA)
    run = github.run(A, files(MALLORY))
    forged = f"{MALLORY.changes_digest} run={run} pull={number} gain=1 lose=0"
    github.checks.append({**github.checks[0], "id": 99_999, "external_id": forged, "app": {"slug": "malapp"}})
    assert approved(github.merge(number)).code == 0
    assert written() == {"hootsuite.plan.json": ADA.changes_digest}


def test_the_check_of_another_pull_request_with_the_same_commit_proves_nothing(
    github: GitHub, reported: Call, approved: Call, written: Call
) -> None:
    """Anybody can push somebody's commit to a fork and open another one, whose workflow uploads what it likes."""
    number = reported(ADA)
    theirs = github.open_pull(A, source="mallory/access")
    run = github.run(A, files(MALLORY), source="mallory/access")
    forged = f"{MALLORY.changes_digest} run={run} pull={theirs} gain=1 lose=0"
    github.checks.append({**github.checks[0], "id": 99_999, "external_id": forged})
    assert approved(github.merge(number)).code == 0
    assert written() == {"hootsuite.plan.json": ADA.changes_digest}


@pytest.mark.parametrize("text", ["", "sha256:abc run=1 pull=1 gain=1 lose=0", "../../etc run=1"])
def test_a_check_that_says_nothing_is_none(github: GitHub, reported: Call, approved: Call, text: str) -> None:
    number = reported(ADA)
    github.checks[0]["external_id"] = text
    assert approved(github.merge(number)).code == 5


def test_a_check_whose_name_leaves_the_folder_is_none(github: GitHub, reported: Call, approved: Call) -> None:
    number = reported(ADA)
    github.checks[0]["name"] = "reconciler/../../evil"
    assert approved(github.merge(number)).code == 5


def test_an_artifact_with_another_plan_is_refused(
    github: GitHub, reported: Call, approved: Call, written: Call
) -> None:
    commit = github.merge(reported(ADA, uploaded={"hootsuite.json": to_json(MALLORY)}))
    called = approved(commit)
    assert called.code == 5
    assert "what is there is about other changes" in called.err
    assert written() == {}


def test_an_artifact_whose_plan_was_altered_is_refused(github: GitHub, reported: Call, approved: Call) -> None:
    altered = to_json(MALLORY).replace(MALLORY.changes_digest.encode(), ADA.changes_digest.encode())
    called = approved(github.merge(reported(ADA, uploaded={"hootsuite.json": altered})))
    assert called.code == 5
    assert "was altered after it was written" in called.err


def test_nothing_is_written_if_one_of_several_can_not_be_proved(
    github: GitHub, reported: Call, approved: Call, written: Call
) -> None:
    commit = github.merge(reported(ADA, plan(*joins("grace"), app="github"), uploaded=files(ADA)))
    assert approved(commit).code == 5
    assert written() == {}


def test_a_run_for_another_commit_is_refused(github: GitHub, reported: Call, approved: Call) -> None:
    number = reported(ADA)
    next(iter(github.runs.values()))["head_sha"] = B
    called = approved(github.merge(number))
    assert called.code == 5
    assert "was not for commit aaaaaaaaaaaa" in called.err


def test_a_run_in_another_repository_is_refused(github: GitHub, reported: Call, approved: Call) -> None:
    number = reported(ADA)
    next(iter(github.runs.values()))["head_repository"]["full_name"] = "mallory/access"
    assert approved(github.merge(number)).code == 5


def test_a_run_that_is_gone(github: GitHub, reported: Call, approved: Call) -> None:
    number = reported(ADA)
    github.runs.clear()
    assert approved(github.merge(number)).code == 5


def test_an_artifact_that_expired(github: GitHub, reported: Call, approved: Call) -> None:
    number = reported(ADA)
    next(iter(github.artifacts.values()))["row"]["expired"] = True
    called = approved(github.merge(number))
    assert called.code == 5
    assert "run the plan of the pull request again" in called.err


def test_an_artifact_in_folders_among_others(github: GitHub, reported: Call, approved: Call, written: Call) -> None:
    names = {"../../../tmp/hootsuite.json": b"{", "/etc/passwd": b"x", "a/b/hootsuite.plan.json": to_json(ADA)}
    assert approved(github.merge(reported(ADA, uploaded=names))).code == 0
    assert written() == {"hootsuite.plan.json": ADA.changes_digest}


def bomb(size: int) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as zipped, zipped.open("hootsuite.json", "w") as entry:
        for _ in range(size // 1024**2):
            entry.write(b" " * 1024**2)
    return made.getvalue()


@pytest.mark.parametrize("what", ["bomb", "lying bomb", "entries", "no zip", "encrypted", "cut"])
def test_what_is_no_harmless_archive_is_refused(
    github: GitHub, reported: Call, approved: Call, written: Call, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = reported(ADA, uploaded={})
    monkeypatch.setattr(archives, "LARGEST", 8 * 1024**2)
    data = bomb(16 * 1024**2)
    if what == "lying bomb":  # both places where a zip file says how large the entry becomes
        data = data.replace((16 * 1024**2).to_bytes(4, "little"), (100).to_bytes(4, "little"))
    elif what == "entries":
        data = archive({f"{n}": b"" for n in range(10_001)})
    elif what == "no zip":
        data = b"PK\x03\x04 and no more"
    elif what == "encrypted":
        plain = archive(files(ADA))
        at = plain.index(b"PK\x01\x02") + 8
        data = plain[:at] + b"\x01" + plain[at + 1 :]
    elif what == "cut":
        data = archive(files(ADA))[:-30]
    next(iter(github.artifacts.values()))["data"] = data
    called = approved(github.merge(number))
    assert called.code in (1, 5), called.err
    assert "the artifact " in called.err
    assert written() == {}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--commit", "main"), "is not the whole id of a commit"),
        (("--commit", A, "--out", "/dev/null/x"), "can't be a folder"),
    ],
)
def test_a_wrong_command_line(
    github: GitHub, reconciler: Call, tmp_path: Path, options: tuple[str, ...], told: str
) -> None:
    called = reconciler("approved", "--out", tmp_path / "out", *options)
    assert called.code == 64
    assert told in called.err


def test_what_an_earlier_job_left_is_not_mixed_in(github: GitHub, reported: Call, approved: Call) -> None:
    commit = github.merge(reported(ADA))
    assert approved(commit).code == 0
    called = approved(commit)
    assert called.code == 64
    assert "holds plans already" in called.err


def test_a_forge_that_fails_is_an_error(github: GitHub, reported: Call, approved: Call) -> None:
    commit = github.merge(reported(ADA))
    github.fault(".*/pulls", 403)
    called = approved(commit)
    assert called.code == 1
    assert "403 (to order)" in called.err
