"""Who loses the account: left, gone, disabled, or nobody of ours."""

from __future__ import annotations

from typing import Any

import pytest


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

    @pytest.mark.parametrize("policy", ["deactivate", "delete", "keep"])
    @pytest.mark.parametrize("scope", [{"everyone": True}, {"assigned": {"users": ["p0", "p1", "p2"]}}])
    def test_who_is_revoked_is_deactivated_whatever_the_policy_is(
        self, world: Any, read: Any, policy: str, scope: Any
    ) -> None:
        world.ours("1", "ada")
        world.settled(3)
        world.app(deprovision={"users": policy}, scope=scope)
        world.revoked["ada"] = "a lost laptop"
        plan = world.plan()
        assert read.runs(plan) == [("deactivateUser", "user:ada")]
        assert plan.changes[0].reasons == ("revoked",)

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
