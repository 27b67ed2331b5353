"""The table of *Difference*, row by row, for people and their accounts."""

from __future__ import annotations

from typing import Any

import pytest

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
    assert plan.changes[0].set["displayName"].model_dump() == {"before": "Countess", "after": "Ada Adason"}


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
    assert plan.changes[0].set["title"].model_dump() == {"before": "Countess", "after": None}


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


class TestDepartures:
    @pytest.mark.parametrize(
        ("policy", "done"), [("deactivate", "deactivateUser"), ("delete", "deleteUser"), ("keep", None)]
    )
    def test_out_of_scope_by_policy(self, world: Any, read: Any, policy: str, done: str | None) -> None:
        world.ours("1", "ada")
        world.settled(3)
        world.app(deprovision={"users": policy}, scope={"assigned": {"users": ["p0", "p1", "p2"]}})
        plan = world.plan()
        assert read.runs(plan) == ([(done, "user:ada")] if done else [])
        if done:
            assert plan.changes[0].reasons == ("leftScope",)

    @pytest.mark.parametrize(
        ("policy", "done"), [("deactivate", "deactivateUser"), ("delete", "deleteUser"), ("keep", None)]
    )
    def test_gone_from_git_by_policy(self, world: Any, read: Any, policy: str, done: str | None) -> None:
        world.ours("1", "ada")
        world.settled(3)
        world.leave("ada")
        world.app(deprovision={"users": policy})
        plan = world.plan()
        assert read.runs(plan) == ([(done, "user:ada")] if done else [])
        if done:
            assert plan.changes[0].reasons == ("goneFromGit",)
            assert plan.changes[0].name == "Ada Adason"
            assert plan.changes[0].source.file == "users/ada.yaml"

    def test_a_deactivation_writes_active_and_nothing_else(self, world: Any) -> None:
        world.ours("1", "ada", displayName="Countess")
        world.settled(3)
        world.leave("ada")
        change = world.plan().changes[0]
        assert {p: (d.before, d.after) for p, d in change.set.items()} == {"active": (True, False)}

    def test_names_the_groups_that_are_lost_with_the_account(self, world: Any) -> None:
        world.ours("1", "ada")
        world.settled(3)
        world.leave("ada")
        world.team("70", "Zebras", "1")
        world.team("71", "Apes", "1", "1000")
        assert world.plan().changes[0].groups == ("Apes", "Zebras")

    def test_is_found_on_every_run_until_it_is_done(self, world: Any, read: Any) -> None:
        world.ours("1", "ada")
        world.settled(3)
        world.leave("ada")
        assert world.plan().model_dump() == world.plan().model_dump()
        assert read.runs(world.plan()) == [("deactivateUser", "user:ada")]
        world.accounts["1"]["active"] = False
        assert world.plan().empty

    def test_gone_and_inactive_is_nothing(self, world: Any) -> None:
        world.settled(3)
        world.account("1", "ada", active=False)
        world.bind("user:ada", "1", active=False)
        plan = world.plan()
        assert plan.empty
        assert not plan.blocked

    def test_gone_and_inactive_is_deleted_where_the_policy_says_so(self, world: Any, read: Any) -> None:
        world.settled(3)
        world.account("1", "ada", active=False)
        world.bind("user:ada", "1", active=False)
        world.app(deprovision={"users": "delete"})
        plan = world.plan()
        assert read.runs(plan) == [("deleteUser", "user:ada")]
        assert plan.changes[0].origin == "pending"

    def test_an_app_that_cannot_delete_deactivates_and_says_so(self, hootsuite: Any, read: Any) -> None:
        hootsuite.ours("1", "ada")
        hootsuite.settled(3)
        hootsuite.leave("ada")
        hootsuite.app(deprovision={"users": "delete"})
        plan = hootsuite.plan()
        assert read.runs(plan) == [("deactivateUser", "user:ada")]
        assert plan.changes[0].reasons == ("goneFromGit", "replacesDelete")
        assert read.blocked(plan) == [("deleteUser", "user:ada", "appCannot")]
        hootsuite.accounts["1"]["active"] = False
        plan = hootsuite.plan()
        assert plan.empty
        assert not plan.blocked  # done as far as it can be: not told for ever

    def test_an_app_that_cannot_deactivate_either_is_blocked(self, world: Any, read: Any) -> None:
        world.ours("1", "ada")
        world.settled(3)
        world.leave("ada")
        world.app(profile={"users": {"deactivate": False}})
        world.map({"target": "active", "none": True})
        plan = world.plan()
        assert plan.empty
        assert read.blocked(plan) == [("deactivateUser", "user:ada", "appCannot")]

    def test_without_a_mapping_of_active_it_is_written_plainly(self, world: Any, read: Any) -> None:
        world.ours("1", "ada")
        world.settled(3)
        world.leave("ada")
        world.map({"target": "active", "none": True})
        plan = world.plan()
        assert read.runs(plan) == [("deactivateUser", "user:ada")]
        assert plan.changes[0].set["active"].after is False

    def test_two_bindings_to_one_account_make_one_change(self, world: Any, read: Any) -> None:
        world.settled(3)
        world.account("1", "ada")
        world.bind("user:ada", "1")
        world.bind("user:bob", "1")
        assert read.runs(world.plan()) == [("deactivateUser", "user:ada")]

    def test_a_reactivation_in_the_app_is_drift_and_repaired_or_held(self, world: Any, read: Any) -> None:
        world.settled(3)
        world.account("1", "ada")
        world.bind("user:ada", "1", active=False)
        plan = world.plan()
        assert read.runs(plan) == [("deactivateUser", "user:ada")]
        assert plan.changes[0].origin == "drift"
        world.app(drift={"given": "hold"})
        assert read.held(world.plan()) == [("deactivateUser", "user:ada", "givenInApp:user:ada")]
        assert read.runs(world.plan("givenInApp:user:ada")) == [("deactivateUser", "user:ada")]


