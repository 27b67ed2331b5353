"""What is never touched: ignored, protected, the token's own account."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest


class TestIgnored:
    CLAUSE: ClassVar[dict[str, Any]] = {
        "users": [{"attribute": "userName", "operator": "ENDS_WITH", "value": "@contoso.com"}]
    }

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
