"""After the writes: every touched resource is read again and compared with the plan.

What the server did not store is written once more, in the next form; what then still differs is reported by path.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from reconciler.apply.journal import Journal, JournalError
from reconciler.apply.look import Looker, Progress, Seen
from reconciler.apply.outcome import Outcome, Status, Step
from reconciler.apply.values import told
from reconciler.apply.write import Names
from reconciler.errors import ReconcilerError
from reconciler.live import Form, Reader, Writer, Writes
from reconciler.model.path import parse_path
from reconciler.model.plan import (
    AddMembers,
    DeactivateUser,
    DeleteGroup,
    DeleteUser,
    EmptyGroup,
    RemoveMembers,
)
from reconciler.model.profile import Profile
from reconciler.model.values import RemoteId
from reconciler.plan import Proposal

_RUNGS = 3
"""How many forms are tried again, at most, beyond the one that an answer called a success."""
Missed = list[tuple[Step, list[str]]]
"""Steps with what the application does not hold of them: paths, or keys of members."""


class Verifier:
    """Compares the steps that were done with what the application now holds."""

    def __init__(
        self,
        reader: Reader,
        writer: Writer,
        profile: Profile,
        names: Names,
        journal: Journal,
        *,
        sizes: tuple[int, int],
        concurrency: int,
        progress: Progress | None = None,
        stayers: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        self.writer = writer
        self.profile = profile
        self.names = names
        self.journal = journal
        self.concurrency = concurrency
        self.stayers = stayers or {}
        """Group → account → key: of the groups that gain members, those who are in it and stay."""
        self._looker = Looker(reader, profile, sizes=sizes, concurrency=concurrency, progress=progress)

    async def verify(self, outcome: Outcome) -> None:
        """Turns `done` into `notStored` where the application says otherwise. An interrupted run is only looked at."""
        done = [s for s in outcome.steps if s.status is Status.DONE]
        if not done:
            return
        missed = self._compare(done, await self._looker.look(done))
        if missed and not (outcome.interrupted or outcome.ended):
            missed = await self._repair(missed)
        for step, missing in missed:
            step.status, step.paths = Status.NOT_STORED, tuple(missing)
            step.message = f"the application answered with success and does not hold: {', '.join(missing)}"
            await self.journal.note("notStored", **_facts(step), paths=missing)

    async def _repair(self, missed: Missed) -> Missed:
        """What is still missing after writing it again in the next form, and then in the one behind it: there one step
        of each sort goes ahead, since most of what is missing by then is simply not kept.
        """
        missed = await self._again(missed, 0)
        for rung in range(1, _RUNGS):
            ahead = {_sort(step, missing): (step, missing) for step, missing in reversed(missed)}
            left = {step.number for step, _ in await self._again(list(ahead.values()), rung)}
            helped = {sort for sort, (step, _) in ahead.items() if step.number not in left}
            tried = {step.number for step, _ in ahead.values()}
            missed = [each for each in missed if each[0].number not in tried or each[0].number in left]
            others = [each for each in missed if each[0].number not in tried and _sort(*each) in helped]
            left |= {step.number for step, _ in await self._again(others, rung)}
            cleared = {step.number for step, _ in others} - left
            missed = [each for each in missed if each[0].number not in cleared]
        return missed

    async def _again(self, missed: Missed, rung: int) -> Missed:
        """Writes it once more, `rung` forms behind the next one, looks, and gives what is still missing."""
        if not await self._write_again(missed, rung):
            return missed
        steps = [step for step, _ in missed]
        return self._compare(steps, await self._looker.look(steps))

    def _form(self, kind: Writes, rung: int, missing: Sequence[str]) -> Form | None:
        """The form `rung` behind the next one; the same once more where there is no next one; else None."""
        form = self.writer.form(kind)
        rungs: list[Form] = []
        while (following := self.writer.next_form(kind, rungs[-1] if rungs else form, missing)) is not None:
            rungs.append(following)
        rungs = rungs or [form]
        return rungs[rung] if rung < len(rungs) else None

    async def _write_again(self, missed: Missed, rung: int) -> set[int]:
        """Numbers of the steps that were written once more: side by side, but never two to one resource."""
        resources: dict[str, list[tuple[Step, list[str]]]] = {}
        for step, missing in missed:
            resources.setdefault(step.change.key, []).append((step, missing))
        queue = iter(resources.values())
        again: set[int] = set()

        async def work() -> None:
            for steps in queue:
                for step, missing in steps:
                    if await self._once_more(step, missing, rung):
                        again.add(step.number)

        await asyncio.gather(*(work() for _ in range(min(self.concurrency, len(resources)))))
        return again

    async def _once_more(self, step: Step, missing: Sequence[str], rung: int) -> bool:
        """True if it was written again."""
        kind = _ladder(step)
        form = self._form(kind, rung, missing)
        if form is None:
            return False
        change, id_ = step.change, RemoteId(step.id or "")
        values = {path: value for path, value in step.values.items() if path in missing}
        ids = self._accounts(change, missing) if isinstance(change, (AddMembers, RemoveMembers, EmptyGroup)) else []
        if isinstance(change, AddMembers) and (driven_out := self._driven_out(id_, missing)):
            form, ids = "put", [*ids, *driven_out]
        if not values and not ids:
            return False  # a deletion, or a resource that is not there
        await self.journal.note("tryAgain", **_facts(step), paths=list(missing))
        try:
            if isinstance(change, AddMembers):
                await self.writer.add_members(id_, ids, form=form)
            elif ids:
                await self.writer.remove_members(id_, ids, form=form)
            else:
                update = self.writer.update_user if kind == "user" else self.writer.update_group
                await update(id_, values, form=form)
        except JournalError:
            raise
        except ReconcilerError as error:
            await self.journal.note("failed", **_facts(step), why=told(error, hides=step.hides))
            return False  # the second look tells
        await self.journal.note("done", **_facts(step), paths=list(missing))
        return True

    def _accounts(self, change: AddMembers | RemoveMembers | EmptyGroup, keys: Sequence[str]) -> list[RemoteId]:
        wanted = set(keys)
        return [id_ for m in change.members if m.key in wanted and (id_ := self.names.member(m))]

    def _driven_out(self, group: RemoteId, missing: Sequence[str]) -> list[RemoteId]:
        """Those who were in the group, should stay, and are gone: some servers make the whole list of what is added.
        Only if none of them is left: one who is gone may have been taken out by a person meanwhile.
        """
        return [RemoteId(id_) for id_, key in self._stayers(group).items() if key in missing]

    def _stayers(self, group: str) -> dict[str, str]:
        return {id_: key for id_, key in self.stayers.get(group, {}).items() if id_ not in self.names.freed}

    def _compare(self, steps: Sequence[Step], seen: Seen) -> Missed:
        return [(step, missing) for step in steps if (missing := self._missing(step, seen))]

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
            absent = [m.key for m in wanted if self.names.member(m) not in have]
            stayers = self._stayers(id_)
            return absent if have & stayers.keys() else [*absent, *sorted(stayers.values())]
        if isinstance(change, (RemoveMembers, EmptyGroup)):
            have = seen.members.get(id_, set())
            return [m.key for m in change.members if self.names.member(m) in have]
        held = (seen.users if change.action.endswith("User") else seen.groups).get(id_)
        if held is None:
            gone = isinstance(change, DeactivateUser) and self.profile.users.effect != "deactivated"
            return [] if gone else ["id"]
        same = self.profile.comparison.same
        return [path for path, value in step.values.items() if not same(parse_path(path), value, held.get(path))]


def _ladder(step: Step) -> Writes:
    if isinstance(step.change, AddMembers):
        return "add"
    if hasattr(step.change, "members"):
        return "remove"
    return "user" if step.change.action.endswith("User") else "group"


def _sort(step: Step, missing: Sequence[str]) -> tuple[str, ...]:
    """What is alike: the same paths, or members added, or members removed."""
    return (step.change.action,) if _ladder(step) in ("add", "remove") else (_ladder(step), *missing)


def stayers(proposal: Proposal) -> dict[str, dict[str, str]]:
    """Group → account → key: of the groups that gain members, those who are in it and neither leave it nor their
    account in this plan.
    """
    changes = [c for c in proposal.plan.changes if not c.held]
    gaining = {c.id for c in changes if isinstance(c, AddMembers)}
    leavers = {c.id for c in changes if isinstance(c, (DeactivateUser, DeleteUser))}
    losers = {(c.id, m.id) for c in changes if isinstance(c, (RemoveMembers, EmptyGroup)) for m in c.members}
    context = proposal.context
    accounts = context.snapshot.accounts
    return {
        group.id: {
            accounts[at].id: context.key_of(at)
            for at in group.members
            if accounts[at].id not in leavers and (group.id, accounts[at].id) not in losers
        }
        for group in context.snapshot.groups
        if group.id in gaining
    }


def _facts(step: Step) -> dict[str, object]:
    return {"step": step.number, "action": step.change.action, "key": step.change.key, "id": step.id}