class TestDisabled:
    @pytest.mark.parametrize("policy", ["deactivate", "delete", "keep"])
    @pytest.mark.parametrize("bound", [True, False])
    def test_is_deactivated_whatever_the_policy_bound_or_not(
        self, world: Any, read: Any, policy: str, bound: bool
    ) -> None:
        world.settled(3)
        world.user("ada", enabled=False)
        world.account("1", "ada")
        if bound:
            world.bind("user:ada", "1")
        world.app(deprovision={"users": policy})
        plan = world.plan()
        assert read.runs(plan) == [("deactivateUser", "user:ada")]
        assert plan.changes[0].reasons == ("disabled",)

    def test_with_an_inactive_account_is_nothing(self, world: Any) -> None:
        world.settled(3)
        world.user("ada", enabled=False)
        world.account("1", "ada", active=False)
        assert world.plan().empty

    def test_with_an_inactive_account_of_another_name_is_no_question(self, world: Any) -> None:
        world.settled(3)
        world.user("ada", enabled=False)
        world.account("1", "ada", active=False, given="Eve", surname="Evans")
        assert world.plan().empty

    def test_without_an_account_is_nothing(self, world: Any) -> None:
        world.user("ada", enabled=False)
        assert world.plan().empty

    def test_doubts_hold_the_deactivation_too(self, world: Any, read: Any) -> None:
        world.settled(3)
        world.user("ada", enabled=False)
        world.account("1", "ada", given="Eve", surname="Evans")
        assert read.held(world.plan()) == [("adoptUser", "user:ada", "whoIsThis:user:ada")]


