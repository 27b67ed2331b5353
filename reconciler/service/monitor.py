"""How each app is, from what the history knows: the same for `status`, the page, the report and the metrics.

Pure but for the history, of which it only reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from pydantic import ValidationError

from reconciler.model.app import App
from reconciler.model.history import Backoff, Cycle, Entry, Held, LogFilter, Notice, Quarantine, Trigger
from reconciler.model.plan import Plan
from reconciler.render.safe import safe
from reconciler.service.schedule import due
from reconciler.service.words import counted, span

RECENT: Final = 20
"""Cycles that are looked through for the last that ended, and for the last that succeeded."""
SHORT: Final = 12 + len("sha256:")
"""Of a digest: enough to approve it by."""


class History(Protocol):
    """What monitoring reads of a history."""

    def cycles(
        self,
        app: str | None = None,
        *,
        limit: int | None = None,
        since: datetime | None = None,
        before: datetime | None = None,
    ) -> list[Cycle]: ...
    def last(self, app: str, *, trigger: Trigger | None = None) -> Cycle | None: ...
    def log(self, wanted: LogFilter) -> Iterator[Entry]: ...
    def people(self, text: str, *, app: str | None = None, limit: int = 20) -> list[tuple[str, str]]: ...
    def quarantine(self, app: str) -> Quarantine | None: ...
    def backoffs(self, app: str) -> dict[str, Backoff]: ...
    def held(self, app: str) -> Held | None: ...
    def notices(self, app: str | None = None, limit: int = 50) -> list[Notice]: ...


class State(StrEnum):
    """How an app is; the first that fits, in the order of `_state`."""

    HEALTHY = "healthy"
    DRIFTING = "drifting"
    HELD = "held"
    FAILING = "failing"
    QUARANTINED = "quarantined"
    OFF = "off"
    NEVER_RUN = "never run"


WORST: Final = (
    State.QUARANTINED, State.FAILING, State.HELD, State.DRIFTING, State.NEVER_RUN, State.HEALTHY, State.OFF,
)  # fmt: skip
"""What somebody should look at first, first."""


@dataclass(frozen=True, slots=True)
class HeldStatus:
    """Changes that wait for an answer."""

    digest: str
    since: datetime
    plan: Plan | None
    """None: another version wrote it, which this one can't read."""
    approved_by: str | None

    @property
    def count(self) -> int | None:
        return None if self.plan is None else len(self.plan.changes)

    @property
    def command(self) -> str:
        """What approves exactly these."""
        return f"reconciler approve {safe(self.digest[:SHORT])}"


@dataclass(frozen=True, slots=True)
class AppStatus:
    """One app. Times are aware, in UTC."""

    app: str
    tenant_url: str
    state: State
    why: str
    """A sentence, with what to do if something is to be done."""
    running: Cycle | None = None
    last: Cycle | None = None
    """The newest that ended, whatever came of it."""
    last_success: datetime | None = None
    """End of the newest that did all it was to do, as far back as is looked."""
    next_due: datetime | None = None
    """None: nothing is due, since it is off."""
    drift: int = 0
    """What had been changed in the application, as the last look found it."""
    quarantine: Quarantine | None = None
    held: HeldStatus | None = None
    failing: tuple[Backoff, ...] = ()
    """People and groups whose change fails, removals first."""
    undelivered: tuple[Notice, ...] = ()
    """Notifications that could not be delivered, newest first, since the last that could."""
    every: float = 0
    """Seconds between two cycles."""

    @property
    def counts(self) -> Mapping[str, int]:
        return {} if self.last is None else self.last.counts


@dataclass(slots=True)
class _Known:
    """What the history has of one app."""

    cycles: Sequence[Cycle]
    quarantine: Quarantine | None
    held: HeldStatus | None
    running: Cycle | None = None
    last: Cycle | None = None
    looked: Cycle | None = None
    """The last that got as far as to compare the application with git."""
    failing: tuple[Backoff, ...] = field(default=())

    def __post_init__(self) -> None:
        newest = self.cycles[0] if self.cycles else None
        self.running = newest if newest is not None and newest.status == "running" else None
        ended = [cycle for cycle in self.cycles if cycle.status != "running"]
        self.last = ended[0] if ended else None
        self.looked = next((cycle for cycle in ended if "drift" in cycle.counts), None)

    @property
    def judged(self) -> Cycle | None:
        """The cycle that says how the app is: somebody who interrupts one says nothing of the app."""
        return next((c for c in self.cycles if c.status not in ("running", "interrupted")), self.last)


def statuses(history: History, apps: Iterable[App], now: datetime) -> list[AppStatus]:
    """Every app, in the order given."""
    return [status_of(history, app, now) for app in apps]


