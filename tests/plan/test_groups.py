"""The application's groups: created, adopted, renamed, updated, emptied, deleted."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture(params=["scim", "hootsuite"])
def either(request: pytest.FixtureRequest, new_world: Any) -> Any:
    world = new_world(request.param)
    world.settled(4)
    return world


def test_a_group_without_its_like_is_created(either: Any, read: Any) -> None:
    either.group("editors")
    plan = either.plan()
    assert read.runs(plan) == [("createGroup", "group:editors")]
    assert {p: d.after for p, d in plan.changes[0].set.items()} == {"displayName": "Editors", "externalId": "editors"}


def test_one_that_is_there_is_adopted_without_a_change(either: Any, read: Any) -> None:
    either.group("editors")
    either.team("70", "Editors")
    plan = either.plan()
    assert plan.empty
    assert ("adopted", "group:editors") in read.notes(plan)


def test_an_adoption_that_writes_is_a_change(either: Any, read: Any) -> None:
    either.group("editors", accounts={"chat": "70"})
    either.team("70", "Staff")
    assert read.runs(either.plan()) == [("adoptGroup", "group:editors")]


def test_a_new_name_keeps_the_group(either: Any, read: Any) -> None:
    either.group("editors", displayName="Writers")
    either.team("70", "Editors")
    either.bind("group:editors", "70")
    plan = either.plan()
    assert read.runs(plan) == [("renameGroup", "group:editors")]
    assert plan.changes[0].id == "70"


def test_a_new_id_keeps_the_group(either: Any, read: Any) -> None:
    either.group("writers", formerly=({"id": "editors"},))
    either.team("70", "Editors")
    either.bind("group:editors", "70")
    proposal = either.propose()
    assert read.runs(proposal.plan) == [("renameGroup", "group:writers")]
    assert proposal.groups.moved == {"group:editors": "group:writers"}


def test_what_only_formerly_finds_is_asked_about_with_its_members(either: Any, read: Any) -> None:
    either.group("writers", "p0", formerly=({"displayName": "Editors"},))
    either.team("70", "Editors", "1001")
    plan = either.plan()
    assert read.held(plan) == [
        ("adoptGroup", "group:writers", "whoIsThis:group:writers"),
        ("addMembers", "group:writers", "whoIsThis:group:writers"),
    ]
    assert read.runs(either.plan("whoIsThis:group:writers"))[0] == ("adoptGroup", "group:writers")


def test_origin_is_drift_where_the_app_was_renamed(world: Any) -> None:
    world.group("editors")
    world.team("70", "Staff")
    world.bind("group:editors", "70")
    world.remember(world.desired)
    assert world.plan().changes[0].origin == "drift"


class TestDeparted:
    """Groups that we manage and that are no group of the app any more."""

    def gone(self, world: Any, policy: str, *members: str) -> None:
        world.settled(4)
        world.team("70", "Editors", *members)
        world.bind("group:editors", "70")
        world.app(deprovision={"groups": policy})

    def test_are_deleted(self, world: Any, read: Any) -> None:
        self.gone(world, "delete", "1000")
        plan = world.plan()
        assert read.runs(plan) == [("deleteGroup", "group:editors")]
        assert [m.key for m in plan.changes[0].members] == ["user:p0"]
        assert plan.changes[0].reasons == ("goneFromGit",)

    def test_are_emptied(self, world: Any, read: Any) -> None:
        self.gone(world, "empty", "1000")
        assert read.runs(world.plan()) == [("emptyGroup", "group:editors")]
        world.team("70", "Editors")
        assert world.plan().empty

    def test_are_kept(self, world: Any) -> None:
        self.gone(world, "keep", "1000")
        plan = world.plan()
        assert plan.empty
        assert not plan.notes

    def test_out_of_scope_is_gone_too(self, world: Any, read: Any) -> None:
        self.gone(world, "delete", "1000")
        world.group("editors", "p0")
        world.app(groups="none")
        plan = world.plan()
        assert read.runs(plan) == [("deleteGroup", "group:editors")]
        assert plan.changes[0].reasons == ("leftScope",)

    def test_where_nothing_can_be_deleted_they_end_empty_and_the_plan_says_why(self, hootsuite: Any, read: Any) -> None:
        self.gone(hootsuite, "delete", "1000", "1001")
        plan = hootsuite.plan()
        assert read.runs(plan) == [("emptyGroup", "group:editors")]
        assert plan.changes[0].reasons == ("goneFromGit", "replacesDelete")
        assert read.block(plan).reason == "appCannot"
        assert read.block(plan).text == "Hootsuite has no way to delete a team over SCIM"
        hootsuite.team("70", "Editors")
        after = hootsuite.plan()
        assert after.empty
        assert read.block(after).reason == "appCannot"

    def test_unmanaged_accounts_inside_block_the_deletion_and_ours_leave(self, world: Any, read: Any) -> None:
        self.gone(world, "delete", "1000", "9")
        world.account("9", "stranger")
        plan = world.plan()
        assert read.members(plan) == {("emptyGroup", "group:editors", "user:p0", "")}
        assert read.blocked(plan) == [("deleteGroup", "group:editors", "unmanagedMembers")]
        assert read.block(plan).text.startswith("1 member is not ours to remove: ")

    def test_unless_unmanaged_members_are_removed_anyway(self, world: Any, read: Any) -> None:
        self.gone(world, "delete", "1000", "9")
        world.account("9", "stranger")
        world.app(unmanaged={"users": "report", "members": "remove"})
        assert read.runs(world.plan()) == [("deleteGroup", "group:editors")]

    def test_another_group_inside_blocks_it_and_a_deleted_account_does_not(self, world: Any, read: Any) -> None:
        self.gone(world, "delete", "1000", "71")
        assert read.runs(world.plan()) == [("deleteGroup", "group:editors")]
        world.team("71", "Inner")
        plan = world.plan()
        assert read.runs(plan) == [("emptyGroup", "group:editors")]
        assert read.blocked(plan) == [("deleteGroup", "group:editors", "unmanagedMembers")]

    def test_protected_ones_stay_unless_released(self, world: Any, read: Any) -> None:
        self.gone(world, "delete", "1000")
        world.app(guardrails={"protected": {"groups": ["editors"]}})
        plan = world.plan()
        assert plan.empty
        assert read.blocked(plan) == [("deleteGroup", "group:editors", "protected")]
        assert read.runs(world.plan("protected:group:editors")) == [("deleteGroup", "group:editors")]


class TestUnmanaged:
    @pytest.mark.parametrize("policy", ["report", "ignore"])
    def test_stay(self, world: Any, read: Any, policy: str) -> None:
        world.settled(4)
        world.team("70", "Strangers", "1000")
        world.app(unmanaged={"users": "report", "groups": policy})
        plan = world.plan()
        assert plan.empty
        assert (("unmanagedGroup", "appGroup:70") in read.notes(plan)) is (policy == "report")

    @pytest.mark.parametrize(("policy", "action"), [("delete", "deleteGroup"), ("empty", "emptyGroup")])
    def test_go_where_the_app_says_so(self, world: Any, read: Any, policy: str, action: str) -> None:
        world.settled(4)
        world.account("9", "stranger")
        world.team("70", "Strangers", "1000", "9")
        world.app(unmanaged={"users": "report", "groups": policy})
        plan = world.plan()
        assert read.runs(plan) == [(action, "appGroup:70")]
        assert {m.key for m in plan.changes[0].members} == {"user:p0", "account:9"}

    def test_without_a_state_they_wait_for_the_exact_figure(self, world: Any, read: Any) -> None:
        world.team("70", "Strangers")
        world.app(unmanaged={"users": "report", "groups": "delete"})
        assert read.held(world.plan()) == [("deleteGroup", "appGroup:70", "deleteGroups=1")]
        assert read.runs(world.plan("deleteGroups=1")) == [("deleteGroup", "appGroup:70")]

    @pytest.mark.parametrize("policy", ["delete", "ignore"])
    def test_ignored_ones_are_counted_and_never_touched(self, world: Any, read: Any, policy: str) -> None:
        world.settled(4)
        world.team("70", "Strangers", "1000")
        clause = {"attribute": "displayName", "operator": "EQUALS", "value": "Strangers"}
        world.app(unmanaged={"users": "report", "groups": policy}, ignore={"groups": [clause]})
        plan = world.plan()
        assert plan.empty
        assert ("ignored", "appGroup:70") in read.notes(plan)

    def test_a_group_that_is_ignored_blocks_ours_of_that_name(self, world: Any, read: Any) -> None:
        world.group("editors")
        world.team("70", "Editors")
        clause = {"attribute": "displayName", "operator": "EQUALS", "value": "Editors"}
        world.app(ignore={"groups": [clause]})
        plan = world.plan()
        assert plan.empty
        assert read.blocked(plan) == [("createGroup", "group:editors", "ignored")]

    def test_the_name_of_a_directory_group_outside_groups_makes_nothing_ours(self, world: Any, read: Any) -> None:
        world.settled(4)
        world.group("editors", "p0")
        world.team("70", "Editors", "1001")
        world.app(groups="none")
        plan = world.plan()
        assert plan.empty
        assert ("unmanagedGroup", "appGroup:70") in read.notes(plan)


class TestRenames:
    def test_protected_names_stay(self, world: Any, read: Any) -> None:
        world.group("editors", displayName="Writers")
        world.team("70", "Editors")
        world.bind("group:editors", "70")
        world.app(guardrails={"protected": {"groups": ["editors"]}})
        plan = world.plan()
        assert plan.empty
        assert read.blocked(plan) == [("renameGroup", "group:editors", "protected")]

    def test_where_the_app_cannot_rename_it_says_so(self, world: Any, read: Any) -> None:
        world.group("editors", displayName="Writers")
        world.team("70", "Editors")
        world.bind("group:editors", "70")
        world.app(profile={"cannot": {"renameGroup": "names are for ever there"}})
        plan = world.plan()
        assert plan.empty
        assert read.block(plan).text == "names are for ever there"
