"""`--notify`: telling whom app.yaml names of what came of a command. What fails of that is said, and changes no exit
code.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from reconciler.errors import ReconcilerError, UsageError
from reconciler.service.news import of_apply, of_broken_glass, of_drift, of_error
from reconciler.service.notify import Event, channels_of, send
from reconciler.service.telling import failed

if TYPE_CHECKING:
    from reconciler.apply import Outcome
    from reconciler.model.plan import Plan
    from reconciler.service.history import History
    from reconciler.session import Opened


def check(apps: Sequence[Opened]) -> None:
    """Raises UsageError where `--notify` would tell nobody at all."""
    if not any(each.app.notify is not None for each in apps):
        raise UsageError("--notify: no app says whom to tell", hint="add `notify` to app.yaml: docs/notify.md")


@dataclass(slots=True)
class News:
    """Of one app. With a history every event is told once, without one always."""

    opened: Opened
    asked: bool
    """--notify was given."""
    history: History | None = None
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    async def broke_glass(self, reason: str, not_reviewed: str) -> None:
        """Told whether or not --notify was given, and again each time."""
        await self._tell([of_broken_glass(self.opened.app.name, reason, not_reviewed, self.at)], always=True)

    async def applied(self, plan: Plan, outcome: Outcome | None) -> None:
        if self.asked:
            await self._tell(of_apply(plan, outcome, self.at))

    async def compared(self, plan: Plan) -> None:
        if self.asked:
            await self._tell(of_drift(plan, self.at))

    async def failed(self, error: ReconcilerError, doing: str) -> None:
        if self.asked and not isinstance(error, UsageError):
            await self._tell([of_error(self.opened.app.name, error, self.at, doing)])

    async def _tell(self, events: Iterable[Event], *, always: bool = False) -> None:
        app = self.opened.app
        if app.notify is None:
            return
        for event in events:
            channels = [c for c in channels_of(app.notify) if always or not self._was_told(event, c)]
            sent = await send(
                app.notify,
                event,
                root=self.opened.root,
                outgoing=self.opened.settings.outgoing(),
                environ=os.environ,
                ca_file=app.ca_file,
                channels=channels,
            )
            if self.history is not None:
                for notice in sent:
                    self.history.notice(notice)
            for sentence in failed(sent):
                click.echo(f"{app.name}: {event.kind} {sentence}", err=True)

    def _was_told(self, event: Event, channel: str) -> bool:
        if self.history is None:
            return False
        told = {
            (each.event, each.subject)
            for each in self.history.notices(event.app, limit=5000)
            if each.channel == channel and not each.error
        }
        return all((event.kind, subject) in told for subject in event.subjects)
