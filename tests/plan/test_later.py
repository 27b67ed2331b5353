"""What a change causes on another day: future gains, ends that go or move out, starts that move in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from reconciler.model.plan import Plan
from tests.plan.test_origin import Comparison


@pytest.fixture
def compared(world: Any) -> Comparison:
    world.people("ada", "bob", "eve")
    world.group("agencies", "bob")
    world.group("editors", "ada")
    return Comparison(world)


def told(plan: Plan) -> set[str]:
    """Each in one line: what, who, into which group, from, until, and what there was before."""
    return {
        " ".join(str(p) for p in (e.what, e.key, e.group, e.from_, e.until, e.before and f"({e.before})") if p)
        for e in plan.later
    }


Edit = Callable[[Any], Any]


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (
            lambda w: None,
            lambda w: w.group("editors", "ada", "eve 2027-06-01.."),
            {"gain user:eve group:editors 2027-06-01"},
        ),
        (
            lambda w: None,
            lambda w: w.group("editors", "ada", "eve 2027-06-01..2027-06-30"),
            {"gain user:eve group:editors 2027-06-01 2027-06-30"},
        ),
        (
            lambda w: w.group("editors", "ada ..2026-12-31"),
            lambda w: w.group("editors", "ada"),
            {"endRemoved user:ada group:editors (2026-12-31)"},
        ),
        (
            lambda w: w.group("editors", "ada ..2026-12-31"),
            lambda w: w.group("editors", "ada ..2030-12-31"),
            {"endLater user:ada group:editors 2030-12-31 (2026-12-31)"},
        ),
        (
            lambda w: w.group("editors", "ada 2027-06-01.."),
            lambda w: w.group("editors", "ada 2027-02-01.."),
            {"startEarlier user:ada group:editors 2027-02-01 (2027-06-01)"},
        ),
        (lambda w: None, lambda w: w.user("eve", window="2027-06-01.."), set()),
        (lambda w: None, lambda w: w.user("mal", window="2027-06-01.."), {"gain user:mal 2027-06-01"}),
        (lambda w: w.user("eve", window="..2026-12-31"), lambda w: w.user("eve"), {"endRemoved user:eve (2026-12-31)"}),
        (
            lambda w: None,
            lambda w: w.group("editors", "ada", "@agencies 2027-01-01.."),
            {"gain group:agencies group:editors 2027-01-01"},
        ),
        (
            lambda w: w.group("editors", "ada", "@agencies 2027-01-01.."),
            lambda w: w.group("agencies", "bob", "eve"),
            {"gain user:eve group:editors 2027-01-01"},
        ),
        (
            lambda w: w.group("editors", "ada", "@agencies 2027-01-01..2027-03-31"),
            lambda w: w.group("agencies", "bob", "eve ..2027-02-01"),
            {"gain user:eve group:editors 2027-01-01 2027-02-01"},
        ),
        (
            lambda w: (w.group("editors", "ada", "@agencies 2027-01-01.."), w.group("crew", "eve")),
            lambda w: w.group("agencies", "bob", "@crew"),
            {"gain user:eve group:editors 2027-01-01"},
        ),
        (
            lambda w: w.user("eve", enabled=False, window="2027-06-01.."),
            lambda w: w.user("eve", window="2027-06-01.."),
            {"gain user:eve 2027-06-01"},
        ),
        (lambda w: w.group("editors", "ada 2027-01-01.."), lambda w: None, set()),
        (lambda w: w.group("editors", "ada"), lambda w: w.group("editors", "ada ..2027-01-01"), set()),
        (lambda w: None, lambda w: w.group("editors", "ada", "eve"), set()),
        (lambda w: None, lambda w: w.group("editors", "ada", "eve ..2027-01-01"), set()),
    ],
)  # fmt: skip
def test_of_memberships_and_people(compared: Comparison, before: Edit, now: Edit, expected: set[str]) -> None:
    before(compared.world)
    compared.base()
    now(compared.world)
    assert told(compared.plan()) == expected


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ((["ada"], []), (["ada", {"user": "eve", "from": "2027-06-01"}], []), {"gain user:eve 2027-06-01"}),
        (([{"user": "ada", "until": "2026-12-31"}], []), (["ada"], []), {"endRemoved user:ada (2026-12-31)"}),
        ((["ada"], []), (["ada"], [{"group": "agencies", "from": "2027-06-01"}]), {"gain group:agencies 2027-06-01"}),
        (
            (["ada"], [{"group": "agencies", "until": "2026-12-31"}]),
            (["ada"], [{"group": "agencies", "until": "2027-12-31"}]),
            {"endLater group:agencies 2027-12-31 (2026-12-31)"},
        ),
    ],
)
def test_of_assignments(compared: Comparison, before: Any, now: Any, expected: set[str]) -> None:
    compared.world.app(groups=["editors"])
    compared.world.assigned(*before[0], groups=tuple(before[1]))
    compared.base()
    compared.world.assigned(*now[0], groups=tuple(now[1]))
    assert told(compared.plan()) == expected


def test_who_joins_a_group_that_is_assigned_from_some_day_on(compared: Comparison) -> None:
    compared.world.app(groups=["editors"])
    compared.world.assigned("ada", groups=({"group": "agencies", "from": "2027-06-01"},))
    compared.base()
    compared.world.group("agencies", "bob", "eve")
    assert told(compared.plan()) == {"gain user:eve 2027-06-01"}


def test_who_passes_a_filter_by_this_change_and_whose_access_starts_later(compared: Comparison) -> None:
    world = compared.world
    world.user("eve", department="Sales", window="2027-06-01..")
    filters = [[{"attribute": "department", "operator": "NOT EQUALS", "value": "Sales"}]]
    world.app(scope={"everyone": True, "filters": filters})
    compared.base()
    world.user("eve", department="Marketing", window="2027-06-01..")
    assert told(compared.plan()) == {"gain user:eve 2027-06-01"}


def test_the_place_and_the_reason_are_told_and_what_is_sensitive(compared: Comparison) -> None:
    compared.base()
    compared.world.group("editors", "ada", "eve 2027-06-01..", sensitive=True)
    (row,) = compared.plan().later
    assert row.source is not None
    assert (row.source.file, row.source.line) == ("groups/editors.yaml", 5)
    assert (row.name, row.group_name, row.sensitive) == ("Eve Eveson", "Editors", True)


def test_a_group_inside_of_a_sensitive_one_is_sensitive(compared: Comparison) -> None:
    compared.world.group("editors", "ada", "@agencies", sensitive=True)
    compared.base()
    compared.world.group("agencies", "bob", "eve 2027-06-01..")
    assert {(row.group, row.sensitive) for row in compared.plan().later} == {("group:agencies", True)}


def test_without_a_base_there_is_none(world: Any) -> None:
    world.user("eve", window="2027-06-01..")
    assert world.plan().later == ()


@pytest.mark.parametrize(
    ("id_", "keys"),
    [("editors", {}), ("writers", {"formerly": [{"id": "editors"}]}),
     ("writers", {"formerly": [{"displayName": "Editors"}]}), ("writers", {"displayName": "EDITORS"})],
)  # fmt: skip
def test_a_group_that_was_sensitive_before_this_change_still_counts_as_such(
    compared: Comparison, id_: str, keys: dict[str, Any]
) -> None:
    """Else one change could take the word away and let somebody in, at once and on another day."""
    world = compared.world
    world.group("editors", "ada", sensitive=True)
    compared.base()
    del world.groups["editors"]
    world.group(id_, "ada", "bob", "eve 2027-06-01..", **keys)
    plan = compared.plan()
    assert {(row.key, row.sensitive) for row in plan.later} == {("user:eve", True)}
    added = [c for c in plan.changes if c.action == "addMembers" and c.key == f"group:{id_}"]
    assert added
    assert all(c.sensitive for c in added)
    world.group("agencies", "bob", "ada")
    assert not [c for c in compared.plan().changes if c.key == "group:agencies" and getattr(c, "sensitive", False)]
