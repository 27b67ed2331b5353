"""Windows: what holds at a moment, on every step of a way; and since when, until when, by which way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.gallery import load_profile
from reconciler.model.app import App
from reconciler.model.desired import Cause, DesiredGroup
from reconciler.model.directory import Directory, Group, Member, User
from reconciler.model.values import GroupId, UserId
from reconciler.model.window import ALWAYS, Window, between
from reconciler.project import project

NOW = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
PAST, FUTURE, RUNNING = "..2026-11-20", "2026-12-01..", "2026-11-01..2026-12-31"


@pytest.fixture
def firm(company: Any) -> Any:
    company.now = NOW
    return company


def _in_scope(desired: Any) -> set[str]:
    return {person.user.id for person in desired.people if person.wanted}


@pytest.mark.parametrize(
    ("written", "standing", "why"),
    [
        (RUNNING, "inScope", ""),
        (PAST, "disabled", "until 2026-11-20"),
        (FUTURE, "disabled", "from 2026-12-01"),
        ("..2026-11-23", "inScope", ""),
        ("2026-11-23..", "inScope", ""),
        ("..2026-11-22", "disabled", "until 2026-11-22"),
        ("2026-11-24..2026-11-30", "disabled", "from 2026-11-24"),
        ("..2026-11-23T17:00:00Z", "disabled", "until 2026-11-23T17:00:00Z"),
        ("2026-11-23T17:00:00Z..", "inScope", ""),
    ],
)
def test_outside_of_their_own_window_nobody_has_access(
    firm: Any, within: Any, written: str, standing: str, why: str
) -> None:
    firm.user("ada", window=within(written))
    (person,) = firm.project().people
    assert (person.standing.value, person.why) == (standing, why)
    assert person.cause is (Cause.OUTSIDE_WINDOW if why else None)


def test_who_is_disabled_too_is_called_disabled(firm: Any, within: Any) -> None:
    firm.user("ada", window=within(PAST), enabled=False)
    (person,) = firm.project().people
    assert person.cause is Cause.DISABLED


def test_out_of_scope_and_outside_is_out_of_scope(firm: Any, within: Any) -> None:
    firm.user("ada", window=within(PAST))
    firm.scope(assigned={})
    (person,) = firm.project(managed=("ada",)).people
    assert (person.standing.value, person.cause) == ("outOfScope", Cause.OUT_OF_SCOPE)


def test_every_window_on_the_way_to_scope_must_hold(firm: Any) -> None:
    for name in ("a", "b", "c", "d"):
        firm.user(name)
    firm.group("outer", f"@past {PAST}", f"@running {RUNNING}", f"@future {FUTURE}")
    firm.group("past", "a")
    firm.group("running", f"b {RUNNING}", f"c {PAST}")
    firm.group("future", "d", "b")
    firm.scope(assigned={"groups": ["outer"]})
    assert _in_scope(firm.project()) == {"b"}


@pytest.mark.parametrize(
    ("entry", "holds"),
    [
        ({"until": "2026-11-20"}, False),
        ({"from": "2026-12-01"}, False),
        ({"until": "2026-11-23"}, True),
        ({"from": "2026-11-01", "until": "2026-11-30"}, True),
    ],
)
@pytest.mark.parametrize("kind", ["user", "group"])
def test_an_assignment_holds_in_its_window(firm: Any, kind: str, entry: dict[str, str], holds: bool) -> None:
    firm.user("ada")
    firm.group("editors", "ada")
    named = {"user": "ada"} if kind == "user" else {"group": "editors"}
    firm.scope(assigned={f"{kind}s": [{**named, **entry}]})
    desired = firm.project()
    assert _in_scope(desired) == ({"ada"} if holds else set())
    assert [group.group.id for group in desired.groups] == (["editors"] if holds and kind == "group" else [])


def test_of_several_assignments_one_that_holds_is_enough_and_gives_its_roles(firm: Any) -> None:
    firm.user("ada")
    firm.map({"target": "title", "expression": "SingleAppRoleAssignment([appRoleAssignments])"})
    firm.scope(
        assigned={
            "users": [
                {"user": "ada", "until": "2026-10-31", "roles": ["Admin"]},
                {"user": "ada", "from": "2026-11-01", "roles": ["Viewer"]},
            ]
        }
    )
    assert firm.values("ada")["title"] == "Viewer"


def test_a_filter_asks_for_membership_at_the_moment(firm: Any) -> None:
    for name in ("ada", "eve"):
        firm.user(name)
    firm.group("crisis", f"ada {RUNNING}", f"eve {PAST}")
    firm.scope(everyone=True, filters=[[{"operator": "IS MEMBER OF", "value": "crisis"}]])
    assert _in_scope(firm.project()) == {"ada"}


def test_whole_days_of_assignments_are_the_organizations(firm: Any) -> None:
    from zoneinfo import ZoneInfo

    firm.user("ada")
    firm.scope(assigned={"users": [{"user": "ada", "from": "2026-11-24"}]})
    directory = firm.directory
    directory.zone = ZoneInfo("Asia/Tokyo")  # where it is two in the morning of the 24th
    assert project(directory, firm.app, firm.profile, as_of=NOW).in_scope == 1
    assert firm.project().in_scope == 0


def test_members_their_way_and_their_end(firm: Any, members: Any, groups: Any) -> None:
    for name in ("a", "b", "c", "d", "e"):
        firm.user(name)
    firm.group("social", "a ..2026-12-31", "b ..2026-12-31", f"@agencies {RUNNING}", f"c {PAST}", "@staff ..2027-01-15")
    firm.group("agencies", "b", "d ..2026-11-30", f"e {FUTURE}")
    firm.group("staff", "b", "d ..2026-12-24")
    desired = firm.project()
    social = groups(desired)["social"]
    assert members(desired)["social"] == {"a", "b", "d"}
    number = desired.numbers
    assert {name: social.until[number[name]] for name in ("a", "b", "d")} == {
        "a": "2026-12-31",
        "b": "2027-01-15",
        "d": "2026-12-24",
    }
    assert social.via[number["d"]] == ("agencies",)
    assert social.lines[number["d"]] == ("groups/social.yaml", 6)
    assert number["c"] not in social.until
    assert groups(desired)["staff"].until.get(number["b"]) is None
    assert len(social.until) == 3


def test_cover_in_spring_and_in_autumn(firm: Any, members: Any) -> None:
    firm.user("ada")
    firm.group("care", "ada 2026-03-01..2026-05-31", "ada 2026-11-01..2026-11-30")
    assert members(firm.project()) == {"care": {"ada"}}
    firm.now = datetime(2026, 8, 1, tzinfo=UTC)
    assert members(firm.project()) == {"care": set()}


@pytest.mark.parametrize("where", ["person", "member", "assignment"])
def test_windows_without_a_moment_are_refused(company: Any, within: Any, where: str) -> None:
    company.user("ada", window=within(RUNNING if where == "person" else ""))
    company.group("care", f"ada {RUNNING}" if where == "member" else "ada")
    until = {"until": "2026-12-31"} if where == "assignment" else {}
    company.scope(assigned={"users": [{"user": "ada", **until}]})
    with pytest.raises(ValueError, match="windows hold at a moment"):
        company.project()


# -- against an oracle that walks every way

_DAYS = ("", "2026-11-21", "2026-11-22", "2026-11-23", "2026-11-24", "2026-11-25")


@dataclass(frozen=True)
class Case:
    users: dict[str, Window]
    groups: dict[str, tuple[Member, ...]]
    moment: datetime


def _windows() -> st.SearchStrategy[Window]:
    ends = st.tuples(st.sampled_from(_DAYS), st.sampled_from(_DAYS))
    made = ends.map(lambda pair: between(pair[0], pair[1], UTC) if any(pair) else ALWAYS)
    return st.one_of(st.just(ALWAYS), made.filter(lambda window: not window.empty))


@st.composite
def _cases(draw: st.DrawFn) -> Case:
    people = [f"u{n}" for n in range(4)]
    groups: dict[str, tuple[Member, ...]] = {}
    for number in range(5):
        entries = []
        for line in range(draw(st.integers(0, 4))):
            inner = draw(st.sampled_from([*people, *(f"g{n}" for n in range(number + 1, 5))]))
            window = draw(_windows())
            if inner.startswith("g"):
                entries.append(Member(line + 2, group=GroupId(inner), window=window))
            else:
                entries.append(Member(line + 2, user=UserId(inner), window=window))
        groups[f"g{number}"] = tuple(entries)
    moment = datetime(2026, 11, 21, tzinfo=UTC) + timedelta(hours=draw(st.integers(0, 120)))
    return Case({name: draw(_windows()) for name in people}, groups, moment)


def _ways(case: Case, group: str, user: str) -> list[tuple[tuple[str, ...], tuple[Window, ...]]]:
    """Every way in: the groups on it, and the windows."""
    found: list[tuple[tuple[str, ...], tuple[Window, ...]]] = []
    for entry in case.groups[group]:
        if entry.user == user:
            found.append(((), (entry.window,)))
        elif entry.group is not None:
            for groups, windows in _ways(case, entry.group, user):
                found.append(((entry.group, *groups), (entry.window, *windows)))
    return found


def _oracle(case: Case, group: str, user: str) -> tuple[tuple[str, ...], str] | None:
    """(the way that is shown, when the one that holds longest ends); None: not a member."""
    holding = [way for way in _ways(case, group, user) if all(each.holds(case.moment) for each in way[1])]
    if not holding:
        return None
    never = (datetime.max.replace(tzinfo=UTC), "")
    ends = (min(((w.closes, w.until) for w in windows if w.closes), default=never) for _, windows in holding)
    return min((way[0] for way in holding), key=lambda groups: (len(groups), groups)), max(ends)[1]


@given(_cases())
@settings(max_examples=300, deadline=None)
def test_members_ways_and_ends_are_those_of_every_way(case: Case) -> None:
    users = {
        UserId(name): User(UserId(name), {"userPrincipalName": name}, "users/all.yaml", 1, {}, window=window)
        for name, window in case.users.items()
    }
    groups = {
        GroupId(name): Group(GroupId(name), {"displayName": name}, members, f"groups/{name}.yaml", 1, {})
        for name, members in case.groups.items()
    }
    keys = {"tenantUrl": "https://x.example", "scope": {"everyone": True}, "unmanaged": {"users": "report"}}
    app = App.model_validate({**keys, "name": "chat"})
    desired = project(Directory(users, groups), app, load_profile("scim"), as_of=case.moment)
    in_scope = {name for name, window in case.users.items() if window.holds(case.moment)}
    assert {person.user.id for person in desired.people if person.wanted} == in_scope
    for group, user in product(desired.groups, sorted(in_scope)):
        expected = _oracle(case, group.group.id, user)
        number = desired.numbers[UserId(user)]
        assert (number in group.members) == (expected is not None)
        if expected is not None:
            assert _told(group, number) == expected


def _told(group: DesiredGroup, number: int) -> tuple[tuple[str, ...], str]:
    return tuple(group.via.get(number, ())), group.until.get(number, "")
