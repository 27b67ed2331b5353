"""Windows in plans: who is outside, when what is added ends, what comes soon; sensitive groups; another day."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from reconciler.plan import propose


@pytest.mark.parametrize("policy", ["deactivate", "delete", "keep"])
@pytest.mark.parametrize("written", ["..2026-11-20", "2026-12-01.."])
def test_who_is_outside_their_window_is_deactivated_whatever_the_policy(
    world: Any, read: Any, policy: str, written: str
) -> None:
    world.ours("1", "ada")
    world.user("ada", window=written)
    world.settled(3)
    world.app(deprovision={"users": policy})
    plan = world.plan()
    assert read.runs(plan) == [("deactivateUser", "user:ada")]
    assert plan.changes[0].reasons == ("outsideWindow",)


def test_bound_or_not(world: Any, read: Any) -> None:
    world.user("ada", window="..2026-11-20")
    world.account("1", "ada")
    world.settled(3)
    assert read.runs(world.plan()) == [("deactivateUser", "user:ada")]


def test_before_their_first_day_nobody_gets_an_account(world: Any, read: Any) -> None:
    world.user("ada", window="2026-12-01..")
    world.settled(3)
    assert world.plan().empty
    world.now = datetime(2026, 12, 1, tzinfo=UTC)
    assert read.runs(world.plan()) == [("createUser", "user:ada")]


def test_who_comes_back_into_their_window_is_reactivated(world: Any, read: Any) -> None:
    world.ours("1", "ada", active=False)
    world.user("ada", window="2026-11-01..")
    world.state.bindings["user:ada"]["active"] = False
    assert read.runs(world.plan()) == [("reactivateUser", "user:ada")]


def test_a_membership_ends_with_its_window(world: Any, read: Any) -> None:
    world.ours("1", "ada")
    world.settled(4)
    world.group("editors", "ada ..2026-11-30", "p0", "p1", "p2", "p3")
    world.team("70", "Editors", "1", "1000", "1001", "1002", "1003")
    world.bind("group:editors", "70")
    world.left("editors", "ada", "p0", "p1", "p2", "p3")
    assert world.plan().empty
    world.now = datetime(2026, 12, 1, tzinfo=UTC)
    assert read.members(world.plan()) == {("removeMembers", "group:editors", "user:ada", "")}


def test_what_is_added_says_when_it_ends(world: Any, read: Any) -> None:
    world.ours("1", "ada")
    world.ours("2", "grace")
    world.group("editors", "ada ..2026-11-30", "@agencies ..2026-12-31")
    world.group("agencies", "grace")
    world.app(groups=["editors"])
    world.team("70", "Editors")
    added = read.change(world.plan(), "group:editors")
    assert [(m.key, m.via, m.until) for m in added.members] == [
        ("user:ada", (), "2026-11-30"),
        ("user:grace", ("agencies",), "2026-12-31"),
    ]


def test_gains_of_sensitive_groups_are_marked_and_nothing_else_is(world: Any) -> None:
    world.ours("1", "ada")
    world.ours("2", "grace")
    world.settled(3)
    world.group("admins", "ada", sensitive=True)
    world.group("editors", "ada")
    world.team("70", "Admins", "2")
    world.bind("group:admins", "70")
    marked = {(each.action, each.key): each.sensitive for each in world.plan().changes if hasattr(each, "sensitive")}
    assert marked == {
        ("addMembers", "group:admins"): True,
        ("addMembers", "group:editors"): False,
        ("removeMembers", "group:admins"): False,
    }


def test_what_comes_soon_is_part_of_the_plan_and_no_change(world: Any) -> None:
    world.ours("1", "ada")
    world.user("ada", window="..2026-11-30")
    plan = world.plan()
    assert plan.empty
    assert [(each.key, each.until, each.group) for each in plan.soon] == [("user:ada", "2026-11-30", None)]


@pytest.mark.parametrize("given", [True, False])
def test_a_plan_for_another_day_says_so(world: Any, read: Any, given: bool) -> None:
    world.user("ada", window="2027-01-01..")
    world.now = datetime(2027, 1, 1, tzinfo=UTC)
    desired, app = world.desired, world.the_app
    plan = propose(
        app, world.profile, desired, world.snapshot(desired), world.state, as_of=world.now, as_of_given=given
    ).plan
    assert (("asOf", "chat") in read.notes(plan)) is given
    assert plan.as_of == "2027-01-01T00:00:00Z"
    assert read.runs(plan) == [("createUser", "user:ada")]
