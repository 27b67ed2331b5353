"""The order of changes: leavers first, gains before losses, who frees a name before who takes it."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.model.path import parse_path
from reconciler.model.plan import Change, Reason
from reconciler.model.values import Value, is_null

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
    """By stage; among leavers the disabled and those gone from git first; then by key, action, and members."""

    def position(change: Change) -> tuple[int, int, str, str, list[str], str, list[str]]:
        urgent = 0 if _FIRST.intersection(change.reasons) else 1
        held = [h.release for h in change.held]
        members = [m.key for m in getattr(change, "members", ())]
        return stage(change, leavers_last=leavers_last), urgent, change.key, change.action, held, change.origin, members

    return sorted(changes, key=position)


def awaited(change: Change) -> set[str]:
    """The keys of people whose creation a change waits for, because it refers to them; itself included, if it is new.

    Such a change is about nothing else.
    """
    shown = [d.after for d in getattr(change, "set", {}).values()]
    people = {after["key"] for after in shown if isinstance(after, dict) and after.keys() == {"key"}}
    return people if not people or change.id is not None else {*people, change.key}


def dependencies(changes: Sequence[Change]) -> dict[int, set[int]]:
    """Position → positions that must be done before it, beyond the stages.

    Who takes a name that somebody of the same plan gives up waits for them; what is about a resource yet to be
    created, or refers to one, waits for its creation. Redacted names can't be told apart, so they wait for nobody.
    """
    frees: dict[tuple[str, str, str], int] = {}
    takes: list[tuple[int, tuple[str, str, str]]] = []
    created: dict[str, int] = {}
    for number, change in enumerate(changes):
        kind = change.key.partition(":")[0]
        if change.action in ("createUser", "createGroup"):
            created[change.key] = number
        for path, difference in getattr(change, "set", {}).items():
            if (kind, parse_path(path).schema_name) in UNIQUE:
                if not _is_hidden(difference.before):
                    frees[kind, path, str(difference.before).casefold()] = number
                if not _is_hidden(difference.after):
                    takes.append((number, (kind, path, str(difference.after).casefold())))
    needs: dict[int, set[int]] = {}
    for number, name in takes:
        giver = frees.get(name)
        if giver is not None and giver != number:
            needs.setdefault(number, set()).add(giver)
    for number, change in enumerate(changes):
        own = created.get(change.key)
        if own is not None and own != number:
            needs.setdefault(number, set()).add(own)
        for key in awaited(change):
            if key in created:
                needs.setdefault(number, set()).add(created[key])
    return needs


def _is_hidden(name: Value) -> bool:
    return is_null(name) or isinstance(name, dict)
