"""Who lost access: asked for, merged, applied, verified absent. Intent is git's, fact is the history's. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from reconciler.model.access import Detail, Grant, Leaver, Since
from reconciler.model.history import Cycle, Entry

TAKES_ACCESS: Final = frozenset({"deactivateUser", "deleteUser"})
GIVES_ACCESS: Final = frozenset({"createUser", "reactivateUser"})


def leaver(
    grant: Grant,
    detail: Detail,
    why: Since,
    entries: Iterable[Entry],
    cycles: Sequence[Cycle],
    *,
    now: datetime,
    sla: timedelta | None,
) -> Leaver:
    """`entries`: of this person, of any time; `cycles`: of the app, with success, any order. `sla`: how long after the
    merge (or after the window's end) the application may still give access; None: any time.
    """
    found = Leaver(grant.app, grant.key, detail.name, why)
    done = sorted((each for each in entries if _about(each, grant)), key=lambda each: each.at)
    end = _the_end(done, why)
    if end is not None:
        again = {each.cycle for each in done if each.at > end.at}
        found = replace(found, applied_at=end.at, verified_at=_verified(end, cycles, again))
    if sla is not None:
        found = replace(found, late=(found.applied_at or now) > why.at + sla)
    return found


def _about(entry: Entry, grant: Grant) -> bool:
    """Whether it gave or took the account."""
    return (
        entry.app == grant.app
        and entry.key == grant.key
        and entry.action in TAKES_ACCESS | GIVES_ACCESS
        and entry.status == "success"
    )


def _the_end(done: Sequence[Entry], why: Since) -> Entry | None:
    """`done`: in the order of time. What was taken between request and merge counts (a revocation), if nothing gave it
    back until then: an earlier departure of the same person is not this one's.
    """
    asked = why.at if why.decision is None else min(why.at, why.decision.requested_at)
    before = [each for each in done if each.at < why.at]
    if before and before[-1].action in TAKES_ACCESS and before[-1].at >= asked:
        return before[-1]
    return next((each for each in done if each.at >= why.at and each.action in TAKES_ACCESS), None)


def _verified(end: Entry, cycles: Sequence[Cycle], again: Collection[str]) -> datetime | None:
    """By the cycle itself, which reads what it wrote; else by the next one that read everything and found it so.
    `again`: cycles that gave or took the account once more; from the first of them on nothing proves this end.
    """
    if end.verified:
        return end.at
    for each in sorted(cycles, key=lambda cycle: cycle.started_at):
        if each.started_at > end.at:
            if each.id in again:
                return None
            if each.ended_at is not None:
                return each.ended_at
    return None
