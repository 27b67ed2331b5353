"""Who frees a name before who takes it, and names that nobody gives up."""

from __future__ import annotations

from typing import Any

import pytest


class TestNames:
    def test_a_chain_runs_from_its_end(self, world: Any, read: Any) -> None:
        from reconciler.plan import dependencies

        world.ours("1", "a", userName="b@contoso.com")
        world.ours("2", "c", userName="a@contoso.com")
        plan = world.plan()
        assert read.runs(plan) == [("renameUser", "user:a"), ("renameUser", "user:c")]
        assert dependencies(world.plan().changes) == {0: {1}}

    @pytest.mark.parametrize("length", [2, 3, 5])
    def test_a_circle_is_blocked_and_the_rest_of_it_runs(self, world: Any, read: Any, length: int) -> None:
        names = [f"u{n}" for n in range(length)]
        for n, name in enumerate(names):
            other = names[(n + 1) % length]
            world.ours(str(n), name, userName=f"{other}@contoso.com", displayName="Old")
        plan = world.plan()
        assert read.runs(plan) == [("updateUser", f"user:{name}") for name in names]
        assert all(list(c.set) == ["displayName"] for c in plan.changes)
        assert read.blocked(plan) == [("renameUser", f"user:{name}", "nameTaken") for name in names]
        assert "temporary" in plan.blocked[0].text

    def test_whoever_waits_for_a_circle_is_blocked_with_it(self, world: Any, read: Any) -> None:
        world.ours("1", "a", userName="b@contoso.com")
        world.ours("2", "b", userName="a@contoso.com")
        world.ours("3", "c", mail="x@contoso.com")
        world.user("c", mail="c@contoso.com")
        plan = world.plan()
        assert read.runs(plan) == [("updateUser", "user:c")]
        assert [b[1] for b in read.blocked(plan)] == ["user:a", "user:b"]

    def test_e_mail_addresses_in_a_circle(self, world: Any, read: Any) -> None:
        world.ours("1", "a", mail="b@contoso.com")
        world.ours("2", "b", mail="a@contoso.com")
        plan = world.plan()
        assert plan.empty
        assert [b[1] for b in read.blocked(plan)] == ["user:a", "user:b"]

    def test_a_name_that_another_account_keeps(self, world: Any, read: Any) -> None:
        world.ours("1", "ada", userName="byron@contoso.com", displayName="Old")
        world.account("9", "x", userName="Ada@contoso.com", displayName="Stranger")
        plan = world.plan()
        assert read.runs(plan) == [("updateUser", "user:ada")]
        assert read.blocked(plan) == [("renameUser", "user:ada", "nameTaken")]
        assert "Stranger (account:9)" in plan.blocked[0].text

    def test_a_creation_behind_a_circle_brings_no_memberships(self, world: Any, read: Any) -> None:
        world.map({"target": "externalId", "source": "employeeId", "matching": 1},
                  {"target": "userName", "source": "userPrincipalName"})  # fmt: skip
        for name in ("a", "b", "new"):
            world.user(name, employeeId=name)
        world.account("1", "b", externalId="a")
        world.account("2", "a", externalId="b")
        world.bind("user:a", "1")
        world.bind("user:b", "2")
        world.user("new", employeeId="new", userPrincipalName="A@contoso.com")
        world.group("editors", "new")
        world.team("70", "Editors")
        world.bind("group:editors", "70")
        world.user("a", employeeId="a")
        plan = world.plan()
        assert ("createUser", "user:new", "nameTaken") in read.blocked(plan)
        assert not [c for c in plan.changes if c.action in ("createUser", "addMembers")]

    def test_groups_that_swap_their_names(self, world: Any, read: Any) -> None:
        world.group("red")
        world.group("blue")
        world.team("1", "Blue")
        world.team("2", "Red")
        world.bind("group:red", "1")
        world.bind("group:blue", "2")
        plan = world.plan()
        assert plan.empty
        assert read.blocked(plan) == [
            ("renameGroup", "group:blue", "nameTaken"),
            ("renameGroup", "group:red", "nameTaken"),
        ]
