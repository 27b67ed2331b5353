"""Executes a plan: stages follow one another, inside a stage resources are written side by side, each by one task."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Container, Mapping, Sequence

from reconciler.apply.canary import Canary, Prove
from reconciler.apply.exchange import Exchanges
from reconciler.apply.journal import Journal, JournalError
from reconciler.apply.outcome import Outcome, Status, Step
from reconciler.apply.together import Together
from reconciler.apply.values import Values, told
from reconciler.apply.write import Names, write
from reconciler.errors import Forbidden, NotScim, ReconcilerError, ServerFailed, Throttled, TransportError, Unauthorized
from reconciler.live import Writer
from reconciler.model.plan import Plan
from reconciler.plan import Name, dependencies, stage

Progress = Callable[[str, int, int], None]
Do = Callable[[Step], Awaitable[None]]
EQUAL_FAILURES = 5
"""In a row, and not about one person: the run ends."""
GENERAL = (Unauthorized, Forbidden, ServerFailed, Throttled, NotScim, TransportError)
"""Failures that are not about one person."""


class Executor:
    """Runs the pending changes of one plan. `stop()` lets running writes finish and skips the rest."""

    def __init__(
        self,
        plan: Plan,
        writer: Writer,
        journal: Journal,
        *,
        concurrency: int,
        values: Values | None = None,
        known: Container[str] = (),
        known_groups: Container[str] = (),
        leavers_last: bool = False,
        freed: Mapping[str, Collection[Name]] | None = None,
        expect: Callable[[Sequence[Step]], None] = lambda _steps: None,
        done: Callable[[Step], None],
        progress: Progress | None = None,
        stage_end: Callable[[], None] | None = None,
        together: Together | None = None,
        canary: int = 0,
        prove: Prove | None = None,
    ) -> None:
        self.plan = plan
        self.writer = writer
        self.journal = journal
        self.concurrency = concurrency
        self.leavers_last = leavers_last
        self.freed = freed
        """Id → names of the accounts that are deleted."""
        self.expect = expect
        """Remembers whose account is whose, before the first of them has a temporary name."""
        self.done = done
        self.progress = progress or (lambda _what, _done, _total: None)
        self.stage_end = stage_end or (lambda: None)
        self.values = values or Values()
        self.steps = [Step(number, change, id=change.id) for number, change in enumerate(plan.changes)]
        for step in self.steps:
            step.hides = self.values.hides(step)
        self.names = Names({c.key: c.id for c in plan.changes if c.id is not None}, known, known_groups)
        self.outcome = Outcome(self.steps)
        self.together = together
        """Bulk, where the application has it."""
        self.exchanges = Exchanges((), {})
        self.needs: dict[int, set[int]] = {}
        """Number of a step → of those that must be done before it."""
        self.stopping = False
        self.canary = Canary(canary, (s for s in self.steps if not s.change.held), prove or _believe)
        self._total = 0
        self._expected = False
        self._failures: Counter[str] = Counter()
        self._finished = 0

    def stop(self) -> None:
        self.outcome.interrupted = True
        self.stopping = True

    async def run(self) -> Outcome:
        """Every step ends with a status. The server's failures are statuses; what is raised is our own trouble, and
        nothing is being written any more when it is.
        """
        for step in self.steps:
            if step.change.held:
                step.status = Status.HELD
        pending = [s for s in self.steps if s.status is None]
        self.needs, self._total = dependencies(self.plan.changes, self.freed), len(pending)
        self.exchanges = Exchanges(self.steps, self.needs)
        for number, wave in enumerate(_waves(pending, self.needs, leavers_last=self.leavers_last)):
            for lot in self.canary.ahead(wave):
                await self._wave(lot, number)
                if self.together is not None:
                    await self.together.flush(self)
                await self.canary.judge(lot)
            await self._wave([step for step in wave if step.status is None], number)
            self.stage_end()
        if self.together is not None:
            await self.together.flush(self)
            self.stage_end()
        await self.exchanges.take_back(self)
        return self.outcome

    async def _wave(self, wave: list[Step], number: int) -> None:
        """Those that can go together wait for one another and for the next waves' like, the rest goes at once."""
        together = self.together
        if together is None:
            await self.side_by_side(wave)
            return
        taken = [step for step in wave if together.takes(step)]
        numbers = {step.number for step in taken}
        if len(taken) < len(wave):
            await together.flush(self)
            await self.side_by_side([step for step in wave if step.number not in numbers])
        for step in taken:
            await together.add(step, number, self)

    async def side_by_side(self, steps: Sequence[Step], do: Do | None = None, *, begun: Container[int] = ()) -> None:
        """Each by `do`, or as it is usually written; never two at one resource. Interrupting does not skip `begun`."""
        resources: dict[str, list[Step]] = {}
        for step in steps:
            resources.setdefault(step.change.key, []).append(step)
        queue = iter(list(resources.values()))

        async def work() -> None:
            for row in queue:
                for step in row:
                    await self._step(step, do or self._write, begun=step.number in begun)

        workers = (asyncio.create_task(work()) for _ in range(min(self.concurrency, len(resources))))
        ended = await asyncio.gather(*map(self._stopping_all, workers), return_exceptions=True)
        for error in ended:
            if error is not None:
                raise error

    async def _stopping_all(self, worker: asyncio.Task[None]) -> None:
        """What ends one worker ends them all, each after the write that it is at."""
        try:
            await worker
        except BaseException:
            self.stopping = True
            raise

    async def _write(self, step: Step) -> None:
        await write(step, self.writer, self.names)

    async def _step(self, step: Step, do: Do, *, begun: bool) -> None:
        cause = self.cause(step, begun=begun)
        if cause:
            await self.skip(step, cause)
            return
        await self.note_try(step)
        try:
            step.values = step.values or self.values.of(step, self.names.ids)
            if getattr(step.change, "temporary", False) and not self._expected:
                self.expect(self.exchanges.steps)
                self._expected = True
            await do(step)
        except JournalError:
            raise
        except ReconcilerError as error:
            await self.settle(step, error)
            return
        if step.message:
            await self.skip(step, step.message)
            return
        await self.settle(step, None)

    async def note_try(self, step: Step) -> None:
        await self.journal.note("try", **_facts(step))

    async def settle(self, step: Step, error: ReconcilerError | None) -> None:
        """It was done, or refused."""
        self._count()
        if error is not None:
            step.status, step.message = Status.FAILED, told(error, hides=step.hides)
            self._not_taken_over(step)
            step.code, step.recommended_action = str(getattr(error, "verdict", "")), error.hint
            self._judge(error, hides=step.hides)
            await self.journal.note("failed", **_facts(step), why=step.message)
            return
        step.status = Status.DONE
        self._failures.clear()
        self.done(step)
        self.journal.follow("done", **_facts(step))

    async def skip(self, step: Step, cause: str) -> None:
        self._count()
        step.status, step.message = Status.SKIPPED, cause
        self._not_taken_over(step)
        await self.journal.note("skipped", **_facts(step), why=cause)

    def _not_taken_over(self, step: Step) -> None:
        if step.change.action == "adoptUser":
            self.names.refused.add(step.change.key)

    def _count(self) -> None:
        self._finished += 1
        self.progress("writing", self._finished, self._total)

    def cause(self, step: Step, *, begun: bool = False, but: Container[int] = ()) -> str:
        """Why a step is not to be written now; "": it is. `but`: steps that go with it."""
        begun = begun or self.exchanges.begun(step)
        if self.stopping and not (begun and not self.outcome.ended):
            return self.outcome.ended or "interrupted"
        if self.exchanges.has_no_end(step):
            return "the change to the final name is not part of this plan"
        for number in sorted(self.needs.get(step.number, ())):
            before = self.steps[number]
            if before.status is not Status.DONE and number not in but:
                return f"waits for {before.change.action} {before.change.key}, which is {before.status or 'not done'}"
        return "" if begun else self.canary.cause(step)

    def _judge(self, error: ReconcilerError, *, hides: bool) -> None:
        """Five equal failures in a row that are not about one person end the run."""
        if not isinstance(error, GENERAL):
            self._failures.clear()
            return
        kind = type(error).__name__
        for other in list(self._failures):
            if other != kind:
                del self._failures[other]
        self._failures[kind] += 1
        if self._failures[kind] >= EQUAL_FAILURES and not self.stopping:
            self.stopping = True
            said = told(error, hides=True) if hides else error.message
            self.outcome.ended = f"ended after {EQUAL_FAILURES} equal failures in a row: {said}"


