"""Steps that go together in one Bulk request, as far as stages and dependencies allow.

A result is believed only for itself. What was not done, or may not have been, is looked up and goes one by one, in the
ordinary way: nothing that the executor promises depends on Bulk.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from reconciler.apply.outcome import Step
from reconciler.apply.write import take, write
from reconciler.errors import (
    AnswerLost,
    BodyTooLarge,
    Conflict,
    Forbidden,
    NotSent,
    PreconditionFailed,
    ReconcilerError,
    ScimError,
    ServerFailed,
    Throttled,
    Unauthorized,
)
from reconciler.live import Bulk, Operation, Reader, Request, Result, Stored, Writer, carries, member_ids
from reconciler.model.comparison import equal
from reconciler.model.path import member, parse_path
from reconciler.model.plan import (
    AddMembers,
    CreateGroup,
    CreateUser,
    DeactivateUser,
    DeleteGroup,
    DeleteUser,
    EmptyGroup,
    MemberRef,
    RemoveMembers,
)
from reconciler.model.profile import Profile
from reconciler.model.values import RemoteId, is_null

if TYPE_CHECKING:
    from reconciler.apply.execute import Executor
    from reconciler.live.reader import Kind

_UNSURE: Final = (AnswerLost, BodyTooLarge, ServerFailed)
_FINAL: Final = (Conflict, Forbidden, PreconditionFailed, Unauthorized)
"""Of one operation: sent alone it would be no other."""
_NOT_ABOUT_BULK: Final = (NotSent, Throttled, Unauthorized)
_SILENCES: Final = 2
"""Requests in a row of which nothing can be believed: this is no Bulk."""


@dataclass(slots=True, eq=False)
class Load:
    """A step on its way: what is known of it so far."""

    step: Step
    wave: int
    left: int
    """Operations without a result."""
    sent: bool = False
    doubtful: bool = False
    """A request with it in it was refused as a whole: most probably it was not done."""
    lost: ReconcilerError | None = None
    """It may have been done."""
    again: bool = False
    """It was not, and may be if it is sent alone."""
    error: ScimError | None = None

    @property
    def is_clear(self) -> bool:
        """It was done, or refused: nothing is left to find out."""
        return not (self.left or self.again or self.lost)


@dataclass(slots=True, eq=False)
class Part:
    """One operation of a step; `members` of an addition are those of this chunk."""

    load: Load
    name: str
    members: tuple[MemberRef, ...] = ()
    refers: list[str] = field(default_factory=list)
    """Keys of what the same request creates."""


class Together:
    """Collects steps until something has to wait for them, and sends as many at a time as the server takes."""

    def __init__(self, bulk: Bulk, writer: Writer, reader: Reader, profile: Profile) -> None:
        self.bulk = bulk
        self._writer = writer
        self._reader = reader
        self._profile = profile
        self._waiting: dict[int, tuple[Step, int]] = {}
        self._givers: dict[str, int] = {}
        """Key → number of the step that creates it or takes it over, of those that are being sent."""
        self._given: set[str] = set()
        """Ids of what was created so."""
        self._silences = 0

    def takes(self, step: Step) -> bool:
        """Whether the step can be part of a Bulk request: nothing has to be read for it first."""
        change = step.change
        if (
            not self.bulk.works
            or isinstance(change, (RemoveMembers, EmptyGroup))
            or getattr(change, "temporary", False)
        ):
            return False
        if isinstance(change, (CreateUser, CreateGroup, DeleteUser, DeleteGroup)):
            return True
        if isinstance(change, AddMembers):
            return self._writer.additions("g", ["u"]) is not None
        planned = {path: each.after for path, each in change.set.items()}
        return bool(planned) and not self._writer.must_look(_kind(step), planned)

    async def add(self, step: Step, wave: int, executor: Executor) -> None:
        """To those that wait. What needs one of them is sent after it; only the members of a group go with it."""
        for need in executor.needs.get(step.number, ()):
            with_it = isinstance(step.change, AddMembers) and executor.steps[need].change.key == step.change.key
            if need in self._waiting and not with_it:
                await self.flush(executor)
        self._waiting[step.number] = (step, wave)

    async def flush(self, executor: Executor) -> None:
        """Afterwards every step that waited has its status."""
        waiting, self._waiting = list(self._waiting.values()), {}
        if len(waiting) < 2 and not any(isinstance(step.change, AddMembers) for step, _ in waiting):
            await executor.side_by_side([step for step, _ in waiting])
            return
        queue = deque(part for step, wave in waiting for part in self._parts(step, wave))
        self._givers = {s.change.key: s.number for s, _ in waiting if _creates(s) or s.change.action == "adoptUser"}
        loads = list(dict.fromkeys(part.load for part in queue))
        while queue and self.bulk.works and not executor.stopping:
            parts, operations, alone = await self._fill(queue, executor)
            if len(parts) > 1:
                await self._exchange(parts, operations, queue, executor)
            else:
                for part in parts:
                    part.load.again = True
            queue = deque(part for part in queue if not _is_settled(part.load))
            await self._settle([*(part.load for part in parts), *alone], executor)
        await self._settle(loads, executor, all_of_them=True)

    def _parts(self, step: Step, wave: int) -> list[Part]:
        if not isinstance(step.change, AddMembers):
            return [Part(Load(step, wave, 1), f"op{step.number}")]
        most = self._profile.groups.max_members
        members = step.change.members
        chunks = [members[start : start + most] for start in range(0, len(members), most)]
        load = Load(step, wave, len(chunks))
        return [Part(load, f"op{step.number}-{at}", chunk) for at, chunk in enumerate(chunks)]

    async def _fill(self, queue: deque[Part], executor: Executor) -> tuple[list[Part], list[Operation], list[Load]]:
        """The next request, off the queue. Who may not be sent has its status, or is marked to go alone."""
        made: dict[str, str] = {}
        parts: list[Part] = []
        operations: list[Operation] = []
        alone: list[Load] = []
        room = self.bulk.bytes
        while queue and len(parts) < self.bulk.operations:
            part = queue[0]
            step = part.load.step
            if step.status is not None or part.load.again:
                queue.popleft()
                continue
            with_it = frozenset(n for n in executor.needs.get(step.number, ()) if executor.steps[n].change.key in made)
            if (parts or alone) and self._is_open(part, made, with_it, executor):
                break
            if cause := executor.cause(step, but=with_it):
                await executor.skip(step, cause)
                continue
            operation = self._operation(part, made, executor)
            room -= len(operation.encoded()) + 1 if operation else 0
            if room < 0 and parts:
                break
            queue.popleft()
            if operation is None or room < 0:
                part.load.again, room = True, self.bulk.bytes if room < 0 else room
                alone.append(part.load)
                continue
            if operation.request.method == "POST":
                made[step.change.key] = part.name
            parts.append(part)
            operations.append(operation)
        fresh = [part.load for part in parts if not part.load.sent]
        if len(parts) > 1:
            await asyncio.gather(*(executor.note_try(load.step) for load in dict.fromkeys(fresh)))
            for load in fresh:
                load.sent = True
        return parts, operations, alone

    def _is_open(self, part: Part, made: dict[str, str], with_it: frozenset[int], executor: Executor) -> bool:
        """Whether it waits for, or refers to, something that is neither in this request nor decided."""
        needs = executor.needs.get(part.load.step.number, set()) - with_it
        keys = {member.key for member in part.members} - made.keys()
        open_ = {n for n in needs if executor.steps[n].status is None}
        return bool(open_) or any(
            executor.steps[self._givers[key]].status is None for key in keys & self._givers.keys()
        )

    def _operation(self, part: Part, made: dict[str, str], executor: Executor) -> Operation | None:
        """None: it has to go alone, where it will be told what is wrong with it."""
        step, names = part.load.step, executor.names
        try:
            step.values = step.values or executor.values.of(step, names.ids)
            request = self._request(part, made, executor)
        except ReconcilerError:
            return None
        return None if request is None else Operation(part.name, request)

    def _request(self, part: Part, made: dict[str, str], executor: Executor) -> Request | None:
        step, names = part.load.step, executor.names
        change, kind = step.change, _kind(step)
        if _creates(step):
            return self._writer.creation(kind, step.values)
        if isinstance(change, AddMembers):
            keys = [change.key, *(member.key for member in part.members)]
            part.refers = [key for key in keys if key in made]
            ids = {member.key: names.newcomer(member) for member in part.members}
            where = f"bulkId:{made[change.key]}" if change.key in made else names.id(change.key)
            known = [id_ or f"bulkId:{made[key]}" for key, id_ in ids.items() if id_ or key in made]
            return self._writer.additions(where, known) if known else None
        step.id = names.ids.get(change.key, step.id)
        if step.id is None:
            return None
        if isinstance(change, (DeleteUser, DeleteGroup)):
            return self._writer.deletion(kind, step.id)
        return None if self._writer.must_look(kind, step.values) else self._writer.update(kind, step.id, step.values)

    async def _exchange(
        self, parts: list[Part], operations: list[Operation], queue: deque[Part], executor: Executor
    ) -> None:
        try:
            results = await self.bulk.send(operations)
        except ReconcilerError as error:
            self._refused(error, parts, queue)
            return
        self._silences = 0 if results else self._silences + 1
        silence = AnswerLost("no result came back that can be believed", request="POST /Bulk")
        if self._silences >= _SILENCES:
            self.bulk.stop(silence)
        ids = Counter(results[part.name].id for part in parts if part.name in results and _creates(part.load.step))
        for part in parts:
            result = results.get(part.name)
            part.load.left -= 1
            if result is not None and _creates(part.load.step):
                result = self._proven(part.load.step, result, ids, executor)
            if result is None:
                part.load.lost = part.load.lost or silence
            elif result.error is None:
                self._done(part.load.step, result, executor)
            else:
                _judge(part, result.error, executor)

    def _refused(self, error: ReconcilerError, parts: list[Part], queue: deque[Part]) -> None:
        """The request as a whole brought an error."""
        if self.bulk.smaller(error, len(parts)):
            queue.extendleft(reversed(parts))
            for part in parts:
                part.load.doubtful = True
            return
        lost = isinstance(error, _UNSURE)
        for part in parts:
            part.load.left -= 1
            part.load.doubtful = True
            part.load.again = True
            if lost:
                part.load.lost = error
        self._silences += lost
        if self._silences >= _SILENCES or not (lost or isinstance(error, _NOT_ABOUT_BULK)):
            self.bulk.stop(error)

    def _proven(self, step: Step, result: Result, ids: Counter[RemoteId | None], executor: Executor) -> Result | None:
        """A creation's result; None if it is about what somebody else has, or says not what was made."""
        if result.error is not None:
            return result
        kind, id_ = _kind(step), result.id
        anothers = executor.names.is_anothers if kind == "user" else executor.names.is_another_group
        if id_ is None or ids[id_] > 1 or id_ in self._given or anothers(id_):
            return None
        name = parse_path("userName" if kind == "user" else "displayName")
        sent = next(
            (value for path, value in step.values.items() if parse_path(path).canonical == name.canonical), None
        )
        shown = name.read(result.resource or {})
        if is_null(shown):
            step.unproven = True
        elif not equal(sent, shown, exact=False):
            return None
        return result

    def _done(self, step: Step, result: Result, executor: Executor) -> None:
        if result.id is not None and _creates(step):
            self._given.add(result.id)
            take(step, Stored(result.id, result.resource or {}), executor.names)
        else:
            if (id_ := executor.names.ids.get(step.change.key, step.id)) is not None:
                self._writer.wrote(_kind(step), id_)
            shown = Stored(result.id, result.resource) if result.id is not None and result.resource else None
            take(step, shown, executor.names)

    async def _settle(self, loads: Sequence[Load], executor: Executor, *, all_of_them: bool = False) -> None:
        """Gives a status to those of which everything is known; the others go alone, wave by wave."""
        known = [load for load in dict.fromkeys(loads) if all_of_them or load.is_clear or load.again or load.lost]
        for wave in sorted({load.wave for load in known}):
            now = [load for load in known if load.wave == wave and load.step.status is None]
            _name_the_left_out(now, executor)
            clear = [each for each in now if each.is_clear and (each.error or each.step.id)]
            await asyncio.gather(*(executor.settle(each.step, each.error) for each in clear))
            alone = {each.step.number: each for each in now if each.step.status is None}
            await executor.side_by_side(
                [each.step for each in alone.values()],
                lambda step, found=alone: self._alone(found[step.number], executor),  # type: ignore[misc]
                begun={number for number, each in alone.items() if each.lost},
            )

    async def _alone(self, load: Load, executor: Executor) -> None:
        """In the ordinary way; what may have been done is looked at before."""
        step, names = load.step, executor.names
        change, kind = step.change, _kind(step)
        if isinstance(change, AddMembers) and load.sent and self._profile.groups.read_members in {"inLists", "byId"}:
            found = await self._reader.group(names.id(change.key))
            await write(step, self._writer, names, present=set(member_ids(member(found or {}, "members"))))
            return
        if _creates(step):
            await self._create_alone(load, executor)
            return
        if load.lost and not isinstance(change, (AddMembers, DeleteUser, DeleteGroup)):
            found = await (self._reader.user if kind == "user" else self._reader.group)(str(step.id))
            gone = found is None and isinstance(change, DeactivateUser) and self._profile.users.effect != "deactivated"
            if gone or (found is not None and carries(found, step.values, self._profile)):
                return
        await write(step, self._writer, names)

    async def _create_alone(self, load: Load, executor: Executor) -> None:
        """What may have been made before is found by its name, and ours only with all that was sent."""
        if load.lost and await self._adopted(load, load.lost, executor):
            return
        try:
            await write(load.step, self._writer, executor.names)
        except Conflict as taken:
            if not load.doubtful or not await self._adopted(load, taken, executor):
                raise

    async def _adopted(self, load: Load, cause: ReconcilerError, executor: Executor) -> bool:
        found = await self._writer.adopt(_kind(load.step), load.step.values, cause)
        if found is None:
            return False
        take(load.step, found, executor.names)
        self._given.add(found.id)
        return True


