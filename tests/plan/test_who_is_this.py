"""*Match*: pins, bindings, matching values, and every case in which somebody has to be asked."""

from __future__ import annotations

from typing import Any

import pytest

ASK_ADA = [("adoptUser", "user:ada", "whoIsThis:user:ada")]


def former(name: str) -> tuple[dict[str, str], ...]:
    return ({"userPrincipalName": f"{name}@contoso.com"},)


class TestWhatDecides:
    def test_a_pin_comes_before_the_binding_and_that_before_values(self, world: Any) -> None:
        world.user("ada", accounts={"chat": "3"})
        world.user("bob")
        world.account("1", "bob")
        world.account("2", "x")
        world.account("3", "y")
        world.bind("user:ada", "1")
        world.bind("user:bob", "2")
        proposal = world.propose()
        ids = [a.id for a in proposal.context.snapshot.accounts]
        people = proposal.context.desired.people
        assert {people[n].user.id: ids[at] for n, at in proposal.users.found.items()} == {"ada": "3", "bob": "2"}

    def test_precedence_of_matching_attributes(self, world: Any) -> None:
        world.map({"target": "externalId", "source": "employeeId", "matching": 2})
        world.user("ada", employeeId="E1")
        world.account("1", "other", given="Ada", surname="Adason", externalId="E1")
        proposal = world.propose()
        assert proposal.users.found == {0: 0}
        world.account("2", "ada", externalId="E2")
        proposal = world.propose()
        assert proposal.users.found == {0: 1}

    def test_user_names_compare_without_case_and_external_ids_with(self, world: Any, read: Any) -> None:
        world.map({"target": "externalId", "source": "employeeId", "matching": 2})
        world.user("ada", employeeId="E1")
        world.account("1", "other", externalId="e1")
        assert read.runs(world.plan()) == [("createUser", "user:ada")]

    def test_an_id_under_formerly_moves_the_binding_if_its_file_is_gone(self, world: Any, read: Any) -> None:
        world.user("lovelace", userPrincipalName="lovelace@contoso.com", formerly=({"id": "ada"},))
        world.account("1", "ada", given="Lovelace")
        world.bind("user:ada", "1")
        proposal = world.propose()
        assert proposal.users.moved == {"user:ada": "user:lovelace"}
        assert read.runs(proposal.plan) == [("renameUser", "user:lovelace")]
        assert proposal.plan.changes[0].id == "1"

    def test_it_does_not_while_the_file_is_there(self, world: Any, read: Any) -> None:
        world.ours("1", "ada")
        world.user("eve", formerly=({"id": "ada"},))
        proposal = world.propose()
        assert proposal.users.moved == {}
        assert read.runs(proposal.plan) == [("createUser", "user:eve")]

    def test_two_who_were_the_same_one_are_both_asked_about(self, world: Any, read: Any) -> None:
        world.settled(3)
        world.user("bob", formerly=({"id": "ada"},))
        world.user("eve", formerly=({"id": "ada"},))
        world.account("1", "ada")
        world.bind("user:ada", "1")
        proposal = world.propose()
        assert [h[1] for h in read.held(proposal.plan)] == ["user:bob", "user:eve"]
        assert not proposal.plan.pending  # nor does the departure run: the claim rests on formerly
        assert proposal.users.moved == {}


