"""When a change of now is the one that was approved, or a part of it."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from reconciler.model.plan import (
    AddMembers,
    AdoptGroup,
    AdoptUser,
    Change,
    CreateGroup,
    CreateUser,
    DeactivateUser,
    DeleteGroup,
    Difference,
    EmptyGroup,
    ReactivateUser,
    RemoveMembers,
    RenameGroup,
    RenameUser,
    UpdateGroup,
    UpdateUser,
)

Writing: TypeAlias = UpdateUser | RenameUser | ReactivateUser | AdoptUser | UpdateGroup | RenameGroup | AdoptGroup
Belonging: TypeAlias = AddMembers | RemoveMembers | EmptyGroup
Sets: TypeAlias = Writing | DeactivateUser
WRITING: Final = (UpdateUser, RenameUser, ReactivateUser, AdoptUser, UpdateGroup, RenameGroup, AdoptGroup)
BELONGING: Final = (AddMembers, RemoveMembers, EmptyGroup)
CREATING: Final = (CreateUser, CreateGroup)


def family(change: Change) -> str:
    """Changes that may be parts of one another."""
    if isinstance(change, WRITING):
        return "write"
    if isinstance(change, AddMembers):
        return "add"
    return "remove" if isinstance(change, (RemoveMembers, EmptyGroup)) else change.action


def is_the_same(approved: Change, now: Change) -> bool:
    """Of what is compared as a whole."""
    if not same_id(approved.id, now.id) or approved.action != now.action:
        return False
    if isinstance(now, DeleteGroup) and isinstance(approved, DeleteGroup):
        return {m.key for m in now.members} <= {m.key for m in approved.members}
    ours, theirs = getattr(approved, "set", {}), getattr(now, "set", {})
    return ours.keys() == theirs.keys() and all(same(ours[path], theirs[path]) for path in ours)


def same_id(approved: str | None, now: str | None) -> bool:
    return approved is None or approved == now


def same(approved: Difference, now: Difference) -> bool:
    return _same_value(approved.before, now.before) and _same_value(approved.after, now.after)


def _same_value(approved: Any, now: Any) -> bool:
    """A person who had no account when it was approved has one now: the same person."""
    if isinstance(approved, dict) and isinstance(now, dict) and "key" in approved and "id" not in approved:
        return bool(approved == {key: value for key, value in now.items() if key != "id"})
    return bool(approved == now)
