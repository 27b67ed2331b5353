"""What Prometheus reads. The only label that names anything is `app`: never a person.

Counters count what ended since this process began: each time somebody asks, what the history has of it since the last
time is added. Gauges say how each app is now.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from reconciler import __version__
from reconciler.model.app import App
from reconciler.model.history import LogFilter
from reconciler.service.board import Board
from reconciler.service.monitor import AppStatus, History, State, status_of

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
_SECONDS: Final = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1_200, 2_400, 3_600, 7_200)
_NOTICES: Final = 200


class Metrics:
    """Thread-safe: one answer at a time."""

    def __init__(
        self, history: History, board: Board, apps: Callable[[], Iterable[App]], clock: Callable[[], datetime]
    ) -> None:
        self._history, self._board, self._apps, self._clock = history, board, apps, clock
        self._lock = threading.Lock()
        self._since = clock()
        self._counted: dict[str, datetime] = {}
        """Cycles that were counted and may come again → when they began."""
        self._noticed: dict[str, datetime] = {}
        """App → the newest failed notification that was counted."""
        self._known: set[str] = set()
        self.registry = CollectorRegistry()
        app = ("app",)

        def counter(name: str, what: str, labels: tuple[str, ...] = app) -> Counter:
            return Counter(f"reconciler_{name}", what, labels, registry=self.registry)

        def gauge(name: str, what: str, labels: tuple[str, ...] = app) -> Gauge:
            return Gauge(f"reconciler_{name}", what, labels, registry=self.registry)

        self._cycles = counter("cycles", "Cycles that ended.", ("app", "status"))
        self._duration = Histogram(
            "reconciler_cycle_duration_seconds", "How long cycles took.", app, registry=self.registry, buckets=_SECONDS
        )
        self._changes = counter("changes", "What became of changes.", ("app", "action", "result"))
        self._requests = counter("requests", "Requests that cycles sent.")
        self._undelivered = counter("notifications_failed", "Notifications that could not be delivered.")
        self._gauges = {
            "held": gauge("held_changes", "Changes that wait for an answer."),
            "quarantine": gauge("quarantined", "1: in quarantine."),
            "drift": gauge("drift", "What the last look found changed in the application."),
            "failing": gauge("failing", "People and groups whose change fails again and again."),
            "removals": gauge("failing_removals", "Of these, those whose access could not be taken away."),
            "running": gauge("cycle_running", "1: a cycle is under way."),
            "success": gauge("last_success_timestamp_seconds", "When the last cycle ended that did all; 0: none."),
            "due": gauge("next_due_timestamp_seconds", "When the next cycle is due; 0: never."),
            "interval": gauge("interval_seconds", "How often a cycle is meant to begin."),
        }
        self._state = gauge("app_state", "1 for the state that the app is in.", ("app", "state"))
        self._ready = gauge("ready", "1: the first cycle of every app has ended.", ())
        gauge("build_info", "The version that runs.", ("version",)).labels(__version__).set(1)

    def text(self) -> bytes:
        """Everything, in Prometheus' text format. Raises HistoryError."""
        with self._lock:
            now, apps = self._clock(), list(self._apps())
            for gone in self._known - {app.name for app in apps}:
                self._forget(gone)
            self._known = {app.name for app in apps}
            for app in apps:
                self._count(app.name)
                self._show(status_of(self._history, app, now))
            self._ready.set(self._board.ready)
            return generate_latest(self.registry)

    def _count(self, app: str) -> None:
        """What ended since the last time. A cycle is looked for as long as it may still run: a day."""
        for cycle in self._history.cycles(app, since=self._since - timedelta(days=1)):
            if cycle.ended_at is None or cycle.ended_at < self._since or cycle.id in self._counted:
                continue
            self._counted[cycle.id] = cycle.started_at
            self._cycles.labels(app, cycle.status).inc()
            self._duration.labels(app).observe(max((cycle.ended_at - cycle.started_at).total_seconds(), 0))
            self._requests.labels(app).inc(cycle.requests)
            for entry in self._history.log(LogFilter(cycle=cycle.id)):
                self._changes.labels(app, entry.action, entry.status).inc()
        seen = self._noticed.get(app, self._since)
        failed = [n for n in self._history.notices(app, limit=_NOTICES) if n.error and n.at > seen]
        self._undelivered.labels(app).inc(len(failed))
        self._noticed[app] = max([seen, *(notice.at for notice in failed)])

    def _show(self, status: AppStatus) -> None:
        app, held = status.app, status.held
        due, success = status.next_due, status.last_success
        waiting = status.counts.get("held", 0) if held is None or held.count is None else held.count
        for name, value in (
            ("held", waiting),
            ("quarantine", status.quarantine is not None),
            ("drift", status.drift),
            ("failing", len(status.failing)),
            ("removals", sum(1 for each in status.failing if each.removal)),
            ("running", app in self._board.running),
            ("success", 0 if success is None else success.timestamp()),
            ("due", 0 if due is None else due.timestamp()),
            ("interval", status.every),
        ):
            self._gauges[name].labels(app).set(value)
        for state in State:
            self._state.labels(app, state.value).set(state is status.state)

    def _forget(self, app: str) -> None:
        """It is gone from the files: nobody should be told of it for ever."""
        for gauge in self._gauges.values():
            gauge.remove(app)
        for state in State:
            self._state.remove(app, state.value)
