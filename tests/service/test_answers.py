"""`approve`, `resume` and `restart`: what a person on call can say."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from reconciler.model.history import Backoff, Held, Quarantine
from reconciler.plan import signed, to_json
from reconciler.service.history import History
from tests.conftest import Called, SandboxStory

NOW = datetime(2026, 11, 26, 17, 0, tzinfo=UTC)
Call = Callable[..., Called]


@pytest.fixture
def story(story_of: Callable[..., SandboxStory]) -> SandboxStory:
    made = story_of("scim")
    made.converge()
    return made


@pytest.fixture
def history(story: SandboxStory) -> Iterator[History]:
    found = History.open(f"sqlite:///{story.company.root / '.reconciler' / 'history.db'}")
    yield found
    found.close()


@pytest.fixture
def held(story: SandboxStory, history: History) -> Held:
    story.company.edit_app(guardrails={"deprovisionUsers": {"count": 0, "ignoreBelow": 0}})
    story.company.edit_person("ada.lovelace", accountEnabled=False)
    return kept(story, history)


def kept(story: SandboxStory, history: History) -> Held:
    plan = story.plan()
    alone = signed(plan.model_copy(update={"changes": plan.held, "blocked": ()}))
    made = Held("app", alone.changes_digest, to_json(alone).decode(), NOW)
    history.keep_held(made, "app")
    return made


def test_approve_shows_what_it_is_and_notes_who(
    story: SandboxStory, history: History, held: Held, reconciler: Call, snapshot: SnapshotAssertion
) -> None:
    called = reconciler("approve", held.digest[:19], story.company.root, "--by", "Grace Hopper", "--yes")
    assert called.code == 0, called.err
    told = re.sub(r"as of \S+ \S+ UTC", "as of NOW", called.out)
    assert told == snapshot
    found = history.held("app")
    assert found is not None
    assert (found.approved_by, found.digest) == ("Grace Hopper", held.digest)


def test_approve_asks(story: SandboxStory, history: History, held: Held, reconciler: Call) -> None:
    called = reconciler("approve", held.digest, story.company.root)
    assert called.code == 64
    assert "pass --yes" in called.err
    found = history.held("app")
    assert found is not None
    assert found.approved_at is None


@pytest.mark.parametrize(
    ("digest", "message"),
    [
        ("sha256:" + "0" * 64, "nothing with the digest sha256:0000"),
        ("0123456", "12 will do"),
        ("everything, please", "hexadecimal digits"),
    ],
)
def test_approve_knows_only_what_is_held(
    story: SandboxStory, held: Held, reconciler: Call, digest: str, message: str
) -> None:
    called = reconciler("approve", digest, story.company.root, "--yes")
    assert called.code == 1
    assert message in called.err
    assert f"app holds {held.digest}" in called.err


def test_approve_trusts_no_history_that_was_altered(
    story: SandboxStory, history: History, held: Held, reconciler: Call
) -> None:
    other = replace(held, digest="sha256:" + "a" * 64)
    history.keep_held(other, "app")
    called = reconciler("approve", other.digest, story.company.root, "--yes")
    assert (called.code, "is not what has this digest" in called.err) == (1, True)


def test_approve_where_nothing_is_held(story: SandboxStory, history: History, reconciler: Call) -> None:
    called = reconciler("approve", "0" * 64, story.company.root, "--yes")
    assert (called.code, "nothing is held" in called.err) == (1, True)


def test_whose_account_it_is_can_not_be_approved(story: SandboxStory, history: History, reconciler: Call) -> None:
    story.company.remove_person("ada.lovelace")
    story.converge()
    story.sandbox.add_user("eve@contoso.com", active=False, name={"givenName": "Eve", "familyName": "Other"})
    story.company.person("eve.new", "Eva", "New", userPrincipalName="eve@contoso.com", mail="eve@contoso.com")
    asked = kept(story, history)
    called = reconciler("approve", asked.digest, story.company.root, "--yes")
    assert called.code == 64, called.out
    assert "whose account it is can't be answered by an approval" in called.err
    story.company.edit_app(guardrails={"deprovisionUsers": {"count": 0, "ignoreBelow": 0}})
    story.company.edit_person("grace.hopper", accountEnabled=False)
    called = reconciler("approve", kept(story, history).digest, story.company.root, "--yes")
    assert called.code == 0
    assert "LOSES ACCESS" in called.out
    assert "whose is eve@contoso.com" in called.out.partition("HELD")[2], "the question is still one"


def quarantined(history: History) -> None:
    history.set_quarantine(
        Quarantine("app", NOW, "notScim", "a page \x1b[31mof HTML", 2, NOW + timedelta(days=1), "sha256:0")
    )
    history.set_backoffs("app", [Backoff("app", "user:ada.lovelace", 1, NOW, NOW + timedelta(hours=6), False)])


def test_resume(story: SandboxStory, history: History, reconciler: Call) -> None:
    quarantined(history)
    called = reconciler("resume", "app", story.company.root)
    assert called.code == 0, called.err
    assert called.out.startswith("app: resumed. It was in quarantine since 2026-11-26 17:00 UTC: a page")
    assert "\x1b" not in called.out
    assert history.quarantine("app") is None
    assert history.backoffs("app"), "who waits, waits"
    again = reconciler("resume", "app", story.company.root)
    assert (again.code, "app is in no quarantine" in again.err) == (1, True)


@pytest.mark.parametrize("command", ["resume", "restart"])
def test_an_app_that_is_not_there(story: SandboxStory, history: History, reconciler: Call, command: str) -> None:
    called = reconciler(command, "chat", story.company.root)
    assert called.code == 64
    assert "there is no app 'chat'" in called.err
    assert "there is app" in called.err


@pytest.mark.parametrize("arguments", [["approve", "0" * 64], ["resume", "app"], ["restart", "app"]])
def test_without_a_history(story: SandboxStory, reconciler: Call, arguments: list[Any]) -> None:
    called = reconciler(*arguments, story.company.root)
    assert (called.code, "there is no history yet" in called.err) == (64, True)


def test_restart_forgets_what_failed_and_nothing_else(story: SandboxStory, history: History, reconciler: Call) -> None:
    quarantined(history)
    before = story.company.state
    called = reconciler("restart", "app", story.company.root)
    assert called.code == 0, called.err
    assert called.out == "app: quarantine forgotten, and 1 waiting after failures\n"
    assert history.quarantine("app") is None
    assert not history.backoffs("app")
    assert story.company.state == before


def test_restart_full_says_what_it_means_and_asks(story: SandboxStory, history: History, reconciler: Call) -> None:
    quarantined(history)
    before = story.company.state
    asked = reconciler("restart", "app", story.company.root, "--full")
    assert asked.code == 64
    assert "may stay open" in asked.err
    assert "pass --yes" in asked.err
    assert story.company.state == before
    assert history.quarantine("app") is not None, "all or nothing"
    called = reconciler("restart", "app", story.company.root, "--full", "--yes")
    assert called.code == 0, called.err
    assert "may stay open" in called.err
    assert called.out == "app: quarantine forgotten, and 1 waiting after failures, and all 9 bindings\n"
    assert not story.company.state["bindings"]
    assert not history.backoffs("app")
    story.settled()
