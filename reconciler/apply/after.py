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

_NOBODY: Final = RemoteId("")


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
    """By ids, since numbers change when accounts come and go; of groups those alone that something happens to."""

    snapshot: Snapshot
    doubtful: set[tuple[str, str]] = field(default_factory=set)
    """("user" or "group", id) of what has to be looked at."""
    perhaps_moved: set[str] = field(default_factory=set)
    """The ids of those in doubt that may have another name now, as far as nobody was told another id."""
    renamed: dict[RemoteId, RemoteId] = field(default_factory=dict)
    """Id in `snapshot` → of now, of accounts whose id changed with their name."""
    origin: dict[RemoteId, RemoteId | None] = field(default_factory=dict)
    """The other way round; None: it was made in this run."""
    opened: dict[RemoteId, _Group] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.accounts = {account.id: account for account in self.snapshot.accounts}
        self.groups = {group.id: group for group in self.snapshot.groups}
        """Those that nothing has happened to."""

    def _open(self, id_: RemoteId) -> _Group | None:
        """A group as it stands, to be moved on; None: there is none."""
        found = self.groups.pop(id_, None)
        if found is not None:
            accounts, renamed = self.snapshot.accounts, self.renamed
            ids = (accounts[at].id for at in found.members)
            members = {renamed.get(each, each) for each in ids}
            self.opened[found.id] = _Group(found.values, members, found.others, found.members_read)
        return self.opened.get(id_)

    def _drop(self, id_: RemoteId) -> None:
        self.groups.pop(id_, None)
        self.opened.pop(id_, None)

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
            self._leave(RemoteId(id_))
        elif isinstance(change, DeleteGroup):
            self._drop(RemoteId(id_))
        elif isinstance(change, (AddMembers, RemoveMembers, EmptyGroup)):
            self._members(change, RemoteId(id_), step, names)
        elif kind == "user":
            self._user(change.id, RemoteId(id_), step.values)
        else:
            self._group(change.id, RemoteId(id_), step.values)

    def _leave(self, id_: RemoteId) -> None:
        """Its memberships go with it: somebody else may have this id by the end."""
        self.accounts.pop(id_, None)
        first = self.origin.pop(id_, id_)
        if first is not None:
            self.renamed[first] = _NOBODY
        for group in self.opened.values():
            group.members.discard(id_)

    def _user(self, before: str | None, id_: RemoteId, values: Mapping[str, Value]) -> None:
        old = self.accounts.pop(RemoteId(before or id_), None)
        paths = self.snapshot.user_paths
        kept = old.values if old is not None else (None,) * len(paths)
        active = next((truth(v) for p, v in values.items() if parse_path(p).canonical == "active"), None)
        if active is None:
            active = old.active if old is not None else True
        if before is None:
            self.origin[id_] = None
        self.accounts[id_] = Account(id_, active, _written(paths, kept, {**values, "active": active}))
        if before and before != id_:  # some servers make the id of the name
            former = RemoteId(before)
            first = self.origin[id_] = self.origin.pop(former, former)
            if first is not None:
                self.renamed[first] = id_
            for group in self.opened.values():
                if former in group.members:
                    group.members.discard(former)
                    group.members.add(id_)

    def _group(self, before: str | None, id_: RemoteId, values: Mapping[str, Value]) -> None:
        paths = self.snapshot.group_paths
        former = RemoteId(before or id_)
        old = self._open(former) or _Group((None,) * len(paths), set(), frozenset(), members_read=True)
        old.values = _written(paths, old.values, values)
        self._drop(former)
        self._drop(id_)
        self.opened[id_] = old

    def _members(
        self, change: AddMembers | RemoveMembers | EmptyGroup, id_: RemoteId, step: Step, names: Names
    ) -> None:
        group = self._open(id_)
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
        self._drop(RemoteId(id_))
        if found is None:
            return False
        shown = profile.groups.read_members in {"inLists", "byId"}
        ids = member_ids(member(found, "members")) if shown else await reader.members(id_)
        members = {RemoteId(each) for each in ids or ()}
        others = frozenset(each for each in members if each not in self.accounts)
        values = row(found, self.snapshot.group_paths)
        self.opened[RemoteId(id_)] = _Group(values, members, others, ids is not None)
        return True

    def moved(self) -> Snapshot:
        accounts = sorted(self.accounts.values(), key=lambda account: account.id)
        moved = replace(self.snapshot, accounts=accounts, numbers={}).number()
        numbers, renamed = moved.numbers, self.renamed
        place = [numbers.get(renamed.get(each.id, each.id)) for each in self.snapshot.accounts]
        unmoved = place == list(range(len(accounts)))
        groups = [group if unmoved else _renumbered(group, place) for group in self.groups.values()]
        for id_, opened in self.opened.items():
            members = {numbers[each] for each in opened.members if each in numbers}
            groups.append(LiveGroup(id_, opened.values, members, opened.others, opened.members_read))
        moved.groups = sorted(groups, key=lambda group: group.id)
        return moved


def _renumbered(group: LiveGroup, place: Sequence[int | None]) -> LiveGroup:
    return replace(group, members={at for member in group.members if (at := place[member]) is not None})


def _written(paths: Sequence[str], row: Sequence[Value], values: Mapping[str, Value]) -> tuple[Value, ...]:
    written = {parse_path(path).canonical: value for path, value in values.items()}
    return tuple([_frozen(written.get(parse_path(path).canonical, old)) for path, old in zip(paths, row, strict=True)])


def _frozen(value: Value) -> Value:
    return freeze(list(value)) if isinstance(value, tuple) else freeze(value)
