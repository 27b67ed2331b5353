"""The apps and how they are, as a table for people and as a document for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from reconciler.model.history import Cycle
from reconciler.render.safe import safe, width
from reconciler.render.style import Style
from reconciler.service.monitor import AppStatus, State
from reconciler.service.words import ago, counted, moment, past, span, stamp, verb

FORMAT: Final = "reconciler.status/1"
SIGNS: Final = {
    State.HEALTHY: "✓",
    State.DRIFTING: "~",
    State.HELD: "?",
    State.FAILING: "✗",
    State.QUARANTINED: "✗",
    State.OFF: "-",
    State.NEVER_RUN: "-",
}
_COLOURS: Final = {
    State.HEALTHY: "green",
    State.DRIFTING: "yellow",
    State.HELD: "yellow",
    State.FAILING: "red",
    State.QUARANTINED: "red",
    State.OFF: "dim",
    State.NEVER_RUN: "dim",
}
_HEADINGS: Final = ("APP", "STATE", "LAST CYCLE", "TOOK", "DONE", "FAILED", "HELD", "DRIFT", "NEXT")
_RIGHT: Final = frozenset({3, 4, 5, 6, 7})
ENDED: Final = {
    "success": "done",
    "inPart": "in part",
    "failure": "failed",
    "interrupted": "interrupted",
    "abandoned": "died",
    "running": "running",
}
"""What became of a cycle, in words."""
_NAMED: Final = 5


def text(statuses: Sequence[AppStatus], style: Style, now: datetime) -> str:
    """A line an app; below, what somebody should know or do, app by app."""
    rows = [_HEADINGS, *(_row(status, now) for status in statuses)]
    widths = [max(width(row[n]) for row in rows) for n in range(len(_HEADINGS))]
    lines = [style(_line(_HEADINGS, widths), "bold")]
    for status, row in zip(statuses, rows[1:], strict=True):
        cells = _cells(row, widths)
        cells[1] = style(cells[1], _COLOURS[status.state])
        lines.append("  ".join(cells).rstrip())
    for status in statuses:
        below = list(_below(status, now))
        if below:
            lines += ["", style(safe(status.app), "bold"), *(f"  {line}" for line in below)]
    return "\n".join(lines) + "\n"


def _row(status: AppStatus, now: datetime) -> tuple[str, ...]:
    last, counts = status.last, status.counts
    return (
        safe(status.app),
        f"{SIGNS[status.state]} {status.state}",
        f"{ENDED[last.status]} {past(last.ended_at or last.started_at, now)}" if last else "",
        _took(last),
        *(f"{counts.get(name, 0):,}" if last else "" for name in ("done", "failed", "held")),
        f"{status.drift:,}" if last else "",
        _next(status, now),
    )


def _took(cycle: Cycle | None) -> str:
    return "" if cycle is None or cycle.ended_at is None else span(cycle.ended_at - cycle.started_at)


def _next(status: AppStatus, now: datetime) -> str:
    if status.running is not None:
        return f"running for {span(now - status.running.started_at)}"
    if status.next_due is None:
        return "never" if status.quarantine is not None else ""
    return "due" if status.next_due <= now else ago(status.next_due, now)


def _cells(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [
        " " * (wide - width(cell)) + cell if number in _RIGHT else cell + " " * (wide - width(cell))
        for number, (cell, wide) in enumerate(zip(row, widths, strict=True))
    ]


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(_cells(row, widths)).rstrip()


def _below(status: AppStatus, now: datetime) -> Iterator[str]:
    if status.state is not State.HEALTHY:
        yield status.why
    if status.quarantine is not None and status.quarantine.next_attempt is not None:
        yield f"tried again {ago(status.quarantine.next_attempt, now)}, or after `reconciler resume {status.app}`"
    if status.held is not None:
        yield f"held since {moment(status.held.since)}: {told_of_plan(status)}"
        if not status.held.approved_by:
            yield f"to approve exactly these: {status.held.command}"
    if status.failing:
        names = ", ".join(f"{safe(b.key)}{' (removal)' if b.removal else ''}" for b in status.failing[:_NAMED])
        more = f" and {len(status.failing) - _NAMED:,} more" if len(status.failing) > _NAMED else ""
        yield f"fails again and again: {names}{more}"
    if status.undelivered:
        newest = status.undelivered[0]
        yield (
            f"{counted(len(status.undelivered), 'notification', 'notifications')} not delivered by "
            f"{safe(newest.channel)}: {safe(newest.error, 200)}"
        )


def told_of_plan(status: AppStatus) -> str:
    """What the held changes are, in few words."""
    held = status.held
    if held is None or held.plan is None:
        return "changes of another version, which this one can't read"
    verbs: dict[str, int] = {}
    for change in held.plan.changes:
        verbs[change.action] = verbs.get(change.action, 0) + 1
    return ", ".join(
        f"{count:,} {verb(action)}" for action, count in sorted(verbs.items(), key=lambda v: (-v[1], v[0]))
    )


def document(statuses: Sequence[AppStatus], now: datetime) -> dict[str, Any]:
    """`reconciler.status/1`."""
    return {"format": FORMAT, "at": stamp(now), "apps": [_document(status) for status in statuses]}


def _document(status: AppStatus) -> dict[str, Any]:
    quarantine, held = status.quarantine, status.held
    return {
        "app": status.app,
        "tenantUrl": status.tenant_url,
        "state": status.state,
        "why": status.why,
        "running": cycle_document(status.running),
        "last": cycle_document(status.last),
        "lastSuccess": stamp(status.last_success),
        "nextDue": stamp(status.next_due),
        "drift": status.drift,
        "quarantine": None
        if quarantine is None
        else {
            "reason": quarantine.reason,
            "message": quarantine.message,
            "since": stamp(quarantine.began),
            "attempts": quarantine.attempts,
            "nextAttempt": stamp(quarantine.next_attempt),
        },
        "held": None
        if held is None
        else {
            "digest": held.digest,
            "since": stamp(held.since),
            "changes": held.count,
            "approvedBy": held.approved_by,
            "command": held.command,
        },
        "failing": [
            {"key": b.key, "removal": b.removal, "failures": b.failures, "nextAttempt": stamp(b.next_attempt),
             "message": b.message}
            for b in status.failing
        ],
        "undelivered": [
            {"event": n.event, "channel": n.channel, "at": stamp(n.at), "error": n.error} for n in status.undelivered
        ],
    }  # fmt: skip


def cycle_document(cycle: Cycle | None) -> dict[str, Any] | None:
    if cycle is None:
        return None
    ended = cycle.ended_at
    return {
        "id": cycle.id,
        "trigger": cycle.trigger,
        "kind": cycle.kind,
        "status": cycle.status,
        "exitCode": cycle.exit_code,
        "startedAt": stamp(cycle.started_at),
        "endedAt": stamp(ended),
        "seconds": None if ended is None else round((ended - cycle.started_at).total_seconds(), 3),
        "commit": cycle.commit,
        "counts": dict(cycle.counts),
        "requests": cycle.requests,
        "trouble": None
        if cycle.trouble is None
        else {
            "category": cycle.trouble.category,
            "message": cycle.trouble.message,
            "recommendedAction": cycle.trouble.recommended_action,
        },
    }