class TestUnmanaged:
    def test_report_tells_and_does_nothing(self, world: Any, read: Any) -> None:
        world.settled(3)
        world.account("9", "stranger")
        plan = world.plan()
        assert plan.empty
        assert read.notes(plan) == {("unmanagedUser", "account:9")}

    def test_ignore_says_nothing(self, world: Any) -> None:
        world.settled(3)
        world.account("9", "stranger")
        world.app(unmanaged={"users": "ignore"})
        plan = world.plan()
        assert plan.empty
        assert not plan.notes

    def test_deprovision_deactivates_but_never_the_tokens_account(self, world: Any, read: Any) -> None:
        world.settled(10)
        world.account("9", "stranger")
        world.account("8", "robot")
        world.app(unmanaged={"users": "deprovision"}, guardrails={"actsAs": "robot@contoso.com"})
        world.app(deprovision={"users": "delete"})
        plan = world.plan()
        assert read.runs(plan) == [("deactivateUser", "account:9")]
        assert plan.changes[0].reasons == ("unmanaged",)

    def test_deprovision_needs_acts_as(self, world: Any) -> None:
        world.app(unmanaged={"users": "deprovision"})
        with pytest.raises(ValueError, match="actsAs is required"):
            world.plan()

    def test_without_a_state_it_is_held_until_the_exact_figure_is_released(self, world: Any, read: Any) -> None:
        world.people("ada")
        world.account("1", "ada")
        world.account("8", "robot")
        world.account("9", "stranger")
        world.account("10", "another")
        world.app(unmanaged={"users": "deprovision"}, guardrails={"actsAs": "robot@contoso.com"})
        plan = world.plan()
        assert read.held(plan) == [
            ("deactivateUser", "account:10", "deprovisionUsers=2"),
            ("deactivateUser", "account:9", "deprovisionUsers=2"),
        ]
        assert {h.by for c in plan.held for h in c.held} == {"stateMissing"}
        assert ("noState", "chat") in read.notes(plan)
        assert len(world.plan("deprovisionUsers=3").held) == 2
        assert len(world.plan("deprovisionUsers=2").pending) == 2

    def test_inactive_ones_are_left_alone(self, world: Any) -> None:
        world.settled(3)
        world.account("8", "robot")
        world.account("9", "stranger", active=False)
        world.app(unmanaged={"users": "deprovision"}, guardrails={"actsAs": "robot@contoso.com"})
        assert world.plan().empty


class TestIgnored:
    CLAUSE = {"users": [{"attribute": "userName", "operator": "ENDS_WITH", "value": "@contoso.com"}]}

    def test_whoever_matches_an_ignored_account_is_blocked(self, world: Any, read: Any) -> None:
        world.user("ada")
        world.account("1", "ada", displayName="Other")
        world.app(ignore=self.CLAUSE)
        plan = world.plan()
        assert plan.empty
        assert read.blocked(plan) == [("updateUser", "user:ada", "ignored")]
        assert ("ignored", "account:1") in read.notes(plan)

    def test_also_if_bound_pinned_or_disabled(self, world: Any, read: Any) -> None:
        world.ours("1", "ada")
        world.user("bob", accounts={"chat": "2"})
        world.account("2", "bob")
        world.user("eve", enabled=False)
        world.account("3", "eve")
        world.app(ignore=self.CLAUSE)
        plan = world.plan()
        assert plan.empty
        assert read.blocked(plan) == [
            ("updateUser", "user:ada", "ignored"),
            ("updateUser", "user:bob", "ignored"),
            ("deactivateUser", "user:eve", "ignored"),
        ]

    @pytest.mark.parametrize("policy", ["deprovision", "report", "ignore"])
    def test_is_counted_whatever_unmanaged_says_and_never_touched(self, world: Any, read: Any, policy: str) -> None:
        world.account("9", "agent")
        world.account("8", "robot", userName="robot@example.com")
        world.app(ignore=self.CLAUSE, unmanaged={"users": policy}, guardrails={"actsAs": "robot@example.com"})
        plan = world.plan()
        assert plan.empty
        assert ("ignored", "account:9") in read.notes(plan)

    def test_departed_people_too(self, world: Any) -> None:
        world.app(ignore=self.CLAUSE)
        world.user("eve", userPrincipalName="eve@example.com", mail="eve@example.com")
        world.account("2", "eve", userName="eve@example.com", mail="eve@example.com")
        world.account("1", "ada")
        world.bind("user:ada", "1")
        assert world.plan().empty


