"""What is more than a plain value: redacted, drawn, chosen, added to, a reference, or nothing at all."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from reconciler.model.mapping import Mappings
from reconciler.plan import Proposal, digest, to_json
from reconciler.plan.difference import REDACTED

MANAGER = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager"
SECRET = "canary-4711"


def after(proposal: Proposal, key: str) -> dict[str, Any]:
    (change,) = [c for c in proposal.plan.changes if c.key == key and hasattr(c, "set") and c.action != "createGroup"]
    return {path: difference.after for path, difference in change.set.items()}


class TestRedacted:
    @pytest.fixture(autouse=True)
    def _mapped(self, world: Any) -> None:
        world.map({"target": "title", "expression": "Redact([jobTitle])"})

    def test_neither_side_is_in_the_document(self, world: Any, read: Any) -> None:
        world.ours("1", "ada", title="canary-live")
        world.user("ada", jobTitle=SECRET)
        world.user("eve", jobTitle=SECRET)
        proposal = world.propose()
        changed = read.change(proposal.plan, "user:ada").set["title"]
        assert (changed.before, changed.after) == (REDACTED, REDACTED)
        assert after(proposal, "user:eve")["title"] == REDACTED
        assert b"canary" not in to_json(proposal.plan)
        assert proposal.context.behind["user:ada"]["title"].value == SECRET

    def test_equal_is_no_change(self, world: Any) -> None:
        world.ours("1", "ada", title=SECRET)
        world.user("ada", jobTitle=SECRET)
        assert world.plan().empty

    def test_no_digest_depends_on_it(self, world: Any) -> None:
        digests = set()
        for value in ("one", "two"):
            world.ours("1", "ada", title=value)
            world.user("ada", jobTitle=value)
            digests.add((world.plan().live.digest, digest(world.desired.people[0].values)))
        assert len(digests) == 1

    def test_an_account_is_not_called_by_a_redacted_name(self, world: Any) -> None:
        world.map({"target": "displayName", "expression": "Redact([displayName])"})
        world.account("9", "stranger", displayName=SECRET)
        (note,) = [n for n in world.plan().notes if n.code == "unmanagedUser"]
        assert note.text == "stranger@contoso.com"
        assert SECRET.encode() not in to_json(world.plan())


class TestGenerated:
    def test_only_the_function_is_in_the_document(self, world: Any) -> None:
        world.map({"target": "externalId", "expression": "Guid()", "apply": "onCreate"})
        world.people("ada")
        proposal = world.propose()
        assert after(proposal, "user:ada")["externalId"] == {"generated": "Guid"}
        assert proposal.plan == world.plan()

    def test_it_is_not_compared(self, world: Any) -> None:
        world.map({"target": "externalId", "expression": "Guid()", "apply": "onCreate"})
        world.ours("1", "ada")
        assert world.plan().empty


class TestChoice:
    @pytest.fixture(autouse=True)
    def _mapped(self, world: Any) -> None:
        expression = 'SelectUniqueValue([givenName], Append([givenName], "2"))'
        world.map({"target": "nickName", "expression": expression, "apply": "onCreate"})

    def test_the_first_that_nobody_has(self, world: Any) -> None:
        world.account("9", "stranger", nickName="ADA")
        world.people("ada", "eve")
        proposal = world.propose()
        assert after(proposal, "user:ada")["nickName"] == "Ada2"
        assert after(proposal, "user:eve")["nickName"] == "Eve"

    def test_the_plans_other_creations_take_it_too(self, world: Any) -> None:
        world.user("ada", givenName="Alex")
        world.user("eve", givenName="alex")
        proposal = world.propose()
        assert [after(proposal, key)["nickName"] for key in ("user:ada", "user:eve")] == ["Alex", "alex2"]

    def test_of_groups_too(self, world: Any, read: Any) -> None:
        choice = {"target": "externalId", "apply": "onCreate"}
        expression = 'SelectUniqueValue("one", "two")'
        world.mappings = Mappings.model_validate({"groups": [{**choice, "expression": expression}]})
        for name in ("care", "press", "sales"):
            world.group(name)
        world.app(groups="all")
        plan = world.plan()
        assert [c.set["externalId"].after for c in plan.changes] == ["one", "two"]
        assert read.blocked(plan) == [("createGroup", "group:sales", "nameTaken")]

    def test_all_taken(self, world: Any, read: Any) -> None:
        world.account("8", "one", nickName="Ada")
        world.account("9", "two", nickName="ada2")
        world.people("ada")
        world.group("editors", "ada")
        plan = world.plan()
        assert read.blocked(plan) == [("createUser", "user:ada", "nameTaken")]
        assert "every candidate is taken (Ada, Ada2)" in read.block(plan).text
        assert not [c for c in plan.changes if c.key == "user:ada"]
        assert not read.members(plan)


class TestLeftOut:
    @pytest.fixture(autouse=True)
    def _mapped(self, world: Any) -> None:
        expression = 'IIF([jobTitle] = "robot", IgnoreObjectFlow, "flows")'
        world.map({"target": "objectFilter", "expression": expression})
        world.app(unmanaged={"users": "deprovision", "members": "remove"})
        world.account("99", "robot")
        world.app(guardrails={"actsAs": "robot@contoso.com"})
        world.settled(30)

    @pytest.mark.parametrize("bound", [True, False])
    def test_account_and_memberships_stay(self, world: Any, read: Any, bound: bool) -> None:
        world.user("ada", jobTitle="robot", displayName="New Name")
        world.account("1", "ada")
        if bound:
            world.bind("user:ada", "1")
        world.group("editors", "p0")
        world.bind("group:editors", "70")
        world.team("70", "Editors", "1", "1000")
        plan = world.plan()
        assert plan.empty
        assert ("leftOut", "user:ada") in read.notes(plan)

    def test_without_an_account_none_is_made(self, world: Any) -> None:
        world.user("ada", jobTitle="robot")
        assert world.plan().empty

    def test_others_still_go(self, world: Any, read: Any) -> None:
        world.account("2", "stranger")
        assert read.runs(world.plan()) == [("deactivateUser", "account:2")]


class TestAdditive:
    """AppRoleAssignmentsComplex adds; AssertiveAppRoleAssignmentsComplex says what there is."""

    @staticmethod
    def settle(world: Any, function: str, *live: str) -> None:
        world.map({"target": "roles", "expression": f"{function}([appRoleAssignments])"})
        world.app(scope={"assigned": {"users": [{"user": "ada", "roles": ["a", "b"]}]}})
        world.ours("1", "ada", roles=tuple({"value": name, "$ref": "…"} for name in live))

    def test_what_is_there_besides_stays(self, world: Any, read: Any) -> None:
        self.settle(world, "AppRoleAssignmentsComplex", "B", "z")
        wanted = read.change(world.plan(), "user:ada").set["roles"].after
        assert [role["value"] for role in wanted] == ["B", "z", "a"]

    def test_a_part_of_it_is_no_change(self, world: Any) -> None:
        self.settle(world, "AppRoleAssignmentsComplex", "a", "b", "z")
        assert world.plan().empty

    def test_assertive_is_all_there_is(self, world: Any, read: Any) -> None:
        self.settle(world, "AssertiveAppRoleAssignmentsComplex", "a", "b", "z")
        wanted = read.change(world.plan(), "user:ada").set["roles"].after
        assert [role["value"] for role in wanted] == ["a", "b"]

    def test_what_the_application_adds_to_an_element_is_its_own(self, world: Any) -> None:
        self.settle(world, "AssertiveAppRoleAssignmentsComplex", "a", "b")
        assert world.plan().empty


class TestReference:
    @pytest.fixture(autouse=True)
    def _mapped(self, world: Any) -> None:
        world.map({"target": MANAGER, "source": "manager"})

    def test_the_managers_account_by_id(self, world: Any, read: Any) -> None:
        world.ours("1", "eve")
        world.ours("2", "old")
        world.ours("3", "ada", **{MANAGER: "2"})
        world.user("ada", manager="eve")
        changed = read.change(world.plan(), "user:ada").set[MANAGER]
        assert changed.before == {"key": "user:old", "id": "2"}
        assert changed.after == {"key": "user:eve", "id": "1"}

    def test_the_same_is_no_change(self, world: Any) -> None:
        world.ours("1", "eve")
        world.ours("3", "ada", **{MANAGER: "1"})
        world.user("ada", manager="eve")
        assert world.plan().empty

    def test_a_manager_who_is_created_comes_first(self, world: Any, read: Any) -> None:
        world.ours("3", "ada")
        world.user("ada", manager="eve", displayName="Changed")
        world.user("eve", manager="ada")
        world.user("zoe", manager="eve")
        plan = world.plan()
        assert read.runs(plan) == [
            ("createUser", "user:eve"), ("createUser", "user:zoe"), ("updateUser", "user:ada"),
            ("updateUser", "user:ada"), ("updateUser", "user:zoe"),
        ]  # fmt: skip
        eve, zoe, *updates = [c for c in plan.changes if hasattr(c, "set")]
        assert eve.set[MANAGER].after == {"key": "user:ada", "id": "3"}
        assert MANAGER not in zoe.set
        waiting = [c for c in updates if MANAGER in c.set]
        assert [c.set[MANAGER].after for c in waiting] == [{"key": "user:eve"}] * 2
        assert read.rail(plan, "updateUsers").value == 1

    def test_what_waits_for_a_held_creation_is_held_with_it(self, world: Any, read: Any) -> None:
        world.ours("3", "ada")
        world.user("ada", manager="eve")
        world.people("eve")
        world.app(guardrails={"createUsers": {"count": 0, "ignoreBelow": 0}})
        assert read.held(world.plan()) == [
            ("createUser", "user:eve", "createUsers=1"), ("updateUser", "user:ada", "createUsers=1"),
        ]  # fmt: skip

    def test_nobody_to_refer_to(self, world: Any, read: Any) -> None:
        world.assigned("ada", "new")
        world.ours("3", "ada", **{MANAGER: "77"})
        world.user("ada", manager="eve")
        world.user("new", manager="eve")
        world.people("eve")
        plan = world.plan()
        assert read.runs(plan) == [("createUser", "user:new")]
        assert {("noReference", "user:ada"), ("noReference", "user:new")} <= read.notes(plan)

    def test_an_account_that_this_plan_deletes(self, world: Any, read: Any) -> None:
        world.assigned("ada")
        world.app(deprovision={"users": "delete"})
        world.ours("1", "eve")
        world.ours("3", "ada")
        world.user("ada", manager="eve")
        plan = world.plan()
        assert read.runs(plan) == [("deleteUser", "user:eve")]
        assert ("noReference", "user:ada") in read.notes(plan)

    def test_it_waits_with_the_persons_own_question(self, world: Any, read: Any) -> None:
        world.ours("3", "ada", active=False)
        world.user("ada", manager="eve")
        world.people("eve")
        release = "takenAwayInApp:user:ada"
        assert read.held(world.plan()) == [
            ("reactivateUser", "user:ada", release), ("updateUser", "user:ada", release),
        ]  # fmt: skip

    def test_two_who_manage_each_other(self, world: Any, read: Any) -> None:
        world.user("ada", manager="eve")
        world.user("eve", manager="ada")
        assert [a for a, _ in read.runs(world.plan())] == ["createUser"] * 2 + ["updateUser"] * 2


def test_the_document_of_all_of_it_is_json(world: Any) -> None:
    world.map(
        {"target": "title", "expression": "Redact([jobTitle])"},
        {"target": "externalId", "expression": "Guid()", "apply": "onCreate"},
        {"target": MANAGER, "source": "manager"},
    )
    world.user("ada", jobTitle=SECRET, manager="eve")
    world.people("eve")
    assert orjson.loads(to_json(world.plan()))["changes"]