class TestWhoMoves:
    """Names that were somebody else's, people who come back, accounts under another spelling."""

    def test_an_account_under_another_case_is_found_and_left_as_it_is(self, world: Any, read: Any) -> None:
        world.user("ada")
        world.account("1", "ADA")
        world.accounts["1"] |= {"displayName": "Ada Adason", "name.givenName": "Ada", "name.familyName": "Adason"}
        proposal = world.propose()
        assert proposal.users.found == {0: 0}
        assert ("adopted", "user:ada") in read.notes(proposal.plan)
        assert proposal.plan.empty

    def test_whoever_comes_back_with_the_same_id_gets_the_same_account(self, world: Any, read: Any) -> None:
        world.user("ada")
        world.account("1", "ada", active=False)
        world.bind("user:ada", "1", active=False)
        assert [(c.action, c.id) for c in world.plan().pending] == [("reactivateUser", "1")]

    @pytest.mark.parametrize("active", [True, False])
    def test_whoever_comes_back_with_another_id_is_asked_about(self, world: Any, read: Any, active: bool) -> None:
        world.settled(3)
        names = {"givenName": "Ada", "surname": "Adason", "displayName": "Ada Adason"}
        world.user("ada.2", userPrincipalName="ada@contoso.com", mail="ada@contoso.com", **names)
        world.account("1", "ada", active=active)
        world.bind("user:ada", "1", active=active)
        plan = world.plan()
        assert read.held(plan) == [("adoptUser", "user:ada.2", "whoIsThis:user:ada.2")]
        assert not plan.pending  # both look the same, so nobody loses anything meanwhile
        released = world.propose("whoIsThis:user:ada.2")
        assert released.users.moved == {"user:ada": "user:ada.2"}
        assert [c.id for c in released.plan.changes] == ([] if active else ["1"])

    def test_with_an_id_under_formerly_there_is_no_question(self, world: Any, read: Any) -> None:
        world.user("ada2", userPrincipalName="ada@contoso.com", formerly=({"id": "ada"},))
        world.account("1", "ada", given="Ada2", surname="Ada2Son", displayName="Ada2 Ada2Son", mail="ada2@contoso.com")
        world.users["ada2"].attributes |= {"surname": "Ada2Son", "displayName": "Ada2 Ada2Son"}
        world.bind("user:ada", "1")
        proposal = world.propose()
        assert proposal.users.moved == {"user:ada": "user:ada2"}
        assert proposal.plan.empty

    def test_a_reused_address_is_never_the_leavers_account(self, world: Any, read: Any) -> None:
        """ada left, and her address is eve's now."""
        world.settled(3)
        world.user("eve", userPrincipalName="ada@contoso.com", mail="ada@contoso.com")
        world.account("1", "ada")
        world.bind("user:ada", "1")
        plan = world.plan()
        assert read.held(plan) == [("adoptUser", "user:eve", "whoIsThis:user:eve")]
        assert read.runs(plan) == [("deactivateUser", "user:ada")]

    def test_a_pin_to_another_account_leaves_the_first_one_alone(self, world: Any, read: Any) -> None:
        world.ours("1", "ada")
        world.account("2", "ada.other", given="Ada", surname="Adason")
        world.user("ada", accounts={"chat": "2"})
        plan = world.plan()
        assert not any(c.id == "1" for c in plan.changes)
        assert ("unmanagedUser", "account:1") in read.notes(plan)

    def test_a_pin_to_an_ignored_account_is_blocked(self, world: Any, read: Any) -> None:
        world.user("ada", accounts={"chat": "1"})
        world.account("1", "robot")
        clause = {"attribute": "userName", "operator": "EQUALS", "value": "robot@contoso.com"}
        world.app(ignore={"users": [clause]})
        plan = world.plan()
        assert plan.empty
        assert read.blocked(plan) == [("updateUser", "user:ada", "ignored")]

    def test_a_held_question_in_one_place_holds_nobody_elsewhere(self, world: Any, read: Any) -> None:
        world.ours("1", "bob", displayName="Old")
        world.user("ada")
        world.account("2", "ada", active=False)
        world.user("new")
        plan = world.plan()
        assert read.held(plan) == ASK_ADA
        assert read.runs(plan) == [("createUser", "user:new"), ("updateUser", "user:bob")]


