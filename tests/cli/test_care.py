"""`resume`, `restart` and `approve`: what people do about what `status` shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.desired import load
from reconciler.model.history import Backoff, Cycle, Held, Quarantine
from reconciler.plan import signed, to_json
from reconciler.service.cycle import config_digest, has_been_read
from reconciler.service.history import History, new_cycle_id
from tests.conftest import Called, Company, SandboxStory

Reconciler = Callable[..., Called]
NOW = datetime(2026, 11, 26, 17, 0, tzinfo=UTC)


@pytest.fixture
def story(story_of: Callable[..., SandboxStory]) -> SandboxStory:
    story = story_of("scim")
    story.converge()
    return story


@pytest.fixture
def root(story: SandboxStory) -> Path:
    return story.company.root


@pytest.fixture
def history(root: Path) -> Iterator[History]:
    found = History.open(f"sqlite:///{root / '.reconciler' / 'history.db'}")
    yield found
    found.close()


def quarantined(history: History) -> None:
    history.set_quarantine(Quarantine("app", NOW, "credentials", "the token\x1b is refused", 1, NOW, "sha256:d"))
    waits = Backoff("app", "user:ada.lovelace", 1, NOW, NOW + timedelta(hours=6), removal=False)
    history.set_backoffs("app", [waits])


def holding(story: SandboxStory, history: History) -> Held:
    story.company.edit_app(guardrails={"deprovisionUsers": {"count": 0, "ignoreBelow": 0}})
    story.company.edit_person("ada.lovelace", accountEnabled=False)
    plan = story.plan()
    alone = signed(plan.model_copy(update={"changes": plan.held, "blocked": ()}))
    held = Held("app", alone.changes_digest, to_json(alone).decode(), NOW)
    history.keep_held(held, "app")
    return held


def test_resume_ends_a_quarantine(history: History, root: Path, reconciler: Reconciler) -> None:
    quarantined(history)
    called = reconciler("resume", "app", root)
    assert called.code == 0, called.err
    assert called.out == (
        "app: resumed. It was in quarantine since 2026-11-26 17:00 UTC: the token<U+001B> is refused\n"
    )
    assert history.quarantine("app") is None
    assert history.backoffs("app"), "who waits goes on waiting"
    again = reconciler("resume", "app", root)
    assert again.code == 1
    assert "app is in no quarantine" in again.err


def test_restart_forgets_what_failed(history: History, root: Path, reconciler: Reconciler) -> None:
    quarantined(history)
    called = reconciler("restart", "app", root)
    assert (called.code, called.out) == (0, "app: quarantine forgotten, and 1 waiting after failures\n")
    assert history.quarantine("app") is None
    assert history.backoffs("app") == {}
    assert (root / ".reconciler" / "app.json").exists()


def test_restart_in_full_forgets_the_memory(
    story: SandboxStory, history: History, root: Path, reconciler: Reconciler
) -> None:
    quarantined(history)
    unasked = reconciler("restart", "app", root, "--full")
    assert unasked.code == 64
    assert "nobody is there to confirm it" in unasked.err
    assert history.quarantine("app") is not None
    assert story.company.state["bindings"]
    called = reconciler("restart", "app", root, "--full", "--yes")
    assert called.code == 0, called.err
    assert "and all 9 bindings" in called.out
    assert story.company.state["bindings"] == {}
    assert history.quarantine("app") is None


@pytest.mark.parametrize(("options", "known"), [((), True), (("--full", "--yes"), False)])
def test_after_a_restart_in_full_the_next_cycle_is_initial(
    history: History, root: Path, reconciler: Reconciler, options: tuple[str, ...], known: bool
) -> None:
    app = load(root).apps["app"]
    done = Cycle(new_cycle_id(NOW), "app", app.tenant_url, "run", "initial", NOW, config_digest=config_digest(app))
    history.begin(done)
    history.update(replace(done, status="success", ended_at=NOW))
    assert has_been_read(history, app, config_digest(app))
    assert reconciler("restart", "app", root, *options).code == 0
    assert has_been_read(history, app, config_digest(app)) is known


@pytest.mark.parametrize("command", ["resume", "restart"])
def test_an_app_that_there_is_not(history: History, root: Path, reconciler: Reconciler, command: str) -> None:
    called = reconciler(command, "ap", root)
    assert called.code == 64
    assert "there is no app 'ap' here" in called.err
    assert "there is app" in called.err


def test_approve_shows_asks_and_remembers(
    story: SandboxStory, history: History, root: Path, reconciler: Reconciler
) -> None:
    held = holding(story, history)
    unasked = reconciler("approve", held.digest, root)
    assert unasked.code == 64
    assert "ada.lovelace" in unasked.out
    assert history.held("app") == held
    called = reconciler("approve", held.digest[7:20], root, "--yes", "--by", "grace\u202e")
    assert called.code == 0, called.err
    assert "app: approved by grace<U+202E>; the next cycle makes it so" in called.out
    found = history.held("app")
    assert found is not None
    assert (found.approved_by, found.digest) == ("grace\u202e", held.digest)


def test_approving_something_else(story: SandboxStory, history: History, root: Path, reconciler: Reconciler) -> None:
    nothing = reconciler("approve", "ab" * 32, root, "--yes")
    assert nothing.code == 1
    assert "nothing is held" in nothing.err
    held = holding(story, history)
    other = reconciler("approve", "ab" * 32, root, "--yes")
    assert other.code == 1
    assert f"app holds {held.digest}" in other.err
    assert history.held("app") == held


def test_without_any_history(company: Callable[..., Company], reconciler: Reconciler) -> None:
    root = company(gallery="scim").root
    for arguments in (("approve", "ab" * 32), ("resume", "app"), ("restart", "app")):
        called = reconciler(*arguments, root)
        assert called.code == 64
        assert "there is no history yet" in called.err