def status_of(history: History, app: App, now: datetime) -> AppStatus:
    held = history.held(app.name)
    known = _Known(
        history.cycles(app.name, limit=RECENT),
        history.quarantine(app.name),
        None if held is None else held_status(held),
    )
    failing = sorted(history.backoffs(app.name).values(), key=lambda b: (not b.removal, b.first_failed, b.key))
    known.failing = tuple(failing)
    state = _state(app, known)
    return AppStatus(
        app.name,
        app.tenant_url,
        state,
        _why(state, app, known, now),
        running=known.running,
        last=known.last,
        last_success=next((c.ended_at for c in known.cycles if c.status == "success"), None),
        next_due=_due(app, known, now),
        drift=0 if known.looked is None else known.looked.counts["drift"],
        quarantine=known.quarantine,
        held=known.held,
        failing=known.failing,
        undelivered=tuple(_undelivered(history.notices(app.name))),
        every=app.every.total_seconds(),
    )


def held_status(held: Held) -> HeldStatus:
    try:
        plan = Plan.model_validate_json(held.plan)
    except ValidationError:
        plan = None
    return HeldStatus(held.digest, held.since, plan, held.approved_by)


def _state(app: App, known: _Known) -> State:
    judged = known.judged
    if not app.provisioning:
        return State.OFF
    if known.quarantine is not None:
        return State.QUARANTINED
    if judged is None:
        return State.NEVER_RUN
    if judged.status in ("failure", "abandoned") or judged.counts.get("failed"):
        return State.FAILING
    if known.held is not None or judged.counts.get("held"):
        return State.HELD
    if _drifts(known.looked):
        return State.DRIFTING
    return State.FAILING if judged.status == "inPart" else State.HEALTHY


def _drifts(looked: Cycle | None) -> bool:
    """Something was changed in the application, and whoever found it did not change it back."""
    if looked is None or not looked.counts["drift"]:
        return False
    return looked.trigger in ("plan", "drift") or looked.status != "success"


def _why(state: State, app: App, known: _Known, now: datetime) -> str:
    judged, quarantine = known.judged, known.quarantine
    match state:
        case State.OFF:
            return "`provisioning: false` in app.yaml: nothing is applied"
        case State.QUARANTINED:
            assert quarantine is not None
            since = f"{safe(quarantine.message, 300)}. For {span(now - quarantine.began)}"
            if quarantine.next_attempt is None:
                return f"{since}; it is switched off: `reconciler resume {app.name}` when that is mended"
            return f"{since}, {counted(quarantine.attempts, 'attempt', 'attempts')} since"
        case State.NEVER_RUN:
            return "no cycle has ended yet"
        case State.HELD:
            return _why_held(known, judged)
        case State.DRIFTING:
            assert known.looked is not None
            drift = known.looked.counts["drift"]
            return f"{counted(drift, 'thing was', 'things were')} changed in the application, and not changed back"
        case State.FAILING:
            assert judged is not None
            return _why_failing(judged)
        case State.HEALTHY:
            return "the application is what git says"


def _why_held(known: _Known, judged: Cycle | None) -> str:
    count = None if known.held is None else known.held.count
    if count is None:
        count = 0 if judged is None else judged.counts.get("held", 0)
    told = counted(count, "change waits", "changes wait") if count else "changes wait"
    if known.held is not None and known.held.approved_by:
        return f"{told} for the next cycle, approved by {safe(known.held.approved_by)}"
    return f"{told} for an answer"


def _why_failing(judged: Cycle) -> str:
    if judged.status == "abandoned":
        return "whoever ran the last cycle died; the next one goes on from there"
    if judged.trouble is not None:
        told = safe(judged.trouble.message, 300)
        action = safe(judged.trouble.recommended_action, 300)
        return f"{told}: {action}" if action else told
    counts = judged.counts
    parts = [
        counted(counts.get(name, 0), one, many)
        for name, one, many in (
            ("failed", "change failed", "changes failed"),
            ("skipped", "was not tried", "were not tried"),
            ("notStored", "was not stored as it was sent", "were not stored as they were sent"),
        )
        if counts.get(name)
    ]
    return ", ".join(parts) or "the last cycle did not do all it was to do"


def _due(app: App, known: _Known, now: datetime) -> datetime | None:
    if not app.provisioning:
        return None
    if known.quarantine is not None:
        return known.quarantine.next_attempt
    return due(next((c for c in known.cycles if c.trigger == "run"), None), app.every, None, now)


def _undelivered(notices: Iterable[Notice]) -> Iterator[Notice]:
    """`notices`: newest first. Of each channel those after the last that was delivered."""
    delivered: set[str] = set()
    for notice in notices:
        if not notice.error:
            delivered.add(notice.channel)
        elif notice.channel not in delivered:
            yield notice
