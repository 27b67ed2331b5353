"""Names that are somebody else's: exchanged through a temporary one, or never given up.

One name belongs to one resource at a time. A change to a name that another account keeps could never be made: it is
told as `blocked`, with the rest of the change left to run.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Literal

from reconciler.model.path import parse_path
from reconciler.model.plan import (
    Change,
    CreateGroup,
    CreateUser,
    DeleteGroup,
    DeleteUser,
    RenameGroup,
    RenameUser,
    UpdateGroup,
    UpdateUser,
)
from reconciler.model.values import app_group_key, is_null
from reconciler.plan.context import Context
from reconciler.plan.exchange import open_circles
from reconciler.plan.order import dependencies, given_up, kind_of, naming_paths, waiters

CIRCLE = "the name has to come from {givers}, where it can't be given up: not everybody there can be renamed"
KEPT = "the name {name} belongs to {holder}, which keeps it: rename that one first, or choose another"


def untangle(context: Context, kind: Literal["user", "group"]) -> None:
    """Orders the renames and creations of one kind so that each name is free in time, and blocks what can't be."""
    changes = context.changes
    needs = _needs(context, kind)
    stuck = _kept(context, kind)
    if not needs and not stuck:
        return
    if open_circles(context, kind, needs, stuck):
        needs = _needs(context, kind)
        stuck = _kept(context, kind)
    circle = _circle(changes, needs, stuck)
    for number in circle:
        givers = sorted({changes[n].key for n in needs[number]})
        stuck[number] = CIRCLE.format(givers=" and ".join(givers))
    left = []
    for number, change in enumerate(changes):
        if number in stuck:
            context.block(change.key, change.id, change.name, change.action, "nameTaken", stuck[number])
            left += _without_names(change)
        else:
            left.append(change)
    gone = {changes[n].key for n in stuck if changes[n].action in ("createUser", "createGroup")}
    context.changes[:] = [c for c in left if c.key not in gone]


def _needs(context: Context, kind: Literal["user", "group"]) -> dict[int, set[int]]:
    """What changes of one kind wait for. A circle of the other kind has its own turn."""
    needs = dependencies(context.changes, given_up(context))
    return {number: before for number, before in needs.items() if kind_of(context.changes[number]) == kind}


def _kept(context: Context, kind: Literal["user", "group"]) -> dict[int, str]:
    """Position → why, for changes to a name that another resource has which this plan neither renames nor deletes.

    Of groups only where they are found by their name: elsewhere two may have the same.
    """
    own = {"user": "username", "group": "displayname"}[kind]
    if kind == "group" and not any(c.matching and c.path.lower() == own for c in context.desired.group_columns):
        return {}
    wants: dict[str, list[int]] = {}
    moving: set[str] = set()
    for number, change in enumerate(context.changes):
        if isinstance(change, (DeleteUser, DeleteGroup)) and change.id:
            moving.add(change.id)
        for path, difference in getattr(change, "set", {}).items() if change.action.lower().endswith(kind) else ():
            if parse_path(path).schema_name == own and isinstance(difference.after, str):
                wants.setdefault(str(difference.after).casefold(), []).append(number)
                if change.id and not is_null(difference.before):
                    moving.add(change.id)
    return _stuck(context, kind, wants, moving) if wants else {}


def _stuck(
    context: Context, kind: Literal["user", "group"], wants: Mapping[str, list[int]], moving: Container[str]
) -> dict[int, str]:
    user = kind == "user"
    rows = context.snapshot.accounts if user else context.snapshot.groups
    name_of = context.user_name if user else context.group_name
    stuck: dict[int, str] = {}
    holders = [at for at in range(len(rows)) if rows[at].id not in moving and name_of(at).casefold() in wants]
    for at in sorted(holders, key=lambda at: rows[at].id):
        for number in wants[name_of(at).casefold()]:
            if rows[at].id != context.changes[number].id:
                shown, key = (
                    (context.account_name(at), context.key_of(at)) if user else (name_of(at), _group_key(context, at))
                )
                stuck[number] = KEPT.format(name=name_of(at), holder=f"{shown} ({key})")
    return stuck


def _group_key(context: Context, at: int) -> str:
    owner = context.groups.owner.get(at, -1)
    id_ = context.snapshot.groups[at].id
    own = f"group:{context.desired.groups[owner].group.id}" if owner >= 0 else context.bound_groups.get(id_)
    return own or app_group_key(id_)


def _circle(changes: list[Change], needs: Mapping[int, set[int]], stuck: Mapping[int, str]) -> set[int]:
    """Whoever waits in a circle, or for somebody in one, or for somebody stuck."""
    waited = waiters(needs)
    open_needs = {number: len(before) for number, before in needs.items()}
    ready = [n for n in range(len(changes)) if n not in open_needs and n not in stuck]
    done = set(ready)
    while ready:
        for number in waited.get(ready.pop(), ()):
            open_needs[number] -= 1
            if not open_needs[number] and number not in stuck:
                ready.append(number)
                done.add(number)
    return {n for n in range(len(changes)) if n not in done and n not in stuck}


def _without_names(change: Change) -> list[Change]:
    """What is left of a change whose names can't be written."""
    if isinstance(change, (CreateUser, CreateGroup)) or not hasattr(change, "set"):
        return []
    names = naming_paths(change)
    left = {path: difference for path, difference in change.set.items() if path not in names}
    if not left:
        return []
    if isinstance(change, RenameUser):
        return [UpdateUser.model_validate(change.model_dump(exclude={"action", "set", "temporary"}) | {"set": left})]
    if isinstance(change, RenameGroup):
        return [UpdateGroup.model_validate(change.model_dump(exclude={"action", "set", "temporary"}) | {"set": left})]
    return [change.model_copy(update={"set": left})]
