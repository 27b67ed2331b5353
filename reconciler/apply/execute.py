"""Executes a plan: stages follow one another, inside a stage resources are written side by side, each by one task."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Container, Sequence

from reconciler.apply.journal import Journal, JournalError
from reconciler.apply.outcome import Outcome, Status, Step
from reconciler.apply.values import Values, told
from reconciler.apply.write import Names, write
from reconciler.errors import Forbidden, NotScim, ReconcilerError, ServerFailed, Throttled, TransportError, Unauthorized
from reconciler.live import Writer
from reconciler.model.plan import Plan
from reconciler.plan import dependencies, stage

Progress = Callable[[str, int, int], None]
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
        done: Callable[[Step], None],
        progress: Progress | None = None,
        stage_end: Callable[[], None] | None = None,
    ) -> None:
        self.plan = plan
        self.writer = writer
        self.journal = journal
        self.concurrency = concurrency
        self.leavers_last = leavers_last
        self.done = done
        self.progress = progress or (lambda _what, _done, _total: None)
        self.stage_end = stage_end or (lambda: None)
        self.values = values or Values()
        self.steps = [Step(number, change, id=change.id) for number, change in enumerate(plan.changes)]
        for step in self.steps:
            step.hides = self.values.hides(step)
        self.names = Names({c.key: c.id for c in plan.changes if c.id is not None}, known, known_groups)
        self.outcome = Outcome(self.steps)
        self._stopping = False
        self._failures: Counter[str] = Counter()
        self._finished = 0

    def stop(self) -> None:
        self.outcome.interrupted = True
        self._stopping = True

    async def run(self) -> Outcome:
        """Every step ends with a status. The server's failures are statuses; what is raised is our own trouble, and
        nothing is being written any more when it is.
        """
        for step in self.steps:
            if step.change.held:
                step.status = Status.HELD
        pending = [s for s in self.steps if s.status is None]
        needs = dependencies(self.plan.changes)
        for wave in _waves(pending, needs, leavers_last=self.leavers_last):
            await self._wave(wave, needs, len(pending))
            self.stage_end()
        return self.outcome

    async def _wave(self, wave: list[Step], needs: dict[int, set[int]], total: int) -> None:
        resources: dict[str, list[Step]] = {}
        for step in wave:
            resources.setdefault(step.change.key, []).append(step)
        queue = iter(list(resources.values()))

        async def work() -> None:
            for steps in queue:
                for step in steps:
                    await self._step(step, needs)
                    self._finished += 1
                    self.progress("writing", self._finished, total)

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
            self._stopping = True
            raise

    async def _step(self, step: Step, needs: dict[int, set[int]]) -> None:
        cause = self._cause(step, needs)
        if cause:
            await self._skip(step, cause)
            return
        await self.journal.note("try", **_facts(step))
        try:
            step.values = self.values.of(step, self.names.ids)
            await write(step, self.writer, self.names)
        except JournalError:
            raise
        except ReconcilerError as error:
            step.status, step.message = Status.FAILED, told(error, hides=step.hides)
            self._judge(error, hides=step.hides)
            await self.journal.note("failed", **_facts(step), why=step.message)
            return
        if step.message:
            await self._skip(step, step.message)
            return
        step.status = Status.DONE
        self._failures.clear()
        self.done(step)
        await self.journal.note("done", **_facts(step))

    async def _skip(self, step: Step, cause: str) -> None:
        step.status, step.message = Status.SKIPPED, cause
        await self.journal.note("skipped", **_facts(step), why=cause)

    def _cause(self, step: Step, needs: dict[int, set[int]]) -> str:
        if self._stopping:
            return self.outcome.ended or "interrupted"
        for number in sorted(needs.get(step.number, ())):
            before = self.steps[number]
            if before.status is not Status.DONE:
                return f"waits for {before.change.action} {before.change.key}, which is {before.status or 'not done'}"
        return ""

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
        if self._failures[kind] >= EQUAL_FAILURES and not self._stopping:
            self._stopping = True
            said = told(error, hides=True) if hides else error.message
            self.outcome.ended = f"ended after {EQUAL_FAILURES} equal failures in a row: {said}"


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
    """Stages in order; inside one, whoever waits for another comes after it.

    A circle (two people who swap names) can't be ordered: the waiting ones are left to the last wave, where they are
    skipped with their cause.
    """
    stages: dict[int, list[Step]] = {}
    position = {s.number: place for place, s in enumerate(_by_need(steps, needs))}
    levels: dict[int, int] = {}
    for step in sorted(steps, key=lambda s: position[s.number]):
        below = [levels[n] for n in needs.get(step.number, ()) if n in levels]
        level = max([stage(step.change, leavers_last=leavers_last) * len(steps), *(b + 1 for b in below)])
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
