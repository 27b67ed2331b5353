"""Whether a change of the files can make a difference to an app, on whatever day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from reconciler.model.desired import Desired
from reconciler.model.directory import Directory, Group, User
from reconciler.model.window import ALWAYS

Entry = TypeVar("Entry", User, Group)


def touched(before: Desired, now: Desired) -> bool:
    """Whether the app would hold something else. Both are projected for the same moment; what holds only on another
    day is `dated`'s.
    """
    return _columns(before) != _columns(now) or _people(before) != _people(now) or _groups(before) != _groups(now)


def dated(before: Directory, now: Directory) -> bool:
    """Whether somebody or something whose access has a beginning or an end is described in another way: what that
    means for an app, no projection for one moment can tell.
    """
    users = (user.window != ALWAYS for user in _changed(before.users, now.users))
    groups = (_has_window(group) for group in _changed(before.groups, now.groups))
    return str(before.zone) != str(now.zone) or any(users) or any(groups)


def _changed(before: Mapping[Any, Entry], now: Mapping[Any, Entry]) -> Iterable[Entry]:
    """Both versions of each entry that differs by more than its place."""
    for key in {**before, **now}:
        versions = [each[key] for each in (before, now) if key in each]
        if len(versions) == 1 or _placeless(versions[0]) != _placeless(versions[1]):
            yield from versions


def _placeless(entry: User | Group) -> User | Group:
    if isinstance(entry, User):
        return replace(entry, file="", line=0, lines={})
    return replace(
        entry,
        file="",
        line=0,
        lines={},
        members=tuple(replace(member, line=0) for member in entry.members),
        rules=tuple(replace(rule, line=0) for rule in entry.rules),
    )


def _has_window(group: Group) -> bool:
    return any(member.window != ALWAYS for member in group.members)


def _columns(desired: Desired) -> Any:
    return desired.user_columns, desired.group_columns, desired.maps_members, desired.off, desired.mappings_digest


def _people(desired: Desired) -> dict[Any, Any]:
    return {
        person.user.id: (person.standing, person.values, person.match, person.former, person.cause,
                         person.user.accounts.get(desired.app))
        for person in desired.people
    }  # fmt: skip


def _groups(desired: Desired) -> dict[Any, Any]:
    people = desired.people
    return {
        each.group.id: (
            each.values,
            each.match,
            each.former,
            each.group.sensitive,
            each.group.accounts.get(desired.app),
            {people[member].user.id for member in each.members},
        )
        for each in desired.groups
    }


__all__ = ["dated", "touched"]
