"""What people are told without asking: when it begins, when it changes, when it ends, and never again and again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reconciler.errors import ReconcilerError
from reconciler.service.due import FILES_REFUSED, Standing, due
from reconciler.service.notify import Event, channels_of, send
from reconciler.service.trouble import trouble_of

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

    from reconciler.model.app import App
    from reconciler.model.history import Notice
    from reconciler.service.checkout import Files
    from reconciler.service.clock import Clock
    from reconciler.service.cycle import Done
    from reconciler.service.history import History
    from reconciler.session import Settings

_TOLD_AFTER: Final = 2
"""Failures of one removal, after which people are told."""
_LOOKED_AT: Final = 5000
"""Notices of one app: more than all that still matter."""


@dataclass(frozen=True, slots=True)
class Telling:
    history: History
    settings: Settings
    environ: Mapping[str, str]
    log: FilteringBoundLogger
    clock: Clock

    async def tell(self, app: App, done: Done) -> None:
        """Of one cycle. What fails of it is kept in the history and logged; nothing is raised for it."""
        await self.remind(app, done.used)

    async def remind(self, app: App, used: Files) -> None:
        """Of how things stand, whether or not there was a cycle. Every event once on every channel."""
        try:
            await self._remind(app, used)
        except ReconcilerError as error:
            self.log.warning("nobody could be told", app=app.name, why=error.message)
        except Exception as error:  # telling people may fail in any way, and never ends what they are told of
            self.log.exception("a fault of reconciler itself: please report it", fault=type(error).__name__)

    async def _remind(self, app: App, used: Files) -> None:
        if app.notify is None:
            return
        standing = self._standing(app, used)
        notices = self.history.notices(app.name, limit=_LOOKED_AT)
        channels = channels_of(app.notify)
        events: dict[Event, list[str]] = {}
        for channel in channels:
            others = [each for each in channels if each != channel]
            for event in due(standing, notices, channel, others):
                events.setdefault(event, []).append(channel)
        working = set(channels)
        for event, wanted in events.items():
            if event.kind == FILES_REFUSED and self._was_told_to_the_same(app, event, used):
                continue
            working -= await self._send(app, event, used, working.intersection(wanted))

    async def _send(self, app: App, event: Event, used: Files, channels: Iterable[str]) -> set[str]:
        """The channels that failed: what else there is for them waits for the next cycle."""
        assert app.notify is not None
        sent = await send(
            app.notify,
            event,
            root=used.loaded.root,
            outgoing=self.settings.outgoing(),
            environ=self.environ,
            ca_file=app.ca_file,
            channels=tuple(channels),
            clock=self.clock.now,
        )
        for notice in sent:
            self.history.notice(notice)
        for channel, error in {each.channel: each.error for each in sent}.items():
            if error:
                self.log.warning("not delivered", app=app.name, event_kind=event.kind, channel=channel, why=error)
            else:
                self.log.info("notified", app=app.name, event_kind=event.kind, channel=channel)
        return {each.channel for each in sent} - {each.channel for each in sent if not each.error}

    def _standing(self, app: App, used: Files) -> Standing:
        history, name = self.history, app.name
        backoffs = history.backoffs(name).values()
        refused: ReconcilerError | None = used.refused
        return Standing(
            app=name,
            at=self.clock.now(),
            quarantine=history.quarantine(name),
            held=history.held(name),
            removals=tuple(each for each in backoffs if each.removal and each.failures >= _TOLD_AFTER),
            refused=None if refused is None else trouble_of(refused),
            refused_as=used.refused_commit or "",
            used=used.commit or "",
            expires=None if app.auth is None else app.auth.expires,
        )

    def _was_told_to_the_same(self, app: App, event: Event, used: Files) -> bool:
        """Whether another app that tells the same people has told them: the files are everybody's."""
        return any(
            other.notify == app.notify and self.history.noticed(other.name, event.kind, event.subject)
            for other in used.loaded.apps.values()
            if other.name != app.name
        )


def failed(notices: Iterable[Notice]) -> list[str]:
    """What was not delivered, as sentences; each once."""
    return list(dict.fromkeys(f"not delivered by {each.channel}: {each.error}" for each in notices if each.error))
