"""After the writes: every touched resource is read again and compared with the plan.

What the server did not store is written once more, in the next form; what then still differs is reported by path, with
both values and with the line of the profile that would end it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from reconciler.apply.corrections import Unkept, correction
from reconciler.apply.journal import Journal, JournalError
from reconciler.apply.look import Looker, Progress, Seen
from reconciler.apply.outcome import Outcome, Status, Step
from reconciler.apply.values import told
from reconciler.apply.write import Names
from reconciler.errors import Invalid, NotStored, ReconcilerError, ScimError, Unsupported, Verdict
from reconciler.live import Form, Reader, Writer, Writes
from reconciler.model.comparison import equal
from reconciler.model.path import parse_path
from reconciler.model.plan import (
    AddMembers,
    Change,
    DeactivateUser,
    DeleteGroup,
    DeleteUser,
    EmptyGroup,
    RemoveMembers,
)
from reconciler.model.profile import Profile
from reconciler.model.values import RemoteId, Value
from reconciler.plan import Proposal

Missed = list[tuple[Step, dict[str, Value]]]
"""Steps with what the application does not hold of them: paths, or keys of members → what it holds there."""
LOOKS: Final = 3
"""How often it is looked, where a read may show what was before, until a value is called missing."""


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
        over: Mapping[str, Any] | None = None,
    ) -> None:
        self.writer = writer
        self.profile = profile
        self.names = names
        self.journal = journal
        self.concurrency = concurrency
        self.stayers = stayers or {}
        """Group → account → key: of the groups that gain members, those who are in it and stay."""
        self.over = over or {}
        """The app's own `profile:`, as it is."""
        self._unkept: list[Unkept] = []
        self._looker = Looker(reader, profile, sizes=sizes, concurrency=concurrency, progress=progress)

    async def verify(self, outcome: Outcome) -> None:
        """What was not verified yet; an interrupted run is only looked at."""
        done = [s for s in outcome.steps if s.status is Status.DONE]
        await self.prove([s for s in done if not s.verified], repair=not (outcome.interrupted or outcome.ended))
        outcome.correction = correction(self._unkept, self.profile, self.over)
        if not self._shows_members and any(_ladder(step) in ("add", "remove") for step in done):
            outcome.learned.append("the application shows no members: whether they were stored can't be verified")

    async def prove(self, steps: Sequence[Step], *, repair: bool = True) -> None:
        """Turns `done` into `notStored` where the application says otherwise, also after it was written once more.
        Names that were only passed through are not looked for.
        """
        done = [s for s in steps if not getattr(s.change, "temporary", False)]
        if not done:
            return
        missed = await self._missed(done)
        if missed and repair:
            missed = await self._repair(missed)
        for step in done:
            step.verified = True
        for step, missing in missed:
            values = [_unkept(step, path, held) for path, held in missing.items() if path in step.values]
            self._unkept += values
            told = {each.path: str(each) for each in values}
            step.status, step.paths, step.found = Status.NOT_STORED, tuple(missing), missing
            what = ", ".join(told.get(path, path) for path in missing)
            step.message = f"the application answered with success and does not hold: {what}"
            step.code = Verdict.NOT_STORED
            step.recommended_action = "correct the mapping, or say in the app's profile what the application does to it"
            await self.journal.note("notStored", **_facts(step), paths=list(missing))

    @property
    def _shows_members(self) -> bool:
        return self.profile.groups.read_members != "never"

    async def _missed(self, steps: Sequence[Step]) -> Missed:
        """What is missing, also when the time that the application needs to settle has passed a few times."""
        missed = self._compare(steps, await self._looker.look(steps))
        for _ in range(LOOKS - 1 if self.profile.settle_seconds else 0):
            if not missed:
                break
            left = [step for step, _ in missed]
            missed = self._compare(left, await self._looker.look(left))
        return missed

    async def _repair(self, missed: Missed) -> Missed:
        """What is still missing after writing it again in the next form, and then in the one behind it: there one step
        of each sort goes ahead, since most of what is missing by then is simply not kept.
        """
        missed = await self._again(missed, 0)
        kinds = {_ladder(step) for step, _ in missed}
        for rung in range(1, max((len(self._rungs(kind)) for kind in kinds), default=0)):
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
        return await self._missed([step for step, _ in missed])

    def _rungs(self, kind: Writes, missing: Collection[str] = ()) -> list[Form]:
        """The forms behind the one that was used; that one once more where there are none."""
        form = self.writer.form(kind)
        rungs: list[Form] = []
        while (following := self.writer.next_form(kind, rungs[-1] if rungs else form, missing)) is not None:
            rungs.append(following)
        return rungs or [form]

    async def _write_again(self, missed: Missed, rung: int) -> set[int]:
        """Numbers of the steps that were written once more: side by side, but never two to one resource."""
        resources: dict[str, Missed] = {}
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

    async def _once_more(self, step: Step, missing: Collection[str], rung: int) -> bool:
        """True if it was written again. A form that is refused counts as tried."""
        kind = _ladder(step)
        rungs = self._rungs(kind, missing)
        if rung >= len(rungs):
            return False
        form = rungs[rung]
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
            step.tries += _is_refusal(error)
            await self.journal.note("failed", **_facts(step), why=told(error, hides=step.hides))
            return False  # the second look tells
        step.tries += 1
        await self.journal.note("done", **_facts(step), paths=list(missing))
        return True

    def _accounts(self, change: AddMembers | RemoveMembers | EmptyGroup, keys: Collection[str]) -> list[RemoteId]:
        wanted = set(keys)
        return [id_ for m in change.members if m.key in wanted and (id_ := self.names.member(m))]

    def _driven_out(self, group: RemoteId, missing: Collection[str]) -> list[RemoteId]:
        """Those who were in the group, should stay, and are gone: some servers make the whole list of what is added.
        Only if none of them is left: one who is gone may have been taken out by a person meanwhile.
        """
        return [RemoteId(id_) for id_, key in self._stayers(group).items() if key in missing]

    def _stayers(self, group: str) -> dict[str, str]:
        return {id_: key for id_, key in self.stayers.get(group, {}).items() if id_ not in self.names.freed}

    def _compare(self, steps: Sequence[Step], seen: Seen) -> Missed:
        return [(step, missing) for step in steps if (missing := self._missing(step, seen))]

    def _missing(self, step: Step, seen: Seen) -> dict[str, Value]:
        change, id_ = step.change, step.id or ""
        if isinstance(change, DeleteUser):
            # some applications deactivate where they say that they delete
            return {"deletion": None} if seen.is_active(id_) else {}
        if isinstance(change, DeleteGroup):
            return {"deletion": None} if seen.groups.get(id_) is not None else {}
        if isinstance(change, (AddMembers, RemoveMembers, EmptyGroup)):
            return dict.fromkeys(self._missing_members(step, change, seen) if self._shows_members else ())
        held = seen.user(id_) if change.action.endswith("User") else seen.group(id_)
        if held is None:
            gone = isinstance(change, DeactivateUser) and self.profile.users.effect != "deactivated"
            return {} if gone else {"id": None}
        if step.unproven and not _is_named(change, step, held):
            return {"id": None}  # the id that was told is another's: nothing is written there
        profile = self.profile
        same = (profile.comparison_of_groups if _ladder(step) == "group" else profile.comparison).same
        return {p: held.get(p) for p, value in step.values.items() if not same(parse_path(p), value, held.get(p))}

    def _missing_members(self, step: Step, change: AddMembers | RemoveMembers | EmptyGroup, seen: Seen) -> list[str]:
        """Keys of those who are not in the group and should be, or the other way round."""
        id_ = step.id or ""
        have = seen.members.get(id_, set())
        if not isinstance(change, AddMembers):
            return [m.key for m in change.members if self.names.member(m) in have]
        wanted = (m for m in change.members if m.key not in step.skipped_members)
        absent = [m.key for m in wanted if self.names.member(m) not in have]
        stayers = self._stayers(id_)
        return absent if have & stayers.keys() else [*absent, *sorted(stayers.values())]


def _is_named(change: Change, step: Step, held: Mapping[str, Value]) -> bool:
    name = "username" if change.action == "createUser" else "displayname"
    paths = [path for path in step.values if parse_path(path).canonical == name]
    return all(equal(step.values[path], held.get(path), exact=False) for path in paths)


def _unkept(step: Step, path: str, held: Value) -> Unkept:
    planned = getattr(step.change, "set", {}).get(path)
    before = planned.before if planned is not None else None
    return Unkept(path, step.values[path], held, before, step.hides, _ladder(step) == "group")


def _ladder(step: Step) -> Writes:
    if isinstance(step.change, AddMembers):
        return "add"
    if hasattr(step.change, "members"):
        return "remove"
    return "user" if step.change.action.endswith("User") else "group"


def _sort(step: Step, missing: Collection[str]) -> tuple[str, ...]:
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


def _is_refusal(error: ReconcilerError) -> bool:
    """Whether the server would say the same to the next try: no outage, no missing permission."""
    return isinstance(error, Invalid | NotStored | Unsupported) or type(error) is ScimError


def _facts(step: Step) -> dict[str, object]:
    return {"step": step.number, "action": step.change.action, "key": step.change.key, "id": step.id}
