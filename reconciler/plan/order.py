"""The order of changes: leavers first, gains before losses, who frees a name before who takes it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal, TypeAlias

from reconciler.model.path import parse_path
from reconciler.model.plan import Change, Reason
from reconciler.model.values import Value, is_null
from reconciler.plan.circles import circles
from reconciler.plan.context import Context

STAGES: tuple[tuple[str, ...], ...] = (
    ("deactivateUser", "deleteUser"),
    ("createUser", "reactivateUser"),
    ("updateUser", "renameUser", "adoptUser"),
    ("createGroup", "updateGroup", "renameGroup", "adoptGroup"),
    ("addMembers",),
    ("removeMembers",),
    ("emptyGroup", "deleteGroup"),
)
"""Inside a stage changes run side by side; stages follow one another."""
UNIQUE = frozenset({("user", "username"), ("user", "emails.value"), ("group", "displayname")})
"""Values that belong to one resource at a time."""
_STAGE = {action: number for number, actions in enumerate(STAGES) for action in actions}
_FIRST = frozenset({Reason.DISABLED, Reason.REVOKED, Reason.GONE_FROM_GIT})


def stage(change: Change, *, leavers_last: bool = False) -> int:
    """The position of a change's stage, dependencies aside."""
    number = _STAGE[change.action]
    return len(STAGES) if leavers_last and number == 0 else number


def ordered(changes: Sequence[Change], *, leavers_last: bool = False) -> list[Change]:
    """By stage; among leavers the disabled and those gone from git first; then by key, temporary
    names first, action, and members."""

    def position(change: Change) -> tuple[int, int, str, bool, str, list[str], str, list[str]]:
        urgent = 0 if _FIRST.intersection(change.reasons) else 1
        held = [h.release for h in change.held]
        members = [m.key for m in getattr(change, "members", ())]
        first = not getattr(change, "temporary", False)
        number = stage(change, leavers_last=leavers_last)
        return number, urgent, change.key, first, change.action, held, change.origin, members

    return sorted(changes, key=position)


def awaited(change: Change) -> set[str]:
    """The keys of people whose creation a change waits for, because it refers to them; itself included, if it is new.

    Such a change is about nothing else.
    """
    shown = [d.after for d in getattr(change, "set", {}).values()]
    people = {after["key"] for after in shown if isinstance(after, dict) and after.keys() == {"key"}}
    return people if not people or change.id is not None else {*people, change.key}


Name: TypeAlias = tuple[str, str, str]
"""Kind, path, and the name without its case."""


def dependencies(changes: Sequence[Change], freed: Mapping[str, Collection[Name]] | None = None) -> dict[int, set[int]]:
    """Position → positions that must be done before it, beyond the stages. `freed` is what `given_up` says.

    Who takes a name that somebody of the same plan gives up waits for them; what is about a resource yet to be created
    or taken over, or refers to one yet to be created, waits for that, unless it is what goes aside first. Redacted
    names can't be told apart, so they wait for nobody.
    Of people who exchange names, nobody begins before everything that any of them waits for is done.
    """
    frees: dict[Name, list[int]] = {}
    created: dict[str, int] = {}
    aside: dict[tuple[str, str], int] = {}
    for number, change in enumerate(changes):
        if change.action in ("createUser", "createGroup", "adoptUser", "adoptGroup"):
            created[change.key] = number
        if getattr(change, "temporary", False):
            aside |= {(change.key, str(d.after)): number for d in getattr(change, "set", {}).values()}
        names = (
            freed.get(change.id or "", ())
            if freed and change.action.startswith("delete")
            else names_of(change, "before")
        )
        for name in names:
            frees.setdefault(name, []).append(number)
    needs: dict[int, set[int]] = {}
    for number, change in enumerate(changes):
        before = {giver for name in taken_names(change) for giver in frees.get(name, ())}
        if aside:
            olds = {str(d.before) for d in getattr(change, "set", {}).values()}
            before |= {aside[change.key, old] for old in olds if (change.key, old) in aside}
        # who goes aside does so before being taken over: that gives the name away which others wait for
        own = () if getattr(change, "temporary", False) else (change.key,)
        before |= {created[key] for key in (*own, *awaited(change)) if key in created}
        if before := before - {number}:
            needs[number] = before
    if aside:
        _wait_outside(changes, needs)
    return needs


def exchanges(changes: Sequence[Change], needs: Mapping[int, set[int]]) -> list[frozenset[int]]:
    """Positions of those who exchange names through temporary ones: each set is done as a whole, or not at all."""
    last: dict[int, set[int]] = {}
    for number, change in enumerate(changes):
        for each in needs.get(number, ()):
            if getattr(changes[each], "temporary", False) and changes[each].key == change.key:
                last.setdefault(each, set()).add(number)
    return circles({n: needs.get(n, set()) | last.get(n, set()) for n in {*needs, *last}}) if last else []


def _wait_outside(changes: Sequence[Change], needs: dict[int, set[int]]) -> None:
    for circle in exchanges(changes, needs):
        outside = {before for number in circle for before in needs.get(number, ()) if before not in circle}
        for number in circle if outside else ():
            if getattr(changes[number], "temporary", False):
                needs[number] = needs.get(number, set()) | outside


def given_up(context: Context) -> dict[str, list[Name]]:
    """Id → the names of every account and group that this plan deletes."""
    snapshot = context.snapshot
    users = [snapshot.accounts[at] for at in context.deleting]
    going = {change.id for change in context.changes if change.action == "deleteGroup"}
    groups = [group for group in snapshot.groups if group.id in going] if going else []
    return {
        **{each.id: _held_names("user", snapshot.user_paths, each.values) for each in users},
        **{each.id: _held_names("group", snapshot.group_paths, each.values) for each in groups},
    }


def _held_names(kind: str, paths: Sequence[str], row: Sequence[Value]) -> list[Name]:
    return [
        (kind, path, str(value).casefold())
        for path, value in zip(paths, row, strict=True)
        if (kind, parse_path(path).schema_name) in UNIQUE and not _is_hidden(value)
    ]


def waiters(needs: Mapping[int, Collection[int]]) -> dict[int, list[int]]:
    """`dependencies` the other way round: position → those that wait for it."""
    waiting: dict[int, list[int]] = {}
    for number, before in needs.items():
        for each in before:
            waiting.setdefault(each, []).append(number)
    return waiting


def taken_names(change: Change) -> list[Name]:
    """The names that a change takes; a temporary one is nobody else's."""
    if getattr(change, "temporary", False):
        return []
    return names_of(change, "after")


def names_of(change: Change, side: Literal["before", "after"]) -> list[Name]:
    """The names that a change writes, or writes over."""
    return [
        (kind_of(change), path, str(name).casefold())
        for path in naming_paths(change)
        if not _is_hidden(name := getattr(change.set[path], side))  # type: ignore[union-attr]
    ]


def naming_paths(change: Change) -> list[str]:
    """The paths of a change whose values belong to one resource at a time."""
    kind = kind_of(change)
    return [path for path in getattr(change, "set", {}) if (kind, parse_path(path).schema_name) in UNIQUE]


def kind_of(change: Change) -> Literal["user", "group"]:
    """What a change is about."""
    return "user" if change.key.startswith(("user:", "account:")) else "group"


def _is_hidden(name: Value) -> bool:
    return is_null(name) or isinstance(name, dict)
