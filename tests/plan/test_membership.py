"""Who is in which group: gains, losses, and what is held of them."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def team(world: Any) -> Any:
    """ada, bob and eve have accounts 1, 2, 3; the group editors is 70, bound and empty."""
    for id_, name in (("1", "ada"), ("2", "bob"), ("3", "eve")):
        world.ours(id_, name)
    world.settled(5)
    world.group("editors")
    world.team("70", "Editors")
    world.bind("group:editors", "70", members=[])
    return world


def test_sets_that_are_equal_are_nothing(team: Any) -> None:
    team.group("editors", "ada", "bob")
    team.team("70", "Editors", "2", "1")
    assert team.plan().empty


def test_a_member_too_few_is_added_and_one_too_many_removed(team: Any, read: Any) -> None:
    team.group("editors", "ada", "bob")
    team.team("70", "Editors", "2", "3")
    team.left("editors", "bob", "eve")
    plan = team.plan()
    assert read.members(plan) == {
        ("addMembers", "group:editors", "user:ada", ""),
        ("removeMembers", "group:editors", "user:eve", ""),
    }
    assert {c.origin for c in plan.changes} == {"pending"}
    added = plan.changes[0]
    assert (added.source.file, added.source.line) == ("groups/editors.yaml", 4)
    assert (added.members[0].id, added.members[0].name) == ("1", "Ada Adason")


def test_nested_members_are_shown_with_their_way(team: Any) -> None:
    team.group("inner", "ada")
    team.group("middle", "@inner")
    team.group("editors", "@middle", "bob")
    team.app(groups=["editors"])
    (change,) = team.plan().changes
    assert {m.key: m.via for m in change.members} == {"user:ada": ("middle", "inner"), "user:bob": ()}


def test_members_of_a_new_group_wait_for_it(world: Any, read: Any) -> None:
    from reconciler.plan import dependencies

    world.user("ada")
    world.group("editors", "ada")
    plan = world.plan()
    assert read.runs(plan) == [
        ("createUser", "user:ada"), ("createGroup", "group:editors"), ("addMembers", "group:editors"),
    ]  # fmt: skip
    assert plan.changes[2].members[0].id is None
    assert dependencies(plan.changes) == {2: {1}}


def test_where_members_are_not_mapped_they_are_left_alone(team: Any) -> None:
    from reconciler.model.mapping import Mappings

    team.mappings = Mappings.model_validate({"groups": [{"target": "members", "none": True}]})
    team.group("editors", "ada")
    team.team("70", "Editors", "2")
    assert team.plan().empty


class TestTakenAway:
    """A membership that the state says we left there and that is gone is not added again unasked."""

    def test_is_held_for_each_person(self, team: Any, read: Any) -> None:
        team.group("editors", "ada", "bob", "eve")
        team.left("editors", "ada", "bob")
        plan = team.plan()
        assert read.members(plan) == {
            ("addMembers", "group:editors", "user:ada", "takenAwayInApp:user:ada"),
            ("addMembers", "group:editors", "user:bob", "takenAwayInApp:user:bob"),
            ("addMembers", "group:editors", "user:eve", ""),
        }
        assert {c.origin for c in plan.held} == {"drift"}

    def test_one_release_covers_the_person_in_every_group_and_the_account(self, team: Any, read: Any) -> None:
        team.group("editors", "ada")
        team.group("viewers", "ada")
        team.team("71", "Viewers")
        team.bind("group:viewers", "71")
        team.left("editors", "ada")
        team.left("viewers", "ada")
        team.accounts["1"]["active"] = False
        assert {h[2] for h in read.held(team.plan())} == {"takenAwayInApp:user:ada"}
        assert not team.plan("takenAwayInApp:user:ada").held

    def test_repair_gives_it_back(self, team: Any) -> None:
        team.group("editors", "ada")
        team.left("editors", "ada")
        team.app(drift={"takenAway": "repair"})
        assert not team.plan().held

    def test_a_new_id_is_still_the_same_person(self, team: Any, read: Any) -> None:
        team.left("editors", "ada")
        team.leave("ada")
        team.user("lovelace", userPrincipalName="ada@contoso.com", mail="ada@contoso.com", givenName="Ada",
                  surname="Adason", displayName="Ada Adason", formerly=({"id": "ada"},))  # fmt: skip
        team.group("editors", "lovelace")
        assert read.members(team.plan()) == {
            ("addMembers", "group:editors", "user:lovelace", "takenAwayInApp:user:lovelace")
        }

    def test_a_group_deleted_in_the_app_is_not_made_again(self, team: Any, read: Any) -> None:
        team.group("editors", "ada")
        del team.teams["70"]
        plan = team.plan()
        assert read.held(plan) == [
            ("createGroup", "group:editors", "takenAwayInApp:group:editors"),
            ("addMembers", "group:editors", "takenAwayInApp:group:editors"),
        ]
        assert len(team.plan("takenAwayInApp:group:editors").pending) == 2


class TestGiven:
    def test_is_repaired_as_drift(self, team: Any, read: Any) -> None:
        team.team("70", "Editors", "1")
        plan = team.plan()
        assert read.members(plan) == {("removeMembers", "group:editors", "user:ada", "")}
        assert plan.changes[0].origin == "drift"

    def test_or_held_where_the_app_says_so(self, team: Any, read: Any) -> None:
        team.team("70", "Editors", "1", "2")
        team.left("editors", "bob")
        team.app(drift={"given": "hold"})
        assert read.members(team.plan()) == {
            ("removeMembers", "group:editors", "user:ada", "givenInApp:user:ada"),
            ("removeMembers", "group:editors", "user:bob", ""),
        }
        assert not team.plan("givenInApp:user:ada").held

    def test_what_nobody_remembers_may_have_been_given(self, team: Any, read: Any) -> None:
        del team.state.bindings["group:editors"]
        team.team("70", "Editors", "1")
        assert read.members(team.plan()) == {("removeMembers", "group:editors", "user:ada", "")}
        team.app(drift={"given": "hold"})
        assert read.members(team.plan()) == {("removeMembers", "group:editors", "user:ada", "givenInApp:user:ada")}


class TestUnmanagedMembers:
    def test_report_leaves_them(self, team: Any, read: Any) -> None:
        team.account("9", "stranger")
        team.team("70", "Editors", "9")
        plan = team.plan()
        assert plan.empty
        assert ("unmanagedMember", "group:editors") in read.notes(plan)

    def test_remove_takes_them_out(self, team: Any, read: Any) -> None:
        team.account("9", "stranger")
        team.team("70", "Editors", "9")
        team.app(unmanaged={"users": "report", "members": "remove"})
        assert read.members(team.plan()) == {("removeMembers", "group:editors", "account:9", "")}

    def test_without_a_state_held_until_the_exact_figure_is_released(self, world: Any, read: Any) -> None:
        world.user("ada")
        world.account("1", "ada")
        world.account("9", "stranger")
        world.group("editors", "ada")
        world.team("70", "Editors", "9", "1")
        world.app(unmanaged={"users": "report", "members": "remove"})
        expected = ("removeMembers", "group:editors", "account:9")
        assert read.members(world.plan()) == {(*expected, "removeMembers:editors=1")}
        assert read.members(world.plan("removeMembers:editors=2")) == {(*expected, "removeMembers:editors=1")}
        assert read.members(world.plan("removeMembers:editors=1")) == {(*expected, "")}

    def test_described_but_out_of_scope_and_never_ours_is_unmanaged(self, team: Any, read: Any) -> None:
        """Two sentences of the specification disagree; the reading that removes nobody holds."""
        team.app(scope={"assigned": {"users": ["ada", "bob", "eve", *(f"p{n}" for n in range(5))],
                                     "groups": ["editors"]}})  # fmt: skip
        team.user("mallory")
        team.account("9", "mallory")
        team.team("70", "Editors", "9")
        plan = team.plan()
        assert plan.empty
        assert ("unmanagedMember", "group:editors") in read.notes(plan)

    def test_ignored_members_stay(self, team: Any) -> None:
        team.account("9", "agent", userName="agent@agency.example")
        team.team("70", "Editors", "9")
        clause = {"attribute": "userName", "operator": "ENDS_WITH", "value": "@agency.example"}
        team.app(unmanaged={"users": "report", "members": "remove"}, ignore={"users": [clause]})
        assert team.plan().empty


class TestProtectedMembers:
    def test_stay_unless_released(self, team: Any, read: Any) -> None:
        team.team("70", "Editors", "1", "2")
        team.app(guardrails={"protected": {"users": ["ada"]}})
        plan = team.plan()
        assert read.members(plan) == {("removeMembers", "group:editors", "user:bob", "")}
        assert read.blocked(plan) == [("removeMembers", "user:ada", "protected")]
        assert len(read.members(team.plan("protected:user:ada"))) == 2

    def test_stay_in_a_group_that_goes_which_then_can_not_be_deleted(self, team: Any, read: Any) -> None:
        team.team("70", "Editors", "1", "2")
        del team.groups["editors"]
        team.app(guardrails={"protected": {"users": ["ada"]}})
        plan = team.plan()
        assert read.members(plan) == {("emptyGroup", "group:editors", "user:bob", "")}
        assert read.blocked(plan) == [("deleteGroup", "group:editors", "protected")]

    def test_the_tokens_account_is_neither_added_nor_removed(self, team: Any, read: Any) -> None:
        team.app(guardrails={"actsAs": "ada@contoso.com"})
        team.team("70", "Editors", "1")
        plan = team.plan()
        assert plan.empty
        assert read.blocked(plan) == [("removeMembers", "user:ada", "actsAs")]
        team.group("editors", "ada")
        team.team("70", "Editors")
        assert team.plan().empty

    def test_a_protected_group_still_loses_whom_git_takes_out(self, team: Any, read: Any) -> None:
        """What is protected is the group: that it exists, and its name."""
        team.team("70", "Editors", "1")
        team.app(guardrails={"protected": {"groups": ["editors"]}})
        assert read.members(team.plan()) == {("removeMembers", "group:editors", "user:ada", "")}


class TestDepartures:
    def test_take_their_memberships_with_them(self, team: Any, read: Any) -> None:
        team.team("70", "Editors", "1", "2")
        team.group("editors", "ada", "bob")
        team.leave("ada")
        plan = team.plan()
        assert read.runs(plan) == [("deactivateUser", "user:ada"), ("removeMembers", "group:editors")]
        assert plan.changes[1].reasons == ("memberLeaves",)

    def test_are_held_and_released_as_one(self, team: Any, read: Any) -> None:
        team.app(guardrails={"deprovisionUsers": {"count": 0}})
        team.team("70", "Editors", "1", "2", "1000", "1001")
        team.group("editors", "bob", "p0", "p1")
        team.leave("ada")
        plan = team.plan()
        assert read.held(plan) == [
            ("deactivateUser", "user:ada", "deprovisionUsers=1"),
            ("removeMembers", "group:editors", "deprovisionUsers=1"),
        ]
        assert len(team.plan("deprovisionUsers=1").pending) == 2

    def test_a_deleted_account_needs_no_removal_from_groups(self, team: Any, read: Any) -> None:
        team.app(deprovision={"users": "delete"})
        team.team("70", "Editors", "1")
        team.leave("ada")
        assert read.runs(team.plan()) == [("deleteUser", "user:ada")]

    def test_who_is_kept_leaves_the_groups(self, team: Any, read: Any) -> None:
        team.app(deprovision={"users": "keep"})
        team.team("70", "Editors", "1")
        team.leave("ada")
        assert read.runs(team.plan()) == [("removeMembers", "group:editors")]

    def test_who_was_deactivated_before_leaves_them_too(self, team: Any, read: Any) -> None:
        team.accounts["1"]["active"] = False
        team.team("70", "Editors", "1")
        team.leave("ada")
        assert read.runs(team.plan()) == [("removeMembers", "group:editors")]


def test_a_creation_that_is_held_holds_its_memberships(team: Any, read: Any) -> None:
    team.user("new")
    team.group("editors", "ada", "new")
    team.app(guardrails={"createUsers": {"count": 0}})
    assert read.members(team.plan()) == {
        ("addMembers", "group:editors", "user:ada", ""),
        ("addMembers", "group:editors", "user:new", "createUsers=1"),
    }