class TestQuestions:
    def test_today_and_former_values_hit_different_accounts(self, world: Any, read: Any) -> None:
        world.user("ada", formerly=former("byron"))
        world.account("1", "ada")
        world.account("2", "byron")
        plan = world.plan()
        assert read.held(plan) == ASK_ADA
        assert [c.id for c in plan.changes[0].candidates] == ["1", "2"]
        assert read.notes(world.plan("whoIsThis:user:ada")) >= {("adopted", "user:ada"), ("unmanagedUser", "account:2")}

    def test_two_hits(self, world: Any, read: Any) -> None:
        world.user("ada")
        world.account("2", "ada")
        world.account("1", "ada")
        plan = world.plan()
        assert read.held(plan) == ASK_ADA
        assert [c.id for c in plan.changes[0].candidates] == ["1", "2"]
        assert plan.changes[0].id is None
        assert read.held(world.plan("whoIsThis:user:ada")) == ASK_ADA  # only a pin can choose
        world.user("ada", accounts={"chat": "2"})
        assert world.plan().empty

    def test_two_people_on_one_account(self, world: Any, read: Any) -> None:
        world.user("ada")
        world.user("bob", formerly=former("ada"))
        world.account("1", "ada")
        plan = world.plan()
        assert [h[1] for h in read.held(plan)] == ["user:ada", "user:bob"]
        released = world.propose("whoIsThis:user:ada")
        assert released.users.found == {0: 0}
        assert [h[1] for h in read.held(released.plan)] == ["user:bob"]

    def test_somebody_else_may_mean_it_too(self, world: Any, read: Any) -> None:
        """bob has two candidates, and one of them is the only one that fits ada."""
        world.user("ada")
        world.user("bob", formerly=former("ada"))
        world.account("1", "ada")
        world.account("2", "bob")
        assert [h[1] for h in read.held(world.plan())] == ["user:ada", "user:bob"]

    def test_an_account_that_is_bound_to_somebody_else(self, world: Any, read: Any) -> None:
        world.user("ada")
        world.user("bob")
        world.account("1", "ada")
        world.bind("user:bob", "1")
        world.map({"target": "userName", "source": "userPrincipalName", "matching": 1, "apply": "onCreate"})
        plan = world.plan()
        assert read.held(plan) == ASK_ADA
        assert plan.changes[0].candidates[0].bound == "user:bob"

    def test_unless_this_plan_renames_that_person_away(self, world: Any, read: Any) -> None:
        world.user("ada")
        world.user("bob")
        world.account("1", "ada", given="Bob", surname="Bobson")
        world.bind("user:bob", "1")
        plan = world.plan()
        assert read.runs(plan) == [("createUser", "user:ada"), ("renameUser", "user:bob")]

    @pytest.mark.parametrize("guardrails", [{"protected": {"users": ["bob"]}}, {"actsAs": "ada@contoso.com"}])
    def test_a_rename_that_is_blocked_frees_no_name(self, world: Any, read: Any, guardrails: Any) -> None:
        world.user("ada")
        world.user("bob")
        world.account("1", "ada", given="Bob", surname="Bobson")
        world.bind("user:bob", "1")
        world.app(guardrails=guardrails)
        assert read.held(world.plan()) == ASK_ADA

    def test_bound_to_somebody_gone(self, world: Any, read: Any) -> None:
        world.settled(3)
        world.user("ada")
        world.account("1", "ada", displayName="Eve Eveson")
        world.bind("user:eve", "1")
        plan = world.plan()
        assert read.held(plan) == ASK_ADA
        assert read.runs(plan) == [("deactivateUser", "user:eve")]  # who left loses it whoever asks
        released = world.propose("whoIsThis:user:ada")
        assert read.runs(released.plan) == [("adoptUser", "user:ada")]
        assert released.users.moved == {"user:eve": "user:ada"}

    def test_an_inactive_account_that_was_never_bound(self, world: Any, read: Any) -> None:
        world.user("ada")
        world.account("1", "ada", active=False)
        plan = world.plan()
        assert read.held(plan) == ASK_ADA
        assert any("re-hire" in n.text for n in plan.notes)
        assert read.runs(world.plan("whoIsThis:user:ada")) == [("reactivateUser", "user:ada")]

    def test_an_unbound_account_that_only_formerly_finds(self, world: Any, read: Any) -> None:
        world.user("ada", formerly=former("byron"))
        world.account("1", "byron", given="Ada", surname="Byron")
        assert read.held(world.plan()) == ASK_ADA
        assert read.runs(world.plan("whoIsThis:user:ada")) == [("adoptUser", "user:ada")]
        world.user("ada", formerly=former("byron"), accounts={"chat": "1"})
        assert read.runs(world.plan()) == [("adoptUser", "user:ada")]

    @pytest.mark.parametrize(
        ("given", "surname", "asks"),
        [
            ("Eve", "Evans", True),
            ("Ada", "Evans", False),
            ("Eve", "Adason", False),
            ("ÁDA", "adáson ", False),
            ("Eve", None, False),
            (None, "Evans", False),
            ("", "", False),
        ],
    )
    def test_given_name_and_surname_both_differ(
        self, world: Any, read: Any, given: str | None, surname: str | None, asks: bool
    ) -> None:
        world.user("ada")
        world.account("1", "ada", given=given, surname=surname)
        assert (read.held(world.plan()) == ASK_ADA) is asks
        assert not world.plan("whoIsThis:user:ada").held
        world.user("ada", accounts={"chat": "1"})
        assert not world.plan().held

    def test_our_own_missing_name_does_not_differ(self, world: Any) -> None:
        world.user("ada", givenName=None)
        world.account("1", "ada", given="Eve", surname="Evans")
        assert not world.plan().held


