"""The order of files and of members does not matter, and membership is what its definition says."""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.gallery import load_profile
from reconciler.model.app import App
from reconciler.model.desired import Desired
from reconciler.model.directory import Directory, Group, Member, User
from reconciler.model.values import GroupId, UserId
from reconciler.project import project

_PROFILE = load_profile("scim")
_GROUPS = [f"g{number}" for number in range(6)]
_USERS = [f"u{number}" for number in range(5)]

# A group nests only groups after it: no circles, as the loader guarantees.
nested = st.fixed_dictionaries(
    {
        group: st.lists(st.sampled_from(_USERS + _GROUPS[number + 1 :]), max_size=6)
        for number, group in enumerate(_GROUPS)
    }
)


def _app(groups: Any, assigned: list[str]) -> App:
    return App.model_validate(
        {
            "name": "chat",
            "tenantUrl": "https://scim.example.com/v2",
            "scope": {"assigned": {"groups": assigned}},
            "groups": groups,
            "unmanaged": {"users": "report"},
        }
    )


def _directory(members: dict[str, list[str]], random: Random) -> Directory:
    users = [User(UserId(u), {"userPrincipalName": u, "displayName": u}, f"users/{u}.yaml", 1, {}) for u in _USERS]
    groups: list[Group] = []
    for name, entries in members.items():
        mixed = [
            Member(1, group=GroupId(each)) if each in _GROUPS else Member(1, user=UserId(each)) for each in entries
        ]
        random.shuffle(mixed)
        groups.append(Group(GroupId(name), {"displayName": name}, tuple(mixed), f"groups/{name}.yaml", 1, {}))
    random.shuffle(users)
    random.shuffle(groups)
    return Directory({user.id: user for user in users}, {group.id: group for group in groups})


def _facts(desired: Desired) -> Any:
    people = [(person.user.id, person.standing, person.values, person.match) for person in desired.people]
    groups = [
        (group.group.id, group.values, sorted(group.members), sorted(group.via.items()), sorted(group.lines.items()))
        for group in desired.groups
    ]
    return people, groups, desired.numbers, desired.in_scope


def _definition(members: dict[str, list[str]], group: str) -> set[str]:
    found: set[str] = set()
    for each in members[group]:
        found |= _definition(members, each) if each in members else {each}
    return found


def _chains(members: dict[str, list[str]], group: str, user: str) -> list[tuple[str, ...]]:
    chains = [()] if user in members[group] else []
    return chains + [
        (each, *chain) for each in members[group] if each in members for chain in _chains(members, each, user)
    ]


@settings(max_examples=60, deadline=None)
@given(nested, st.integers(), st.lists(st.sampled_from(_GROUPS), unique=True))
def test_order_does_not_matter(members: dict[str, list[str]], seed: int, assigned: list[str]) -> None:
    app = _app("all", assigned)
    one = project(_directory(members, Random(0)), app, _PROFILE, managed=[UserId("u0")])
    two = project(_directory(members, Random(seed)), app, _PROFILE, managed=[UserId("u0")])
    assert _facts(one) == _facts(two)


@settings(max_examples=60, deadline=None)
@given(nested, st.lists(st.sampled_from(_GROUPS), unique=True), st.lists(st.sampled_from(_GROUPS), unique=True))
def test_members_and_ways_are_as_defined(members: dict[str, list[str]], app: list[str], assigned: list[str]) -> None:
    desired = project(_directory(members, Random(1)), _app(app, assigned), _PROFILE)
    entitled = set().union(*(_definition(members, group) for group in assigned)) if assigned else set()
    assert {person.user.id for person in desired.people} == entitled
    for group in desired.groups:
        effective = _definition(members, group.group.id) & entitled
        assert {desired.people[number].user.id for number in group.members} == effective
        for number in group.members:
            user = desired.people[number].user.id
            shortest = min(_chains(members, group.group.id, user), key=lambda chain: (len(chain), chain))
            assert group.via.get(number, ()) == shortest
