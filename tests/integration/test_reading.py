"""Promises 3 and 14 where an application shows only part of what it holds: what is not seen is never taken away."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.errors import IncompleteRead
from reconciler.gallery import load_profile
from reconciler.model.plan import Plan, RemoveMembers
from reconciler.sandbox import Sandbox
from reconciler.sandbox.habits import habits_of

if TYPE_CHECKING:
    from tests.conftest import SandboxStory

Stories = Callable[..., "SandboxStory"]
UNTRUSTED = {"paging": {"trusted": False}}
SHOWN: dict[str, dict[str, Any]] = {
    "byId": {"groups": {"readMembers": "byId"}},
    "byFilter": {"groups": {"readMembers": "byFilter"}},
    "never": {"groups": {"readMembers": "never"}},
    "untrusted": UNTRUSTED,
    "untrusted byId": {**UNTRUSTED, "groups": {"readMembers": "byId"}},
    "untrusted byFilter": {**UNTRUSTED, "groups": {"readMembers": "byFilter"}},
    "untrusted never": {**UNTRUSTED, "groups": {"readMembers": "never"}},
    "inactive unlisted": {"users": {"listsInactive": False}},
}


@pytest.fixture
def shows(story_of: Stories) -> Callable[..., SandboxStory]:
    """shows(**profile): a server that is as this profile says, and an app that says so."""

    def make(**profile: Any) -> SandboxStory:
        sandbox = Sandbox(habits_of(load_profile("scim").corrected(profile)), rate=0)
        story = story_of("scim", sandbox)
        story.company.edit_app(profile={"rate": {"perSecond": None}, **profile})
        return story

    return make


def removals(plan: Plan) -> set[tuple[str, str]]:
    return {(c.key, m.key) for c in plan.changes if isinstance(c, RemoveMembers) for m in c.members}


def codes(plan: Plan) -> set[str]:
    return {note.code for note in plan.notes}


@pytest.mark.parametrize("shown", SHOWN)
def test_what_is_applied_is_done_and_what_git_takes_away_goes(shows: Any, shown: str) -> None:
    story = shows(**SHOWN[shown])
    story.converge()
    assert story.members("Research") == {"alan@contoso.com", "mary@contoso.com", "ada@contoso.com"}
    story.company.edit_group("research", members=["alan.turing", "mary.somerville"])
    plan = story.plan()
    assert [(c.action, c.key) for c in plan.changes] == [("removeMembers", "group:research")]
    assert removals(plan) == {("group:research", "user:ada.lovelace")}
    story.converge()
    assert story.members("Research") == {"alan@contoso.com", "mary@contoso.com"}
    story.company.remove_person("linus.byrne")
    story.converge()
    assert story.user("linus")["active"] is False
    assert story.members("Agencies") == {"charles@contoso.com"}
    assert len(story.sandbox.users) == 7, "nobody was made twice"


@pytest.mark.parametrize("shown", SHOWN)
def test_without_memory_nobody_is_made_twice_and_nobody_is_removed(shows: Any, shown: str) -> None:
    story = shows(**SHOWN[shown])
    story.converge()
    story.company.state_file.unlink()
    plan = story.plan()
    assert not removals(plan)
    assert not [c for c in plan.changes if c.action in {"createUser", "createGroup", "deactivateUser"}]
    added = {c.key for c in plan.changes if c.action == "addMembers"}
    assert added == ({"group:social-media", "group:research", "group:agencies"} if "never" in shown else set())
    story.converge()
    assert len(story.sandbox.users) == 7


def test_who_was_added_to_a_group_that_was_found_is_remembered_at_once(shows: Any) -> None:
    story = shows()
    story.converge()
    story.sandbox.remove_member(story.sandbox.group_id("Research"), story.sandbox.user_id("ada@contoso.com"))
    story.company.state_file.unlink()
    assert story.apply().code == 0
    research = story.company.state["bindings"]["group:research"]
    assert research["members"] == ["ada.lovelace", "alan.turing", "mary.somerville"]


# --- lists that leave people out --------------------------------------------------------------------------------------


def test_nobody_is_judged_who_was_not_looked_for(shows: Any) -> None:
    story = shows(**UNTRUSTED)
    strangers = [story.sandbox.add_user(f"guest{n}@elsewhere.example") for n in range(9)]
    story.sandbox.add_group("Strangers", strangers)
    for policy in ("report", "deprovision"):
        story.company.edit_app(unmanaged={"users": policy}, guardrails={"actsAs": "provisioning@contoso.com"})
        plan = story.plan()
        assert "partial" in codes(plan)
        assert not any("guest" in str(c) for c in (*plan.changes, *plan.notes))
        story.converge("deprovisionUsers=9")
    assert all(story.sandbox.users[each]["active"] for each in strangers)


def test_the_share_that_may_lose_access_is_of_those_in_the_files(shows: Any) -> None:
    story = shows(**UNTRUSTED)
    story.converge()
    for n in range(50):
        story.sandbox.add_user(f"guest{n}@elsewhere.example")
    story.company.edit_app(guardrails={"deprovisionUsers": {"percent": 50, "ignoreBelow": 1}})
    for person in ("linus.byrne", "charles.babbage", "grace.hopper"):
        story.company.remove_person(person)
    plan = story.plan()
    (rail,) = [rail for rail in plan.guardrails if rail.name == "deprovisionUsers"]
    assert (rail.value, rail.of, rail.broken) == (3, 3, True)
    assert {str(c.held[0].by) for c in plan.changes if c.action == "deactivateUser"} == {"guardrail:deprovisionUsers"}


# --- members that lists or groups do not show -------------------------------------------------------------------------


def test_members_that_nobody_shows_are_told_and_not_verified(shows: Any) -> None:
    story = shows(groups={"readMembers": "never"})
    applied = story.apply()
    assert applied.code == 0
    assert any("can't be verified" in line for line in applied.outcome.learned)
    assert "membersUnread" in codes(story.settled())


def test_a_member_put_there_by_hand_is_not_seen_and_stays(shows: Any) -> None:
    story = shows(groups={"readMembers": "never"})
    story.converge()
    guest = story.sandbox.add_user("guest@elsewhere.example")
    story.sandbox.add_member(story.sandbox.group_id("Research"), guest)
    story.company.edit_app(unmanaged={"users": "report", "members": "remove"})
    story.settled()
    assert "guest@elsewhere.example" in story.members("Research")


def test_a_filter_by_group_that_is_ignored_plans_nothing(shows: Any) -> None:
    story = shows(groups={"readMembers": "byFilter"})
    story.converge()
    story.sandbox.faults.set("ignoreFilter")
    with pytest.raises(IncompleteRead, match=r"groups\.value is not honoured"):
        story.plan()


def test_few_of_many_groups_are_read_alone(story_of: Stories) -> None:
    story = story_of("scim")
    for n in range(450):
        story.sandbox.add_group(f"Theirs {n}", [story.sandbox.user_id("provisioning@contoso.com")])
    story.converge()
    story.sandbox.requests.clear()
    story.settled()
    asked = [r.path for r in story.sandbox.requests]
    assert len(asked) == 3 + 2 + 5 + 3, "discovery, people, pages of groups, our three that come last"
    story.sandbox.add_member(story.sandbox.group_id("Research"), story.sandbox.user_id("linus@contoso.com"))
    story.company.edit_group("agencies", members=["charles.babbage"])
    plan = story.plan()
    assert ("group:agencies", "user:linus.byrne") in removals(plan)
    story.apply()
    assert "linus@contoso.com" not in story.members("Agencies")
    assert len(story.sandbox.members(story.sandbox.group_id("Theirs 7"))) == 1


# --- what it costs ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("people", "groups", "pages"), [(9_999, 199, (100, 2)), (10_000, 200, (101, 3))])
def test_a_plan_of_ten_thousand_people_and_two_hundred_groups_costs_105_requests(
    story_of: Stories, people: int, groups: int, pages: tuple[int, int]
) -> None:
    """100 pages of people, 2 of groups, 3 questions of discovery; where the last page is full, one look behind it."""
    sandbox = Sandbox("scim", users=people - 1, rate=0)
    story = story_of("scim", sandbox)
    ids = sorted(sandbox.users)
    for n in range(groups):
        sandbox.add_group(f"Theirs {n}", ids[n * 50 : n * 50 + 50])
    story.plan()
    asked = [request.path.partition("?")[0].rpartition("/")[2] for request in sandbox.requests]
    assert (asked.count("Users"), asked.count("Groups")) == pages
    assert len(asked) == sum(pages) + 3