class TestPins:
    def test_to_an_account_that_is_not_there(self, world: Any, read: Any) -> None:
        world.user("ada", accounts={"chat": "77"})
        plan = world.plan()
        assert read.held(plan) == ASK_ADA
        assert any("77" in n.text for n in plan.notes)
        assert read.runs(world.plan("whoIsThis:user:ada")) == [("createUser", "user:ada")]

    @pytest.mark.parametrize(
        "guardrails",
        [
            {"protected": {"users": [{"attribute": "userName", "operator": "EQUALS", "value": "x@contoso.com"}]}},
            {"protected": {"users": ["eve"]}},
            {"actsAs": "x@contoso.com"},
        ],
    )
    def test_to_somebody_protected_or_the_tokens_account(self, world: Any, read: Any, guardrails: Any) -> None:
        world.settled(3)
        world.user("ada", accounts={"chat": "1"})
        world.account("1", "x")
        world.bind("user:eve", "1")
        world.app(guardrails=guardrails)
        assert read.held(world.plan()) == ASK_ADA

    def test_to_the_protected_account_that_is_theirs_already(self, world: Any) -> None:
        world.ours("1", "ada")
        world.user("ada", accounts={"chat": "1"})
        world.app(guardrails={"protected": {"users": ["ada"]}})
        assert world.plan().empty

    def test_to_the_account_of_somebody_still_in_git(self, world: Any, read: Any) -> None:
        world.ours("1", "bob")
        world.user("ada", accounts={"chat": "1"})
        plan = world.plan()
        assert read.held(plan) == ASK_ADA
        assert plan.changes[0].candidates[0].bound == "user:bob"
        assert [h[1] for h in read.held(world.plan("whoIsThis:user:ada"))] == ["user:ada", "user:bob"]

    def test_of_two_people_to_one_account(self, world: Any, read: Any) -> None:
        world.user("ada", accounts={"chat": "1"})
        world.user("bob", accounts={"chat": "1"})
        world.account("1", "ada")
        assert [h[1] for h in read.held(world.plan())] == ["user:ada", "user:bob"]

    def test_an_exchange_of_accounts_runs_once_both_are_released(self, world: Any, read: Any) -> None:
        world.ours("1", "ada")
        world.ours("2", "bob")
        world.user("ada", accounts={"chat": "2"})
        world.user("bob", accounts={"chat": "1"})
        assert [h[1] for h in read.held(world.plan())] == ["user:ada", "user:bob"]
        proposal = world.propose("whoIsThis:user:ada", "whoIsThis:user:bob")
        assert proposal.users.found == {0: 1, 1: 0}

    def test_a_leaver_with_a_wrong_pin_is_not_forgotten(self, world: Any, read: Any) -> None:
        world.settled(3)
        world.user("ada", enabled=False, accounts={"chat": "77"})
        world.account("1", "ada")
        world.bind("user:ada", "1")
        assert read.held(world.plan()) == ASK_ADA
        world.accounts["1"]["active"] = False
        assert world.plan().empty


