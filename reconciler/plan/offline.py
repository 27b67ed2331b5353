"""The files of a revision as if all of them were applied: an application that nobody asked, and a memory of it.

On these two the same planner shows what another revision of the files changes, and nothing else. Ids are pins where the
files have one, and else the files' own ids: the application's are not known.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime

from reconciler.model.comparison import equal
from reconciler.model.desired import Column, Desired, DesiredGroup, Person, Standing
from reconciler.model.path import parse_path
from reconciler.model.plan import Note
from reconciler.model.snapshot import Account, LiveGroup, Snapshot
from reconciler.model.state import Binding, State
from reconciler.model.values import (
    UNSET,
    Choice,
    Flow,
    Generated,
    Key,
    Redacted,
    Reference,
    RemoteId,
    UserId,
    Value,
    group_key,
    is_null,
    user_key,
)
from reconciler.plan.difference import digest
from reconciler.plan.document import instant
from reconciler.plan.unread import Paths


class Supposed:
    """What an application would hold if `before` were applied without remainder. `pins`: user and group keys → the ids
    that today's files pin them to; `None` of `before`: it holds nobody.
    """

    def __init__(self, app: str, tenant_url: str, before: Desired | None, pins: Mapping[Key, str]) -> None:
        self.app, self.tenant_url, self.before = app, tenant_url, before
        everybody = [] if before is None else before.people
        self.people = [person for person in everybody if person.standing is not Standing.OUT_OF_SCOPE]
        self.groups = [] if before is None else before.groups
        users = {user_key(each.user.id): each.user.accounts.get(app) for each in self.people}
        groups = {group_key(each.group.id): each.group.accounts.get(app) for each in self.groups}
        self.ids = {**_ids(users, pins), **_ids(groups, pins)}

    def memory(self, as_of: datetime) -> State:
        """That of an apply of `before`."""
        commit = None if self.before is None else self.before.directory.commit
        since = instant(as_of)
        state = State(app=self.app, tenant_url=self.tenant_url)
        for person in self.people:
            key, user, wanted = user_key(person.user.id), person.user, digest(tuple(person.values))
            binding = Binding(id=self.ids[key], since=since, commit=commit, wanted=wanted, name=user.name)
            state.bindings[key] = {**binding, "file": user.file, "active": person.wanted}
        for each in self.groups:
            key, group, wanted = group_key(each.group.id), each.group, digest(tuple(each.values))
            binding = Binding(id=self.ids[key], since=since, commit=commit, wanted=wanted, name=group.name)
            members = sorted(str(self._person(at).user.id) for at in each.members)
            state.bindings[key] = {**binding, "file": group.file, "members": members}
        return state

    def snapshot(self, needed: Paths, mapped: Paths, tokens: Collection[str], as_of: datetime) -> Snapshot:
        """At the needed paths. `mapped`: those that today's files write; what neither these nor `before` write is not
        known. `tokens`: the names of accounts that have to be there, whoever they belong to.
        """
        user_columns = () if self.before is None else self.before.user_columns
        group_columns = () if self.before is None else self.before.group_columns
        take, unread_users = _taking(user_columns, needed[0], (*mapped[0], "active"))
        take_group, unread_groups = _taking(group_columns, needed[1], (*mapped[1], "displayName"))
        snapshot = Snapshot(self.tenant_url, tuple(needed[0]), tuple(needed[1]), [], [], as_of, source="files")
        snapshot.unread_user_paths, snapshot.unread_group_paths = unread_users, unread_groups
        snapshot.accounts = [self._account(person, user_columns, needed[0], take) for person in self.people]
        self._add_tokens(snapshot, tokens)
        snapshot.accounts.sort(key=lambda account: account.id)
        snapshot.number()
        snapshot.groups = sorted((self._group(g, snapshot, take_group) for g in self.groups), key=lambda each: each.id)
        return snapshot

    def _person(self, at: int) -> Person:
        assert self.before is not None
        return self.before.people[at]

    def _account(
        self,
        person: Person,
        columns: Sequence[Column],
        paths: Sequence[str],
        take: Callable[[Sequence[Flow]], list[Flow]],
    ) -> Account:
        row = take(person.values)
        matching = sorted((c for c in columns if c.matching), key=lambda column: column.matching)
        known = {parse_path(c.path).canonical: value for c, value in zip(matching, person.match, strict=True)}
        known["active"] = person.wanted
        for at, path in enumerate(paths):
            if row[at] is UNSET or is_null(row[at]):
                row[at] = known.get(parse_path(path).canonical)
        id_ = self.ids[user_key(person.user.id)]
        return Account(RemoteId(id_), person.wanted, tuple([self._held(value) for value in row]))

    def _group(
        self, group: DesiredGroup, snapshot: Snapshot, take: Callable[[Sequence[Flow]], list[Flow]]
    ) -> LiveGroup:
        row = [self._held(value) for value in take(group.values)]
        at = snapshot.group_paths.index("displayName")
        row[at] = row[at] or group.group.name
        users = (self.ids[user_key(self._person(member).user.id)] for member in group.members)
        members = {snapshot.numbers[RemoteId(id_)] for id_ in users}
        return LiveGroup(RemoteId(self.ids[group_key(group.group.id)]), tuple(row), members)

    def _add_tokens(self, snapshot: Snapshot, tokens: Collection[str]) -> None:
        at = snapshot.user_paths.index("userName")
        for token in sorted(set(tokens)):
            if not any(equal(token, str(each.values[at] or ""), exact=False) for each in snapshot.accounts):
                row = tuple(token if n == at else None for n in range(len(snapshot.user_paths)))
                snapshot.accounts.append(Account(RemoteId(f"actsAs {token}"), True, row))

    def _held(self, value: Flow) -> Value:
        match value:
            case Redacted():
                return self._held(value.value)
            case Reference():
                return self.ids.get(user_key(UserId(value.user)))
            case Choice():
                return value.candidates[0] if value.candidates else None
            case _:
                return None if value is UNSET or isinstance(value, Generated) else value


def offline_note(app: str, base: str | None, why: str) -> Note:
    what = f"the files at {base[:7]}" if base else "no files"
    text = (
        f"compared with {what} alone, as if all of that were applied ({why}): neither the application nor the memory "
    )
    return Note(code="offline", key=app, text=f"{text}was asked, and this can't be applied")


def _ids(own: Mapping[Key, str | None], pins: Mapping[Key, str]) -> dict[Key, str]:
    """Each its own: what the revision pins, else what today's files pin and nobody had, else the files' id."""
    found = {key: pin for key, pin in own.items() if pin}
    taken = set(found.values())
    for key in own:
        if key in found:
            continue
        id_ = pins.get(key, "")
        if not id_ or id_ in taken:
            id_ = key.partition(":")[2]
        while id_ in taken:
            id_ += "'"
        found[key] = id_
        taken.add(id_)
    return found


def _taking(
    columns: Sequence[Column], needed: Sequence[str], mapped: Sequence[str]
) -> tuple[Callable[[Sequence[Flow]], list[Flow]], frozenset[str]]:
    """What makes a row of the snapshot from one of the projection, and the paths of which nobody knows anything."""
    at = {parse_path(column.path).canonical: n for n, column in enumerate(columns)}
    places = [at.get(parse_path(path).canonical) for path in needed]
    known = {parse_path(path).canonical for path in mapped}
    unread = (path for path, n in zip(needed, places, strict=True) if n is None)
    return (
        lambda values: [UNSET if n is None else values[n] for n in places],
        frozenset(path for path in unread if parse_path(path).canonical not in known),
    )
