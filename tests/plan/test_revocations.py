"""What was revoked stays so in every plan, whoever owns the account by now, until the revocation ends."""

from __future__ import annotations

from typing import Any

import pytest

ADA = ("deactivateUser", "user:ada")


@pytest.mark.parametrize("policy", ["deactivate", "delete", "keep"])
@pytest.mark.parametrize("git", ["in", "out", "gone"])
@pytest.mark.parametrize("bound", [True, False])
def test_a_person_wherever_they_stand(world: Any, read: Any, policy: str, git: str, bound: bool) -> None:
    world.settled(5)
    world.ours("1", "ada")
    world.app(deprovision={"users": policy}, drift={"given": "hold"})
    if git == "out":
        world.assigned(*(f"p{n}" for n in range(5)))
    if git == "gone":
        world.leave("ada")
    if not bound:
        del world.state.bindings["user:ada"]
    world.revoke("user:ada")
    plan = world.plan()
    known = git != "gone" or bound
    assert read.runs(plan) == ([ADA] if known else [])
    assert all(change.reasons == ("revoked",) for change in plan.changes)
    assert ("revoked", "user:ada") in read.notes(plan)
    world.accounts["1"]["active"] = False
    if bound:
        world.state.bindings["user:ada"]["active"] = False
    assert not world.plan().pending


def test_somebody_without_a_file_or_a_binding_by_the_account_that_was_found(world: Any, read: Any) -> None:
    world.settled(3)
    world.account("1", "ada")
    world.revoke("user:ada", "1")
    assert read.runs(world.plan()) == [("deactivateUser", "account:1")]


def test_an_account_that_was_found_and_belongs_to_somebody_else_by_now_is_theirs(world: Any) -> None:
    world.settled(3)
    world.ours("1", "grace")
    world.revoke("user:ada", "1")
    assert world.plan().empty


class TestAccounts:
    @pytest.mark.parametrize("how", ["bound", "matched", "pinned"])
    def test_whoever_owns_it_is_revoked(self, world: Any, read: Any, how: str) -> None:
        world.settled(3)
        world.user("ada", accounts={"chat": "1"} if how == "pinned" else {})
        world.account("1", "ada")
        if how == "bound":
            world.bind("user:ada", "1")
        world.group("red", "ada", "p0")
        world.team("t1", "Red", "1", "1000")
        world.bind("group:red", "t1", members=["ada", "p0"])
        world.revoke("account:1")
        plan = world.plan()
        assert read.runs(plan) == [ADA, ("removeMembers", "group:red")]
        assert {c.reasons for c in plan.changes} == {("revoked",), ("memberLeaves",)}

    def test_who_owned_it_gets_no_other_one(self, world: Any, read: Any) -> None:
        world.settled(3)
        world.ours("1", "ada")
        del world.accounts["1"]
        world.app(drift={"takenAway": "repair"})
        assert read.runs(world.plan()) == [("createUser", "user:ada")]
        world.revoke("account:1")
        assert world.plan().empty

    @pytest.mark.parametrize("policy", ["report", "ignore"])
    def test_nobody_owns_it(self, world: Any, read: Any, policy: str) -> None:
        world.settled(3)
        world.account("9", "stranger")
        world.app(unmanaged={"users": policy})
        world.revoke("account:9")
        assert read.runs(world.plan()) == [("deactivateUser", "account:9")]

    def test_it_is_in_question_whose_it_is(self, world: Any, read: Any) -> None:
        world.settled(3)
        world.user("ada")
        world.account("1", "ada", given="Some", surname="Body")
        world.revoke("account:1")
        assert ("deactivateUser", "account:1") in read.runs(world.plan())
        world.accounts["1"]["active"] = False
        assert not world.plan("whoIsThis:user:ada").pending

    def test_what_is_ignored_is_blocked(self, world: Any, read: Any) -> None:
        world.settled(3)
        world.account("9", "stranger")
        world.app(ignore={"users": [{"attribute": "userName", "operator": "EQUALS", "value": "stranger@contoso.com"}]})
        world.revoke("account:9")
        plan = world.plan()
        assert plan.empty
        assert ("deactivateUser", "account:9", "ignored") in read.blocked(plan)

    def test_the_desired_state_itself_is_not_changed(self, world: Any) -> None:
        world.settled(3)
        world.account("1", "ada")
        world.user("ada")
        world.group("red", "ada")
        world.revoke("account:1")
        context = world.propose().context
        (group,) = context.desired.groups
        assert not group.members
        assert world.desired.groups[0].members


