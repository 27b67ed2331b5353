"""Whom and what a plan is about, from git and the memory alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reconciler.model.app import App
from reconciler.model.desired import Column, Desired
from reconciler.model.interest import Interest, Names
from reconciler.model.snapshot import Snapshot
from reconciler.model.state import State
from reconciler.model.values import UNSET, Flow, RemoteId, Value, is_null


def interest_of(desired: Desired, app: App, state: State) -> Interest:
    """What has to be found in the application for this plan to be made."""
    users = sorted((c for c in desired.user_columns if c.matching), key=lambda c: c.matching)
    teams = sorted((c for c in desired.group_columns if c.matching), key=lambda c: c.matching)
    bound = {key: binding for key, binding in state.bindings.items() if binding["id"]}
    revoked = frozenset(
        id_
        for key, each in state.revocations.items()
        for id_ in (*each.get("accounts", ()), *([key.partition(":")[2]] if key.startswith("account:") else []))
    )
    pins = {f"user:{p.user.id}": p.user.accounts[app.name] for p in desired.people if app.name in p.user.accounts}
    people: list[Names] = [
        _names(users, (person.match, *person.former))
        for person in desired.people
        if f"user:{person.user.id}" not in bound and f"user:{person.user.id}" not in pins
    ]
    if app.guardrails.acts_as is not None:
        people.append((("userName", app.guardrails.acts_as),))
    return Interest(
        accounts=revoked.union(pins.values(), (b["id"] for key, b in bound.items() if key.startswith("user:"))),
        people=tuple(names for names in people if names),
        groups=frozenset(
            [
                *(g.group.accounts[app.name] for g in desired.groups if app.name in g.group.accounts),
                *(binding["id"] for key, binding in bound.items() if key.startswith("group:")),
            ]
        ),
        teams=tuple(
            names
            for group in desired.groups
            if f"group:{group.group.id}" not in bound and app.name not in group.group.accounts
            if (names := _names(teams, (group.match, *group.former)))
        ),
        names=frozenset(
            str(value).casefold()
            for group in desired.groups
            for row in (group.match, *group.former)
            for value in row
            if _is_name(value)
        ),
        every_group=app.unmanaged.groups in {"delete", "empty"},
        filled=frozenset(b["id"] for key, b in bound.items() if key.startswith("group:") and b.get("members")),
    )


def joint_interest(one: Interest, other: Interest) -> Interest:
    """What both are about."""
    return Interest(
        accounts=one.accounts | other.accounts,
        people=tuple(dict.fromkeys((*one.people, *other.people))),
        groups=one.groups | other.groups,
        teams=tuple(dict.fromkeys((*one.teams, *other.teams))),
        names=one.names | other.names,
        every_group=one.every_group or other.every_group,
        filled=one.filled | other.filled,
    )


def _names(columns: Sequence[Column], rows: Iterable[Sequence[Flow]]) -> Names:
    found: dict[tuple[str, str], Value] = {}
    for row in rows:
        for column, value in zip(columns, row, strict=False):
            if _is_name(value):
                found.setdefault((column.path, str(value).casefold()), value)
    return tuple((path, value) for (path, _), value in found.items())


def _is_name(value: Flow) -> bool:
    return value is not UNSET and not is_null(value) and isinstance(value, str | int)


def fill_from_memory(snapshot: Snapshot, state: State, *, unread: bool = False) -> None:
    """The members of groups, where the application shows none: those whom the memory says that we left there. With
    `unread` only of groups at whose members nobody looked.
    """
    account = {key[5:]: binding["id"] for key, binding in state.bindings.items() if key.startswith("user:")}
    left = {b["id"]: b.get("members", ()) for key, b in state.bindings.items() if key.startswith("group:")}
    for group in snapshot.groups:
        if unread and group.members_read:
            continue
        ids = (RemoteId(account[user]) for user in left.get(group.id, ()) if user in account)
        group.members = {snapshot.numbers[each] for each in ids if each in snapshot.numbers}