def _kind(step: Step) -> Kind:
    return "user" if step.change.action.endswith("User") else "group"


def _creates(step: Step) -> bool:
    return isinstance(step.change, (CreateUser, CreateGroup))


def _is_settled(load: Load) -> bool:
    return load.again or load.lost is not None or load.error is not None or load.step.status is not None


def _judge(part: Part, error: ScimError, executor: Executor) -> None:
    """What a refused operation means for its step."""
    load = part.load
    change = load.step.change
    creates, deletes = _creates(load.step), isinstance(change, (DeleteUser, DeleteGroup))
    hanging = any(key not in executor.names.ids for key in part.refers)
    if isinstance(error, ServerFailed):
        load.lost = error
    elif creates and load.doubtful and isinstance(error, Conflict):
        load.lost = error  # it may be our own
    elif isinstance(error, PreconditionFailed) or (not hanging and not deletes and isinstance(error, _FINAL)):
        load.error = load.error or error
    else:
        load.again = True


def _name_the_left_out(loads: Sequence[Load], executor: Executor) -> None:
    """Of additions: the group, as it is called by now, and members whose account was not created."""
    for load in loads:
        step = load.step
        if isinstance(step.change, AddMembers) and load.is_clear:
            step.id = executor.names.ids.get(step.change.key)
            names = executor.names
            left_out = (each for each in step.change.members if names.newcomer(each) is None)
            step.skipped_members.update((each.key, names.why_not(each)) for each in left_out)
