"""What `apply` and `drift` have to tell, as events. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from reconciler.apply import Outcome
from reconciler.errors import DesiredStateError, ReconcilerError
from reconciler.model.plan import Plan
from reconciler.plan.document import signed
from reconciler.render.figures import plural
from reconciler.render.lines import Line, Telling, sections
from reconciler.render.marks import said, whom
from reconciler.service.due import HELD, REMOVAL_FAILED, held_event
from reconciler.service.failure import REMOVALS, is_failed
from reconciler.service.notify.event import Event

DRIFT, FAILED, BREAK_GLASS = "drift", "failed", "breakGlass"
_LONGEST: Final = 300

__all__ = ["BREAK_GLASS", "DRIFT", "FAILED", "HELD", "of_apply", "of_broken_glass", "of_drift", "of_error"]


def of_apply(plan: Plan, outcome: Outcome | None, at: datetime) -> Iterator[Event]:
    """What is held, and the removals that failed."""
    yield from _held(plan, at)
    failed = [
        step
        for step in (outcome.steps if outcome is not None else ())
        if is_failed(step) and isinstance(step.change, REMOVALS)
    ]
    if failed:
        subjects = tuple(f"{step.change.key}/{step.change.action}@{at:%Y-%m-%d}" for step in failed)
        removals = f"{len(failed):,} {plural(len(failed), 'removal', 'removals')}"
        yield Event(
            REMOVAL_FAILED, plan.app, at, subjects[0], f"{said(plan.app)}: {removals} failed",
            ("Access that git ended is still there.",
             *(f"{whom(s.change.key)}: {said(s.message or 'no reason given', _LONGEST)}" for s in failed)),
            ("run `reconciler apply` again", "take the access away in the application by hand, if it can't wait"),
            covers=subjects,
        )  # fmt: skip


def of_drift(plan: Plan, at: datetime) -> Iterator[Event]:
    """That the application is not what git says, and what of that is a question."""
    yield from _held(plan, at)
    if plan.pending:
        lines = [_sentence(line) for line in _lines(plan)]
        changes = f"{len(plan.pending):,} {plural(len(plan.pending), 'change', 'changes')}"
        yield Event(
            DRIFT, plan.app, at, plan.changes_digest, f"{said(plan.app)} is not what git says: {changes} to make",
            tuple(lines), (f"reconciler plan --app {said(plan.app)}", f"reconciler apply --app {said(plan.app)}"),
        )  # fmt: skip


def of_error(app: str, error: ReconcilerError, at: datetime, doing: str) -> Event:
    """That nothing came of it. `doing`: apply or drift."""
    problems = error.problems[:10] if isinstance(error, DesiredStateError) else ()
    what = hashlib.sha256(f"{type(error).__name__}\0{error.message}".encode()).hexdigest()[:12]
    lines = [said(error.message, _LONGEST), *(said(f"{p.place}: {p.message}", _LONGEST) for p in problems)]
    actions = (said(error.hint, _LONGEST),) if error.hint else ()
    title = f"{said(app)}: {doing} failed"
    return Event(FAILED, app, at, f"{doing}/{what}@{at:%Y-%m-%d}", title, tuple(lines), actions)


def of_broken_glass(app: str, reason: str, not_reviewed: str, at: datetime) -> Event:
    """That somebody applies what nobody reviewed. `not_reviewed` is empty where everything was in order."""
    found = f"What was not in order: {said(not_reviewed, _LONGEST)}" if not_reviewed else "It was not needed."
    return Event(
        BREAK_GLASS, app, at, at.isoformat(), f"{said(app)}: somebody breaks the glass",
        (f"Reason: {said(reason, _LONGEST)}", found, "The journal keeps both."),
        ("look at what was applied, and bring it into git",),
    )  # fmt: skip


def _held(plan: Plan, at: datetime) -> Iterator[Event]:
    if plan.held:
        alone = signed(plan.model_copy(update={"changes": plan.held, "blocked": (), "signature": None}))
        yield held_event(plan.app, at, alone.changes_digest, alone, approvable=False)


def _lines(plan: Plan) -> Iterator[Line]:
    found = sections(plan.pending, Telling(values=False))
    for part in (found.sensitive, found.loses, found.gains, found.renames, found.changes):
        yield from part.values()


def _sentence(line: Line) -> str:
    return ": ".join(filter(None, (line.who, line.text)))
