"""What the application holds of what a run touched: fetched one by one or listed, whichever costs less."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from reconciler.apply.outcome import Step
from reconciler.live import Reader, is_active, member_ids, row
from reconciler.model.interest import Interest
from reconciler.model.path import member
from reconciler.model.plan import DeactivateUser
from reconciler.model.profile import Profile
from reconciler.model.snapshot import Account
from reconciler.model.values import RemoteId, Value

Progress = Callable[[str, int, int], None]


@dataclass(slots=True)
class Seen:
    """What the application holds of the touched resources: id → row; None: there is no such resource."""

    user_paths: tuple[str, ...]
    group_paths: tuple[str, ...]
    users: dict[str, Account | None] = field(default_factory=dict)
    groups: dict[str, tuple[Value, ...] | None] = field(default_factory=dict)
    members: dict[str, set[str]] = field(default_factory=dict)

    def user(self, id_: str) -> dict[str, Value] | None:
        """Path → value."""
        found = self.users.get(id_)
        return None if found is None else dict(zip(self.user_paths, found.values, strict=True))

    def group(self, id_: str) -> dict[str, Value] | None:
        found = self.groups.get(id_)
        return None if found is None else dict(zip(self.group_paths, found, strict=True))

    def is_active(self, id_: str) -> bool:
        """False too where there is no such user."""
        found = self.users.get(id_)
        return found is not None and found.active


class Looker:
    """Reads again what was written. `sizes`: how many users and groups the application listed."""

    def __init__(
        self,
        reader: Reader,
        profile: Profile,
        *,
        sizes: tuple[int, int],
        concurrency: int,
        progress: Progress | None = None,
    ) -> None:
        self.reader = reader
        self.profile = profile
        self.sizes = sizes
        self.concurrency = concurrency
        self.progress = progress or (lambda _what, _done, _total: None)

    async def look(self, steps: Sequence[Step]) -> Seen:
        """The resources of `steps`, after the time that the application needs to settle."""
        if self.profile.settle_seconds:
            await asyncio.sleep(self.profile.settle_seconds)
        users = {s.id for s in steps if s.id and s.change.action.endswith("User")}
        groups = {s.id for s in steps if s.id and not s.change.action.endswith("User")}
        page = self.profile.paging.count
        pages = -(-max(self.sizes[0], len(users)) // page) + -(-max(self.sizes[1], len(groups)) // page)
        if len(users) + len(groups) > pages:
            return await self._list(steps, users, groups)
        return await self._one_by_one(steps, users, groups)

    async def _list(self, steps: Sequence[Step], users: set[str], groups: set[str]) -> Seen:
        seen = Seen(*_paths(steps))
        snapshot = await self.reader.read(
            seen.user_paths,
            seen.group_paths,
            interest=Interest(accounts=frozenset(users), groups=frozenset(groups)),
            members=bool(groups),  # a million of them, for nothing
            progress=lambda what, at, total: self.progress(f"verifying {what}", at, total or at),
        )
        ids = [account.id for account in snapshot.accounts]
        seen.users.update((account.id, account) for account in snapshot.accounts if account.id in users)
        deactivated = {s.id for s in steps if s.id and isinstance(s.change, DeactivateUser)}
        for id_ in sorted(deactivated - seen.users.keys()):  # some servers list the active alone
            await self._user(seen, id_)
        for group in (g for g in snapshot.groups if g.id in groups):
            seen.groups[group.id] = group.values
            seen.members[group.id] = {ids[m] for m in group.members} | set(group.others)
        return seen

    async def _one_by_one(self, steps: Sequence[Step], users: set[str], groups: set[str]) -> Seen:
        seen = Seen(*_paths(steps))
        work = iter([*((True, u) for u in sorted(users)), *((False, g) for g in sorted(groups))])
        total, count = len(users) + len(groups), 0

        async def fetch() -> None:
            nonlocal count
            for is_user, id_ in work:
                if is_user:
                    await self._user(seen, id_)
                else:
                    await self._group(seen, id_)
                count += 1
                self.progress("verifying", count, total)

        await asyncio.gather(*(fetch() for _ in range(min(self.concurrency, total))))
        return seen

    async def _user(self, seen: Seen, id_: str) -> None:
        found = await self.reader.user(id_)
        values = row(found or {}, seen.user_paths)
        seen.users[id_] = None if found is None else Account(RemoteId(id_), is_active(found), values)

    async def _group(self, seen: Seen, id_: str) -> None:
        found = await self.reader.group(id_)
        seen.groups[id_] = None if found is None else row(found, seen.group_paths)
        shown = self.profile.groups.read_members in {"inLists", "byId"}
        ids = member_ids(member(found or {}, "members")) if shown else await self.reader.members(id_) if found else None
        seen.members[id_] = set(ids or ())


def _paths(steps: Iterable[Step]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The paths that the steps write, of users and of groups."""
    users: dict[str, None] = {}
    groups: dict[str, None] = {}
    for step in steps:
        (users if step.change.action.endswith("User") else groups).update(dict.fromkeys(step.values))
    return tuple(users), tuple(groups)
