"""People who exchange names, while it happens: what was begun is ended, or taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from reconciler.apply.journal import JournalError
from reconciler.apply.outcome import Status, Step
from reconciler.apply.values import told
from reconciler.apply.write import write
from reconciler.errors import ReconcilerError
from reconciler.model.plan import Change, Difference, RenameGroup, RenameUser
from reconciler.plan import exchanges
from reconciler.plan.order import names_of

if TYPE_CHECKING:
    from reconciler.apply.execute import Executor


class Exchanges:
    """The circles of one plan. `needs` is what its dependencies say."""

    def __init__(self, steps: Sequence[Step], needs: Mapping[int, set[int]]) -> None:
        self._needs = needs
        circles = exchanges([step.change for step in steps], needs)
        self._circles = [[steps[number] for number in sorted(circle)] for circle in circles]
        self._circle_of = {step.number: circle for circle in self._circles for step in circle}

    def begun(self, step: Step) -> bool:
        """Whether somebody has a temporary name until this step, and others like it, are done."""
        return any(each.status is Status.DONE for each in self._circle_of.get(step.number, ()) if _is_aside(each))

    def has_no_end(self, step: Step) -> bool:
        """Whether it would leave somebody with a temporary name, because only a part of a plan is run."""
        return _is_aside(step) and step.number not in self._circle_of

    @property
    def steps(self) -> list[Step]:
        return [step for circle in self._circles for step in circle]

    async def take_back(self, executor: Executor) -> None:
        """Gives everybody of a circle that broke off the old name again. Where that fails too, it is said loudly, and
        the next plan goes on from there.
        """
        for circle in self._circles:
            done = [step for step in circle if step.status is Status.DONE]
            if not any(_is_aside(step) for step in done) or len(done) == len(circle):
                continue
            why = min((s for s in circle if s.status is not Status.DONE), key=_waits)
            cause = f"{why.change.action} {why.change.key} is {why.status}"
            if not await self._all_back(self._newest_first(done), cause, executor):
                self._say(circle, executor)

    async def _all_back(self, done: Sequence[Step], cause: str, executor: Executor) -> bool:
        for step in done:
            back = _back(step)
            await executor.journal.note("takeBack", step=step.number, action=step.change.action, key=step.change.key)
            try:
                back.values = executor.values.of(back, executor.names.ids)
                await write(back, executor.writer, executor.names)
            except JournalError:
                raise
            except ReconcilerError as error:
                step.message = f"could not be taken back: {told(error, hides=step.hides)}"
                await executor.journal.note("notTakenBack", step=step.number, key=step.change.key, why=step.message)
                return False
            executor.done(back)
            step.status, step.taken_back = Status.SKIPPED, True
            step.message = f"the old name was given back, because {cause}"
            await executor.journal.note("takenBack", step=step.number, key=step.change.key, why=cause)
        return True

    def _newest_first(self, done: Sequence[Step]) -> list[Step]:
        """Whoever took a name before the one who gave it up."""
        known, ordered = {step.number: step for step in done}, dict[int, None]()

        def visit(step: Step) -> None:
            stack = [step.number]
            while stack:
                open_ = [n for n in self._needs.get(stack[-1], ()) if n in known and n not in ordered]
                if open_:
                    stack += open_
                else:
                    ordered[stack.pop()] = None

        for step in done:
            visit(step)
        return [known[number] for number in reversed(ordered)]

    def _say(self, circle: Sequence[Step], executor: Executor) -> None:
        for step in circle:
            if _is_aside(step) and step.status is Status.DONE:
                names = " and ".join(str(d.after) for d in _set(step.change).values())
                executor.outcome.learned.append(
                    f"{step.change.key} is called {names} now: an exchange of names broke off; apply again to end it"
                )


def _is_aside(step: Step) -> bool:
    return bool(getattr(step.change, "temporary", False))


def _waits(step: Step) -> bool:
    return step.status is Status.SKIPPED and step.message.startswith("waits for")


def _set(change: Change) -> Mapping[str, Difference]:
    found: Mapping[str, Difference] = getattr(change, "set", {})
    return found


def _back(step: Step) -> Step:
    """The same names the other way round, and nothing else of the step."""
    change = step.change
    paths = {path for _, path, _ in names_of(change, "before")}
    back = {p: Difference(before=d.after, after=d.before) for p, d in _set(change).items() if p in paths}
    kind = RenameUser if change.action.endswith("User") else RenameGroup
    return Step(step.number, kind(key=change.key, id=step.id, name=change.name, set=back, temporary=True), id=step.id)