async def _believe(_steps: Sequence[Step]) -> None:
    """What was answered with success was done."""


def _facts(step: Step) -> dict[str, object]:
    change = step.change
    facts: dict[str, object] = {"step": step.number, "action": change.action, "key": change.key, "id": step.id}
    paths = sorted(getattr(change, "set", {}))
    if paths:
        facts["paths"] = paths
    members = [m.key for m in getattr(change, "members", ()) if m.key not in step.skipped_members]
    if members:
        facts["members"] = members
    return facts


def _waves(steps: Sequence[Step], needs: dict[int, set[int]], *, leavers_last: bool) -> list[list[Step]]:
    """Stages in order; inside one, whoever waits for another comes after it. What is deleted, and by that frees a name
    that is taken before, is deleted before.
    """
    stages: dict[int, list[Step]] = {}
    position = {s.number: place for place, s in enumerate(_by_need(steps, needs))}
    levels: dict[int, int] = {}
    own = {s.number: stage(s.change, leavers_last=leavers_last) for s in steps}
    deleted = {s.number for s in steps if s.change.action.startswith("delete")}
    for step in steps:
        for number in deleted & needs.get(step.number, set()):
            own[number] = min(own[number], own[step.number])
    for step in sorted(steps, key=lambda s: position[s.number]):
        below = [levels[n] for n in needs.get(step.number, ()) if n in levels]
        level = max([own[step.number] * len(steps), *(b + 1 for b in below)])
        levels[step.number] = level
        stages.setdefault(level, []).append(step)
    return [sorted(stages[level], key=lambda s: s.number) for level in sorted(stages)]


def _by_need(steps: Sequence[Step], needs: dict[int, set[int]]) -> list[Step]:
    """Givers before takers, without recursion."""
    known = {s.number: s for s in steps}
    seen: set[int] = set()
    ordered: list[Step] = []
    for start in steps:
        stack = [start.number]
        while stack:
            number = stack[-1]
            waiting = [n for n in needs.get(number, ()) if n in known and n not in seen]
            if number in seen:
                stack.pop()
            elif waiting and not any(n in stack for n in waiting):
                stack.extend(waiting)
            else:
                seen.add(number)
                ordered.append(known[number])
                stack.pop()
    return ordered
