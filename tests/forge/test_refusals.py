"""What GitHub refuses, and how long anybody waits for it. The job is green, and says what it could not do."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import ForgeError
from reconciler.forge.api import PATIENCE, Patience
from tests.forge.conftest import joins, plan
from tests.forge.fakes.github import GitHub
from tests.forge.fakes.serving import Fake

A = "a" * 40
Call = Callable[..., Any]


@pytest.fixture
def comment(github: GitHub, kept: Call, reconciler: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Call:
    """comment(*options): of a plan in which ada joins, on pull request 1."""
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    github.open_pull(A)
    return lambda *options: reconciler("comment", kept(plan(*joins("ada"))), "--head", A, *options)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Waits as asked, without waiting."""
    waited: list[float] = []

    async def instantly(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(Patience.__init__, "__defaults__", (PATIENCE, instantly))
    return waited


def test_a_fork_gets_its_report_in_the_summary(
    github: GitHub, comment: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "job-token-of-a-fork")
    called = comment()
    assert called.code == 0
    assert (github.comments, github.checks, github.labelled(1)) == ([], [], set())
    assert "1 person gains access" in (tmp_path / "summary.md").read_text()
    assert "the comment about hootsuite: " in called.err
    assert "a pull request from a fork never has it" in called.err
    assert called.out.startswith("::notice title=reconciler::the check of hootsuite")
    assert comment("--strict").code == 1


@pytest.mark.parametrize("status", [403, 404, 410, 422, 500, 503])
def test_what_is_refused_does_not_stop_the_rest(
    github: GitHub, comment: Call, impatient: list[float], status: int
) -> None:
    github.fault("POST .*/comments", status)
    called = comment()
    assert called.code == 0
    assert f"{status} (to order)" in called.err
    assert github.comments == []
    assert len(github.checks) == 1
    assert github.labelled(1) == {"access: adds"}


def test_without_a_check_the_comment_and_the_labels_are_there(github: GitHub, comment: Call) -> None:
    github.fault("POST .*/check-runs", 403)
    assert comment().code == 0
    assert len(github.reports(1)) == 1
    assert github.labelled(1) == {"access: adds"}


def test_a_token_of_a_person_makes_no_check(github: GitHub, comment: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """GitHub takes checks of apps alone."""
    monkeypatch.setenv("GITHUB_TOKEN", "token-of-a-person-somewhere")
    called = comment()
    assert called.code == 0
    assert "You must authenticate via a GitHub App" in called.err
    assert [each["user"]["login"] for each in github.comments] == ["mallory"]


def test_a_token_that_is_wrong_is_told_once_and_not_repeated(
    github: GitHub, comment: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "wrong-token-of-the-tests")
    called = comment()
    assert called.code == 0
    assert "is the token right, and has it not expired?" in called.err
    assert "wrong-token" not in called.err + called.out


def test_folding_away_that_is_refused_leaves_the_comment_superseded(
    github: GitHub, comment: Call, kept: Call, reconciler: Call
) -> None:
    comment()
    github.no_folding = True
    called = reconciler("comment", kept(plan(*joins("grace"))), "--head", A)
    assert called.code == 0
    assert "GitHub's GraphQL refused" in called.err
    old, new = github.comments
    assert "The changes are others now" in old["body"]
    assert "grace" in new["body"]


def test_a_limit_that_ends_soon_is_waited_for(github: GitHub, comment: Call) -> None:
    github.fault("POST .*/comments", 403, headers={"retry-after": "1"}, times=1)
    github.fault("POST .*/check-runs", 429, headers={"retry-after": "0.2"}, times=1)
    began = time.monotonic()
    assert comment("--strict").code == 0
    assert time.monotonic() - began > 1.2
    assert len(github.reports(1)) == 1
    assert len(github.checks) == 1


@pytest.mark.parametrize("status", [403, 429])
def test_a_limit_that_lasts_is_told_and_not_waited_for(
    github: GitHub, comment: Call, impatient: list[float], status: int
) -> None:
    reset = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time()) + 3000)}
    github.fault(".*", status, headers=reset)
    called = comment()
    assert called.code == 0
    assert "which is too long" in called.err
    assert sum(impatient) <= 120
    assert len(github.requests) < 10, "whoever is told to wait does not go on asking"


def test_patience_ends_for_good() -> None:
    import asyncio

    async def instantly(_: float) -> None:
        pass

    async def main() -> None:
        patience = Patience(10.0, instantly)
        await patience.wait(6)
        for seconds in (5, 1):
            with pytest.raises(ForgeError, match="too long"):
                await patience.wait(seconds)

    asyncio.run(main())


def test_nobody_is_there(comment: Call, monkeypatch: pytest.MonkeyPatch, impatient: list[float]) -> None:
    monkeypatch.setenv("GITHUB_API_URL", "http://127.0.0.1:1")
    called = comment()
    assert called.code == 0
    assert "the connection was refused" in called.err


# -- where the token goes


