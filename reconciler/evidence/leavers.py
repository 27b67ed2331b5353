"""Who lost access: asked for, merged, applied, verified absent. Intent is git's, fact is the history's. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from reconciler.model.access import Detail, Grant, Leaver, Since
from reconciler.model.history import Cycle, Entry

TAKES_ACCESS: Final = frozenset({"deactivateUser", "deleteUser"})


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
    after = why.at if why.decision is None else min(why.at, why.decision.requested_at)
    done = sorted((each for each in entries if _is_the_end(each, grant, after)), key=lambda each: each.at)
    if done:
        found = replace(found, applied_at=done[0].at, verified_at=_verified(done[0], cycles))
    if sla is not None:
        found = replace(found, late=(found.applied_at or now) > why.at + sla)
    return found


def _is_the_end(entry: Entry, grant: Grant, after: datetime) -> bool:
    return (
        entry.app == grant.app
        and entry.key == grant.key
        and entry.action in TAKES_ACCESS
        and entry.status == "success"
        and entry.at >= after
    )


def _verified(entry: Entry, cycles: Sequence[Cycle]) -> datetime | None:
    """By the cycle itself, which reads what it wrote; else by the next one that read everything and found it so."""
    if entry.verified:
        return entry.at
    ends = (each.ended_at for each in cycles if each.started_at > entry.at and each.ended_at is not None)
    return min(ends, default=None)


def keys_of(leavers: Iterable[tuple[Grant, Detail, Since]]) -> Iterator[str]:
    """The people, each once."""
    return iter(dict.fromkeys(grant.key for grant, _, _ in leavers))
