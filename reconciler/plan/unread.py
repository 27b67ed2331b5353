"""A snapshot that was kept, cut to what today's files read: what was not asked for then is not known, which is not the
same as that there is nothing.

A path that nobody read is never compared; where it tells whose an account is, accounts of nobody are not judged, and
nobody loses anything for it. Where nobody looked who is in a group, everybody whom git wants there is shown as joining.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeAlias

from reconciler.model.app import App, Clause, Guardrails
from reconciler.model.desired import Column, Desired
from reconciler.model.path import parse_path
from reconciler.model.plan import Note
from reconciler.model.snapshot import Account, LiveGroup, Snapshot
from reconciler.model.values import Value
from reconciler.plan.context import VERSION
from reconciler.plan.document import instant
from reconciler.plan.strict import protected

Paths: TypeAlias = tuple[Sequence[str], Sequence[str]]
"""Of users and of groups."""


def widened(snapshot: Snapshot, needed: Paths, telling: Paths) -> Snapshot:
    """With exactly the needed paths, in their order. `telling`: those that say whose an account or a group is, or that
    it is not to be touched.
    """
    users, take_user, unread_users = _taking(snapshot.user_paths, needed[0])
    groups, take_group, unread_groups = _taking(snapshot.group_paths, needed[1])
    return replace(
        snapshot,
        user_paths=users,
        group_paths=groups,
        accounts=[Account(a.id, a.active, take_user(a.values)) for a in snapshot.accounts],
        groups=[
            LiveGroup(g.id, take_group(g.values), set(g.members), g.others, g.members_read) for g in snapshot.groups
        ],
        unread_user_paths=unread_users,
        unread_group_paths=unread_groups,
        partial=snapshot.partial or not unread_users.isdisjoint(telling[0]),
        blind=not (unread_users.isdisjoint(telling[0]) and unread_groups.isdisjoint(telling[1])),
    )


def _taking(have: Sequence[str], needed: Sequence[str]):  # type: ignore[no-untyped-def]
    wanted = tuple(path for path in needed if path != VERSION)
    at = {parse_path(path).canonical: n for n, path in enumerate(have)}
    places = [at.get(parse_path(path).canonical) for path in wanted]

    def take(row: Sequence[Value]) -> tuple[Value, ...]:
        return tuple([None if place is None else row[place] for place in places])

    if tuple(places) == tuple(range(len(have))):
        return wanted, tuple, frozenset()
    return wanted, take, frozenset(path for path, place in zip(wanted, places, strict=True) if place is None)


def telling_paths(desired: Desired, app: App, stricter: Sequence[Guardrails] = ()) -> Paths:
    """Paths that say whose an account or a group is, or that it is not to be touched."""
    guarded = protected(app, stricter)
    return (
        (*_matching(desired.user_columns), *_asked(app.ignore.users), *_asked(guarded.users)),
        (*_matching(desired.group_columns), *_asked(app.ignore.groups), *_asked(guarded.groups)),
    )


def _matching(columns: Iterable[Column]) -> list[str]:
    return [column.path for column in columns if column.matching]


def _asked(clauses: Iterable[str | Clause]) -> list[str]:
    return [clause.attribute for clause in clauses if isinstance(clause, Clause)]


def redacted_paths(*versions: Desired) -> frozenset[str]:
    """What no snapshot that is kept may hold, and what says nothing later."""
    columns = [c for each in versions for c in (*each.user_columns, *each.group_columns)]
    return frozenset({VERSION, *(column.path for column in columns if column.redacts)})


def age_note(app: str, snapshot: Snapshot, as_of: datetime, *, moved: bool) -> Note:
    """How old what was read is. `moved`: the memory was written since."""
    read_at = instant(snapshot.read_at)
    text = f"planned on what was read at {read_at}, {age(snapshot.read_at, as_of)}: the application was not asked"
    if moved:
        text += "; the memory was written since, by an apply that runs or was broken off, or by a revocation"
    return Note(code="snapshotAge", key=app, text=text)


def age(read_at: datetime, as_of: datetime) -> str:
    """`3 hours before`, in words; of a moment that is not past, that it is later."""
    passed = as_of - read_at
    if passed < timedelta(0):
        return "later than the moment that is planned for"
    for unit, length in (("day", timedelta(days=1)), ("hour", timedelta(hours=1)), ("minute", timedelta(minutes=1))):
        if passed >= length * (1 if unit == "minute" else 2):
            count = passed // length
            return f"{count:,} {unit}{'' if count == 1 else 's'} before"
    return "less than a minute before"


def lacking_notes(app: str, snapshot: Snapshot, desired: Desired, telling: Paths) -> list[Note]:
    """What today's files need and the snapshot does not hold, and what that means for the plan."""
    notes = []
    sides = (
        ("users", snapshot.unread_user_paths, desired.user_columns, telling[0]),
        ("groups", snapshot.unread_group_paths, desired.group_columns, telling[1]),
    )
    for kind, unread, columns, tells in sides:
        redacted = {column.path for column in columns if column.redacts}
        for path in sorted(unread):
            why = "a mapping redacts it" if path in redacted else "it was not read then"
            text = f"the snapshot has no {path} of {kind}, since {why}: {_meaning(path, tells)}"
            notes.append(Note(code="snapshotLacks", key=app, text=text))
    names = [_name(snapshot, group) for group in snapshot.groups if not group.members_read]
    wanted = {str(value).casefold() for group in desired.groups for value in group.match if value}
    for name in sorted(name for name in names if name.casefold() in wanted and desired.maps_members):
        text = f"the snapshot does not say who is in {name}: everybody whom git wants there is shown as joining"
        notes.append(Note(code="snapshotLacks", key=app, text=text))
    return notes


def _name(snapshot: Snapshot, group: LiveGroup) -> str:
    at = snapshot.group_paths.index("displayName")
    return str(group.values[at] or group.id)


def _meaning(path: str, tells: Collection[str]) -> str:
    if path in tells:
        return (
            "whose an account is can't be told by it. Who is shown as new may have an account already, and nobody is "
            "judged to be unmanaged"
        )
    return "whether it differs is not known, and nothing is planned for it where there is an account"
