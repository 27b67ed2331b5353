"""After the writes: every touched resource is read again and compared with the plan.

What the server did not store is written once more, in the next form; what then still differs is reported by path.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from reconciler.apply.outcome import Status, Step
from reconciler.apply.write import Names, after
from reconciler.errors import ReconcilerError
from reconciler.live import Reader, Writer, Writes, is_active, row
from reconciler.model.path import parse_path
from reconciler.model.plan import AddMembers, DeleteGroup, DeleteUser, EmptyGroup, MemberRef, RemoveMembers
from reconciler.model.profile import Profile
from reconciler.model.values import RemoteId, Value
from reconciler.plan import equal

Progress = Callable[[str, int, int], None]


@dataclass(slots=True)
class Seen:
    """What the application holds of the touched resources: id → path → value; None: there is no such resource."""

    users: dict[str, dict[str, Value] | None] = field(default_factory=dict)
    groups: dict[str, dict[str, Value] | None] = field(default_factory=dict)
    members: dict[str, set[str]] = field(default_factory=dict)
    active: dict[str, bool] = field(default_factory=dict)


class Verifier:
    """Compares the steps that were done with what the application now holds."""

    def __init__(
        self,
        reader: Reader,
        writer: Writer,
        profile: Profile,
        names: Names,
        *,
        sizes: tuple[int, int],
        concurrency: int,
        progress: Progress | None = None,
    ) -> None:
        self.reader = reader
        self.writer = writer
        self.profile = profile
        self.names = names
        self.sizes = sizes
        """How many users and groups the application listed: what listing them again costs."""
        self.concurrency = concurrency
        self.progress = progress or (lambda _what, _done, _total: None)
        self._loose = {name.lower() for name in profile.compare.case_insensitive}

    async def verify(self, steps: Sequence[Step]) -> None:
        """Turns `done` into `notStored` where the application says otherwise."""
        done = [s for s in steps if s.status is Status.DONE]
        if not done:
            return
        if self.profile.settle_seconds:
            await asyncio.sleep(self.profile.settle_seconds)
        seen = await self._look(done)
        missed = [(s, missing) for s in done if (missing := self._missing(s, seen))]
        if not missed:
            return
        again = [s for s, missing in missed if await self._once_more(s, missing)]
        seen = await self._look([s for s, _ in missed])
        for step, _ in missed:
            missing = self._missing(step, seen)
            if missing:
                step.status, step.paths = Status.NOT_STORED, tuple(missing)
                step.message = f"the application answered with success and does not hold: {', '.join(missing)}"
            elif step in again:
                self._prefer_what_worked(step)

    def _prefer_what_worked(self, step: Step) -> None:
        kind = _ladder(step)
        form = self.writer.next_form(kind, self.writer.form(kind))
        if form is not None:
            self.writer.prefer(kind, form)

    async def _once_more(self, step: Step, missing: Sequence[str]) -> bool:
        """True if it was written again in another form."""
        kind = _ladder(step)
        form = self.writer.next_form(kind, self.writer.form(kind)) or self.writer.form(kind)
        change, id_ = step.change, RemoteId(step.id or "")
        try:
            if isinstance(change, AddMembers):
                await self.writer.add_members(id_, self._members(change, missing), form=form)
            elif isinstance(change, (RemoveMembers, EmptyGroup)):
                await self.writer.remove_members(id_, self._members(change, missing), form=form)
            elif not isinstance(change, (DeleteUser, DeleteGroup)):
                values = {path: value for path, value in after(step).items() if path in missing}
                update = self.writer.update_user if kind == "user" else self.writer.update_group
                await update(id_, values, form=form)
        except ReconcilerError:
            return False  # the second look tells
        return True

    def _member(self, member: MemberRef) -> RemoteId:
        return RemoteId(member.id or self.names.ids.get(member.key, ""))

    def _members(self, change: AddMembers | RemoveMembers | EmptyGroup, keys: Sequence[str]) -> list[RemoteId]:
        wanted = set(keys)
        return [self._member(m) for m in change.members if m.key in wanted]

    # -- looking

    async def _look(self, steps: Sequence[Step]) -> Seen:
        """One by one or by listing, whichever costs less."""
        users = {s.id for s in steps if s.id and s.change.action.endswith("User")}
        groups = {s.id for s in steps if s.id and not s.change.action.endswith("User")}
        page = self.profile.paging.count
        pages = -(-max(self.sizes[0], len(users)) // page) + -(-max(self.sizes[1], len(groups)) // page)
        if len(users) + len(groups) > pages:
            return await self._list(steps)
        return await self._one_by_one(steps, users, groups)

    async def _list(self, steps: Sequence[Step]) -> Seen:
        user_paths = _paths(s for s in steps if s.change.action.endswith("User"))
        group_paths = _paths(s for s in steps if not s.change.action.endswith("User"))
        snapshot = await self.reader.read(
            user_paths,
            group_paths,
            progress=lambda what, at, total: self.progress(f"verifying {what}", at, total or at),
        )
        seen = Seen()
        ids = [account.id for account in snapshot.accounts]
        for account in snapshot.accounts:
            seen.users[account.id] = dict(zip(user_paths, account.values, strict=True))
            seen.active[account.id] = account.active
        for group in snapshot.groups:
            seen.groups[group.id] = dict(zip(group_paths, group.values, strict=True))
            seen.members[group.id] = {ids[m] for m in group.members} | set(group.others)
        return seen

    async def _one_by_one(self, steps: Sequence[Step], users: set[str], groups: set[str]) -> Seen:
        user_paths = _paths(s for s in steps if s.change.action.endswith("User"))
        group_paths = _paths(s for s in steps if not s.change.action.endswith("User"))
        seen = Seen()
        work = iter([*((True, u) for u in sorted(users)), *((False, g) for g in sorted(groups))])
        total, count = len(users) + len(groups), 0

        async def look() -> None:
            nonlocal count
            for is_user, id_ in work:
                if is_user:
                    found = await self.reader.user(id_)
                    seen.users[id_] = (
                        None if found is None else dict(zip(user_paths, row(found, user_paths), strict=True))
                    )
                    seen.active[id_] = found is not None and is_active(found)
                else:
                    found = await self.reader.group(id_)
                    seen.groups[id_] = (
                        None if found is None else dict(zip(group_paths, row(found, group_paths), strict=True))
                    )
                    seen.members[id_] = _members(found)
                count += 1
                self.progress("verifying", count, total)

        await asyncio.gather(*(look() for _ in range(min(self.concurrency, total))))
        return seen

    # -- comparing

    def _missing(self, step: Step, seen: Seen) -> list[str]:
        """Paths, or keys of members, that the application does not hold as planned."""
        change, id_ = step.change, step.id or ""
        if isinstance(change, DeleteUser):
            # some applications deactivate where they say that they delete
            return ["deletion"] if seen.users.get(id_) is not None and seen.active.get(id_, False) else []
        if isinstance(change, DeleteGroup):
            return ["deletion"] if seen.groups.get(id_) is not None else []
        if isinstance(change, AddMembers):
            have = seen.members.get(id_, set())
            wanted = (m for m in change.members if m.key not in step.skipped_members)
            return [m.key for m in wanted if self._member(m) not in have]
        if isinstance(change, (RemoveMembers, EmptyGroup)):
            have = seen.members.get(id_, set())
            return [m.key for m in change.members if m.id in have]
        held = (seen.users if change.action.endswith("User") else seen.groups).get(id_)
        if held is None:
            return ["id"]
        return [path for path, value in after(step).items() if not self._same(path, value, held.get(path))]

    def _same(self, path: str, want: Value, have: Value) -> bool:
        return equal(want, have, exact=parse_path(path).schema_name not in self._loose)


def _ladder(step: Step) -> Writes:
    if hasattr(step.change, "members"):
        return "members"
    return "user" if step.change.action.endswith("User") else "group"


def _paths(steps: Iterable[Step]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(path for step in steps for path in after(step)))


def _members(group: dict[str, Value] | None) -> set[str]:
    listed = (group or {}).get("members") or []
    return {str(m.get("value")) for m in listed if isinstance(m, dict)}
