"""`--history` of plan, apply and drift: each app is a cycle in the history, as those of `run` are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.errors import HistoryError, Interrupted, ReconcilerError

if TYPE_CHECKING:
    from reconciler.apply import Outcome
    from reconciler.model.history import Cycle, CycleStatus, Trigger
    from reconciler.model.settings import Settings
    from reconciler.plan import Proposal
    from reconciler.service.history import History
    from reconciler.session import Opened


@dataclass(slots=True)
class Record:
    """What came of one app, as far as it got."""

    proposal: Proposal | None = None
    outcome: Outcome | None = None
    journal: Path | None = None


@dataclass(slots=True)
class Recorder:
    """Writes nothing where no history was named."""

    trigger: Trigger
    history: History | None = None
    failed: bool = field(default=False, init=False)
    """Something was done and could not be written down."""

    @contextmanager
    def app(self, opened: Opened) -> Iterator[Record]:
        """Around the work on one app. Raises HistoryError before it if nothing can be written down; afterwards that is
        told, and `failed`.
        """
        record = Record()
        if self.history is None:
            yield record
            return
        from reconciler.service.trouble import trouble_of

        cycle = _begun(self.history, opened, self.trigger)
        self.history.begin(cycle)
        try:
            yield record
        except ReconcilerError as error:
            cycle.trouble = trouble_of(error)
            ended: CycleStatus = "interrupted" if isinstance(error, Interrupted) else "failure"
            self._end(cycle, record, opened, ended, error.exit_code)
            raise
        except (click.Abort, KeyboardInterrupt, asyncio.CancelledError):
            self._end(cycle, record, opened, "interrupted", Interrupted.exit_code)
            raise
        except BaseException:
            self._end(cycle, record, opened, "failure", 1)
            raise
        self._end(cycle, record, opened, *_ending(record.outcome))

    def _end(self, cycle: Cycle, record: Record, opened: Opened, status: CycleStatus, code: int) -> None:
        try:
            self._write(cycle, record, opened, status, code)
        except HistoryError as error:
            self.failed = True
            click.echo(f"{cycle.app}: what came of it is not written down: {error}", err=True)

    def _write(self, cycle: Cycle, record: Record, opened: Opened, status: CycleStatus, code: int) -> None:
        from reconciler.service.record import counts, entries
        from reconciler.service.retention import forget_old

        assert self.history is not None
        now = datetime.now(UTC)
        cycle.status, cycle.exit_code, cycle.ended_at = status, code, max(now, cycle.started_at)
        cycle.journal = None if record.journal is None else str(record.journal)
        if record.proposal is not None:
            plan = record.proposal.plan
            cycle.plan_digest, cycle.changes_digest = plan.digest, plan.changes_digest
            cycle.desired_digest, cycle.commit = plan.desired.digest, plan.desired.commit
            cycle.counts = counts(record.proposal, record.outcome)
            cycle.requests = record.proposal.context.snapshot.requests
            if record.outcome is not None:
                cycle.requests += record.outcome.requests
            self.history.write(entries(record.proposal, record.outcome, cycle, now))
        self.history.update(cycle)
        forget_old(self.history, _settings(opened), now)


@contextmanager
def recorder(url: str | None, trigger: Trigger) -> Iterator[Recorder]:
    """Raises HistoryError where the history can't be opened: nothing was done then."""
    if url is None:
        yield Recorder(trigger)
        return
    from reconciler.cli.extras import need

    need("service", "sqlalchemy", "alembic")
    from reconciler.service.history import History

    history = History.open(url)
    try:
        yield Recorder(trigger, history)
    finally:
        history.close()


def _begun(history: History, opened: Opened, trigger: Trigger) -> Cycle:
    from reconciler import __version__
    from reconciler.model.history import Cycle
    from reconciler.service.cycle import config_digest
    from reconciler.service.history import new_cycle_id

    app, now = opened.app, datetime.now(UTC)
    configured = config_digest(app)
    ended = (each for each in history.cycles(app.name, limit=100) if each.status in ("success", "inPart"))
    before = next((each for each in ended if each.trigger in ("run", "apply")), None)
    known = before is not None and before.config_digest == configured
    return Cycle(
        new_cycle_id(now), app.name, app.tenant_url, trigger, "incremental" if known else "initial", now,
        config_digest=configured, tool_version=__version__,
    )  # fmt: skip


def _ending(outcome: Outcome | None) -> tuple[CycleStatus, int]:
    if outcome is None:
        return "success", 0
    code = outcome.exit_code
    if code == Interrupted.exit_code:
        return "interrupted", code
    return ("success" if code in (0, 3) else "inPart"), code


def _settings(opened: Opened) -> Settings:
    from reconciler.desired import settings_alone

    return settings_alone(opened.root)