class TestCandidates:
    """A candidate of a hold is not updated, deactivated, deleted, taken out of groups, or unmanaged."""

    def contested(self, world: Any) -> None:
        """The account 1 is bound to bob; eve's former address claims it."""
        world.settled(5)
        world.ours("1", "bob", displayName="Different")
        world.user("eve", formerly=former("bob"))

    def test_is_not_updated(self, world: Any, read: Any) -> None:
        self.contested(world)
        plan = world.plan()
        assert read.held(plan) == [("adoptUser", "user:eve", "whoIsThis:user:eve")]
        assert not plan.pending

    def test_is_not_taken_out_of_groups(self, world: Any, read: Any) -> None:
        self.contested(world)
        world.group("editors", "p0")
        world.team("70", "Editors", "1", "1000")
        world.bind("group:editors", "70")
        assert not read.members(world.plan())

    def test_nor_emptied_out_of_a_group_that_goes(self, world: Any, read: Any) -> None:
        self.contested(world)
        world.team("70", "Editors", "1", "1000")
        world.bind("group:editors", "70")
        plan = world.plan()
        assert read.members(plan) == {("emptyGroup", "group:editors", "user:p0", "")}
        assert read.blocked(plan) == [("deleteGroup", "group:editors", "unmanagedMembers")]

    def test_gains_nothing_before_the_answer(self, world: Any, read: Any) -> None:
        self.contested(world)
        world.group("editors", "bob")
        world.team("70", "Editors")
        world.bind("group:editors", "70")
        plan = world.plan()
        assert read.members(plan) == {("addMembers", "group:editors", "user:bob", "whoIsThis:user:eve")}
        assert not plan.pending

    @pytest.mark.parametrize("policy", ["deactivate", "delete"])
    def test_is_not_deleted_either(self, world: Any, policy: str) -> None:
        self.contested(world)
        world.leave("bob")
        world.app(deprovision={"users": policy})
        assert not world.plan().pending

    def test_is_not_unmanaged(self, world: Any, read: Any) -> None:
        world.settled(10)
        world.account("8", "robot")
        world.user("ada")
        world.account("1", "ada", active=False)
        world.account("2", "ada")
        world.app(unmanaged={"users": "deprovision"}, guardrails={"actsAs": "robot@contoso.com"})
        plan = world.plan()
        assert read.held(plan) == ASK_ADA
        assert not plan.pending

    def test_waits_with_the_departure_if_the_claim_rests_on_formerly(self, world: Any) -> None:
        self.contested(world)
        world.leave("bob")
        assert not world.plan().pending

    @pytest.mark.parametrize(
        ("name", "file", "runs"),
        [("Eve Evans", "users/eve.yaml", False), ("Bob", "users/ada.yaml", False), ("Bob", "users/bob.yaml", True)],
    )
    def test_the_departure_runs_unless_both_look_the_same(
        self, world: Any, read: Any, name: str, file: str, runs: bool
    ) -> None:
        world.settled(5)
        world.user("ada", displayName="Eve Evans", file="users/ada.yaml")
        world.account("1", "ada", displayName="ADA")
        world.bind("user:eve", "1", name=name, file=file)
        plan = world.plan()
        assert read.held(plan) == ASK_ADA
        assert (read.runs(plan) == [("deactivateUser", "user:eve")]) is runs

    def test_a_disabled_person_still_loses_a_contested_account(self, world: Any, read: Any) -> None:
        world.settled(5)
        world.ours("1", "bob")
        world.user("bob", enabled=False)
        world.user("ada", accounts={"chat": "1"})
        plan = world.plan()
        assert read.held(plan) == ASK_ADA
        assert read.runs(plan) == [("deactivateUser", "user:bob")]

    def test_nobody_else_waits(self, world: Any, read: Any) -> None:
        self.contested(world)
        world.user("new")
        assert read.runs(world.plan()) == [("createUser", "user:new")]

    def test_whoever_is_in_question_joins_groups_only_with_the_answer(self, world: Any, read: Any) -> None:
        world.user("ada")
        world.account("1", "ada", active=False)
        world.group("editors", "ada")
        world.team("70", "Editors")
        world.bind("group:editors", "70")
        assert read.members(world.plan()) == {("addMembers", "group:editors", "user:ada", "whoIsThis:user:ada")}