def test_a_new_id_does_not_end_it(world: Any, read: Any) -> None:
    world.settled(3)
    world.user("ada2", userPrincipalName="ada@contoso.com", formerly=({"id": "ada"},))
    world.account("1", "ada", active=False, given="Ada2", surname="Ada2son", displayName="Ada2 Ada2son")
    world.bind("user:ada", "1", active=False)
    world.revoke("user:ada", "1")
    assert read.runs(world.plan()) == []


def test_protected_stays_protected(world: Any, read: Any) -> None:
    world.settled(3)
    world.ours("1", "ada")
    world.app(guardrails={"protected": {"users": ["ada"]}})
    world.revoke("user:ada")
    plan = world.plan()
    assert plan.empty
    assert read.blocked(plan) == [("deactivateUser", "user:ada", "protected")]


class TestGuardrails:
    def test_it_counts_and_is_never_held(self, world: Any, read: Any) -> None:
        world.settled(10)
        world.app(guardrails={"deprovisionUsers": {"count": 1}})
        world.revoke("user:p0")
        world.leave("p1", "p2")
        plan = world.plan()
        assert read.runs(plan) == [("deactivateUser", "user:p0")]
        assert [key for _, key, _ in read.held(plan)] == ["user:p1", "user:p2"]
        assert read.rail(plan, "deprovisionUsers").value == 3

    def test_also_many_at_once(self, world: Any, read: Any) -> None:
        world.settled(10)
        world.app(guardrails={"deprovisionUsers": {"count": 0}})
        for number in range(10):
            world.revoke(f"user:p{number}")
        plan = world.plan()
        assert len(read.runs(plan)) == 10
        assert not plan.held

    def test_also_the_last_member_of_a_group_that_has_to_keep_some(self, world: Any, read: Any) -> None:
        world.settled(4)
        world.group("red", "p0", "p1")
        world.team("t1", "Red", "1000", "1001")
        world.bind("group:red", "t1", members=["p0", "p1"])
        world.app(guardrails={"minimumMembers": {"red": 2}})
        world.revoke("user:p0")
        plan = world.plan()
        assert ("deactivateUser", "user:p0") in read.runs(plan)

    def test_nobody_else_in_scope_is_no_empty_scope(self, world: Any, read: Any) -> None:
        world.settled(1)
        world.revoke("user:p0")
        assert read.runs(world.plan()) == [("deactivateUser", "user:p0")]


class TestItsEnd:
    def test_when_its_time_is_over(self, world: Any, read: Any) -> None:
        world.settled(3)
        world.ours("1", "ada", active=False)
        world.bind("user:ada", "1", active=False)
        world.revoke("user:ada", "1", until=world.hours(1))
        plan = world.plan()
        assert read.runs(plan) == [("reactivateUser", "user:ada")]
        assert "revoked" not in {n.code for n in plan.notes}

    def test_not_before(self, world: Any, read: Any) -> None:
        world.settled(3)
        world.ours("1", "ada", active=False)
        world.bind("user:ada", "1", active=False)
        world.revoke("user:ada", "1", until=world.hours(-1))
        plan = world.plan()
        assert plan.empty
        (note,) = [n for n in plan.notes if n.code == "revoked"]
        assert note.text == f"revoked by night at 2026-11-23T03:00:00Z, until {world.hours(-1)}: a lost laptop"
