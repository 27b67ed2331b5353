"""Issues about drift, on both forges."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from reconciler.model.plan import DesiredFacts, Plan
from tests.forge.conftest import around, joins, leaves, plan
from tests.forge.fakes import github as on_github
from tests.forge.fakes import gitlab as on_gitlab

FACTS = DesiredFacts(commit="4f2c1e7aa0", digest="sha256:0", users=412, groups=9)


def drift(*changes: Any, app: str = "hootsuite") -> Plan:
    """Compared with no revision."""
    return plan(*changes, app=app, desired=FACTS)


@dataclass
class Site:
    fake: on_github.GitHub | on_gitlab.GitLab
    bot: str
    body: str
    open_: str
    run: Callable[..., Any]
    kept: Callable[..., Any]

    def tell(self, *plans: Plan) -> Any:
        return self.run("comment", *map(self.kept, plans), "--issue", "--strict")

    def open(self) -> dict[int, str]:
        """Number → text."""
        return {n: each[self.body] for n, each in self.fake.issues.items() if each["state"] == self.open_}


@pytest.fixture(params=["github", "gitlab"])
def site(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, kept: Any, reconciler: Any) -> Iterator[Site]:
    fake = on_github.GitHub() if request.param == "github" else on_gitlab.GitLab()
    words = (on_github.BOT, "body", "open") if request.param == "github" else (on_gitlab.BOT, "description", "opened")
    with around(fake, monkeypatch):
        yield Site(fake, *words, run=reconciler, kept=kept)


def test_one_issue_for_each_app_that_drifts(site: Site) -> None:
    assert site.tell(drift(*joins("ada")), drift(app="github"), drift(*leaves("grace"), app="slack")).code == 0
    first, second = site.open().values()
    assert "1 person gains access" in first
    assert "1 person loses access" in second
    assert {each["title"] for each in site.fake.issues.values()} == {"Access drift: hootsuite", "Access drift: slack"}


def test_it_is_kept_up_to_date_and_closed(site: Site) -> None:
    site.tell(drift(*joins("ada")))
    site.tell(drift(*joins("ada"), *joins("grace")))
    (number,) = site.open()
    assert "2 people gain access" in site.open()[number]
    site.tell(drift())
    assert site.open() == {}
    assert "The application is what git says again." in site.fake.issues[number][site.body]
    site.tell(drift(*joins("ada")))
    assert len(site.open()) == 1
    assert number not in site.open()


def test_another_app_s_issue_stays(site: Site) -> None:
    site.tell(drift(*joins("ada")), drift(*joins("ada"), app="github"))
    site.tell(drift())
    assert len(site.open()) == 1


def test_a_copied_mark_makes_no_issue_ours(site: Site) -> None:
    site.tell(drift(*joins("ada")))
    (number,) = site.open()
    copied = site.open()[number]
    theirs = site.fake.open_issue("mallory", "Access drift: hootsuite", copied)
    site.tell(drift())
    assert site.open() == {theirs: copied}


def test_two_that_were_opened_at_a_time_become_one(site: Site) -> None:
    site.tell(drift(*joins("ada")))
    (number,) = site.open()
    site.fake.open_issue(site.bot, "Access drift: hootsuite", site.open()[number])
    site.tell(drift(*joins("ada")))
    assert list(site.open()) == [number]


def test_what_is_refused_is_told(site: Site) -> None:
    site.fake.fault("POST .*/issues", 403)
    called = site.run("comment", site.kept(drift(*joins("ada"))), "--issue")
    assert called.code == 0
    assert "the issue about hootsuite: " in called.err
    assert site.tell(drift(*joins("ada"))).code == 1
    assert site.open() == {}
