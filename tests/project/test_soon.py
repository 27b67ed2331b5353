"""What starts and ends within soonDays, for people of the app."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from reconciler.errors import Place
from reconciler.project.membership import Nesting

NOW = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)


@pytest.fixture
def firm(company: Any) -> Any:
    company.now = NOW
    for name in ("ada", "grace", "linus"):
        company.user(name)
    return company


def _told(company: Any) -> list[str]:
    """Each in one line: who, group, from, until, reason."""
    return [
        " ".join(str(part) for part in (each.key, each.group, each.from_, each.until, each.reason) if part)
        for each in company.project().soon
    ]


def test_memberships_that_start_and_end(firm: Any) -> None:
    firm.group(
        "social",
        "linus ..2026-11-30 cover for the spring campaign",
        "ada 2026-12-01..2027-03-31",
        "grace ..2026-12-23",
        displayName="Social Media",
    )
    assert _told(firm) == [
        "user:ada group:social 2026-12-01 2027-03-31",
        "user:linus group:social 2026-11-30 cover for the spring campaign",
    ]
    (first, _) = firm.project().soon
    assert (first.name, first.group_name) == ("Ada", "Social Media")
    assert (first.source.file, first.source.line) == ("groups/social.yaml", 5)


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("ada ..2026-11-22", False),
        ("ada ..2026-11-23", True),
        ("ada ..2026-11-23T17:00:00Z", False),
        ("ada ..2026-12-23T17:00:00Z", True),
        ("ada ..2026-12-23T17:00:01Z", False),
        ("ada 2026-11-23T17:00:00Z..", False),
        ("ada 2026-12-23..", True),
        ("ada 2026-12-24..", False),
    ],
)
def test_the_horizon(firm: Any, entry: str, told: bool) -> None:
    firm.group("social", entry)
    assert bool(_told(firm)) is told


@pytest.mark.parametrize(("days", "told"), [(0, 0), (7, 0), (8, 1)])
def test_how_far_ahead_is_said_by_soon_days(firm: Any, days: int, told: int) -> None:
    firm.soon_days = days
    firm.group("social", "ada ..2026-11-30")
    assert len(_told(firm)) == told


def test_the_end_of_time_is_far_enough(firm: Any) -> None:
    firm.soon_days = 10**8
    firm.group("social", "ada ..9998-12-31")
    assert len(_told(firm)) == 1


def test_the_whole_access_of_a_person(firm: Any, within: Any) -> None:
    firm.user("new", window=within("2026-12-01..2026-12-10"))
    firm.user("last", window=within("..2026-11-30"))
    firm.user("gone", window=within("..2026-11-20"))
    firm.user("disabled", window=within("2026-12-01.."), enabled=False)
    assert _told(firm) == ["user:last 2026-11-30", "user:new 2026-12-01 2026-12-10"]


def test_assignments_of_people_and_groups(firm: Any) -> None:
    firm.group("agencies", "linus")
    firm.places = {"scope.assigned.groups.0": Place("apps/chat/app.yaml", 8, 5)}
    firm.scope(
        assigned={
            "users": [{"user": "ada", "until": "2026-12-05"}, {"user": "grace", "from": "2026-11-25"}],
            "groups": [{"group": "agencies", "until": "2026-12-04"}],
        }
    )
    assert _told(firm) == ["user:grace 2026-11-25", "group:agencies 2026-12-04", "user:ada 2026-12-05"]
    source = firm.project().soon[1].source
    assert (source.file, source.line) == ("apps/chat/app.yaml", 8)


def test_a_nested_group_is_one_line_whoever_is_in_it(firm: Any) -> None:
    firm.group("social", "@agencies ..2026-11-30 end of contract")
    firm.group("agencies", "ada", "grace", "linus")
    assert _told(firm) == ["group:agencies group:social 2026-11-30 end of contract"]


def test_only_groups_of_the_app_and_those_that_give_scope_count(firm: Any) -> None:
    firm.group("direct", "ada ..2026-11-30", "@inner")
    firm.group("inner", "grace ..2026-11-30")
    firm.group("asked", "ada ..2026-12-01")
    firm.group("other", "ada ..2026-12-02")
    firm.app_keys["groups"] = ["direct"]
    firm.scope(everyone=True, filters=[[{"operator": "IS MEMBER OF", "value": "asked"}], []][:1])
    assert _told(firm) == ["user:ada group:direct 2026-11-30", "user:ada group:asked 2026-12-01"]


def test_entries_that_follow_each_other_are_one_stretch(firm: Any) -> None:
    firm.group("one", "ada ..2026-11-30", "ada 2026-12-01..2027-12-31", "ada 2026-12-05..2027-01-31")
    firm.group("two", "grace ..2026-11-30", "grace 2026-12-02..2026-12-04")
    firm.group("three", "linus ..2026-11-30", "linus")
    assert _told(firm) == [
        "user:grace group:two 2026-11-30",
        "user:grace group:two 2026-12-02 2026-12-04",
    ]


def test_nobody_is_told_of_who_will_not_come(firm: Any, within: Any) -> None:
    firm.user("off", enabled=False)
    firm.user("out")
    firm.user("taken")
    firm.user("robot", kind="service")
    firm.user("late", window=within("2027-06-01.."))
    firm.user("sales", department="Sales")
    names = ("off", "out", "taken", "robot", "late", "sales", "nobody", "ada")
    firm.group("social", *(f"{name} 2026-12-01.." for name in names))
    firm.revoked = {"taken": "x"}
    firm.scope(everyone=True, exclude=["out"], filters=[[{"attribute": "department", "operator": "IS NULL"}]])
    assert _told(firm) == ["user:ada group:social 2026-12-01"]


def test_what_a_filter_asks_of_membership_may_be_what_starts(firm: Any) -> None:
    firm.group("crisis", "ada 2026-12-01..")
    firm.scope(everyone=True, filters=[[{"operator": "IS MEMBER OF", "value": "crisis"}]])
    assert _told(firm) == ["user:ada group:crisis 2026-12-01"]


def test_nothing_is_looked_at_twice(firm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A chain of 3,000 app groups, each with one ending: entries are looked at once, and not for each outer group."""
    depth = 3000
    for number in range(depth):
        nested = [f"@g{number + 1:05}"] if number + 1 < depth else []
        firm.group(f"g{number:05}", *nested, f"ada ..2026-12-{1 + number % 20:02}")
    firm.app_keys["groups"] = "all"
    calls = 0
    reached = Nesting.reached

    def counting(self: Nesting, outer: Any) -> Any:
        nonlocal calls
        calls += 1
        return reached(self, outer)

    monkeypatch.setattr(Nesting, "reached", counting)
    told = _told(firm)
    assert len(told) == depth
    assert told == sorted(told, key=lambda line: line.rpartition(" ")[2])
    assert calls == 1
