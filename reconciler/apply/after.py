"""What an application holds after an apply: what was read before it, with what was written and verified in it.

Reading everything again would cost as much as the plan did. Of what is in doubt (failed, not stored, not verified) each
resource is read by itself; where that is too much, or fails, nothing is known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from reconciler.apply.outcome import Outcome, Status, Step
from reconciler.apply.write import Names
from reconciler.errors import ReconcilerError
from reconciler.live import Reader
from reconciler.live.records import account_maker, member_ids
from reconciler.live.rows import row
from reconciler.model.comparison import truth
from reconciler.model.path import freeze, member, parse_path
from reconciler.model.plan import (
    AddMembers,
    DeleteGroup,
    DeleteUser,
    EmptyGroup,
    RemoveMembers,
    RenameGroup,
    RenameUser,
)
from reconciler.model.profile import Profile
from reconciler.model.snapshot import Account, LiveGroup, Snapshot
from reconciler.model.values import RemoteId, Value

MOST: Final = 100
"""Resources in doubt that are read one by one; with more of them the next reading of everything has to tell."""


async def after(
    snapshot: Snapshot, outcome: Outcome, names: Names, reader: Reader, profile: Profile
) -> Snapshot | None:
    """`snapshot`, moved on. None: what the application holds now is not known."""
    moving = _Moving(snapshot)
    for step in outcome.steps:
        moving.step(step, names)
    if len(moving.doubtful) > MOST:
        return None
    try:
        for kind, id_ in sorted(moving.doubtful, reverse=True):  # users first: groups have them as members
            there = await (moving.read_user if kind == "user" else moving.read_group)(id_, reader, profile)
            if not there and id_ in moving.perhaps_moved:
                return None  # some servers make the id of the name: it may be there under another one
    except ReconcilerError:
        return None
    return moving.moved()


@dataclass(slots=True)
class _Group:
    values: tuple[Value, ...]
    members: set[RemoteId]
    others: frozenset[RemoteId]
    members_read: bool


@dataclass
class _Moving:
    """By ids, since numbers change when accounts come and go."""

    snapshot: Snapshot
    doubtful: set[tuple[str, str]] = field(default_factory=set)
    """("user" or "group", id) of what has to be looked at."""
    perhaps_moved: set[str] = field(default_factory=set)
    """The ids of those in doubt that may have another name now, as far as nobody was told another id."""

    def __post_init__(self) -> None:
        snapshot = self.snapshot
        ids = [account.id for account in snapshot.accounts]
        self.accounts = {account.id: account for account in snapshot.accounts}
        self.groups = {
            g.id: _Group(g.values, {ids[m] for m in g.members}, g.others, g.members_read) for g in snapshot.groups
        }

    def step(self, step: Step, names: Names) -> None:
        untouched = step.status in (None, Status.HELD, Status.SKIPPED) and not step.taken_back
        id_ = step.id or step.change.id
        if untouched or id_ is None:
            return  # or it was to be made, and was not
        change, kind = step.change, "user" if step.change.action.endswith("User") else "group"
        certain = step.status is Status.DONE and step.verified and not step.taken_back
        if not certain:
            self.doubtful |= {(kind, id_), *([(kind, change.id)] if change.id else [])}
            if isinstance(change, (RenameUser, RenameGroup)) and id_ == change.id:
                self.perhaps_moved.add(id_)
        elif isinstance(change, DeleteUser):
            self.accounts.pop(RemoteId(id_), None)
        elif isinstance(change, DeleteGroup):
            self.groups.pop(RemoteId(id_), None)
        elif isinstance(change, (AddMembers, RemoveMembers, EmptyGroup)):
            self._members(change, RemoteId(id_), step, names)
        elif kind == "user":
            self._user(change.id, RemoteId(id_), step.values)
        else:
            self._group(change.id, RemoteId(id_), step.values)

    def _user(self, before: str | None, id_: RemoteId, values: Mapping[str, Value]) -> None:
        old = self.accounts.pop(RemoteId(before or id_), None)
        paths = self.snapshot.user_paths
        kept = old.values if old is not None else (None,) * len(paths)
        active = next((truth(v) for p, v in values.items() if parse_path(p).canonical == "active"), None)
        if active is None:
            active = old.active if old is not None else True
        self.accounts[id_] = Account(id_, active, _written(paths, kept, {**values, "active": active}))
        if before and before != id_:  # some servers make the id of the name
            for group in self.groups.values():
                if before in group.members:
                    group.members.discard(RemoteId(before))
                    group.members.add(id_)

    def _group(self, before: str | None, id_: RemoteId, values: Mapping[str, Value]) -> None:
        old = self.groups.pop(RemoteId(before or id_), None)
        paths = self.snapshot.group_paths
        old = old or _Group((None,) * len(paths), set(), frozenset(), members_read=True)
        old.values = _written(paths, old.values, values)
        self.groups[id_] = old

    def _members(
        self, change: AddMembers | RemoveMembers | EmptyGroup, id_: RemoteId, step: Step, names: Names
    ) -> None:
        group = self.groups.get(id_)
        if group is None:
            self.doubtful.add(("group", id_))
            return
        moved = {found for m in change.members if m.key not in step.skipped_members if (found := names.member(m))}
        group.members = group.members | moved if isinstance(change, AddMembers) else group.members - moved

    async def read_user(self, id_: str, reader: Reader, _profile: Profile) -> bool:
        """Whether it is there."""
        found = await reader.user(id_)
        self.accounts.pop(RemoteId(id_), None)
        if found is not None:
            self.accounts[RemoteId(id_)] = account_maker(self.snapshot.user_paths)(id_, found)
        return found is not None

    async def read_group(self, id_: str, reader: Reader, profile: Profile) -> bool:
        """Whether it is there."""
        found = await reader.group(id_)
        if found is None:
            self.groups.pop(RemoteId(id_), None)
            return False
        shown = profile.groups.read_members in {"inLists", "byId"}
        ids = member_ids(member(found, "members")) if shown else await reader.members(id_)
        members = {RemoteId(each) for each in ids or ()}
        others = frozenset(each for each in members if each not in self.accounts)
        values = row(found, self.snapshot.group_paths)
        self.groups[RemoteId(id_)] = _Group(values, members, others, ids is not None)
        return True

    def moved(self) -> Snapshot:
        accounts = sorted(self.accounts.values(), key=lambda account: account.id)
        moved = replace(self.snapshot, accounts=accounts, groups=[], numbers={}).number()
        for id_, group in sorted(self.groups.items()):
            members = {moved.numbers[each] for each in group.members if each in moved.numbers}
            moved.groups.append(LiveGroup(id_, group.values, members, group.others, group.members_read))
        return moved


def _written(paths: Sequence[str], row: Sequence[Value], values: Mapping[str, Value]) -> tuple[Value, ...]:
    written = {parse_path(path).canonical: value for path, value in values.items()}
    return tuple([_frozen(written.get(parse_path(path).canonical, old)) for path, old in zip(paths, row, strict=True)])


def _frozen(value: Value) -> Value:
    return freeze(list(value)) if isinstance(value, tuple) else freeze(value)