class TestProtected:
    @pytest.mark.parametrize(
        "who", ["ada", {"attribute": "userName", "operator": "EQUALS", "value": "ada@contoso.com"}]
    )
    def test_is_never_removed_unless_released(self, world: Any, read: Any, who: Any) -> None:
        world.ours("1", "ada")
        world.settled(3)
        world.leave("ada")
        world.app(guardrails={"protected": {"users": [who]}})
        plan = world.plan()
        assert plan.empty
        assert read.blocked(plan) == [("deactivateUser", "user:ada", "protected")]
        assert read.runs(world.plan("protected:user:ada")) == [("deactivateUser", "user:ada")]

    def test_names_stay_and_the_rest_is_updated(self, world: Any, read: Any) -> None:
        world.ours("1", "ada", userName="byron@contoso.com", mail="byron@contoso.com", displayName="Countess")
        world.app(guardrails={"protected": {"users": ["ada"]}})
        plan = world.plan()
        assert read.runs(plan) == [("updateUser", "user:ada")]
        assert list(plan.changes[0].set) == ["displayName"]
        assert read.blocked(plan) == [("renameUser", "user:ada", "protected")]
        assert read.runs(world.plan("protected:user:ada")) == [("renameUser", "user:ada")]

    def test_a_reactivation_does_not_rename_either(self, world: Any, read: Any) -> None:
        world.ours("1", "ada", userName="byron@contoso.com", active=False)
        world.bind("user:ada", "1", active=False)
        world.app(guardrails={"protected": {"users": ["ada"]}})
        plan = world.plan()
        assert read.runs(plan) == [("reactivateUser", "user:ada")]
        assert list(plan.changes[0].set) == ["active"]
        assert read.blocked(plan) == [("renameUser", "user:ada", "protected")]

    def test_unmanaged_and_protected_by_a_clause(self, world: Any, read: Any) -> None:
        world.settled(10)
        world.account("8", "robot")
        world.account("9", "breakglass")
        clause = {"attribute": "userName", "operator": "EQUALS", "value": "breakglass@contoso.com"}
        world.app(
            unmanaged={"users": "deprovision"},
            guardrails={"actsAs": "robot@contoso.com", "protected": {"users": [clause]}},
        )
        plan = world.plan()
        assert plan.empty
        assert read.blocked(plan) == [("deactivateUser", "account:9", "protected")]

    def test_described_and_protected_by_id_although_nobody_remembers_the_account(self, world: Any, read: Any) -> None:
        """A lost binding must not turn somebody protected into an unmanaged account."""
        world.settled(10)
        world.account("8", "robot")
        world.user("ada")
        world.account("9", "ada")
        world.assigned(*(f"p{n}" for n in range(10)))
        world.app(
            unmanaged={"users": "deprovision"},
            guardrails={"actsAs": "robot@contoso.com", "protected": {"users": ["ada"]}},
        )
        plan = world.plan()
        assert plan.empty
        assert read.blocked(plan) == [("deactivateUser", "account:9", "protected")]


class TestActsAs:
    def test_is_never_touched(self, world: Any, read: Any) -> None:
        world.ours("1", "ada", displayName="Robot")
        world.settled(3)
        world.app(guardrails={"actsAs": "ADA@contoso.com"})
        plan = world.plan()
        assert plan.empty
        assert read.blocked(plan) == [("updateUser", "user:ada", "actsAs")]

    def test_is_never_removed_whatever_is_released(self, world: Any, read: Any) -> None:
        world.ours("1", "ada")
        world.settled(3)
        world.leave("ada")
        world.app(guardrails={"actsAs": "ada@contoso.com"})
        plan = world.plan("protected:user:ada")
        assert plan.empty
        assert read.blocked(plan) == [("deactivateUser", "user:ada", "actsAs")]


class TestNotKept:
    def test_is_told_and_not_planned_again_until_the_mapping_changes(self, world: Any, read: Any) -> None:
        from reconciler.plan import digest

        world.ours("1", "ada", displayName="Countess")
        world.state.not_kept = {"user:ada": {"displayName": digest("Ada Adason")}}
        world.state.mappings_digest = world.desired.mappings_digest
        plan = world.plan()
        assert plan.empty
        assert read.notes(plan) == {("notKept", "user:ada")}
        world.user("ada", displayName="Somebody Else")
        assert read.runs(world.plan()) == [("updateUser", "user:ada")]
        world.user("ada")
        world.state.mappings_digest = "sha256:of-another-mapping"
        assert read.runs(world.plan()) == [("updateUser", "user:ada")]

    def test_access_itself_is_never_forgotten_so(self, world: Any, read: Any) -> None:
        from reconciler.plan import digest

        world.ours("1", "ada", active=False)
        world.bind("user:ada", "1", active=False)
        world.state.not_kept = {"user:ada": {"active": digest(True)}}
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
