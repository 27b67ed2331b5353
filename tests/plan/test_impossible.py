"""What the application can't do is a blocked line, and nothing depends on it."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def company(world: Any) -> Any:
    """Ada is ours and in the team; the team is ours."""
    world.ours("1", "ada")
    world.group("all", "ada")
    world.team("70", "All", "1")
    world.bind("group:all", "70", members=["ada"])
    return world


def test_whoever_gets_no_account_is_in_no_addition(company: Any, read: Any) -> None:
    company.user("new")
    company.user("newer")
    company.group("all", "ada", "new", "newer")
    company.app(profile={"cannot": {"createUser": "people are invited by hand"}})
    plan = company.plan()
    assert read.runs(plan) == []
    assert read.blocked(plan) == [
        ("createUser", "user:new", "appCannot"), ("createUser", "user:newer", "appCannot")
    ]  # fmt: skip
    assert {b.text for b in plan.blocked} == {"people are invited by hand"}
    assert plan.empty


def test_others_are_added_all_the_same(company: Any, read: Any) -> None:
    company.user("new")
    company.ours("2", "bob")
    company.group("all", "ada", "bob", "new")
    company.app(profile={"cannot": {"createUser": "people are invited by hand"}})
    assert read.members(company.plan()) == {("addMembers", "group:all", "user:bob", "")}


def test_an_account_that_can_not_come_back_is_told_and_not_written(company: Any, read: Any) -> None:
    company.account("1", "ada", active=False)
    company.bind("user:ada", "1", active=False)
    company.left("all")
    company.app(profile={"users": {"reversible": False}})
    plan = company.plan()
    assert read.runs(plan) == []
    assert ("reactivateUser", "user:ada", "appCannot") in read.blocked(plan)
    assert "can't give a deactivated account back" in plan.blocked[0].text


def test_an_application_without_groups_says_so_once_for_each_group(company: Any, read: Any) -> None:
    company.group("extra", "ada")
    company.app(profile={"groups": {"supported": False}})
    plan = company.plan()
    assert read.runs(plan) == []
    assert ("createGroup", "group:extra", "appCannot") in read.blocked(plan)
    assert "groups: none" in plan.blocked[0].text


def test_a_name_that_can_not_change_does_not_hold_the_rest_up(company: Any, read: Any) -> None:
    company.account("1", "old@contoso.com", displayName="Old")
    company.bind("user:ada", "1", active=True)
    company.app(profile={"cannot": {"renameUser": "userName is for ever there"}})
    plan = company.plan()
    assert read.blocked(plan) == [("renameUser", "user:ada", "appCannot")]
    (change,) = plan.changes
    assert change.action == "updateUser"
    assert "userName" not in change.set


def test_members_that_can_not_be_removed_stay(company: Any, read: Any) -> None:
    company.ours("2", "bob")
    company.team("70", "All", "1", "2")
    company.bind("group:all", "70", members=["ada", "bob"])
    company.app(profile={"cannot": {"removeMembers": "members leave by themselves"}})
    plan = company.plan()
    assert read.runs(plan) == []
    assert read.blocked(plan) == [("removeMembers", "group:all", "appCannot")]


class TestWhereDeletingDeactivates:
    @pytest.fixture
    def leaver(self, world: Any) -> Any:
        world.ours("1", "ada")
        world.ours("2", "bob")
        world.leave("ada")
        world.app(deprovision={"users": "delete"})
        return world

    def test_the_leaver_is_deactivated_and_the_plan_says_why(self, leaver: Any, read: Any) -> None:
        leaver.app(profile={"users": {"deleteEffect": "deactivated"}})
        plan = leaver.plan()
        assert read.runs(plan) == [("deactivateUser", "user:ada")]
        assert read.blocked(plan) == [("deleteUser", "user:ada", "appCannot")]
        assert "deactivates what is deleted" in plan.blocked[0].text

    def test_by_delete_where_nothing_else_does(self, leaver: Any, read: Any) -> None:
        leaver.app(profile={"users": {"deleteEffect": "deactivated", "deactivate": False}})
        assert read.runs(leaver.plan()) == [("deleteUser", "user:ada")]

    @pytest.mark.parametrize("deactivate", [True, False])
    def test_and_then_nothing_is_left_to_do(self, leaver: Any, deactivate: bool) -> None:
        leaver.app(profile={"users": {"deleteEffect": "deactivated", "deactivate": deactivate}})
        leaver.account("1", "ada", active=False)
        leaver.bind("user:ada", "1", active=False)
        assert leaver.plan().empty