class Elsewhere(Fake):
    """Another host, which remembers every header that could be a secret."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def routes(self) -> dict[tuple[str, str], Callable[..., Any]]:
        def any_(asked: Any) -> Any:
            self.seen += [value for name, value in asked.headers.items() if name in ("authorization", "job-token")]
            return 200, []

        return {(method, ".*"): any_ for method in ("GET", "POST", "PATCH")}


def test_a_redirect_gets_no_token(github: GitHub, comment: Call) -> None:
    other = Elsewhere()
    with other.running() as url:
        github.fault("GET .*", 307, headers={"location": f"{url}/repos/contoso/access/pulls"})
        called = comment()
    assert called.code == 0
    assert "the token is not sent after it" in called.err
    assert other.requests == []


def test_the_next_page_is_not_fetched_from_where_an_answer_says(github: GitHub, comment: Call) -> None:
    other = Elsewhere()
    with other.running() as url:
        for _ in range(130):
            github.say(1, "somebody", "hello")
        mine, github.url = github.url, url  # of which the Link headers are made
        assert comment().code == 0
        github.url = mine
    assert other.requests == []
    assert len(github.reports(1)) == 1


@pytest.mark.parametrize("address", ["http://api.example.com", "https://user:pass@api.example.com"])
def test_an_address_that_a_token_must_not_go_to_is_an_error(
    comment: Call, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("GITHUB_API_URL", address)
    assert comment().code == 1


# -- the command line


@pytest.mark.parametrize(
    ("unset", "options", "told"),
    [
        ("GITHUB_TOKEN", ("--head", A), "GITHUB_TOKEN is not set"),
        ("GITHUB_REPOSITORY", ("--head", A), "no repository is named"),
        ("", (), "nothing says which pull request"),
        ("", ("--head", "main"), "is not the whole id of a commit"),
        ("", ("--head", A, "--pull-request", "1"), "both say which pull request"),
        ("", ("--head", A, "--repository", "../../other"), "is no repository"),
        ("", ("--head", A, "--repository", "../other"), "is no repository"),
        ("", ("--head", A, "--repository", "contoso/.."), "is no repository"),
        ("", ("--head", A, "--issue"), "--issue is about no pull request"),
        ("", ("--head", A, "--forge", "gitlab"), "CI_API_V4_URL is not set"),
    ],
)
def test_what_can_not_be_done_is_a_wrong_command_line(
    github: GitHub, kept: Call, reconciler: Call, monkeypatch: pytest.MonkeyPatch, unset: str, told: str,
    options: tuple[str, ...],
) -> None:  # fmt: skip
    if unset:
        monkeypatch.delenv(unset)
    called = reconciler("comment", kept(plan(*joins("ada"))), *options)
    assert called.code == 64
    assert told in called.err
    assert github.comments == []


def test_the_option_names_the_repository_where_nothing_else_does(
    github: GitHub, comment: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITHUB_REPOSITORY")
    called = comment("--repository", github.repository, "--strict")
    assert (called.code, called.err) == (0, "")
    assert len(github.reports(1)) == 1


def test_an_event_that_can_not_be_read(comment: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "event.json").write_text("{")
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(tmp_path / "event.json"))
    called = comment()
    assert called.code == 1
    assert "the event of GITHUB_EVENT_PATH can't be read" in called.err


def test_a_summary_that_can_not_be_written(
    github: GitHub, comment: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    called = comment()
    assert called.code == 0
    assert "the step's summary can't be written" in called.err
    assert len(github.reports(1)) == 1


def test_two_plans_of_one_app(github: GitHub, kept: Call, reconciler: Call) -> None:
    github.open_pull(A)
    one, two = kept(plan(*joins("ada"))), kept(plan(*joins("grace")), name="another")
    called = reconciler("comment", one, two, "--head", A)
    assert called.code == 1
    assert "is a second plan of hootsuite" in called.err


def test_a_flood_of_plans(github: GitHub, kept: Call, reconciler: Call) -> None:
    github.open_pull(A)
    called = reconciler("comment", *(kept(plan(app=f"app{n}")) for n in range(51)), "--head", A)
    assert called.code == 1
    assert "is one of more than 50 plans" in called.err
    assert github.comments == github.checks == []


def test_an_answer_that_is_none(github: GitHub, comment: Call) -> None:
    github.fault("GET .*/comments", 200)
    called = comment()
    assert called.code == 0
    assert "the answer is no list" in called.err


@pytest.mark.parametrize(
    "pattern",
    ["GET .*/pulls", "GET .*/comments", "POST .*/comments", "GET .*/check-runs", "POST /graphql", "GET .*/files"],
)
@pytest.mark.parametrize(
    "content", [[1, {}], {"id": "x", "comments": 3}, "text", None, {"errors": []}, {"errors": [3]}]
)
def test_an_answer_of_another_shape_is_told(github: GitHub, comment: Call, pattern: str, content: Any) -> None:
    github.fault(pattern, 200, content=content)
    called = comment()
    assert called.code == 0, called.err
