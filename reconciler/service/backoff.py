"""Whose change fails is tried ever more seldom, and holds nobody up. Removals are tried every time. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from reconciler.apply import Outcome, Status, Step
from reconciler.model.history import Backoff
from reconciler.model.plan import Change, DeactivateUser, DeleteGroup, DeleteUser, EmptyGroup, Plan, RemoveMembers
from reconciler.plan import digest_of_changes
from reconciler.service.quarantine import SWITCHED_OFF, next_try

REMOVALS: Final = (DeactivateUser, DeleteUser, RemoveMembers, EmptyGroup, DeleteGroup)
TOLD_AFTER: Final = 2
"""Failures of one removal, after which people are told."""


@dataclass(frozen=True, slots=True)
class After:
    """What a cycle's end means for those whose changes fail."""

    rows: tuple[Backoff, ...]
    """New or changed."""
    cleared: tuple[str, ...]
    """Keys of those who failed, and need not wait any longer."""
    failing_removals: tuple[Backoff, ...]
    """Of `rows` those that are told: access that should be gone is not, for the second time at least."""


def waiting(backoffs: Mapping[str, Backoff], plan: Plan, now: datetime) -> frozenset[str]:
    """The keys of those whose changes, removals aside, are not tried yet: just these failed, and not long ago."""
    early = {key for key, each in backoffs.items() if now < each.next_attempt}
    changes: dict[str, list[Change]] = {key: [] for key in early}
    for change in plan.pending:
        if change.key in early and not isinstance(change, REMOVALS):
            changes[change.key].append(change)
    return frozenset(
        key for key, found in changes.items() if found and digest_of_changes(found) == backoffs[key].content
    )


def after(app: str, backoffs: Mapping[str, Backoff], outcome: Outcome, now: datetime) -> After:
    """Who failed waits longer than before; who did not, or is not in the plan any more, is cleared."""
    steps: dict[str, list[Step]] = {}
    for step in outcome.steps:
        steps.setdefault(step.change.key, []).append(step)
    rows = [
        _failed(app, key, backoffs.get(key), found, now)
        for key, found in steps.items()
        if any(step.status is Status.FAILED for step in found)
    ]
    failing = {each.key for each in rows}
    cleared = (key for key, each in backoffs.items() if key not in failing and _is_over(each, steps.get(key), now))
    told = (each for each in rows if each.removal and each.failures >= TOLD_AFTER)
    return After(tuple(rows), tuple(cleared), tuple(told))


def _failed(app: str, key: str, before: Backoff | None, steps: list[Step], now: datetime) -> Backoff:
    failed = [step for step in steps if step.status is Status.FAILED]
    first = before.first_failed if before is not None else now
    left = (Status.FAILED, Status.SKIPPED)
    others = [step.change for step in steps if step.status in left and not isinstance(step.change, REMOVALS)]
    return Backoff(
        app, key, (before.failures if before is not None else 0) + 1, first,
        next_try(first, now) or now + SWITCHED_OFF, any(isinstance(step.change, REMOVALS) for step in failed),
        failed[0].message, digest_of_changes(others) if others else "",
    )  # fmt: skip


def _is_over(backoff: Backoff, steps: list[Step] | None, now: datetime) -> bool:
    if steps is None:  # left out until its time, or not needed any more
        return now >= backoff.next_attempt or backoff.removal
    return all(step.status in (Status.DONE, Status.NOT_STORED) for step in steps)
