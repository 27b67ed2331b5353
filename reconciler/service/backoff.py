"""Whose change fails is tried ever more seldom, and holds nobody up. Removals are tried every time. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from reconciler.apply import Outcome, Status, Step
from reconciler.model.history import Backoff
from reconciler.model.plan import Change, Plan
from reconciler.plan import digest_of_changes
from reconciler.service.failure import REMOVALS, is_about_it, is_failed
from reconciler.service.quarantine import next_step

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
    """Who failed waits longer than before; who did not, or is not in the plan any more, is cleared. Failures that are
    not about the person (the network, the token) change nothing.
    """
    steps: dict[str, list[Step]] = {}
    for step in outcome.steps:
        steps.setdefault(step.change.key, []).append(step)
    rows = [
        _failed(app, key, backoffs.get(key), found, now)
        for key, found in steps.items()
        if any(is_failed(step) and is_about_it(step) for step in found)
    ]
    failing = {each.key for each in rows}
    cleared = (key for key, each in backoffs.items() if key not in failing and _is_over(each, steps.get(key), now))
    told = (each for each in rows if each.removal and each.failures >= TOLD_AFTER)
    return After(tuple(rows), tuple(cleared), tuple(told))


def _failed(app: str, key: str, before: Backoff | None, steps: list[Step], now: datetime) -> Backoff:
    failed = [step for step in steps if is_failed(step) and is_about_it(step)]
    removals = [step for step in failed if isinstance(step.change, REMOVALS)]
    first = before.first_failed if before is not None else now
    return Backoff(
        app, key, (before.failures if before is not None else 0) + 1, first, next_step(first, now), bool(removals),
        (removals or failed)[0].message, _content(steps),
    )  # fmt: skip


def _content(steps: list[Step]) -> str:
    """Names the changes that are not tried again before their time; "": none is. Skipped ones wait with what failed."""
    others = [step for step in steps if not isinstance(step.change, REMOVALS)]
    if not any(is_failed(step) and is_about_it(step) for step in others):
        return ""
    return digest_of_changes(step.change for step in others if is_failed(step) or step.status is Status.SKIPPED)


def _is_over(backoff: Backoff, steps: list[Step] | None, now: datetime) -> bool:
    if steps is None:  # left out until its time, or not needed any more
        return now >= backoff.next_attempt or backoff.removal
    return not any(is_failed(step) or step.status in (Status.SKIPPED, Status.HELD, None) for step in steps)
