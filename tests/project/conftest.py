"""A small company to project: people and groups in a few words each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import TypeAdapter

from reconciler.errors import DesiredStateError, Place, Problem
from reconciler.gallery import load_profile
from reconciler.model.app import App, Condition
from reconciler.model.desired import Desired, DesiredGroup, Person
from reconciler.model.directory import Directory, Group, Member, Rule, User
from reconciler.model.mapping import Mappings
from reconciler.model.profile import Profile
from reconciler.model.values import GroupId, UserId
from reconciler.model.window import ALWAYS, Window, between
from reconciler.project import project


class Company:
    """People and groups to be, and one app."""

    def __init__(self) -> None:
        self.users: dict[UserId, User] = {}
        self.groups: dict[GroupId, Group] = {}
        self.custom: dict[str, str] = {}
        self.app_keys: dict[str, Any] = {
            "tenantUrl": "https://scim.example.com/v2",
            "scope": {"everyone": True},
            "unmanaged": {"users": "report"},
        }
        self.mappings = Mappings()
        self.profile: Profile = load_profile("scim")
        self.places: dict[str, Place] = {}
        self.revoked: dict[str, str] = {}
        self.now: datetime | None = None
        self.soon_days = 30

    def user(self, identity: str, /, **keys: Any) -> User:
        """Attributes by name (None takes one away); kind, enabled, formerly and accounts are the record's own."""
        names = ("kind", "enabled", "formerly", "accounts", "window")
        own = {name: keys.pop(name) for name in names if name in keys}
        attributes = {"userPrincipalName": f"{identity}@contoso.com", "displayName": identity.title(), **keys}
        attributes = {name: value for name, value in attributes.items() if value is not None}
        lines = {name: number for number, name in enumerate(attributes, start=2)}
        user = User(UserId(identity), attributes, f"users/{identity}.yaml", 1, lines, **own)
        self.users[user.id] = user
        return user

    def group(self, identity: str, /, *members: str, **keys: Any) -> Group:
        """`@name` nests a group; `name FROM..UNTIL reason` has a window, either end left out."""
        own: dict[str, Any] = {n: keys.pop(n) for n in ("formerly", "accounts", "sensitive") if n in keys}
        rules = keys.pop("rules", ())
        own["rules"] = tuple(Rule(_conditions(each), line) for line, each in enumerate(rules, start=50))
        entries = tuple(_entry(line, written) for line, written in enumerate(members, start=4))
        attributes = {"displayName": identity.title(), **keys}
        attributes = {name: value for name, value in attributes.items() if value is not None}
        lines = {name: number for number, name in enumerate(attributes, start=2)}
        group = Group(GroupId(identity), attributes, entries, f"groups/{identity}.yaml", 1, lines, **own)
        self.groups[group.id] = group
        return group

    def scope(self, **keys: Any) -> None:
        self.app_keys["scope"] = keys

    def map(self, *users: dict[str, Any], groups: tuple[dict[str, Any], ...] = (), replace: bool = False) -> None:
        self.mappings = Mappings.model_validate({"users": users, "groups": groups, "replace": replace})

    @property
    def directory(self) -> Directory:
        users = {each: self.users[each] for each in sorted(self.users)}
        groups = {each: self.groups[each] for each in sorted(self.groups)}
        return Directory(users, groups, attributes=self.custom, soon_days=self.soon_days)

    @property
    def app(self) -> App:
        return App.model_validate({**self.app_keys, "name": "chat", "mappings": self.mappings})

    def project(self, managed: tuple[str, ...] = ()) -> Desired:
        kept = [UserId(each) for each in managed]
        revoked = {UserId(each): why for each, why in self.revoked.items()}
        return project(
            self.directory,
            self.app,
            self.profile,
            managed=kept,
            revoked=revoked,
            places=self.places,
            as_of=self.now,
        )

    def problems(self) -> list[Problem]:
        with pytest.raises(DesiredStateError) as caught:
            self.project()
        return list(caught.value.problems)

    def problem(self) -> Problem:
        """The one error. Warnings don't count."""
        problems = [each for each in self.problems() if each.severity == "error"]
        assert len(problems) == 1, problems
        return problems[0]

    def values(self, identity: str) -> dict[str, Any]:
        """Target → what flows there for this person."""
        desired = self.project()
        person = desired.people[desired.numbers[UserId(identity)]]
        return values_of(desired, person)


def window(written: str) -> Window:
    """`FROM..UNTIL`, in UTC."""
    from_, _, until = written.partition("..")
    return between(from_, until, UTC) if written else ALWAYS


def _entry(line: int, written: str) -> Member:
    name, _, rest = written.partition(" ")
    when, _, reason = rest.partition(" ")
    if name.startswith("@"):
        return Member(line, group=GroupId(name[1:]), reason=reason, window=window(when))
    return Member(line, user=UserId(name), reason=reason, window=window(when))


def _conditions(clauses: Any) -> tuple[Condition, ...]:
    return TypeAdapter(tuple[Condition, ...]).validate_python(tuple(clauses))


def values_of(desired: Desired, person: Person) -> dict[str, Any]:
    return {column.path: value for column, value in zip(desired.user_columns, person.values, strict=True)}


def members_of(desired: Desired, group: DesiredGroup) -> set[str]:
    return {desired.people[number].user.id for number in group.members}


def by_id(desired: Desired) -> Mapping[str, DesiredGroup]:
    return {group.group.id: group for group in desired.groups}


@pytest.fixture
def company() -> Company:
    return Company()


@pytest.fixture
def within() -> Any:
    """within("2026-12-01..") is a window, whole days in UTC."""
    return window


@pytest.fixture
def row() -> Any:
    return values_of


@pytest.fixture
def members() -> Any:
    """desired → group id → ids of its members."""
    return lambda desired: {group.group.id: members_of(desired, group) for group in desired.groups}


@pytest.fixture
def groups() -> Any:
    return by_id
