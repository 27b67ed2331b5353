"""The table of *Difference*, row by row, for people and their accounts."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.model.plan import Difference
from reconciler.plan import digest, made

MAIL = 'emails[type eq "work"].value'


def test_nothing_differs_so_nothing_is_done(world: Any) -> None:
    world.ours("1", "ada")
    plan = world.plan()
    assert plan.empty
    assert not plan.blocked
    assert not plan.notes


def test_who_is_in_scope_without_an_account_gets_one(world: Any, read: Any) -> None:
    world.user("ada")
    plan = world.plan()
    assert read.runs(plan) == [("createUser", "user:ada")]
    change = plan.changes[0]
    assert {path: d.after for path, d in change.set.items()} == {
        "userName": "ada@contoso.com",
        MAIL: "ada@contoso.com",
        "displayName": "Ada Adason",
        "name.givenName": "Ada",
        "name.familyName": "Adason",
        "active": True,
    }
    assert change.reasons == ("newInScope",)
    assert (change.source.file, change.source.line) == ("users/ada.yaml", 1)


def test_a_default_flows_on_creation_only(hootsuite: Any, read: Any) -> None:
    hootsuite.user("ada")
    assert hootsuite.plan().changes[0].set["timezone"].after == "America/Vancouver"
    hootsuite.account("1", "ada", timezone="Europe/Berlin")
    hootsuite.bind("user:ada", "1")
    assert hootsuite.plan().empty


def test_an_account_that_fits_is_adopted_with_a_note_and_no_change(world: Any, read: Any) -> None:
    world.user("ada")
    world.account("1", "ada", userName="ADA@Contoso.com")
    proposal = world.propose()
    assert proposal.plan.empty
    assert ("adopted", "user:ada") in read.notes(proposal.plan)
    assert proposal.users.adopted == {0}
    assert proposal.users.found == {0: 0}


def test_an_adoption_that_writes_is_a_change(world: Any, read: Any) -> None:
    world.user("ada")
    world.account("1", "ada", displayName="Countess")
    plan = world.plan()
    assert read.runs(plan) == [("adoptUser", "user:ada")]
    assert plan.changes[0].reasons == ("found", "attributeDiffers")
    assert plan.changes[0].set["displayName"] == Difference(before="Countess", after="Ada Adason")


def test_a_different_value_is_updated_and_points_at_its_line(world: Any, read: Any) -> None:
    world.ours("1", "ada", displayName="Countess")
    plan = world.plan()
    assert read.runs(plan) == [("updateUser", "user:ada")]
    assert list(plan.changes[0].set) == ["displayName"]
    assert plan.changes[0].source.line == world.users["ada"].lines["displayName"]


def test_a_matching_attribute_that_changes_is_a_rename(world: Any, read: Any) -> None:
    world.ours("1", "ada", userName="byron@contoso.com")
    plan = world.plan()
    assert read.runs(plan) == [("renameUser", "user:ada")]
    assert plan.changes[0].reasons == ("matchingDiffers",)
    assert plan.changes[0].id == "1"


@pytest.mark.parametrize("stored", [None, "", ()])
def test_null_empty_and_absent_are_equal(world: Any, stored: object) -> None:
    world.map({"target": "title", "source": "jobTitle", "whenNull": "clear"})
    world.ours("1", "ada", title=stored)
    assert world.plan().empty


def test_a_null_value_clears_only_where_the_mapping_says_so(world: Any, read: Any) -> None:
    world.map({"target": "title", "source": "jobTitle"})
    world.ours("1", "ada", title="Countess")
    assert world.plan().empty
    world.map({"target": "title", "source": "jobTitle", "whenNull": "clear"})
    plan = world.plan()
    assert plan.changes[0].set["title"] == Difference(before="Countess", after=None)


def test_what_is_written_on_creation_only_is_never_compared(world: Any) -> None:
    world.map({"target": "displayName", "source": "displayName", "apply": "onCreate"})
    world.ours("1", "ada", displayName="Countess")
    assert world.plan().empty


def test_origin_is_drift_where_git_wants_what_the_last_apply_left(world: Any) -> None:
    world.ours("1", "ada", displayName="Countess")
    assert world.plan().changes[0].origin == "pending"
    world.remember(world.desired)
    assert world.plan().changes[0].origin == "drift"


class TestReactivation:
    def test_runs_if_we_deactivated_the_account(self, world: Any, read: Any) -> None:
        world.ours("1", "ada", active=False, displayName="Old")
        world.bind("user:ada", "1", active=False)
        plan = world.plan()
        assert read.runs(plan) == [("reactivateUser", "user:ada")]
        assert plan.changes[0].set["active"].after is True
        assert plan.changes[0].set["displayName"].after == "Ada Adason"

    @pytest.mark.parametrize("left", [{"active": True}, {}])
    def test_is_held_if_somebody_else_did(self, world: Any, read: Any, left: dict[str, bool]) -> None:
        world.ours("1", "ada", active=False)
        world.bind("user:ada", "1")
        del world.state.bindings["user:ada"]["active"]
        world.state.bindings["user:ada"].update(left)
        assert read.held(world.plan()) == [("reactivateUser", "user:ada", "takenAwayInApp:user:ada")]
        assert read.runs(world.plan("takenAwayInApp:user:ada")) == [("reactivateUser", "user:ada")]
        world.app(drift={"takenAway": "repair"})
        assert read.runs(world.plan()) == [("reactivateUser", "user:ada")]

    def test_of_a_pinned_account_that_was_never_ours_is_held(self, world: Any, read: Any) -> None:
        """A pin says whose it is, not that whoever suspended it was wrong."""
        world.user("ada", accounts={"chat": "1"})
        world.account("1", "ada", active=False)
        assert read.held(world.plan()) == [("reactivateUser", "user:ada", "takenAwayInApp:user:ada")]

    def test_our_deactivation_of_another_account_is_no_licence(self, world: Any, read: Any) -> None:
        world.user("ada", accounts={"chat": "2"})
        world.account("1", "old", active=False)
        world.account("2", "ada", active=False)
        world.bind("user:ada", "1", active=False)
        assert read.held(world.plan()) == [("reactivateUser", "user:ada", "takenAwayInApp:user:ada")]


class TestDeletedInTheApp:
    def test_is_held_and_not_made_again(self, world: Any, read: Any) -> None:
        world.ours("1", "ada")
        world.settled(3)
        del world.accounts["1"]
        plan = world.plan()
        assert read.held(plan) == [("createUser", "user:ada", "takenAwayInApp:user:ada")]
        assert plan.changes[0].origin == "drift"
        assert read.runs(world.plan("takenAwayInApp:user:ada")) == [("createUser", "user:ada")]

    def test_also_if_the_persons_id_changes_at_the_same_time(self, world: Any, read: Any) -> None:
        world.settled(3)
        world.user("lovelace", formerly=({"id": "ada"},))
        world.bind("user:ada", "1")
        assert read.held(world.plan()) == [("createUser", "user:lovelace", "takenAwayInApp:user:lovelace")]

    def test_is_made_again_if_we_had_deactivated_it(self, world: Any, read: Any) -> None:
        world.settled(3)
        world.user("ada")
        world.bind("user:ada", "1", active=False)
        assert read.runs(world.plan()) == [("createUser", "user:ada")]

    def test_empty_app_released_creates_everybody_again(self, world: Any, read: Any) -> None:
        world.ours("1", "ada")
        world.accounts.clear()
        assert read.runs(world.plan("emptyApp")) == [("createUser", "user:ada")]


class TestNotKept:
    def test_is_told_and_not_planned_again_until_the_mapping_changes(self, world: Any, read: Any) -> None:
        world.ours("1", "ada", displayName="Countess")
        world.state.not_kept = {"user:ada": {"displayName": {"wanted": digest("Ada Adason"), "live": made("Countess")}}}
        world.state.mappings_digest = world.desired.mappings_digest
        plan = world.plan()
        assert plan.empty
        assert read.notes(plan) == {("notKept", "user:ada")}
        world.user("ada", displayName="Somebody Else")
        assert read.runs(world.plan()) == [("updateUser", "user:ada")]
        world.user("ada")
        world.state.mappings_digest = "sha256:of-another-mapping"
        assert read.runs(world.plan()) == [("updateUser", "user:ada")]

    def test_what_it_made_of_the_value_is_expected_and_anything_else_is_drift(self, world: Any, read: Any) -> None:
        world.ours("1", "ada", displayName="ada adason")
        world.state.not_kept = {"user:ada": {"displayName": {"wanted": digest("Ada Adason"), "live": made("Countess")}}}
        world.state.mappings_digest = world.desired.mappings_digest
        assert read.runs(world.plan()) == [("updateUser", "user:ada")]

    def test_a_memory_that_does_not_know_what_was_made_of_it_expects_everything(self, world: Any, read: Any) -> None:
        world.ours("1", "ada", displayName="Countess")
        world.state.not_kept = {"user:ada": {"displayName": {"wanted": digest("Ada Adason")}}}
        world.state.mappings_digest = world.desired.mappings_digest
        assert world.plan().empty

    @pytest.mark.parametrize(("one", "other"), [(None, ""), (None, ()), (("a", "b"), ("b", "a")), (["a"], ("a",))])
    def test_how_it_spells_the_same_is_no_drift(self, one: Any, other: Any) -> None:
        assert made(one) == made(other)

    def test_access_itself_is_never_forgotten_so(self, world: Any, read: Any) -> None:
        world.ours("1", "ada", active=False)
        world.bind("user:ada", "1", active=False)
        world.state.not_kept = {"user:ada": {"active": {"wanted": digest(True)}}}
        world.state.mappings_digest = world.desired.mappings_digest
        assert read.runs(world.plan()) == [("reactivateUser", "user:ada")]


def test_who_goes_and_who_comes_with_the_same_name_is_pointed_out(world: Any, read: Any) -> None:
    world.settled(5)
    world.user("new", displayName="Ada Ádason", userPrincipalName="new@contoso.com")
    world.account("1", "ada")
    world.bind("user:ada", "1", name="Ada Adason")
    plan = world.plan()
    assert read.runs(plan) == [("deactivateUser", "user:ada"), ("createUser", "user:new")]
    (note,) = [n for n in plan.notes if n.code == "looksLikeRename"]
    assert "formerly: [{id: ada}]" in note.text


def test_who_goes_and_who_comes_in_the_same_file_is_pointed_out(world: Any, read: Any) -> None:
    world.settled(5)
    world.user("new", file="users/marketing/lead.yaml")
    world.account("1", "ada")
    world.bind("user:ada", "1", file="users/marketing/lead.yaml")
    assert ("looksLikeRename", "user:new") in read.notes(world.plan())
    world.user("another", file="users/marketing/lead.yaml")
    assert not any(n.code == "looksLikeRename" for n in world.plan().notes)
