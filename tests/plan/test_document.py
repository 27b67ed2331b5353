"""The document: order, digests, budget, bytes."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta, timezone
from typing import Any

import orjson
import pytest

from reconciler.model.plan import Held, Origin, Plan, Reason, Source
from reconciler.plan import STAGES, changes_digest, instant, ordered, signed, to_json


@pytest.fixture
def busy(world: Any) -> Any:
    """Something of everything."""
    world.settled(10)
    world.ours("1", "ada", displayName="Old")
    world.ours("2", "bob", userName="robert@contoso.com")
    world.ours("3", "eve", active=False)
    world.bind("user:eve", "3", active=False)
    world.user("new")
    world.leave("p0", "p1")
    world.group("editors", "ada", "new")
    world.group("viewers", "p2", displayName="Watchers")
    world.team("70", "Viewers", "1003", "1")
    world.bind("group:viewers", "70", members=["p3"])
    world.team("71", "Old", "1004")
    world.bind("group:old", "71")
    return world


def test_order_of_the_stages(busy: Any) -> None:
    actions = [c.action for c in busy.plan().changes]
    assert actions == [
        "deactivateUser", "deactivateUser", "reactivateUser", "createUser", "updateUser", "renameUser",
        "createGroup", "renameGroup", "addMembers", "addMembers", "removeMembers", "removeMembers", "deleteGroup",
    ]  # fmt: skip


def test_leavers_last(busy: Any) -> None:
    busy.app(order="leaversLast")
    actions = [c.action for c in busy.plan().changes]
    assert actions[0] == "reactivateUser"
    assert actions[-2:] == ["deactivateUser", "deactivateUser"]


def test_every_action_has_its_stage(busy: Any) -> None:
    actions = [a for stage in STAGES for a in stage]
    assert len(actions) == len(set(actions)) == 15


def test_the_order_is_total(busy: Any) -> None:
    changes = list(busy.plan().changes[-6:])
    assert all(ordered(each) == changes for each in itertools.permutations(changes))


class TestDigests:
    def moved(self, plan: Plan, **values: Any) -> Plan:
        return signed(
            plan.model_copy(update={"changes": (plan.changes[0].model_copy(update=values), *plan.changes[1:])})
        )

    @pytest.mark.parametrize(
        "values",
        [
            {"origin": Origin.DRIFT},
            {"reasons": (Reason.DISABLED,)},
            {"source": Source(file="other.yaml", line=9)},
            {"held": (Held(by="guardrail:x", release="x=1"),)},
        ],
    )
    def test_what_may_move_without_a_new_approval(self, busy: Any, values: dict[str, Any]) -> None:
        plan = busy.plan()
        moved = self.moved(plan, **values)
        assert moved.changes_digest == plan.changes_digest
        assert moved.digest != plan.digest

    @pytest.mark.parametrize("values", [{"name": "X"}, {"id": "77"}, {"key": "user:x"}, {"set": {}}])
    def test_what_was_approved(self, busy: Any, values: dict[str, Any]) -> None:
        plan = busy.plan()
        assert self.moved(plan, **values).changes_digest != plan.changes_digest

    @pytest.mark.parametrize("field", ["app", "tenant_url"])
    def test_app_and_tenant_belong_to_it(self, busy: Any, field: str) -> None:
        plan = busy.plan()
        assert changes_digest(plan.model_copy(update={field: "other"})) != plan.changes_digest

    @pytest.mark.parametrize("field", ["as_of", "tool_version", "notes", "blocked", "guardrails"])
    def test_the_digest_covers_everything_else_too(self, busy: Any, field: str) -> None:
        busy.account("9", "stranger")
        busy.app(guardrails={"protected": {"users": ["p0"]}})
        plan = busy.plan()
        value = () if isinstance(getattr(plan, field), tuple) else "other"
        assert getattr(plan, field) != value
        moved = signed(plan.model_copy(update={field: value}))
        assert moved.changes_digest == plan.changes_digest
        assert moved.digest != plan.digest

    def test_a_list_that_a_hold_splits_is_the_same_list(self, world: Any, read: Any) -> None:
        world.ours("1", "ada")
        world.ours("2", "bob")
        world.group("editors", "ada", "bob")
        world.team("70", "Editors")
        world.bind("group:editors", "70", members=["ada"])
        held, released = world.plan(), world.plan("takenAwayInApp:user:ada")
        assert len(held.changes) == 2
        assert held.changes_digest == released.changes_digest
        world.group("editors", "ada")
        assert world.plan().changes_digest != held.changes_digest

    def test_a_file_that_was_read_again_has_the_digest_it_names(self, busy: Any) -> None:
        plan = busy.plan()
        again = Plan.model_validate(orjson.loads(to_json(plan)))
        assert signed(again) == plan

    def test_tampering_shows(self, busy: Any) -> None:
        plan = busy.plan()
        document = orjson.loads(to_json(plan))
        document["changes"][0]["id"] = "9999"
        again = Plan.model_validate(document)
        assert signed(again).digest != again.digest


def test_json_is_camel_case_and_creations_have_after_alone(busy: Any) -> None:
    document = orjson.loads(to_json(busy.plan()))
    assert {"changesDigest", "toolVersion", "tenantUrl", "asOf"} <= document.keys()
    (created,) = [c for c in document["changes"] if c["action"] == "createUser"]
    assert created["set"]["displayName"] == {"after": "New Newson"}
    (updated,) = [c for c in document["changes"] if c["action"] == "updateUser"]
    assert updated["set"]["displayName"] == {"before": "Old", "after": "Ada Adason"}


def test_the_budget_counts_chunks_and_not_what_is_held(world: Any) -> None:
    world.settled(250)
    world.group("all", *(f"p{n}" for n in range(250)))
    world.team("70", "All")
    world.bind("group:all", "70", members=[])
    reading = 3 + 1  # 250 accounts and one group, a hundred a page
    assert world.plan().budget.requests == reading + 3 + 1  # a hundred members a request; the group is looked at again
    world.user("new")
    assert world.plan().budget.requests == reading + 4 + 2
    world.app(guardrails={"createUsers": {"count": 0}})
    assert world.plan().budget.requests == reading + 3 + 1


def test_the_budget_of_bulk_counts_requests_and_not_operations(world: Any) -> None:
    for number in range(250):
        world.user(f"p{number}")
    world.app(profile={"bulk": {"operations": 100}})
    assert world.plan().budget.requests == 2 + 3 + 2


def test_the_budget_of_a_server_without_pages_reads_twice(world: Any) -> None:
    world.settled(250)
    world.app(profile={"paging": {"style": "none"}})
    assert world.plan().budget.requests == 2


def test_facts(busy: Any) -> None:
    plan = busy.plan()
    assert (plan.desired.users, plan.desired.groups) == (12, 2)
    assert (plan.live.users, plan.live.groups) == (13, 2)
    assert plan.profile.name == "scim"
    assert plan.as_of == "2026-11-23T17:00:00Z"


def test_instants_are_utc() -> None:
    berlin = timezone(timedelta(hours=1))
    assert instant(datetime(2026, 11, 23, 18, 0, tzinfo=berlin)) == "2026-11-23T17:00:00Z"
