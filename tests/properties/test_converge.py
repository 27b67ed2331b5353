"""Promises 1 and 7 for any directory and any application: plan, apply, and nothing is left to do but what is held."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.sandbox import Sandbox

if TYPE_CHECKING:
    from tests.conftest import SandboxStory

IDS = ["ada", "bob", "cyd", "dee", "eli"]
TEAMS = ["red", "green", "blue"]
NAMES = st.sampled_from(["Anna Berg", "anna berg", "Jörg Ω", 'O\'Neil, "Bo"', "x" * 40, "  two  blanks"])

people = st.dictionaries(
    st.sampled_from(IDS),
    st.fixed_dictionaries(
        {"displayName": NAMES, "accountEnabled": st.booleans(), "timeZone": st.sampled_from([None, "Europe/Paris"])}
    ),
    min_size=1,
)
teams = st.dictionaries(st.sampled_from(TEAMS), st.sets(st.sampled_from(IDS)))
accounts = st.dictionaries(
    st.sampled_from([*IDS, "stranger", "visitor"]),
    st.fixed_dictionaries({"displayName": NAMES, "active": st.booleans(), "theirs": st.booleans()}),
)
app_teams = st.dictionaries(st.sampled_from([*TEAMS, "other"]), st.sets(st.sampled_from([*IDS, "stranger", "visitor"])))
policies = st.fixed_dictionaries({
    "deprovision": st.fixed_dictionaries({"users": st.sampled_from(["deactivate", "delete", "keep"]),
                                          "groups": st.sampled_from(["delete", "empty", "keep"])}),
    "unmanaged": st.fixed_dictionaries({"users": st.sampled_from(["report", "deprovision", "ignore"]),
                                        "groups": st.sampled_from(["report", "empty", "delete", "ignore"]),
                                        "members": st.sampled_from(["report", "remove"])}),
    "drift": st.fixed_dictionaries({"takenAway": st.sampled_from(["hold", "repair"]),
                                    "given": st.sampled_from(["hold", "repair"])}),
    "order": st.sampled_from(["leaversFirst", "leaversLast"]),
})  # fmt: skip
bounded = settings(
    max_examples=15, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip


@pytest.fixture
def fresh(story_of: Callable[..., SandboxStory]) -> Callable[[str], Any]:
    """A new story for each example, in a folder of its own."""

    @contextmanager
    def make(gallery: str) -> Iterator[SandboxStory]:
        folder = tempfile.mkdtemp()
        try:
            yield story_of(gallery, Sandbox(gallery, rate=0), folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    return make


def write(story: SandboxStory, people: Any, teams: Any) -> None:
    for part in ("users", "groups"):
        shutil.rmtree(story.company.root / part, ignore_errors=True)
        (story.company.root / part).mkdir()
    for id_, more in people.items():
        story.company.person(id_, id_.title(), "Surname", **{k: v for k, v in more.items() if v is not None})
    for id_, members in teams.items():
        story.company.group(id_, id_.title(), sorted(members & people.keys()))


def populate(story: SandboxStory, accounts: Any, teams: Any) -> dict[str, dict[str, Any]]:
    ids = {}
    for name, each in accounts.items():
        given = "Somebody" if each["theirs"] else name.title()
        family = "Else" if each["theirs"] else "Surname"
        ids[name] = story.sandbox.add_user(
            f"{name}@contoso.com", displayName=each["displayName"], active=each["active"],
            name={"givenName": given, "familyName": family}, title=f"title of {name}",
        )  # fmt: skip
    for team, members in teams.items():
        story.sandbox.add_group(team.title(), [ids[m] for m in members if m in ids])
    return {id_: story.sandbox.users[id_] for id_ in ids.values()}


def settle(story: SandboxStory) -> None:
    """One apply; then nothing is pending, and what is held is what was held."""
    first = story.apply()
    assert first.code in (0, 3), [(s.change.action, s.change.key, s.status, s.message) for s in first.outcome.steps]
    after = story.plan()
    assert not after.pending, [(c.action, c.key, c.reasons) for c in after.pending]
    before = {(c.action, c.key) for c in first.plan.held}
    assert {(c.action, c.key) for c in after.held} <= before
    assert (first.code == 3) == bool(first.plan.held)
    writes = len(story.writes())
    story.apply()
    assert len(story.writes()) == writes


@pytest.mark.parametrize("gallery", ["hootsuite", "scim"])
@bounded
@given(people=people, teams=teams, accounts=accounts, app_teams=app_teams, policies=policies)
def test_any_directory_and_any_application(
    fresh: Callable[[str], Any], gallery: str, people: Any, teams: Any, accounts: Any, app_teams: Any, policies: Any
) -> None:
    with fresh(gallery) as story:
        write(story, people, teams)
        before = populate(story, accounts, app_teams)
        story.company.edit_app(guardrails={"actsAs": "provisioning@contoso.com"}, **policies)
        settle(story)
        now = story.sandbox.users
        for id_, account in before.items():
            assert now[id_].get("title") == account.get("title"), "unmapped attributes survive"
        described = {f"{id_}@contoso.com" for id_ in people}
        for id_, account in before.items():
            if account["userName"] not in described:
                assert now[id_]["active"] == account["active"], "without a memory nobody unmanaged is removed"


@pytest.mark.parametrize("gallery", ["hootsuite", "scim"])
@bounded
@given(first=people, second=people, teams=teams, later=teams, policies=policies, accounts=accounts)
def test_any_two_days_after_one_another(
    fresh: Callable[[str], Any],
    gallery: str,
    first: Any,
    second: Any,
    teams: Any,
    later: Any,
    policies: Any,
    accounts: Any,
) -> None:
    with fresh(gallery) as story:
        write(story, first, teams)
        populate(story, {k: v for k, v in accounts.items() if k not in IDS}, {})
        story.company.edit_app(guardrails={"actsAs": "provisioning@contoso.com"}, **policies)
        settle(story)
        write(story, second, later)
        if not any(p["accountEnabled"] for p in second.values()):
            return  # an empty scope is an error, tested elsewhere
        settle(story)
        active = {u["userName"] for u in story.sandbox.users.values() if u["active"]}
        held = {c.key for c in story.plan().held}
        for id_, person in second.items():
            if person["accountEnabled"] and f"user:{id_}" not in held:
                assert f"{id_}@contoso.com" in active
